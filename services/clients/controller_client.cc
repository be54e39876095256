#include "services/clients/controller_client.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "services/convert/history_convert.h"
#include "services/convert/steering_convert.h"
#include "services/runtime/retry.h"
#include "services/runtime/user_key.h"

namespace entrain {
namespace {

namespace v1 = controller::v1;

// Longer than any person watches.
constexpr absl::Duration kWatchDeadline = absl::Hours(24 * 365);

// Every element of a repeated field by `convert(field name, element)`.
template <typename Domain, typename Elements, typename Convert>
absl::StatusOr<std::vector<Domain>> Each(absl::string_view field, const Elements& elements, Convert convert) {
  std::vector<Domain> result;
  for (int i = 0; i < elements.size(); ++i) {
    ENTRAIN_ASSIGN_OR_RETURN(Domain element, convert(absl::StrCat(field, "[", i, "]"), elements[i]));
    result.push_back(std::move(element));
  }
  return result;
}

absl::StatusOr<ControllerPort::ReplayedPoint> ReplayedFromProto(const std::string& field,
                                                                const v1::ReplayPoint& message) {
  ControllerPort::ReplayedPoint point;
  ENTRAIN_ASSIGN_OR_RETURN(point.replayed, PointFromProto(field + ".replayed", message.replayed()));
  if (message.has_recorded()) {
    ENTRAIN_ASSIGN_OR_RETURN(point.recorded, BoundsFromProto(field + ".recorded", message.recorded()));
  }
  point.recorded_dials.insert(message.recorded_dials().begin(), message.recorded_dials().end());
  return point;
}

template <typename Response>
absl::StatusOr<ControllerPort::EditResult> EditResultFromProto(const Response& response) {
  ControllerPort::EditResult result{.diff = response.diff()};
  ENTRAIN_ASSIGN_OR_RETURN(result.revision, RevisionFromProto("revision", response.revision()));
  return result;
}

template <typename Request>
Request EditToProto(const ControllerPort::Edit& edit) {
  Request request;
  request.set_run_id(edit.run_id);
  request.set_etag(edit.etag);
  request.set_reason(edit.reason);
  if (edit.effective_step) request.set_effective_step(*edit.effective_step);
  return request;
}

template <typename Request>
Request About(const std::string& run_id) {
  Request request;
  request.set_run_id(run_id);
  return request;
}

}  // namespace

ControllerClient::ControllerClient(const std::shared_ptr<grpc::Channel>& channel, std::string user,
                                   absl::Duration deadline)
    : schedules_(v1::ScheduleService::NewStub(channel)),
      runs_(v1::RunService::NewStub(channel)),
      user_(std::move(user)),
      deadline_(deadline) {}

absl::Status ControllerClient::Read(absl::string_view what,
                                    const std::function<grpc::Status(grpc::ClientContext&)>& call) {
  return RetryUnavailable(deadline_, [&](absl::Duration left) { return calls_.Run(what, left, call); });
}

absl::Status ControllerClient::Write(absl::string_view what,
                                     const std::function<grpc::Status(grpc::ClientContext&)>& call) {
  return calls_.Run(what, deadline_, [&](grpc::ClientContext& context) {
    context.AddMetadata(kUserKey, user_);
    return call(context);
  });
}

absl::StatusOr<ControllerPort::Revision> ControllerClient::GetSchedule(const std::string& run_id,
                                                                       std::optional<int64_t> revision) {
  auto request = About<v1::GetScheduleRequest>(run_id);
  if (revision) request.set_revision(*revision);
  v1::GetScheduleResponse response;
  ENTRAIN_RETURN_IF_ERROR(Read("GetSchedule", [&](grpc::ClientContext& c) {
    return schedules_->GetSchedule(&c, request, &response);
  }));
  return RevisionFromProto("revision", response.revision());
}

absl::StatusOr<ControllerPort::EditResult> ControllerClient::EditSchedule(const ControllerPort::Edit& edit) {
  if (edit.schedule.has_value() == edit.to_revision.has_value()) {
    return absl::InvalidArgumentError("edit: expected either a schedule or a revision to go back to");
  }
  if (edit.to_revision) {
    auto request = EditToProto<v1::RollBackScheduleRequest>(edit);
    request.set_to_revision(*edit.to_revision);
    v1::RollBackScheduleResponse response;
    ENTRAIN_RETURN_IF_ERROR(Write("RollBackSchedule", [&](grpc::ClientContext& c) {
      return schedules_->RollBackSchedule(&c, request, &response);
    }));
    return EditResultFromProto(response);
  }
  auto request = EditToProto<v1::UpdateScheduleRequest>(edit);
  *request.mutable_schedule() = ScheduleToProto(*edit.schedule);
  request.set_validate_only(edit.validate_only);
  v1::UpdateScheduleResponse response;
  ENTRAIN_RETURN_IF_ERROR(Write("UpdateSchedule", [&](grpc::ClientContext& c) {
    return schedules_->UpdateSchedule(&c, request, &response);
  }));
  return EditResultFromProto(response);
}

absl::StatusOr<std::vector<ControllerPort::Revision>> ControllerClient::ListRevisions(
    const std::string& run_id, int32_t max) {
  auto request = About<v1::ListRevisionsRequest>(run_id);
  request.set_max_revisions(max);
  v1::ListRevisionsResponse response;
  ENTRAIN_RETURN_IF_ERROR(Read("ListRevisions", [&](grpc::ClientContext& c) {
    return schedules_->ListRevisions(&c, request, &response);
  }));
  return Each<ControllerPort::Revision>("revisions", response.revisions(), RevisionFromProto);
}

absl::StatusOr<std::string> ControllerClient::Diff(const std::string& run_id, int64_t from, int64_t to) {
  auto request = About<v1::DiffRevisionsRequest>(run_id);
  request.set_from_revision(from);
  request.set_to_revision(to);
  v1::DiffRevisionsResponse response;
  ENTRAIN_RETURN_IF_ERROR(Read("DiffRevisions", [&](grpc::ClientContext& c) {
    return schedules_->DiffRevisions(&c, request, &response);
  }));
  return response.diff();
}

absl::StatusOr<std::vector<ControllerPort::Point>> ControllerClient::Preview(
    const Schedule& schedule, int64_t steps, std::optional<int64_t> total_steps,
    const std::map<int64_t, double>& entropy_nats) {
  v1::PreviewScheduleRequest request;
  *request.mutable_schedule() = ScheduleToProto(schedule);
  request.set_num_steps(steps);
  if (total_steps) request.set_total_steps(*total_steps);
  for (const auto& [step, entropy] : entropy_nats) {
    v1::EntropyPoint& point = *request.add_entropy_points();
    point.set_step(step);
    point.set_entropy_nats(entropy);
  }
  v1::PreviewScheduleResponse response;
  ENTRAIN_RETURN_IF_ERROR(Read("PreviewSchedule", [&](grpc::ClientContext& c) {
    return schedules_->PreviewSchedule(&c, request, &response);
  }));
  return Each<ControllerPort::Point>("points", response.points(), PointFromProto);
}

absl::StatusOr<std::vector<ControllerPort::ReplayedPoint>> ControllerClient::Replay(
    const std::string& run_id, const Schedule& schedule) {
  auto request = About<v1::ReplayRunRequest>(run_id);
  *request.mutable_schedule() = ScheduleToProto(schedule);
  v1::ReplayRunResponse response;
  ENTRAIN_RETURN_IF_ERROR(Read(
      "ReplayRun", [&](grpc::ClientContext& c) { return schedules_->ReplayRun(&c, request, &response); }));
  return Each<ControllerPort::ReplayedPoint>("points", response.points(), ReplayedFromProto);
}

absl::Status ControllerClient::Hold(const std::string& run_id, const std::string& reason) {
  auto request = About<v1::HoldRunRequest>(run_id);
  request.set_reason(reason);
  v1::HoldRunResponse response;
  return Write("HoldRun",
               [&](grpc::ClientContext& c) { return schedules_->HoldRun(&c, request, &response); });
}

absl::Status ControllerClient::Release(const std::string& run_id, const std::string& reason) {
  auto request = About<v1::ReleaseRunRequest>(run_id);
  request.set_reason(reason);
  v1::ReleaseRunResponse response;
  return Write("ReleaseRun",
               [&](grpc::ClientContext& c) { return schedules_->ReleaseRun(&c, request, &response); });
}

absl::StatusOr<std::vector<ControllerPort::Run>> ControllerClient::ListRuns() {
  v1::ListRunsResponse response;
  ENTRAIN_RETURN_IF_ERROR(
      Read("ListRuns", [&](grpc::ClientContext& c) { return runs_->ListRuns(&c, {}, &response); }));
  return Each<ControllerPort::Run>("runs", response.runs(), RunFromProto);
}

absl::StatusOr<ControllerPort::Run> ControllerClient::GetRun(const std::string& run_id) {
  const auto request = About<v1::GetRunRequest>(run_id);
  v1::GetRunResponse response;
  ENTRAIN_RETURN_IF_ERROR(
      Read("GetRun", [&](grpc::ClientContext& c) { return runs_->GetRun(&c, request, &response); }));
  return RunFromProto("run", response.run());
}

absl::StatusOr<std::vector<Observation>> ControllerClient::ListObservations(const std::string& run_id,
                                                                            int64_t from_step, int32_t max) {
  auto request = About<v1::ListObservationsRequest>(run_id);
  request.set_from_step(from_step);
  request.set_max_observations(max);
  v1::ListObservationsResponse response;
  ENTRAIN_RETURN_IF_ERROR(Read("ListObservations", [&](grpc::ClientContext& c) {
    return runs_->ListObservations(&c, request, &response);
  }));
  return Each<Observation>("observations", response.observations(), ObservationFromProto);
}

absl::StatusOr<std::vector<Directive>> ControllerClient::ListDirectives(const std::string& run_id,
                                                                        int64_t from_step, int32_t max) {
  auto request = About<v1::ListDirectivesRequest>(run_id);
  request.set_from_step(from_step);
  request.set_max_directives(max);
  v1::ListDirectivesResponse response;
  ENTRAIN_RETURN_IF_ERROR(Read("ListDirectives", [&](grpc::ClientContext& c) {
    return runs_->ListDirectives(&c, request, &response);
  }));
  return Each<Directive>("directives", response.directives(), DirectiveFromProto);
}

absl::StatusOr<std::vector<ControllerPort::AuditEntry>> ControllerClient::ListAudit(
    const std::string& run_id) {
  const auto request = About<v1::ListAuditEntriesRequest>(run_id);
  v1::ListAuditEntriesResponse response;
  ENTRAIN_RETURN_IF_ERROR(Read("ListAuditEntries", [&](grpc::ClientContext& c) {
    return runs_->ListAuditEntries(&c, request, &response);
  }));
  std::vector<ControllerPort::AuditEntry> entries;
  for (const auto& entry : response.entries()) entries.push_back(AuditFromProto(entry));
  return entries;
}

absl::Status ControllerClient::Watch(const std::string& run_id,
                                     const std::function<bool(const ControllerPort::Event&)>& event) {
  const auto request = About<v1::WatchRunRequest>(run_id);
  absl::Status seen;
  bool enough = false;
  const absl::Status status = calls_.Run("WatchRun", kWatchDeadline, [&](grpc::ClientContext& context) {
    auto reader = runs_->WatchRun(&context, request);
    v1::WatchRunResponse response;
    while (seen.ok() && !enough && reader->Read(&response)) {
      const absl::StatusOr<ControllerPort::Event> read = EventFromProto("event", response.event());
      seen = read.status();
      if (read.ok()) enough = !event(*read);
    }
    if (enough || !seen.ok()) context.TryCancel();
    return reader->Finish();
  });
  if (!seen.ok()) return seen;
  return enough ? absl::OkStatus() : status;
}

}  // namespace entrain
