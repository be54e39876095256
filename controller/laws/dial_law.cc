#include "controller/laws/dial_law.h"

#include "controller/laws/dial_laws.h"

namespace entrain {

DialOutput ApplyDialLaw(const DialSchedule& dial, const DialState& state, const LawInput& input) {
  LawInput measured = input;
  measured.entropy_nats = MeasuredEntropy(input.entropy_nats);
  const std::string name = DialLawName(dial);
  const DialState own = state.law == name ? state : DialState{};
  const auto apply = [&] {
    return std::visit([&](const auto& law) { return laws::Dial(law, own, measured); }, dial);
  };
  DialOutput output = apply();
  if (!std::isfinite(output.value) || !std::isfinite(output.next.integral)) {
    measured.entropy_nats.reset();  // too large to count with is as good as not measured
    output = apply();
  }
  output.value += 0.0;  // a negative zero is equal to zero, and written otherwise
  output.next.law = name;
  return output;
}

}  // namespace entrain
