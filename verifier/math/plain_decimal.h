#pragma once

#include <optional>

#include "absl/strings/string_view.h"

namespace entrain {

// A number as its digits, in the text that it was read from: nothing is converted, so a megabyte of digits
// costs one pass.
struct PlainDecimal {
  bool negative = false;
  bool has_point = false;
  absl::string_view whole;     // may hold commas between thousands; no zeros in front
  absl::string_view fraction;  // no zeros at the end
  size_t digits() const { return whole.size() + fraction.size(); }
};

// A sign, digits with or without commas between thousands, a decimal point; white space and a full stop
// around. nullopt: something else.
std::optional<PlainDecimal> ReadPlainDecimal(absl::string_view text);

bool SameDecimal(const PlainDecimal& a, const PlainDecimal& b);

}  // namespace entrain
