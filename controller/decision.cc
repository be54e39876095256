#include "controller/decision.h"

#include "absl/strings/str_format.h"
#include "controller/guards.h"

namespace entrain {

LawOutput DecideStep(const Schedule& schedule, const LawState& before, const LawInput& input,
                     int64_t revision) {
  LawOutput output = ApplyGuards(schedule, before, ApplyLaw(schedule.clip, before, input), revision);
  LawInput with_h_init = input;
  with_h_init.h_init = output.next.h_init;
  output.next.dials.clear();  // a dial that is taken away is forgotten
  for (const auto& [name, dial] : schedule.dials) {
    const auto state = before.dials.find(name);
    DialOutput decided =
        ApplyDialLaw(dial, state == before.dials.end() ? DialState{} : state->second, with_h_init);
    output.dials[name] = decided.value;
    output.next.dials[name] = std::move(decided.next);
    absl::StrAppendFormat(&output.reason, "; %s %g (%s)", name, decided.value, decided.reason);
  }
  return output;
}

}  // namespace entrain
