#pragma once

#include <grpcpp/channel.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "controller/controller_port.h"
#include "entrain/controller/v1/run_service.grpc.pb.h"
#include "entrain/controller/v1/schedule_service.grpc.pb.h"
#include "services/clients/call.h"

namespace entrain {

// The people's side of a controller, for the command line. Reads are retried while the controller is away;
// edits are not: a lost answer is found out by reading again. The author of an edit is who the controller
// sees; `user` is what it is told when there is no certificate. Thread-safe.
class ControllerClient {
 public:
  ControllerClient(const std::shared_ptr<grpc::Channel>& channel, std::string user,
                   absl::Duration deadline = absl::Seconds(10));

  absl::StatusOr<ControllerPort::Revision> GetSchedule(const std::string& run_id,
                                                       std::optional<int64_t> revision = std::nullopt);
  // Edit::author is ignored. Aborted when the etag is not the newest.
  absl::StatusOr<ControllerPort::EditResult> EditSchedule(const ControllerPort::Edit& edit);
  absl::StatusOr<std::vector<ControllerPort::Revision>> ListRevisions(const std::string& run_id,
                                                                      int32_t max = 0);
  absl::StatusOr<std::string> Diff(const std::string& run_id, int64_t from, int64_t to);
  absl::StatusOr<std::vector<ControllerPort::Point>> Preview(const Schedule& schedule, int64_t steps,
                                                             std::optional<int64_t> total_steps,
                                                             const std::map<int64_t, double>& entropy_nats);
  absl::StatusOr<std::vector<ControllerPort::ReplayedPoint>> Replay(const std::string& run_id,
                                                                    const Schedule& schedule);
  absl::Status Hold(const std::string& run_id, const std::string& reason);
  absl::Status Release(const std::string& run_id, const std::string& reason);

  absl::StatusOr<std::vector<ControllerPort::Run>> ListRuns();
  absl::StatusOr<ControllerPort::Run> GetRun(const std::string& run_id);
  absl::StatusOr<std::vector<Observation>> ListObservations(const std::string& run_id, int64_t from_step = 0,
                                                            int32_t max = 0);
  absl::StatusOr<std::vector<Directive>> ListDirectives(const std::string& run_id, int64_t from_step = 0,
                                                        int32_t max = 0);
  absl::StatusOr<std::vector<ControllerPort::AuditEntry>> ListAudit(const std::string& run_id);
  // Calls `event` for each event until it answers false, the stream ends (its status), or Cancel. No
  // deadline.
  absl::Status Watch(const std::string& run_id,
                     const std::function<bool(const ControllerPort::Event&)>& event);
  void Cancel() { calls_.CancelAll(); }

 private:
  absl::Status Read(absl::string_view what, const std::function<grpc::Status(grpc::ClientContext&)>& call);
  absl::Status Write(absl::string_view what, const std::function<grpc::Status(grpc::ClientContext&)>& call);

  const std::unique_ptr<controller::v1::ScheduleService::StubInterface> schedules_;
  const std::unique_ptr<controller::v1::RunService::StubInterface> runs_;
  const std::string user_;
  const absl::Duration deadline_;
  Calls calls_;
};

}  // namespace entrain
