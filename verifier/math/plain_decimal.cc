#include "verifier/math/plain_decimal.h"

#include "absl/strings/ascii.h"
#include "absl/strings/strip.h"

namespace entrain {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool AllDigits(absl::string_view text) {
  for (const char c : text) {
    if (!IsDigit(c)) return false;
  }
  return true;
}

// 1,234,567: one to three digits, then groups of three; no zero in front.
bool ThousandsStandRight(absl::string_view text) {
  const size_t first = text.find(',');
  if (first == absl::string_view::npos) return AllDigits(text);
  if (first == 0 || first > 3 || text[0] == '0' || (text.size() - first) % 4 != 0) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool comma = i >= first && (i - first) % 4 == 0;
    if (comma ? text[i] != ',' : !IsDigit(text[i])) return false;
  }
  return true;
}

}  // namespace

std::optional<PlainDecimal> ReadPlainDecimal(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  absl::ConsumeSuffix(&text, ".");
  PlainDecimal out;
  out.negative = absl::ConsumePrefix(&text, "-") || absl::ConsumePrefix(&text, "−");
  if (!out.negative) absl::ConsumePrefix(&text, "+");
  const size_t point = text.find('.');
  out.has_point = point != absl::string_view::npos;
  out.whole = text.substr(0, point);
  if (out.has_point) out.fraction = text.substr(point + 1);
  if ((out.whole.empty() && out.fraction.empty()) || (out.has_point && out.fraction.empty()))
    return std::nullopt;
  if (!ThousandsStandRight(out.whole) || !AllDigits(out.fraction)) return std::nullopt;
  while (!out.whole.empty() && out.whole[0] == '0') out.whole.remove_prefix(1);
  while (!out.fraction.empty() && out.fraction.back() == '0') out.fraction.remove_suffix(1);
  if (out.whole.empty() && out.fraction.empty()) out.negative = false;  // −0 is 0
  return out;
}

bool SameDecimal(const PlainDecimal& a, const PlainDecimal& b) {
  if (a.negative != b.negative || a.fraction != b.fraction) return false;
  if (a.whole == b.whole) return true;
  size_t i = 0, k = 0;
  for (;; ++i, ++k) {
    if (i < a.whole.size() && a.whole[i] == ',') ++i;
    if (k < b.whole.size() && b.whole[k] == ',') ++k;
    if (i == a.whole.size() || k == b.whole.size()) return i == a.whole.size() && k == b.whole.size();
    if (a.whole[i] != b.whole[k]) return false;
  }
}

}  // namespace entrain
