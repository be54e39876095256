#include "verifier/math/number_literal.h"

#include <algorithm>
#include <string>

#include "absl/strings/match.h"

namespace entrain {
namespace {

constexpr size_t kAbsent = absl::string_view::npos;

bool IsDigit(absl::string_view text, size_t i) { return i < text.size() && text[i] >= '0' && text[i] <= '9'; }

size_t DigitsEnd(absl::string_view text, size_t i) {
  while (IsDigit(text, i)) ++i;
  return i;
}

size_t SpacesEnd(absl::string_view text, size_t i) {
  while (i < text.size() && text[i] == ' ') ++i;
  return i;
}

// The length of the separator at `i` that may stand between thousands; 0: none. All of a number are alike.
enum class Separator : uint8_t { kNone, kComma, kBracedComma, kTightComma, kThinSpace, kSpace };
size_t SeparatorAt(absl::string_view text, size_t i, Separator& kind) {
  const absl::string_view rest = text.substr(std::min(i, text.size()));
  if (rest.empty()) return 0;
  if (rest[0] == ',') {
    if (absl::StartsWith(rest, ",\\!")) {
      kind = Separator::kTightComma;
      return SpacesEnd(rest, 3);
    }
    kind = Separator::kComma;
    return 1;
  }
  if (rest[0] == '{' || (rest[0] == ' ' && absl::StartsWith(rest, " {"))) {
    size_t at = SpacesEnd(rest, rest[0] == ' ' ? 2 : 1);
    if (at >= rest.size() || rest[at] != ',') return 0;
    at = SpacesEnd(rest, at + 1);
    if (at >= rest.size() || rest[at] != '}') return 0;
    kind = Separator::kBracedComma;
    return at + 1;
  }
  if (absl::StartsWith(rest, "\\,") || absl::StartsWith(rest, "\\;") || absl::StartsWith(rest, "\\:")) {
    kind = Separator::kThinSpace;
    return 2;
  }
  if (absl::StartsWith(rest, "\xe2\x80\xaf") || absl::StartsWith(rest, "\xe2\x80\x89")) {  // U+202F, U+2009
    kind = Separator::kThinSpace;
    return 3;
  }
  if (rest[0] == ' ') {
    kind = Separator::kSpace;
    return 1;
  }
  return 0;
}

// Exactly three digits at `i`.
bool IsThousands(absl::string_view text, size_t i) {
  return IsDigit(text, i) && IsDigit(text, i + 1) && IsDigit(text, i + 2) && !IsDigit(text, i + 3);
}

// The end of the whole part that begins with the digits up to `first_end`, with its thousands.
size_t WholeEnd(absl::string_view text, size_t first_end, bool commas_join, NumberLiteral& literal) {
  if (first_end == 0 || first_end > 3 || (text[0] == '0')) return first_end;
  Separator kind = Separator::kNone, next = Separator::kNone;
  size_t length = SeparatorAt(text, first_end, kind);
  if (length == 0 || !IsThousands(text, first_end + length)) return first_end;
  if (kind == Separator::kComma && !commas_join) return first_end;
  size_t end = first_end;
  for (;;) {
    length = SeparatorAt(text, end, next);
    if (length == 0 || next != kind || !IsThousands(text, end + length)) break;
    end += length + 3;
  }
  const char after = end < text.size() ? text[end] : '\0';
  // "1,234,5" is a list; "1 234/567" a mixed number.
  if (kind == Separator::kComma && after == ',' && IsDigit(text, end + 1)) return first_end;
  if (kind == Separator::kSpace) {
    const size_t next_part = SpacesEnd(text, end);
    if (IsDigit(text, next_part) || (next_part < text.size() && text[next_part] == '/')) return first_end;
    literal.thousands_space = true;
  }
  literal.thousands_comma = kind == Separator::kComma;
  return end;
}

// The repeating part at `i`: \overline{3}, \bar{3}, \dot{3}, or (3) at the end of the text. Returns its end.
size_t RepeatEnd(absl::string_view text, size_t i) {
  for (const absl::string_view open : {"\\overline{", "\\bar{", "\\dot{", "\\overline ", "\\bar "}) {
    if (!absl::StartsWith(text.substr(i), open)) continue;
    const size_t begin = i + open.size();
    const size_t end = open.back() == '{' ? DigitsEnd(text, begin) : begin + IsDigit(text, begin);
    if (end == begin) return i;
    if (open.back() != '{') return end;
    return end < text.size() && text[end] == '}' ? end + 1 : i;
  }
  if (i < text.size() && text[i] == '(') {
    const size_t end = DigitsEnd(text, i + 1);
    if (end > i + 1 && end + 1 == text.size() && text[end] == ')') return end + 1;
  }
  return i;
}

void AppendDigits(absl::string_view text, std::string& digits) {
  for (const char c : text) {
    if (c >= '0' && c <= '9') digits += c;
  }
}

mpz_class PowerOfTen(size_t exponent) {
  mpz_class power;
  mpz_ui_pow_ui(power.get_mpz_t(), 10, exponent);
  return power;
}

mpz_class ToInteger(const std::string& digits) {
  if (digits.size() > 18) return mpz_class(digits, 10);
  unsigned long value = 0;
  for (const char c : digits) value = 10 * value + static_cast<unsigned long>(c - '0');
  return mpz_class(value);
}

size_t CountDigits(absl::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }));
}

}  // namespace

NumberLiteral ScanNumber(absl::string_view text, bool commas_join) {
  NumberLiteral literal;
  size_t end = DigitsEnd(text, 0);
  const bool has_whole = end > 0;
  if (has_whole) end = WholeEnd(text, end, commas_join, literal);
  literal.whole = has_whole;
  if (end < text.size() && text[end] == '.' &&
      (IsDigit(text, end + 1) || (has_whole && RepeatEnd(text, end + 1) > end + 1))) {
    literal.point = end;
    literal.whole = false;
    end = DigitsEnd(text, end + 1);
    if (const size_t repeat_end = RepeatEnd(text, end); repeat_end > end) {
      literal.repeat = end;
      end = repeat_end;
    }
  }
  if (end == 0) return literal;
  if (end < text.size() && (text[end] == 'e' || text[end] == 'E') && literal.repeat == kAbsent) {
    size_t digits = end + 1;
    if (digits < text.size() && (text[digits] == '+' || text[digits] == '-')) ++digits;
    if (IsDigit(text, digits)) {
      literal.exponent = end;
      literal.whole = false;
      end = DigitsEnd(text, digits);
    }
  }
  literal.length = end;
  return literal;
}

NumberLiteral ScanDigit(absl::string_view text) {
  NumberLiteral literal;
  literal.whole = IsDigit(text, 0);
  literal.length = literal.whole ? 1 : 0;
  return literal;
}

NumberValueStatus NumberValue(absl::string_view text, const NumberLiteral& literal, size_t max_digits,
                              Number& number, size_t& digits_used) {
  const absl::string_view all = text.substr(0, literal.length);
  const absl::string_view mantissa = all.substr(0, literal.exponent);
  const size_t point = std::min(literal.point, mantissa.size());
  const size_t repeat = std::min(literal.repeat, mantissa.size());
  // Zeros in front are cheap to pass over.
  absl::string_view whole = mantissa.substr(0, point);
  while (!whole.empty() && whole[0] == '0') whole.remove_prefix(1);
  const absl::string_view part =
      literal.point == kAbsent ? absl::string_view() : mantissa.substr(point + 1, repeat - point - 1);
  const size_t count = CountDigits(whole) + part.size() + CountDigits(mantissa.substr(repeat));
  if (count > max_digits) return NumberValueStatus::kTooManyDigits;
  digits_used += count;

  long exponent = 0;
  if (literal.exponent != kAbsent) {
    absl::string_view digits = all.substr(literal.exponent + 1);
    const bool negative = digits[0] == '-';
    if (negative || digits[0] == '+') digits.remove_prefix(1);
    while (digits.size() > 1 && digits[0] == '0') digits.remove_prefix(1);
    for (const char c : digits) {
      exponent = 10 * exponent + (c - '0');
      if (exponent > static_cast<long>(max_digits)) return NumberValueStatus::kTooLargeExponent;
    }
    digits_used += static_cast<size_t>(exponent);
    if (negative) exponent = -exponent;
  }

  std::string digits;
  AppendDigits(whole, digits);
  AppendDigits(part, digits);
  number.decimals =
      literal.point == kAbsent || literal.repeat != kAbsent ? -1 : static_cast<int32_t>(part.size());
  number.value = ToInteger(digits);
  const long scale = exponent - static_cast<long>(part.size());
  if (literal.repeat != kAbsent) {
    // a.b(c) = (abc − ab) / (10^|b| (10^|c| − 1))
    std::string repeating;
    AppendDigits(mantissa.substr(repeat), repeating);
    const mpz_class nines = PowerOfTen(repeating.size()) - 1;
    number.value =
        mpq_class(number.value.get_num() * nines + ToInteger(repeating), PowerOfTen(part.size()) * nines);
    number.value.canonicalize();
  } else if (scale > 0) {
    number.value *= PowerOfTen(static_cast<size_t>(scale));
  } else if (scale < 0) {
    number.value.get_den() = PowerOfTen(static_cast<size_t>(-scale));
    number.value.canonicalize();
  }
  if (literal.exponent != kAbsent && number.decimals >= 0)
    number.decimals = static_cast<int32_t>(std::max<long>(0, -scale));
  return NumberValueStatus::kOk;
}

}  // namespace entrain
