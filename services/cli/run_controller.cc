#include "services/cli/run_controller.h"

#include <signal.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "common/clock.h"
#include "common/status_macros.h"
#include "controller/controller.h"
#include "services/cli/run_files.h"
#include "services/runtime/channel.h"

namespace entrain {
namespace {

namespace fs = std::filesystem;

bool IsAlive(const ProcessAddress& process) {
  return process.pid > 0 && kill(static_cast<pid_t>(process.pid), 0) == 0;
}

}  // namespace

absl::StatusOr<RunController> RunController::Find(const std::string& run, const std::string& address,
                                                  const std::string& user) {
  RunController out;
  out.run_ = run;
  out.run_id_ = run;
  std::string where = address;
  if (fs::exists(fs::path(run) / "run.json")) {
    ENTRAIN_ASSIGN_OR_RETURN(out.run_id_, ReadRunId(run));
    if (where.empty()) {
      ENTRAIN_ASSIGN_OR_RETURN(const RunFolder folder, NewestAttempt(run));
      auto processes = ReadAddresses(folder);
      const std::string history = (fs::path(run) / "controller.sqlite").string();
      if (!IsAlive(processes["controller"]) && !IsAlive(processes["learner"]) && fs::exists(history)) {
        ENTRAIN_ASSIGN_OR_RETURN(out.ended_, Controller::Create(history, Clock::Real()));
        return out;
      }
      where = processes["controller"].grpc;
    }
  }
  if (where.empty()) {
    return absl::NotFoundError(absl::StrCat(
        run,
        ": is no run folder with a controller of its own; name the controller with --controller HOST:PORT"));
  }
  ENTRAIN_ASSIGN_OR_RETURN(const auto channel, OpenChannel(where));
  out.live_ = std::make_unique<ControllerClient>(channel, user);
  return out;
}

absl::StatusOr<ControllerPort::Revision> RunController::GetSchedule() const {
  return ended_ != nullptr ? ended_->GetSchedule(run_id_, std::nullopt) : live_->GetSchedule(run_id_);
}

absl::StatusOr<ControllerPort::Run> RunController::GetRun() const {
  return ended_ != nullptr ? ended_->GetRun(run_id_) : live_->GetRun(run_id_);
}

absl::StatusOr<std::vector<ControllerPort::Revision>> RunController::ListRevisions() const {
  return ended_ != nullptr ? ended_->ListRevisions(run_id_, 0) : live_->ListRevisions(run_id_);
}

absl::StatusOr<std::vector<ControllerPort::ReplayedPoint>> RunController::Replay(
    const Schedule& schedule) const {
  return ended_ != nullptr ? ended_->Replay(run_id_, schedule) : live_->Replay(run_id_, schedule);
}

absl::StatusOr<ControllerClient*> RunController::Live() const {
  if (ended_ != nullptr) {
    return absl::FailedPreconditionError(absl::StrCat(
        run_, ": the run has ended, there is nothing to steer; go on with it: entrain run --resume ", run_));
  }
  return live_.get();
}

}  // namespace entrain
