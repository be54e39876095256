#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace entrain {

// An answer as text, for what is no formula: without white space, case, the marks around mathematics and
// Markdown, the commands that say how something looks, and the \text{…} around words. Linear.
std::string FoldAnswer(absl::string_view text);

// The letter of a choice: "B", "(B)", "\text{B}", "B.", "B. 42", "(B) blue", "**B**". nullopt: it is none.
std::optional<char> ChoiceLetter(absl::string_view text);

}  // namespace entrain
