#pragma once

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"

namespace entrain {

// A formula between the marks of MathJax in a text: $…$ and \(…\) on one line, $$…$$ and \[…\].
struct MathSpan {
  size_t begin = 0, end = 0;  // with its marks
  absl::string_view inside;
};

// The first one. A dollar that a digit follows and none closes on its line is money.
std::optional<MathSpan> FirstMathSpan(absl::string_view text);

// The text of `first` and of those that follow it with nothing but "and", "or" or a comma between, joined by
// commas; a percent sign behind it is part of it.
std::string MathSpansText(absl::string_view text, const MathSpan& first, size_t& end);

// The last one with those that stand together with it: where it ends, and its text.
std::optional<std::pair<size_t, std::string>> LastMathSpans(absl::string_view text);

}  // namespace entrain
