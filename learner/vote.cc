#include "learner/vote.h"

#include <cstdint>
#include <numeric>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"

namespace entrain {
namespace {

constexpr size_t kMaxDigits = 18;  // that fit in int64

bool IsDigit(char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); }

struct Fraction {
  int64_t numerator = 0, denominator = 1;  // reduced, denominator above 0
};

Fraction Reduced(int64_t numerator, int64_t denominator) {
  const int64_t divisor = std::gcd(numerator, denominator);
  return {.numerator = numerator / divisor, .denominator = denominator / divisor};
}

// "-12.50", "+.5", "3."
std::optional<Fraction> Decimal(absl::string_view text) {
  const bool negative = absl::ConsumePrefix(&text, "-");
  if (!negative) absl::ConsumePrefix(&text, "+");
  std::string digits;
  int64_t denominator = 1;
  bool point = false;
  for (const char c : text) {
    if (c == '.' && !point) {
      point = true;
    } else if (IsDigit(c) && digits.size() < kMaxDigits) {
      digits += c;
      if (point) denominator *= 10;
    } else {
      return std::nullopt;
    }
  }
  int64_t numerator = 0;
  if (!absl::SimpleAtoi(digits, &numerator)) return std::nullopt;
  return Reduced(negative ? -numerator : numerator, denominator);
}

// "1/2", both whole.
std::optional<Fraction> Quotient(absl::string_view text) {
  const size_t bar = text.find('/');
  if (bar == absl::string_view::npos) return Decimal(text);
  const auto top = Decimal(text.substr(0, bar)), bottom = Decimal(text.substr(bar + 1));
  if (!top.has_value() || !bottom.has_value() || top->denominator != 1 || bottom->denominator != 1 ||
      bottom->numerator == 0) {
    return std::nullopt;
  }
  return bottom->numerator < 0 ? Reduced(-top->numerator, -bottom->numerator)
                               : Reduced(top->numerator, bottom->numerator);
}

// "1,234,567" → "1234567"; commas elsewhere stay.
std::string WithoutThousands(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto digits = [&](size_t from) {
      size_t count = 0;
      while (from + count < text.size() && IsDigit(text[from + count])) ++count;
      return count;
    };
    if (text[i] == ',' && i > 0 && IsDigit(text[i - 1]) && digits(i + 1) == 3) continue;
    out += text[i];
  }
  return out;
}

}  // namespace

std::string VoteOf(absl::string_view extracted) {
  std::string text = absl::StrReplaceAll(extracted, {{"\\left", ""},
                                                     {"\\right", ""},
                                                     {"\\!", ""},
                                                     {"\\,", ""},
                                                     {"\\;", ""},
                                                     {"\\ ", ""},
                                                     {"\\$", ""},
                                                     {"$", ""},
                                                     {"\\dfrac", "\\frac"},
                                                     {"\\tfrac", "\\frac"},
                                                     {"−", "-"},
                                                     {"{,}", ","}});
  std::erase_if(text, [](char c) { return absl::ascii_isspace(static_cast<unsigned char>(c)); });
  absl::AsciiStrToLower(&text);
  absl::string_view number = text;
  const bool negative = absl::StartsWith(number, "-\\frac{");
  if (negative) number.remove_prefix(1);
  std::string flat = WithoutThousands(std::string(number));
  if (absl::StartsWith(flat, "\\frac{") && absl::EndsWith(flat, "}")) {
    flat = absl::StrReplaceAll(flat.substr(6, flat.size() - 7), {{"}{", "/"}});
    if (negative) flat = absl::StrCat("-", flat);
  }
  const std::optional<Fraction> value = Quotient(flat);
  if (!value.has_value()) return text;
  return value->denominator == 1 ? absl::StrCat(value->numerator)
                                 : absl::StrCat(value->numerator, "/", value->denominator);
}

}  // namespace entrain
