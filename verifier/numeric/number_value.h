#pragma once

#include <gmpxx.h>

#include <optional>

#include "verifier/math/formula.h"

namespace entrain {

inline constexpr int64_t kMaxPowerOfTen = 10'000;

struct NumberValue {
  std::optional<mpq_class> value;  // none: the formula is no number
  bool past_limit = false;         // a power of ten beyond kMaxPowerOfTen, or 600,000 digits on the way
};

// The exact value of a formula that is a number and no calculation: a whole number, decimal, fraction, mixed
// number or percentage, times powers of ten; a name before it (x = 3) and a unit behind it are left away.
// Linear, without recursion.
NumberValue ValueOfNumber(const Formula& formula);

}  // namespace entrain
