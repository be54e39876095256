#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "controller/controller_port.h"
#include "services/clients/controller_client.h"

namespace entrain {

// The controller of a run, as the commands of people see it: the one that serves the run, or, when `run` is a
// folder whose processes have ended, the history that it left in RUN/controller.sqlite. That one answers
// questions and takes no edits.
class RunController {
 public:
  // `run`: a run folder, or a run id with `address` (host:port). `user`: who edits.
  static absl::StatusOr<RunController> Find(const std::string& run, const std::string& address,
                                            const std::string& user);

  const std::string& run_id() const { return run_id_; }
  absl::StatusOr<ControllerPort::Revision> GetSchedule() const;
  absl::StatusOr<ControllerPort::Run> GetRun() const;
  absl::StatusOr<std::vector<ControllerPort::Revision>> ListRevisions() const;
  absl::StatusOr<std::vector<ControllerPort::ReplayedPoint>> Replay(const Schedule& schedule) const;
  // For edits. FailedPrecondition when the run has ended.
  absl::StatusOr<ControllerClient*> Live() const;

 private:
  std::string run_id_, run_;
  std::unique_ptr<ControllerClient> live_;
  std::unique_ptr<ControllerPort> ended_;  // either this or live_
};

}  // namespace entrain
