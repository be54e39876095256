#include "controller/local_steering.h"

namespace entrain {

absl::StatusOr<RegistrationReply> LocalSteering::Register(const Registration& registration, absl::Duration) {
  return controller_.Register(registration);
}

absl::StatusOr<Directive> LocalSteering::Steer(const Observation& observation, absl::Duration) {
  return controller_.ReportStep(observation);
}

}  // namespace entrain
