#pragma once

#include <gmpxx.h>

#include <optional>

#include "absl/strings/string_view.h"

namespace entrain {

// Limits of ExactDecimal, in work.
inline constexpr size_t kMaxDecimalBytes = 10'000;  // of the whole text
inline constexpr int64_t kMaxDecimalExponent = 10'000;

// The value of a number as JSON writes it, -12.5e-3, exactly. nullopt for any other text and past the limits.
std::optional<mpq_class> ExactDecimal(absl::string_view text);

}  // namespace entrain
