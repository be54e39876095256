#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"
#include "verifier/math/formula.h"

namespace entrain {

// A number as it stands in a text, without sign: digits, a decimal point, thousands separators ("1,234",
// "1{,}234", "1\,234", "1 234"), a repeating part ("0.1\overline{6}", "0.1(6)"), a power of ten ("3.5e-4").
struct NumberLiteral {
  size_t length = 0;   // bytes of the text that it takes; 0: no number stands here
  bool whole = false;  // digits and thousands separators only
  bool thousands_comma = false;
  bool thousands_space = false;
  size_t point = absl::string_view::npos;     // where the decimal point stands
  size_t repeat = absl::string_view::npos;    // where the repeating part begins
  size_t exponent = absl::string_view::npos;  // where the e stands
};

// The literal at the beginning of `text`. `commas_join`: "1,234" is one number, if all commas of the run of
// digits stand between thousands. Linear in the literal.
NumberLiteral ScanNumber(absl::string_view text, bool commas_join);

// One digit, as the argument of \frac12.
NumberLiteral ScanDigit(absl::string_view text);

enum class NumberValueStatus : uint8_t { kOk, kTooManyDigits, kTooLargeExponent };

// The exact value of `literal`, which stands at the beginning of `text`. More digits than `max_digits`, or a
// power of ten above it, are refused before anything is computed. `digits_used` grows by the digits and the
// power of ten: a measure of the work.
NumberValueStatus NumberValue(absl::string_view text, const NumberLiteral& literal, size_t max_digits,
                              Number& number, size_t& digits_used);

}  // namespace entrain
