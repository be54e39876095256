#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace entrain {

// What an answer that a verifier read votes for in a majority vote: equal for answers that are the same
// number, written as a whole number, decimal or fraction (0.5, .50, 1/2, \frac{1}{2}, 1,000, $5), or the same
// text without white space, case, $ and LaTeX's spacing. "" for no answer. Numbers of more than 18 digits are
// texts.
std::string VoteOf(absl::string_view extracted);

}  // namespace entrain
