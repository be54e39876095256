#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/clock.h"
#include "common/mutex.h"
#include "policy/generator.h"
#include "rollout_worker/learner_link.h"
#include "rollout_worker/lease_keeper.h"
#include "verifier/verifier.h"

namespace entrain {

// What a worker makes of the model files that it gets when it joins. The composition root knows how.
struct WorkerModel {
  std::unique_ptr<Generator> generator;
  // Completion tokens → the text that is judged: without the EOS that ended it.
  std::function<absl::StatusOr<std::string>(std::span<const TokenId>)> detokenise;
};
using WorkerModelFactory = std::function<absl::StatusOr<WorkerModel>(const JoinReply&)>;

struct RolloutLoopOptions {
  std::string name;  // of this worker
  std::string device = "cpu";
  std::string dtype = "float32";
  absl::Duration lease_wait = absl::Seconds(5);         // how long a lease call may wait for work
  absl::Duration first_pause = absl::Milliseconds(50);  // after a failure; doubled up to longest_pause
  absl::Duration longest_pause = absl::Seconds(2);
  absl::Duration verifier_patience = absl::Seconds(60);  // without any verifier, before a lease is returned
};

// Cumulative.
struct RolloutStats {
  int64_t leases = 0, leases_returned = 0;
  int64_t groups_accepted = 0, groups_duplicate = 0, groups_expired = 0, groups_refused = 0;
  int64_t completions = 0, tokens = 0, truncated = 0;
  int64_t weights_fetched = 0, learner_failures = 0, verifier_failures = 0;
  int64_t verdicts_retried = 0, excluded_timeout = 0, excluded_error = 0;
  double generate_seconds = 0, verify_seconds = 0, fetch_seconds = 0;
};

// One rollout worker: lease → fetch weights → generate → verify → submit, until the run ends or a stop is
// asked. May be killed at any moment: nothing of a run depends on it. Single-threaded but for stats().
class RolloutLoop {
 public:
  RolloutLoop(RolloutLoopOptions options, LearnerLink& link, Verifier& verifier, WorkerModelFactory factory,
              Clock& clock);

  // One turn. False when the run has ended. A failure of the learner or the verifier is not an error here:
  // the loop pauses and tries again; an error is a mistake that repeating does not mend (another protocol
  // version, a model that this build cannot run).
  absl::StatusOr<bool> Step(std::stop_token stop);
  absl::Status Run(std::stop_token stop);
  RolloutStats stats();

 private:
  absl::Status Join();
  absl::StatusOr<bool> FetchIfNeeded(const Lease& lease);
  absl::StatusOr<Group> Generate(const Lease& lease, std::stop_token stop);
  absl::Status VerifyAll(const Lease& lease, Group& group, std::stop_token stop);
  absl::StatusOr<SubmitResult> SubmitPatiently(const Group& group, std::stop_token stop);
  absl::Status Submit(const Group& group, std::stop_token stop);
  absl::StatusOr<bool> Work(const Lease& lease, std::stop_token stop);
  void Return(const Lease& lease);
  // Sleeps a little longer after every failure in a row.
  void Pause(const std::stop_token& stop);

  const RolloutLoopOptions options_;
  LearnerLink& link_;
  Verifier& verifier_;
  const WorkerModelFactory factory_;
  Clock& clock_;
  LeaseKeeper keeper_;
  bool joined_ = false;
  JoinReply join_;
  WorkerModel model_;
  absl::Duration pause_;
  Mutex mutex_;
  RolloutStats stats_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace entrain
