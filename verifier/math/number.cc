#include "verifier/math/number.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"

namespace entrain {
namespace {

constexpr int kMaxFractionDepth = 8;

ParsedNumber None() { return {}; }
ParsedNumber PastLimit() { return {.status = NumberStatus::kPastLimit}; }
ParsedNumber Of(mpq_class value) { return {.status = NumberStatus::kNumber, .value = std::move(value)}; }

bool AllDigits(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isdigit(static_cast<unsigned char>(c));
  });
}

// "1,234,567" → "1234567"; nullopt when commas stand elsewhere than between thousands.
std::optional<std::string> WithoutThousands(absl::string_view text) {
  if (text.find(',') == absl::string_view::npos) return std::string(text);
  const size_t point = text.find('.');
  const absl::string_view whole = text.substr(0, point);
  std::string out;
  size_t group = 0;
  bool first = true;
  for (size_t i = 0; i <= whole.size(); ++i) {
    if (i == whole.size() || whole[i] == ',') {
      if (group == 0 || group > 3 || (!first && group != 3)) return std::nullopt;
      first = false;
      group = 0;
    } else {
      out += whole[i];
      ++group;
    }
  }
  if (point != absl::string_view::npos) absl::StrAppend(&out, text.substr(point));
  return out;
}

// 10^exponent as a fraction.
mpq_class PowerOfTen(long exponent) {
  mpz_class power;
  mpz_ui_pow_ui(power.get_mpz_t(), 10, static_cast<unsigned long>(exponent < 0 ? -exponent : exponent));
  if (exponent < 0) return mpq_class(mpz_class(1), power);
  return mpq_class(power);
}

// digits[.digits] without sign.
ParsedNumber Decimal(absl::string_view text) {
  const std::optional<std::string> plain = WithoutThousands(text);
  if (!plain.has_value()) return None();
  const size_t point = plain->find('.');
  const std::string whole = plain->substr(0, point);
  const std::string part = point == std::string::npos ? "" : plain->substr(point + 1);
  if (whole.empty() && part.empty()) return None();
  if ((!whole.empty() && !AllDigits(whole)) || (!part.empty() && !AllDigits(part))) return None();
  if (whole.size() + part.size() > kMaxNumberDigits) return PastLimit();
  mpq_class value(mpz_class(whole + part, 10), PowerOfTen(static_cast<long>(part.size())).get_num());
  value.canonicalize();
  return Of(std::move(value));
}

// A decimal with an optional power of ten.
ParsedNumber Scientific(absl::string_view text) {
  absl::string_view mantissa = text, exponent_text;
  for (const absl::string_view sign : {"\\times10^", "\\cdot10^", "*10^", "e", "E"}) {
    const size_t at = text.find(sign);
    if (at == absl::string_view::npos) continue;
    mantissa = text.substr(0, at);
    exponent_text = text.substr(at + sign.size());
    if (absl::ConsumePrefix(&exponent_text, "{") && !absl::ConsumeSuffix(&exponent_text, "}")) return None();
    break;
  }
  ParsedNumber number = Decimal(mantissa);
  if (number.status != NumberStatus::kNumber || mantissa.size() == text.size()) return number;
  int64_t exponent = 0;
  absl::string_view digits = exponent_text;
  absl::ConsumePrefix(&digits, "-");
  if (!AllDigits(digits)) {
    absl::string_view plus = exponent_text;
    if (!absl::ConsumePrefix(&plus, "+") || !AllDigits(plus)) return None();
  }
  if (!absl::SimpleAtoi(exponent_text, &exponent) || exponent > kMaxExponent || exponent < -kMaxExponent)
    return PastLimit();
  number.value *= PowerOfTen(static_cast<long>(exponent));
  return number;
}

ParsedNumber Quotient(const ParsedNumber& over, const ParsedNumber& under) {
  if (over.status != NumberStatus::kNumber) return over;
  if (under.status != NumberStatus::kNumber) return under;
  if (under.value == 0) return None();
  return Of(over.value / under.value);
}

ParsedNumber Signed(absl::string_view text, int depth);

// Takes the next argument of a command from `text`: {…} with balanced braces, or one character.
std::optional<absl::string_view> TakeArgument(absl::string_view& text) {
  if (text.empty()) return std::nullopt;
  if (text[0] != '{') {
    const absl::string_view one = text.substr(0, 1);
    text.remove_prefix(1);
    return one;
  }
  int depth = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '{') ++depth;
    if (text[i] == '}' && --depth == 0) {
      const absl::string_view inside = text.substr(1, i - 1);
      text.remove_prefix(i + 1);
      return inside;
    }
  }
  return std::nullopt;
}

// \frac{a}{b}, \frac12, \frac1{2}: `text` begins after the command.
ParsedNumber Frac(absl::string_view text, int depth) {
  const auto over = TakeArgument(text);
  const auto under = TakeArgument(text);
  if (!over.has_value() || !under.has_value() || !text.empty()) return None();
  return Quotient(Signed(*over, depth + 1), Signed(*under, depth + 1));
}

// Without sign, percent or currency.
ParsedNumber Unsigned(absl::string_view text, int depth) {
  if (depth > kMaxFractionDepth) return None();
  const size_t frac = text.find("\\frac");
  if (frac != absl::string_view::npos) {
    const ParsedNumber fraction = Frac(text.substr(frac + 5), depth);
    if (frac == 0 || fraction.status != NumberStatus::kNumber) return fraction;
    if (!AllDigits(text.substr(0, frac)) || fraction.value < 0) return None();
    const ParsedNumber whole = Decimal(text.substr(0, frac));  // a mixed number: 1\frac{1}{2}
    if (whole.status != NumberStatus::kNumber) return whole;
    return Of(whole.value + fraction.value);
  }
  const size_t bar = text.find('/');
  if (bar == absl::string_view::npos) return Scientific(text);
  const absl::string_view under = text.substr(bar + 1);
  if (absl::StrContains(under, '/')) return None();  // 1/2/3 is no fraction
  return Quotient(Scientific(text.substr(0, bar)), Signed(under, depth + 1));
}

ParsedNumber Signed(absl::string_view text, int depth) {
  const bool negative = absl::ConsumePrefix(&text, "-");
  if (!negative) absl::ConsumePrefix(&text, "+");
  ParsedNumber number = Unsigned(text, depth);
  if (negative && number.status == NumberStatus::kNumber) number.value = -number.value;
  return number;
}

// "1 1/2": `text` after the sign, split at its one space.
ParsedNumber Mixed(absl::string_view whole_text, absl::string_view part_text) {
  if (!AllDigits(whole_text) || !absl::StrContains(part_text, '/')) return None();
  const ParsedNumber whole = Decimal(whole_text), part = Unsigned(part_text, 0);
  if (whole.status != NumberStatus::kNumber) return whole;
  if (part.status != NumberStatus::kNumber) return part;
  return part.value < 0 ? None() : Of(whole.value + part.value);
}

// `rest` after the sign: a space is a part of a number only where a mixed number has one.
ParsedNumber UnsignedWithSpaces(absl::string_view rest) {
  std::string text;
  for (size_t i = 0; i < rest.size(); ++i) {
    const auto is_digit = [](char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); };
    if (!absl::ascii_isspace(static_cast<unsigned char>(rest[i]))) {
      text += rest[i];
    } else if (!text.empty() && is_digit(text.back()) && i + 1 < rest.size() && is_digit(rest[i + 1])) {
      return Mixed(text, rest.substr(i + 1));
    }
  }
  return Unsigned(text, 0);
}

// Takes `open`…`close` from around the whole text.
bool Unwrap(absl::string_view& text, absl::string_view open, absl::string_view close) {
  if (text.size() < open.size() + close.size() || !absl::StartsWith(text, open) ||
      !absl::EndsWith(text, close))
    return false;
  const absl::string_view inside = text.substr(open.size(), text.size() - open.size() - close.size());
  // \text{a} + \text{b} is not wrapped as a whole.
  if (close == "}" && inside.find('}') < inside.find('{')) return false;
  text = absl::StripAsciiWhitespace(inside);
  return true;
}

}  // namespace

std::string NormalizeAnswer(absl::string_view text) {
  std::string out = absl::StrReplaceAll(text, {{"\\left", ""},
                                               {"\\right", ""},
                                               {"\\!", ""},
                                               {"\\,", ""},
                                               {"\\;", ""},
                                               {"{,}", ","},
                                               {"\\ ", " "},
                                               {"\\dfrac", "\\frac"},
                                               {"\\tfrac", "\\frac"},
                                               {"\\%", "%"},
                                               {"\\$", "$"},
                                               {"−", "-"},
                                               {"×", "\\times"}});
  absl::string_view rest = absl::StripAsciiWhitespace(out);
  for (bool changed = true; changed;) {
    changed = Unwrap(rest, "\\(", "\\)") || Unwrap(rest, "\\[", "\\]") || Unwrap(rest, "$$", "$$") ||
              Unwrap(rest, "$", "$") || Unwrap(rest, "\\text{", "}") || Unwrap(rest, "\\mathrm{", "}") ||
              Unwrap(rest, "\\textbf{", "}") || Unwrap(rest, "**", "**");
    if (absl::ConsumeSuffix(&rest, ".")) {
      rest = absl::StripAsciiWhitespace(rest);
      changed = true;
    }
  }
  return std::string(rest);
}

ParsedNumber ParseNumber(absl::string_view normalized) {
  if (normalized.size() > kMaxAnswerBytes) {
    // Only a text of digits is a number at all; which number it is would take too long to say.
    return AllDigits(normalized.substr(0, kMaxNumberDigits)) ? PastLimit() : None();
  }
  absl::string_view rest = absl::StripAsciiWhitespace(normalized);
  const bool percent = absl::ConsumeSuffix(&rest, "%");
  bool negative = absl::ConsumePrefix(&rest, "-");
  const bool plus = !negative && absl::ConsumePrefix(&rest, "+");
  for (const absl::string_view currency : {"$", "€", "£"}) absl::ConsumePrefix(&rest, currency);
  if (!negative && !plus) negative = absl::ConsumePrefix(&rest, "-");
  ParsedNumber number = UnsignedWithSpaces(absl::StripAsciiWhitespace(rest));
  if (number.status != NumberStatus::kNumber) return number;
  if (negative) number.value = -number.value;
  if (percent) number.value /= 100;
  return number;
}

}  // namespace entrain
