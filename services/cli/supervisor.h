#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "learner/metrics_writer.h"
#include "learner/run_folder.h"
#include "services/cli/child_process.h"
#include "services/config/run_config.h"

namespace entrain {

struct SupervisorOptions {
  std::string bin_folder;  // where the four programs are
  RunConfig config;
  RunFolder folder;
  std::string run_id;
  bool resume = false;
  bool apply_schedule = false;
};

// The processes of one run on this machine: controller, verifiers, learner, rollout workers. Restarts all but
// the learner, with growing pauses and on the same ports (docs/architecture.md 6.13); what happens goes to
// events.jsonl and the attempt's logs. Single-threaded: call Poll often.
class Supervisor {
 public:
  static absl::StatusOr<std::unique_ptr<Supervisor>> Create(SupervisorOptions options);
  ~Supervisor();

  // Starts everything; `idle` is called while the learner prepares its model. Cancelled at a stop; else the
  // error says which process failed and what it wrote last.
  absl::Status Start(const std::stop_token& stop, const std::function<void()>& idle);
  // Reaps and restarts.
  absl::Status Poll();
  // The learner's exit status once it has ended.
  std::optional<int> learner_exit() const { return learner_exit_; }
  // Asks every process to stop, learner first; kills what is left after `grace`.
  void StopAll(absl::Duration grace);

  const std::string& controller() const { return controller_; }
  const std::string& learner() const { return learner_; }
  const std::string& verifiers() const { return verifiers_; }
  const std::string& page() const { return page_; }
  int64_t restarts() const { return restarts_; }
  // Processes that end again and again soon after their start, each with what people need to know.
  std::map<std::string, std::string> Troubles() const;
  std::string LogFile(const std::string& name) const;

 private:
  struct Process {
    std::string name;
    std::vector<std::string> arguments;  // without ports
    bool serves_grpc = true;
    std::string grpc = "127.0.0.1:0", http = "127.0.0.1:0";  // as bound, after the first start
    std::optional<ChildProcess> child;
    bool announced = false;
    int failures = 0;
    int last_exit = 0;
    absl::Time started, next_start;
  };

  explicit Supervisor(SupervisorOptions options);
  absl::Status Launch(Process& process);
  // True once the process has said where it listens.
  absl::StatusOr<bool> Listen(Process& process, absl::Duration timeout);
  absl::Status LaunchAndWait(Process& process, const std::stop_token& stop,
                             const std::function<void()>& idle);
  absl::Status Event(const std::string& event, const Process& process,
                     std::optional<int> exit = std::nullopt);
  absl::Status Failed(const Process& process, const absl::Status& why) const;

  const SupervisorOptions options_;
  std::unique_ptr<LineWriter> events_;
  std::vector<std::unique_ptr<Process>> processes_;
  std::string controller_, learner_, verifiers_, page_;
  std::optional<int> learner_exit_;
  int64_t restarts_ = 0;
  bool stopping_ = false;
};

}  // namespace entrain
