#include <cmath>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "entrain/controller/v1/schedule_service.grpc.pb.h"
#include "services/adapters/caller.h"
#include "services/adapters/controller_adapter.h"
#include "services/adapters/pooled_call.h"
#include "services/convert/field.h"
#include "services/convert/history_convert.h"
#include "services/convert/steering_convert.h"

namespace entrain {
namespace {

namespace v1 = controller::v1;
using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;

constexpr int64_t kMaxPreviewSteps = 1000000;

// What both kinds of edit have.
template <typename Request>
absl::StatusOr<ControllerPort::Edit> EditFromProto(const Request& request, std::string author) {
  if (request.run_id().empty()) return FieldError("run_id", "the id of a run", "nothing");
  if (request.etag().empty())
    return FieldError("etag", "the etag of the newest revision, from GetSchedule", "nothing");
  if (request.reason().empty()) return FieldError("reason", "why", "nothing");
  ControllerPort::Edit edit{.run_id = request.run_id(),
                            .etag = request.etag(),
                            .author = std::move(author),
                            .reason = request.reason()};
  if (request.has_effective_step()) edit.effective_step = request.effective_step();
  return edit;
}

absl::StatusOr<std::map<int64_t, double>> EntropyFromProto(const v1::PreviewScheduleRequest& request) {
  std::map<int64_t, double> entropy;
  for (int i = 0; i < request.entropy_points_size(); ++i) {
    const v1::EntropyPoint& point = request.entropy_points(i);
    const std::string field = absl::StrCat("entropy_points[", i, "]");
    if (point.step() < 0 || (!entropy.empty() && point.step() <= entropy.rbegin()->first)) {
      return FieldError(field + ".step", "a step after the one before", absl::StrCat(point.step()));
    }
    if (!(point.entropy_nats() >= 0) || std::isinf(point.entropy_nats())) {
      return FieldError(field + ".entropy_nats", "a finite number of at least 0",
                        absl::StrCat(point.entropy_nats()));
    }
    entropy[point.step()] = point.entropy_nats();
  }
  return entropy;
}

class ScheduleServiceAdapter final : public v1::ScheduleService::CallbackService {
 public:
  ScheduleServiceAdapter(ControllerPort& controller, WorkerPool& pool)
      : controller_(controller), pool_(pool) {}

  ServerUnaryReactor* GetSchedule(CallbackServerContext* context, const v1::GetScheduleRequest* request,
                                  v1::GetScheduleResponse* response) override {
    return RunOnPool(pool_, context, [this, request, response]() -> absl::Status {
      ENTRAIN_ASSIGN_OR_RETURN(const ControllerPort::Revision newest,
                               controller_.GetSchedule(request->run_id(), std::nullopt));
      ControllerPort::Revision asked = newest;
      if (request->has_revision()) {
        ENTRAIN_ASSIGN_OR_RETURN(asked, controller_.GetSchedule(request->run_id(), request->revision()));
      }
      *response->mutable_revision() = RevisionToProto(asked);
      response->set_etag(newest.etag);
      return absl::OkStatus();
    });
  }

  ServerUnaryReactor* UpdateSchedule(CallbackServerContext* context, const v1::UpdateScheduleRequest* request,
                                     v1::UpdateScheduleResponse* response) override {
    return RunOnPool(pool_, context, [this, context, request, response]() -> absl::Status {
      ENTRAIN_ASSIGN_OR_RETURN(ControllerPort::Edit edit, EditFromProto(*request, AuthorOf(*context)));
      if (!request->has_schedule()) return FieldError("schedule", "a schedule", "none");
      ENTRAIN_ASSIGN_OR_RETURN(edit.schedule, ScheduleFromProto("schedule", request->schedule()));
      edit.validate_only = request->validate_only();
      return Edit(edit, *response);
    });
  }

  ServerUnaryReactor* RollBackSchedule(CallbackServerContext* context,
                                       const v1::RollBackScheduleRequest* request,
                                       v1::RollBackScheduleResponse* response) override {
    return RunOnPool(pool_, context, [this, context, request, response]() -> absl::Status {
      ENTRAIN_ASSIGN_OR_RETURN(ControllerPort::Edit edit, EditFromProto(*request, AuthorOf(*context)));
      edit.to_revision = request->to_revision();
      return Edit(edit, *response);
    });
  }

  ServerUnaryReactor* ListRevisions(CallbackServerContext* context, const v1::ListRevisionsRequest* request,
                                    v1::ListRevisionsResponse* response) override {
    return RunOnPool(pool_, context, [this, request, response]() -> absl::Status {
      ENTRAIN_ASSIGN_OR_RETURN(const auto revisions,
                               controller_.ListRevisions(request->run_id(), request->max_revisions()));
      for (const auto& revision : revisions) *response->add_revisions() = RevisionToProto(revision);
      return absl::OkStatus();
    });
  }

  ServerUnaryReactor* DiffRevisions(CallbackServerContext* context, const v1::DiffRevisionsRequest* request,
                                    v1::DiffRevisionsResponse* response) override {
    return RunOnPool(pool_, context, [this, request, response]() -> absl::Status {
      ENTRAIN_ASSIGN_OR_RETURN(
          *response->mutable_diff(),
          controller_.Diff(request->run_id(), request->from_revision(), request->to_revision()));
      return absl::OkStatus();
    });
  }

  ServerUnaryReactor* PreviewSchedule(CallbackServerContext* context,
                                      const v1::PreviewScheduleRequest* request,
                                      v1::PreviewScheduleResponse* response) override {
    return RunOnPool(pool_, context, [this, request, response]() -> absl::Status {
      const int64_t steps = request->num_steps();
      if (steps < 1 || steps > kMaxPreviewSteps) {
        return FieldError("num_steps", absl::StrCat("1 to ", kMaxPreviewSteps), absl::StrCat(steps));
      }
      ENTRAIN_ASSIGN_OR_RETURN(const Schedule schedule, ScheduleFromProto("schedule", request->schedule()));
      ENTRAIN_ASSIGN_OR_RETURN(const auto entropy, EntropyFromProto(*request));
      const int64_t total = request->has_total_steps() ? request->total_steps() : steps;
      ENTRAIN_ASSIGN_OR_RETURN(const auto points, controller_.Preview(schedule, steps, total, entropy));
      for (const auto& point : points) *response->add_points() = PointToProto(point);
      return absl::OkStatus();
    });
  }

  ServerUnaryReactor* ReplayRun(CallbackServerContext* context, const v1::ReplayRunRequest* request,
                                v1::ReplayRunResponse* response) override {
    return RunOnPool(pool_, context, [this, request, response]() -> absl::Status {
      ENTRAIN_ASSIGN_OR_RETURN(const Schedule schedule, ScheduleFromProto("schedule", request->schedule()));
      ENTRAIN_ASSIGN_OR_RETURN(const auto points, controller_.Replay(request->run_id(), schedule));
      for (const auto& point : points) {
        v1::ReplayPoint& added = *response->add_points();
        *added.mutable_replayed() = PointToProto(point.replayed);
        if (point.recorded) *added.mutable_recorded() = BoundsToProto(*point.recorded);
        added.mutable_recorded_dials()->insert(point.recorded_dials.begin(), point.recorded_dials.end());
      }
      return absl::OkStatus();
    });
  }

  ServerUnaryReactor* HoldRun(CallbackServerContext* context, const v1::HoldRunRequest* request,
                              v1::HoldRunResponse*) override {
    return RunOnPool(pool_, context, [this, context, request]() -> absl::Status {
      if (request->reason().empty()) return FieldError("reason", "why", "nothing");
      return controller_.Hold(request->run_id(), AuthorOf(*context), request->reason());
    });
  }

  ServerUnaryReactor* ReleaseRun(CallbackServerContext* context, const v1::ReleaseRunRequest* request,
                                 v1::ReleaseRunResponse*) override {
    return RunOnPool(pool_, context, [this, context, request]() -> absl::Status {
      if (request->reason().empty()) return FieldError("reason", "why", "nothing");
      return controller_.Release(request->run_id(), AuthorOf(*context), request->reason());
    });
  }

 private:
  template <typename Response>
  absl::Status Edit(const ControllerPort::Edit& edit, Response& response) {
    ENTRAIN_ASSIGN_OR_RETURN(const ControllerPort::EditResult result, controller_.EditSchedule(edit));
    *response.mutable_revision() = RevisionToProto(result.revision);
    response.set_diff(result.diff);
    return absl::OkStatus();
  }

  ControllerPort& controller_;
  WorkerPool& pool_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeScheduleService(ControllerPort& controller, WorkerPool& pool) {
  return std::make_unique<ScheduleServiceAdapter>(controller, pool);
}

}  // namespace entrain
