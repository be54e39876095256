#include "verifier/exact_decimal.h"

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"

namespace entrain {
namespace {

// Takes the digits at the front of `text`.
std::string TakeDigits(absl::string_view& text) {
  size_t count = 0;
  while (count < text.size() && absl::ascii_isdigit(static_cast<unsigned char>(text[count]))) ++count;
  std::string digits(text.substr(0, count));
  text.remove_prefix(count);
  return digits;
}

// What stands behind the digits: "", or e and a whole number within the limit.
std::optional<int64_t> Exponent(absl::string_view text) {
  if (text.empty()) return 0;
  if (!absl::ConsumePrefix(&text, "e") && !absl::ConsumePrefix(&text, "E")) return std::nullopt;
  const bool negative = absl::ConsumePrefix(&text, "-");
  if (!negative) absl::ConsumePrefix(&text, "+");
  const std::string digits = TakeDigits(text);
  int64_t value = 0;
  if (!text.empty() || !absl::SimpleAtoi(digits, &value) || value > kMaxDecimalExponent) return std::nullopt;
  return negative ? -value : value;
}

}  // namespace

std::optional<mpq_class> ExactDecimal(absl::string_view text) {
  if (text.size() > kMaxDecimalBytes) return std::nullopt;
  const bool negative = absl::ConsumePrefix(&text, "-");
  std::string digits = TakeDigits(text);
  if (digits.empty()) return std::nullopt;
  int64_t decimals = 0;
  if (absl::ConsumePrefix(&text, ".")) {
    const std::string behind = TakeDigits(text);
    if (behind.empty()) return std::nullopt;
    decimals = static_cast<int64_t>(behind.size());
    digits += behind;
  }
  const std::optional<int64_t> exponent = Exponent(text);
  if (!exponent.has_value()) return std::nullopt;
  mpz_class whole(digits, 10), power;
  if (negative) whole = -whole;
  const int64_t shift = *exponent - decimals;
  mpz_ui_pow_ui(power.get_mpz_t(), 10, static_cast<unsigned long>(shift < 0 ? -shift : shift));
  if (shift >= 0) return mpq_class(whole * power);
  mpq_class value(whole, power);
  value.canonicalize();
  return value;
}

}  // namespace entrain
