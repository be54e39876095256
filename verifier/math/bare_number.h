#pragma once

#include "absl/strings/string_view.h"
#include "verifier/math/number.h"

namespace entrain {

// The number in an answer that says a little more than the number: a name before it ("x = 3", "about 3") or a
// unit behind it ("3 dollars", "3 \text{ cm}^2", "30^\circ"). Exactly one number and nothing that changes it:
// "\sqrt{3}", "3x", "2 or 3", "3 million" and "3 - 1" are not 3, but kNoNumber.
ParsedNumber ParseBareNumber(absl::string_view normalized);

}  // namespace entrain
