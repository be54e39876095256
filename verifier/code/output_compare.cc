#include "verifier/code/output_compare.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace entrain {
namespace {

constexpr size_t kMaxShown = 120;

std::string Shown(absl::string_view text) {
  return text.size() <= kMaxShown ? absl::StrCat("\"", text, "\"")
                                  : absl::StrCat("\"", text.substr(0, kMaxShown), "…\"");
}

std::string Difference(absl::string_view unit, int64_t number, absl::string_view found,
                       absl::string_view expected) {
  return absl::StrCat(unit, " ", number, ": expected ", Shown(expected), ", found ", Shown(found));
}

// Takes the next line from `rest`, without its end and the white space before it.
absl::string_view NextLine(absl::string_view& rest) {
  const size_t end = std::min(rest.find('\n'), rest.size());
  const absl::string_view line = absl::StripTrailingAsciiWhitespace(rest.substr(0, end));
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}

std::string LineDifference(absl::string_view found, absl::string_view expected) {
  found = absl::StripTrailingAsciiWhitespace(found);
  expected = absl::StripTrailingAsciiWhitespace(expected);
  for (int64_t line = 1; !found.empty() || !expected.empty(); ++line) {
    if (found.empty()) return Difference("line", line, "nothing", NextLine(expected));
    if (expected.empty()) return Difference("line", line, NextLine(found), "nothing");
    const absl::string_view is = NextLine(found), wanted = NextLine(expected);
    if (is != wanted) return Difference("line", line, is, wanted);
  }
  return "";
}

absl::string_view NextToken(absl::string_view& rest) {
  rest = absl::StripLeadingAsciiWhitespace(rest);
  const size_t end = std::min(rest.find_first_of(" \t\n\r\f\v"), rest.size());
  const absl::string_view token = rest.substr(0, end);
  rest.remove_prefix(end);
  return token;
}

bool Near(absl::string_view found, absl::string_view expected, double tolerance) {
  double is = 0, wanted = 0;
  if (!absl::SimpleAtod(found, &is) || !absl::SimpleAtod(expected, &wanted)) return false;
  if (!std::isfinite(is) || !std::isfinite(wanted)) return is == wanted;
  return std::abs(is - wanted) <= tolerance * std::max(1.0, std::abs(wanted));
}

std::string TokenDifference(absl::string_view found, absl::string_view expected, bool numbers,
                            double tolerance) {
  for (int64_t word = 1;; ++word) {
    const absl::string_view is = NextToken(found), wanted = NextToken(expected);
    if (is.empty() && wanted.empty()) return "";
    if (is == wanted || (numbers && Near(is, wanted, tolerance))) continue;
    return Difference("word", word, is.empty() ? "nothing" : is, wanted.empty() ? "nothing" : wanted);
  }
}

}  // namespace

std::string OutputDifference(absl::string_view found, absl::string_view expected, OutputCompare compare,
                             double tolerance) {
  switch (compare) {
    case OutputCompare::kExact:
      return found == expected ? "" : absl::StrCat("expected ", Shown(expected), ", found ", Shown(found));
    case OutputCompare::kLines:
      return LineDifference(found, expected);
    case OutputCompare::kTokens:
    case OutputCompare::kNumbers:
      return TokenDifference(found, expected, compare == OutputCompare::kNumbers, tolerance);
  }
  return "";
}

}  // namespace entrain
