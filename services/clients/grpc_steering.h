#pragma once

#include <grpcpp/channel.h>

#include <memory>
#include <optional>

#include "controller/steering.h"
#include "entrain/controller/v1/telemetry_service.grpc.pb.h"
#include "services/clients/call.h"

namespace entrain {

// A trainer's way to its controller over gRPC, one ReportStep per step: a step is long against a call, and a
// unary call survives a controller that is killed and restarted without a stream to mend. Within the deadline
// it retries a controller that is away and registers again with one that came back without the registration.
// Thread-compatible; Cancel may come from any thread.
class GrpcSteering final : public Steering {
 public:
  explicit GrpcSteering(const std::shared_ptr<grpc::Channel>& channel);

  absl::StatusOr<RegistrationReply> Register(const Registration& registration,
                                             absl::Duration deadline) override;
  absl::StatusOr<Directive> Steer(const Observation& observation, absl::Duration deadline) override;
  void Cancel() { calls_.CancelAll(); }

 private:
  absl::StatusOr<RegistrationReply> RegisterOnce(const Registration& registration, absl::Duration left);
  // The registration as of `step`, with the newest directive: what a controller that forgot everything needs.
  absl::Status RegisterAgain(int64_t step, absl::Duration left);
  absl::Status ReportOnce(const Observation& observation, absl::Duration left, Directive& directive);

  const std::unique_ptr<controller::v1::TelemetryService::StubInterface> stub_;
  std::optional<Registration> registration_;
  bool registered_ = false;  // some controller has it, or had it
  std::optional<Directive> last_;
  Calls calls_;
};

}  // namespace entrain
