#include "common/status_macros.h"
#include "entrain/controller/v1/run_service.grpc.pb.h"
#include "services/adapters/controller_adapter.h"
#include "services/adapters/pooled_call.h"
#include "services/adapters/watch_stream.h"
#include "services/convert/history_convert.h"
#include "services/convert/steering_convert.h"

namespace entrain {
namespace {

namespace v1 = controller::v1;
using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;

constexpr int32_t kDefaultPage = 10000;

int32_t PageOf(int32_t asked) { return asked > 0 ? asked : kDefaultPage; }

class RunServiceAdapter final : public v1::RunService::CallbackService {
 public:
  RunServiceAdapter(ControllerPort& controller, WorkerPool& pool, std::stop_token stop)
      : controller_(controller), pool_(pool), stop_(std::move(stop)) {}

  ServerUnaryReactor* ListRuns(CallbackServerContext* context, const v1::ListRunsRequest*,
                               v1::ListRunsResponse* response) override {
    return RunOnPool(pool_, context, [this, response]() -> absl::Status {
      ENTRAIN_ASSIGN_OR_RETURN(const auto runs, controller_.ListRuns());
      for (const auto& run : runs) *response->add_runs() = RunToProto(run);
      return absl::OkStatus();
    });
  }

  ServerUnaryReactor* GetRun(CallbackServerContext* context, const v1::GetRunRequest* request,
                             v1::GetRunResponse* response) override {
    return RunOnPool(pool_, context, [this, request, response]() -> absl::Status {
      ENTRAIN_ASSIGN_OR_RETURN(const ControllerPort::Run run, controller_.GetRun(request->run_id()));
      *response->mutable_run() = RunToProto(run);
      return absl::OkStatus();
    });
  }

  ServerUnaryReactor* ListObservations(CallbackServerContext* context,
                                       const v1::ListObservationsRequest* request,
                                       v1::ListObservationsResponse* response) override {
    return RunOnPool(pool_, context, [this, request, response]() -> absl::Status {
      ENTRAIN_ASSIGN_OR_RETURN(const auto observations,
                               controller_.ListObservations(request->run_id(), request->from_step(),
                                                            PageOf(request->max_observations())));
      for (const auto& observation : observations)
        *response->add_observations() = ObservationToProto(observation);
      return absl::OkStatus();
    });
  }

  ServerUnaryReactor* ListDirectives(CallbackServerContext* context, const v1::ListDirectivesRequest* request,
                                     v1::ListDirectivesResponse* response) override {
    return RunOnPool(pool_, context, [this, request, response]() -> absl::Status {
      ENTRAIN_ASSIGN_OR_RETURN(const auto directives,
                               controller_.ListDirectives(request->run_id(), request->from_step(),
                                                          PageOf(request->max_directives())));
      for (const auto& directive : directives) *response->add_directives() = DirectiveToProto(directive);
      return absl::OkStatus();
    });
  }

  ServerUnaryReactor* ListAuditEntries(CallbackServerContext* context,
                                       const v1::ListAuditEntriesRequest* request,
                                       v1::ListAuditEntriesResponse* response) override {
    return RunOnPool(pool_, context, [this, request, response]() -> absl::Status {
      ENTRAIN_ASSIGN_OR_RETURN(const auto entries, controller_.ListAudit(request->run_id()));
      for (const auto& entry : entries) *response->add_entries() = AuditToProto(entry);
      return absl::OkStatus();
    });
  }

  grpc::ServerWriteReactor<v1::WatchRunResponse>* WatchRun(CallbackServerContext*,
                                                           const v1::WatchRunRequest* request) override {
    return StartWatchStream(controller_, request->run_id(), stop_);
  }

 private:
  ControllerPort& controller_;
  WorkerPool& pool_;
  const std::stop_token stop_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeRunService(ControllerPort& controller, WorkerPool& pool,
                                              std::stop_token stop) {
  return std::make_unique<RunServiceAdapter>(controller, pool, std::move(stop));
}

}  // namespace entrain
