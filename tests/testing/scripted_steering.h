#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "controller/steering.h"

namespace entrain {

// A controller whose answers the test writes; remembers what it was told. Good for the learner's side of the
// control loop; knows no laws. Single-threaded.
class ScriptedSteering final : public Steering {
 public:
  using Answer = std::function<absl::StatusOr<Directive>(const Observation&)>;
  explicit ScriptedSteering(Answer answer) : answer_(std::move(answer)) {}

  absl::StatusOr<RegistrationReply> Register(const Registration& registration, absl::Duration) override {
    registrations.push_back(registration);
    if (!registering.ok()) return registering;
    return RegistrationReply{.revision = 1};
  }
  absl::StatusOr<Directive> Steer(const Observation& observation, absl::Duration) override {
    observations.push_back(observation);
    return answer_(observation);
  }

  // The directive of a step with a plain box; numbered as a controller does that never misses one.
  static Directive Box(const Observation& observation, double low, double high) {
    return {.id = observation.step + 1,
            .run_id = observation.run_id,
            .attempt = observation.attempt,
            .step = observation.for_step,
            .revision = 1,
            .bounds = {.upper = ClipLine{.intercept = high}, .lower = ClipLine{.intercept = low}},
            .state = "static"};
  }

  absl::Status registering;  // what Register answers when it is an error
  std::vector<Registration> registrations;
  std::vector<Observation> observations;

 private:
  Answer answer_;
};

}  // namespace entrain
