#pragma once

#include <algorithm>
#include <cmath>

#include "controller/laws/dial_law.h"

// The laws of dials, one file each, and what they share. Internal to controller_laws. `state` is of this law;
// the entropy, if any, is finite and not negative.
namespace entrain::laws {

DialOutput Dial(const StaticDial& law, const DialState& state, const LawInput& input);
DialOutput Dial(const PiecewiseDial& law, const DialState& state, const LawInput& input);
DialOutput Dial(const StageDial& law, const DialState& state, const LawInput& input);
DialOutput Dial(const EpochDial& law, const DialState& state, const LawInput& input);
DialOutput Dial(const EntropyGuidedDial& law, const DialState& state, const LawInput& input);
DialOutput Dial(const AerDial& law, const DialState& state, const LawInput& input);
DialOutput Dial(const EntropicDial& law, const DialState& state, const LawInput& input);
DialOutput Dial(const MagicDial& law, const DialState& state, const LawInput& input);
DialOutput Dial(const PiDial& law, const DialState& state, const LawInput& input);

// k, at most K.
inline double StepOf(const LawInput& input) {
  return static_cast<double>(std::min(input.step, input.total_steps));
}

inline constexpr char kNotMeasured[] = "no entropy was measured: as before";

// A target that an edit moved by more than a fifth (docs/methods.md 12), and so one of the other direction,
// makes the sum of old errors meaningless: it starts again.
inline double IntegralFor(double target, const DialState& state) {
  const bool moved =
      state.target.has_value() && std::abs(target - *state.target) > 0.2 * std::abs(*state.target);
  return moved ? 0.0 : state.integral;
}

}  // namespace entrain::laws
