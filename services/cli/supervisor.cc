#include "services/cli/supervisor.h"

#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "common/status_macros.h"
#include "services/cli/run_files.h"

namespace entrain {
namespace {

namespace fs = std::filesystem;

constexpr absl::Duration kShortestPause = absl::Milliseconds(100);
constexpr absl::Duration kLongestPause = absl::Seconds(5);
constexpr absl::Duration kStable =
    absl::Seconds(30);       // a process that ran this long begins anew with short pauses
constexpr int kTrouble = 3;  // this many ends in a row are no accident

// What entrain-verifier is started with, beside addresses: what differs from its own defaults.
std::vector<std::string> VerifierArguments(const VerifierOptions& options) {
  const VerifierOptions defaults;
  std::vector<std::string> out = {"--concurrency", absl::StrCat(options.concurrency)};
  if (options.cache_mb != defaults.cache_mb)
    out.insert(out.end(), {"--cache-mb", absl::StrCat(options.cache_mb)});
  if (options.sandbox != defaults.sandbox) out.insert(out.end(), {"--sandbox", options.sandbox});
  for (const auto& [name, words] : options.commands) {
    out.emplace_back("--command");
    out.push_back(absl::StrCat(name, "=", absl::StrJoin(words, " ")));
  }
  return out;
}

}  // namespace

Supervisor::Supervisor(SupervisorOptions options) : options_(std::move(options)) {}

Supervisor::~Supervisor() { StopAll(absl::Seconds(4)); }

absl::StatusOr<std::unique_ptr<Supervisor>> Supervisor::Create(SupervisorOptions options) {
  std::unique_ptr<Supervisor> supervisor(new Supervisor(std::move(options)));
  ENTRAIN_ASSIGN_OR_RETURN(supervisor->events_, LineWriter::Open(supervisor->options_.folder.EventsFile()));
  return supervisor;
}

std::string Supervisor::LogFile(const std::string& name) const {
  return absl::StrCat(options_.folder.AttemptFolder(), "/logs/", name, ".log");
}

absl::Status Supervisor::Event(const std::string& event, const Process& process, std::optional<int> exit) {
  std::map<std::string, std::string> texts = {{"process", process.name}};
  std::map<std::string, double> numbers;
  if (process.announced && process.serves_grpc) texts["grpc"] = process.grpc;
  if (process.announced) texts["http"] = process.http;
  if (process.child.has_value()) numbers["pid"] = process.child->pid();
  if (exit.has_value()) numbers["exit"] = *exit;
  return events_->Write(EventJson(event, texts, numbers));
}

absl::Status Supervisor::Failed(const Process& process, const absl::Status& why) const {
  return absl::UnavailableError(
      absl::StrCat(process.name, ": ", why.message(), "\n", Tail(LogFile(process.name), 8)));
}

absl::Status Supervisor::Launch(Process& process) {
  std::vector<std::string> arguments = process.arguments;
  if (process.serves_grpc) arguments.insert(arguments.end(), {"--listen", process.grpc});
  arguments.insert(arguments.end(), {"--http", process.http});
  ENTRAIN_ASSIGN_OR_RETURN(process.child, ChildProcess::Start(arguments, LogFile(process.name)));
  process.announced = false;
  process.started = absl::Now();
  return absl::OkStatus();
}

absl::StatusOr<bool> Supervisor::Listen(Process& process, absl::Duration timeout) {
  const absl::StatusOr<std::string> line = process.child->ReadLine(timeout);
  if (absl::IsDeadlineExceeded(line.status())) return false;
  ENTRAIN_RETURN_IF_ERROR(line.status());
  const nlohmann::json json = nlohmann::json::parse(*line, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || json.value("event", "") != "listening")
    return absl::InternalError(absl::StrCat("said \"", line->substr(0, 200), "\""));
  process.grpc = json.value("grpc", process.grpc);
  process.http = json.value("http", process.http);
  process.announced = true;
  return true;
}

absl::Status Supervisor::LaunchAndWait(Process& process, const std::stop_token& stop,
                                       const std::function<void()>& idle) {
  ENTRAIN_RETURN_IF_ERROR(Launch(process));
  while (true) {
    if (stop.stop_requested()) return absl::CancelledError("stopped");
    const absl::StatusOr<bool> listening = Listen(process, absl::Milliseconds(50));
    if (!listening.ok()) return Failed(process, listening.status());
    if (*listening) return Event("process_started", process);
    if (idle) idle();
  }
}

absl::Status Supervisor::Start(const std::stop_token& stop, const std::function<void()>& idle) {
  const RunConfig& config = options_.config;
  const auto program = [this](const char* name) { return (fs::path(options_.bin_folder) / name).string(); };
  const auto add = [this](std::string name, std::vector<std::string> arguments,
                          bool serves_grpc) -> Process& {
    processes_.push_back(std::make_unique<Process>());
    processes_.back()->name = std::move(name);
    processes_.back()->arguments = std::move(arguments);
    processes_.back()->serves_grpc = serves_grpc;
    return *processes_.back();
  };
  controller_ = config.controller_address;
  if (controller_.empty()) {
    Process& controller =
        add("controller",
            {program("entrain-controller"), "--db", options_.folder.root + "/controller.sqlite"}, true);
    ENTRAIN_RETURN_IF_ERROR(LaunchAndWait(controller, stop, idle));
    controller_ = controller.grpc;
    page_ = absl::StrCat("http://", controller.http, "/");
  }
  std::vector<std::string> addresses;
  for (int32_t i = 1; i <= config.verifier.processes; ++i) {
    Process& verifier = add(absl::StrCat("verifier-", i), {program("entrain-verifier")}, true);
    for (std::string& argument : VerifierArguments(config.verifier))
      verifier.arguments.push_back(std::move(argument));
    ENTRAIN_RETURN_IF_ERROR(LaunchAndWait(verifier, stop, idle));
    addresses.push_back(verifier.grpc);
  }
  verifiers_ = absl::StrJoin(addresses, ",");
  Process& learner =
      add("learner",
          {program("entrain-learner"), "--config", options_.folder.AttemptFolder() + "/config.json", "--run",
           options_.folder.root, "--run-id", options_.run_id, "--attempt",
           absl::StrCat(options_.folder.attempt), "--controller", controller_, "--verifier", verifiers_},
          true);
  if (options_.resume) learner.arguments.emplace_back("--resume");
  if (options_.apply_schedule) learner.arguments.emplace_back("--apply-schedule");
  learner.grpc = config.listen;
  ENTRAIN_RETURN_IF_ERROR(LaunchAndWait(learner, stop, idle));
  learner_ = learner.grpc;
  for (int32_t i = 1; i <= config.rollout.workers; ++i) {
    const std::string name = absl::StrCat("rollout-worker-", i);
    Process& worker = add(name,
                          {program("entrain-rollout-worker"), "--learner", learner_, "--name", name,
                           "--threads", absl::StrCat(config.rollout.threads), "--device",
                           config.rollout.device, "--dtype", config.rollout.dtype},
                          false);
    ENTRAIN_RETURN_IF_ERROR(LaunchAndWait(worker, stop, nullptr));
  }
  return absl::OkStatus();
}

absl::Status Supervisor::Poll() {
  const absl::Time now = absl::Now();
  for (const auto& owned : processes_) {
    Process& process = *owned;
    if (process.child.has_value()) {
      if (!process.announced) {
        // A restarted process tells its address in its own time.
        const absl::StatusOr<bool> listening = Listen(process, absl::Milliseconds(1));
        if (listening.ok() && *listening) ENTRAIN_RETURN_IF_ERROR(Event("process_restarted", process));
      }
      const std::optional<int> exit = process.child->Poll();
      if (!exit.has_value()) continue;
      const bool learner = process.name == "learner";
      ENTRAIN_RETURN_IF_ERROR(Event("process_ended", process, exit));
      process.child.reset();
      process.last_exit = *exit;
      if (learner) {
        learner_exit_ = exit;
        continue;
      }
      process.failures = now - process.started > kStable ? 0 : process.failures + 1;
      // Who leaves without an error was told to: mostly the run is over, and the learner about to end.
      process.next_start =
          now + (exit == 0 ? kLongestPause
                           : std::min(kShortestPause * (1 << std::min(process.failures, 6)), kLongestPause));
    } else if (process.name != "learner" && !learner_exit_.has_value() && !stopping_ &&
               now >= process.next_start) {
      ++restarts_;
      ENTRAIN_RETURN_IF_ERROR(Launch(process));
    }
  }
  return absl::OkStatus();
}

std::map<std::string, std::string> Supervisor::Troubles() const {
  std::map<std::string, std::string> out;
  for (const auto& process : processes_) {
    const bool stable = process->child.has_value() && absl::Now() - process->started > kStable;
    if (process->failures < kTrouble || process->last_exit == 0 || stable) continue;
    out[process->name] = absl::StrCat(
        process->name, " ended ", process->failures, " times soon after its start, last with exit status ",
        process->last_exit, "; it is started again. Its log: ", LogFile(process->name));
  }
  return out;
}

void Supervisor::StopAll(absl::Duration grace) {
  stopping_ = true;
  const absl::Time until = absl::Now() + grace;
  // The learner first: it writes its checkpoint while the others still answer.
  for (const bool learner : {true, false}) {
    for (const auto& process : processes_) {
      if (process->child.has_value() && (process->name == "learner") == learner)
        process->child->Signal(SIGTERM);
    }
    while (absl::Now() < until) {
      const bool alive = std::ranges::any_of(processes_, [learner](const auto& process) {
        return process->child.has_value() && (process->name == "learner") == learner &&
               !process->child->Poll().has_value();
      });
      if (!alive) break;
      absl::SleepFor(absl::Milliseconds(10));
    }
  }
  for (const auto& process : processes_) {
    if (!process->child.has_value()) continue;
    if (process->name == "learner") learner_exit_ = process->child->Poll();
    process->child.reset();  // kills what is left
  }
}

}  // namespace entrain
