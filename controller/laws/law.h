#pragma once

#include <map>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "controller/laws/law_input.h"
#include "controller/laws/law_state.h"
#include "controller/schedule.h"

namespace entrain {

struct LawOutput {
  ClipBounds bounds;
  std::map<std::string, double> dials;  // of the whole schedule; a law of the clip bounds gives none
  std::string state;                    // a word: "raise", "lower", "static", …
  std::string reason;                   // a sentence
  LawState next;
};

// The law of the clip bounds at one step; an entropy that was not measured leaves the state as it is. The
// first that was measured is kept in the state as H_0, under every law; `input.h_init` is not looked at. A
// pure function: equal arguments, equal answer, bit for bit. The schedule is valid. Formulas: docs/methods.md
// 1.2–1.4 (arXiv 2602.09782).
LawOutput ApplyLaw(const ClipSchedule& schedule, const LawState& state, const LawInput& input);

// Whether a law's output depends on what is measured.
bool IsClosedLoop(ClipLaw law);

std::string ClipLawName(ClipLaw law);
std::optional<ClipLaw> ClipLawFromName(absl::string_view name);

}  // namespace entrain
