#pragma once

#include <gmpxx.h>

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace entrain {

// Limits of reading one answer, in work: the same verdict on every machine.
inline constexpr size_t kMaxNumberDigits = 10'000;
inline constexpr long kMaxExponent = 10'000;
inline constexpr size_t kMaxAnswerBytes = 40'000;  // of one final answer

enum class NumberStatus { kNumber, kNoNumber, kPastLimit };
struct ParsedNumber {
  NumberStatus status = NumberStatus::kNoNumber;
  mpq_class value;
};

// Takes away what does not change an answer: white space, $…$, \(…\), \text{…} and \mathrm{…} around the
// whole, a trailing full stop, \left and \right, \! \, \; spaces, {,} for a comma. At most quadratic: callers
// keep to kMaxAnswerBytes.
std::string NormalizeAnswer(absl::string_view text);

// A whole number, decimal, fraction (a/b, \frac{a}{b}, \frac12, \dfrac, \tfrac), mixed number, percentage
// (50% is 1/2), with thousands separators, a sign, a currency sign, or in scientific notation (1.5e3, 1.5
// \times 10^{3}), exactly. The whole text must be the number. Digits beyond kMaxNumberDigits are kPastLimit.
ParsedNumber ParseNumber(absl::string_view normalized);

}  // namespace entrain
