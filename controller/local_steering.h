#pragma once

#include "controller/controller_port.h"
#include "controller/steering.h"

namespace entrain {

// A trainer's way to a controller in the same process: for tests, simulations and embedding.
class LocalSteering final : public Steering {
 public:
  explicit LocalSteering(ControllerPort& controller) : controller_(controller) {}
  absl::StatusOr<RegistrationReply> Register(const Registration& registration,
                                             absl::Duration deadline) override;
  absl::StatusOr<Directive> Steer(const Observation& observation, absl::Duration deadline) override;

 private:
  ControllerPort& controller_;
};

}  // namespace entrain
