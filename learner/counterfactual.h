#pragma once

#include <array>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "learner/learner_options.h"
#include "learner/recorded_step.h"
#include "policy/network.h"

namespace entrain {

// What a recorded step is repeated with. What is absent is as it was applied.
struct CounterfactualSetting {
  std::string name;
  std::optional<ClipBounds> bounds;
  std::map<std::string, double> dials;     // over those of the directive that was used
  std::optional<ObjectiveSpec> objective;  // instead of the run's
};

// The settings that are compared when nobody names others, after "applied", which changes nothing: the
// thresholds of docs/methods.md 1.2, 7.1 and 7.3 that an objective can take. Without thresholds: none.
std::vector<CounterfactualSetting> StandardSettings(const ObjectiveSpec& objective);

// One setting at one step. "Entropy" is the mean over the step's completion tokens, in nats.
struct CounterfactualOutcome {
  std::string name;
  double entropy_change = 0;  // after the step's updates minus before, on the same contexts
  // What the tokens of E1 … E4 (old policy, exact rule of docs/methods.md 0.4) and, at 0, all others
  // contribute to it: the five add up to entropy_change.
  std::array<double, 5> entropy_change_by_region{};
  std::map<std::string, double> update;  // as RunUpdates answers
  std::string digest_after;
};

struct CounterfactualStep {
  int64_t step = 0;
  double entropy_before = 0;
  std::array<double, 5> region_share{};         // of the tokens; 0: in no region
  std::string recorded_digest;                  // of the weights that the run had after the step
  std::vector<CounterfactualOutcome> outcomes;  // "applied" first, then the settings in their order
  // Whether the applied setting made the recorded weights, byte for byte: to be expected on the same kind of
  // processor, with the same build and number of threads.
  bool Repeated() const { return outcomes.front().digest_after == recorded_digest; }
};

// Repeats the update of a recorded step, once as it was and once with each setting, always from the same
// weights, optimiser state, batch and permutation (docs/methods.md 7.2: what is compared is what the
// thresholds alone did). `options` of the run. Leaves the network with the weights of the last repetition.
// FailedPrecondition: the record does not fit the network, or a setting does not fit the objective (the
// message names it). Cancelled at a stop, between two repetitions.
absl::StatusOr<CounterfactualStep> RunCounterfactual(const RecordedStep& recorded, Network& network,
                                                     const LearnerOptions& options,
                                                     const std::vector<CounterfactualSetting>& settings,
                                                     const std::stop_token& stop);

}  // namespace entrain
