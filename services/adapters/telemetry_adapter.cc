#include "common/status_macros.h"
#include "entrain/controller/v1/telemetry_service.grpc.pb.h"
#include "services/adapters/controller_adapter.h"
#include "services/adapters/pooled_call.h"
#include "services/adapters/steer_stream.h"
#include "services/convert/steering_convert.h"

namespace entrain {
namespace {

namespace v1 = controller::v1;
using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;

class TelemetryServiceAdapter final : public v1::TelemetryService::CallbackService {
 public:
  TelemetryServiceAdapter(ControllerPort& controller, WorkerPool& pool, std::stop_token stop)
      : controller_(controller), pool_(pool), stop_(std::move(stop)) {}

  ServerUnaryReactor* RegisterRun(CallbackServerContext* context, const v1::RegisterRunRequest* request,
                                  v1::RegisterRunResponse* response) override {
    return RunOnPool(pool_, context, [this, request, response]() -> absl::Status {
      ENTRAIN_ASSIGN_OR_RETURN(const Registration registration, RegistrationFromProto(*request));
      ENTRAIN_ASSIGN_OR_RETURN(const RegistrationReply reply, controller_.Register(registration));
      *response = RegistrationReplyToProto(reply);
      return absl::OkStatus();
    });
  }

  ServerUnaryReactor* ReportStep(CallbackServerContext* context, const v1::ReportStepRequest* request,
                                 v1::ReportStepResponse* response) override {
    return RunOnPool(pool_, context, [this, request, response]() -> absl::Status {
      ENTRAIN_ASSIGN_OR_RETURN(const Observation observation,
                               ObservationFromProto("observation", request->observation()));
      ENTRAIN_ASSIGN_OR_RETURN(const Directive directive, controller_.ReportStep(observation));
      *response->mutable_directive() = DirectiveToProto(directive);
      return absl::OkStatus();
    });
  }

  grpc::ServerBidiReactor<v1::SteerRequest, v1::SteerResponse>* Steer(CallbackServerContext*) override {
    return StartSteerStream(controller_, pool_, stop_);
  }

 private:
  ControllerPort& controller_;
  WorkerPool& pool_;
  const std::stop_token stop_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeTelemetryService(ControllerPort& controller, WorkerPool& pool,
                                                    std::stop_token stop) {
  return std::make_unique<TelemetryServiceAdapter>(controller, pool, std::move(stop));
}

}  // namespace entrain
