#include "services/clients/grpc_steering.h"

#include "absl/strings/str_cat.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/status_macros.h"
#include "services/convert/steering_convert.h"
#include "services/runtime/retry.h"

namespace entrain {

GrpcSteering::GrpcSteering(const std::shared_ptr<grpc::Channel>& channel)
    : stub_(controller::v1::TelemetryService::NewStub(channel)) {}

absl::StatusOr<RegistrationReply> GrpcSteering::RegisterOnce(const Registration& registration,
                                                             absl::Duration left) {
  controller::v1::RegisterRunResponse response;
  ENTRAIN_RETURN_IF_ERROR(calls_.Run("RegisterRun", left, [&](grpc::ClientContext& context) {
    return stub_->RegisterRun(&context, RegistrationToProto(registration), &response);
  }));
  registered_ = true;
  return RegistrationReplyFromProto(response);
}

absl::StatusOr<RegistrationReply> GrpcSteering::Register(const Registration& registration,
                                                         absl::Duration deadline) {
  RegistrationReply reply;
  // Kept even when nobody answers: a controller that comes later gets it before the first observation.
  registration_ = registration;
  registered_ = false;
  last_ = registration.last_directive;
  ENTRAIN_RETURN_IF_ERROR(RetryUnavailable(deadline, [&](absl::Duration left) -> absl::Status {
    ENTRAIN_ASSIGN_OR_RETURN(reply, RegisterOnce(registration, left));
    return absl::OkStatus();
  }));
  return reply;
}

absl::Status GrpcSteering::RegisterAgain(int64_t step, absl::Duration left) {
  if (!registration_)
    return absl::FailedPreconditionError("Steer: no registration to repeat; call Register first");
  Registration again = *registration_;
  again.resume_from = step;
  again.last_directive = last_;
  // Applied once, people may have edited since then.
  if (registered_) again.apply_schedule = false;
  LogWarning("register_again", {{"run", again.run_id}, {"step", step}});
  return RegisterOnce(again, left).status();
}

absl::Status GrpcSteering::ReportOnce(const Observation& observation, absl::Duration left,
                                      Directive& directive) {
  controller::v1::ReportStepRequest request;
  *request.mutable_observation() = ObservationToProto(observation);
  controller::v1::ReportStepResponse response;
  ENTRAIN_RETURN_IF_ERROR(calls_.Run("ReportStep", left, [&](grpc::ClientContext& context) {
    return stub_->ReportStep(&context, request, &response);
  }));
  ENTRAIN_ASSIGN_OR_RETURN(directive, DirectiveFromProto("directive", response.directive()));
  return absl::OkStatus();
}

absl::StatusOr<Directive> GrpcSteering::Steer(const Observation& observation, absl::Duration deadline) {
  const absl::Duration end = Clock::Real().Monotonic() + deadline;
  Directive directive;
  const auto attempt = [&](absl::Duration left) -> absl::Status {
    const absl::Status status = ReportOnce(observation, left, directive);
    if (!absl::IsNotFound(status)) return status;
    ENTRAIN_RETURN_IF_ERROR(RegisterAgain(observation.step, end - Clock::Real().Monotonic()));
    return ReportOnce(observation, end - Clock::Real().Monotonic(), directive);
  };
  ENTRAIN_RETURN_IF_ERROR(RetryUnavailable(deadline, attempt));
  last_ = directive;
  return directive;
}

}  // namespace entrain
