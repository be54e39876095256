#pragma once

#include <optional>
#include <string>

#include "controller/dial_schedule.h"
#include "controller/laws/law_input.h"

namespace entrain {

// What the law of one dial remembers from one step to the next. A law uses what it needs of it.
struct DialState {
  std::string law;               // whose state this is: another law starts afresh
  std::optional<double> value;   // what the law goes on from
  std::optional<double> target;  // entropic, pi: what `integral` is the sum for; pi: negative with `lowers`
  double integral = 0;           // entropic, pi: sum of the errors, nats
  friend bool operator==(const DialState&, const DialState&) = default;
};

struct DialOutput {
  double value = 0;
  std::string reason;  // a few words
  DialState next;
};

// The law of one dial at one step. A closed loop acts once a step, on the entropy H_k of the step's batch,
// which is measured before the step's update: the value of step k has seen H_0 … H_k. (Where a paper writes
// x_{k+1} = f(x_k, H_k), this is f(x_k, H_k): a directive is made with H_k at hand, docs/methods.md 12, rule
// 1; `initial` is x_0.) An entropy that was not measured leaves value and state as they are. The value is
// finite and within the bounds that the law has of its own. A pure function: equal arguments, equal answer,
// bit for bit. The schedule is valid.
DialOutput ApplyDialLaw(const DialSchedule& dial, const DialState& state, const LawInput& input);

}  // namespace entrain
