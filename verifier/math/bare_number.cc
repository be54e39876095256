#include "verifier/math/bare_number.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace entrain {
namespace {

constexpr size_t kMaxBytes = 200;  // longer texts are sentences, not answers

// Words that change the number, or that join it to another one.
bool ChangesTheNumber(absl::string_view word) {
  constexpr absl::string_view kWords[] = {
      "hundred",  "hundreds", "thousand", "thousands", "million", "millions", "billion",  "billions",
      "trillion", "dozen",    "dozens",   "percent",   "pi",      "half",     "halves",   "third",
      "thirds",   "quarter",  "fifths",   "tenths",    "times",   "plus",     "minus",    "over",
      "or",       "and",      "to",       "not",       "no",      "than",     "mod",      "factor",
      "squared",  "cubed",    "least",    "most",      "between", "negative", "infinity", "power",
      "degree",   "root",     "twice",    "double",    "triple"};
  const std::string lower = absl::AsciiStrToLower(word);
  return std::ranges::find(kWords, absl::string_view(lower)) != std::end(kWords);
}

bool AllLetters(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalpha(static_cast<unsigned char>(c));
  });
}

bool HarmlessWords(absl::string_view text) {
  const std::vector<absl::string_view> words =
      absl::StrSplit(text, absl::ByAnyChar(" /."), absl::SkipWhitespace());
  return std::ranges::all_of(
      words, [](absl::string_view word) { return AllLetters(word) && !ChangesTheNumber(word); });
}

// "x =", "the answer =" or words before the number. False: something else stands there.
bool DropName(absl::string_view& text) {
  if (const size_t equals = text.find_first_of("=:"); equals != absl::string_view::npos) {
    if (!HarmlessWords(text.substr(0, equals))) return false;
    text = absl::StripAsciiWhitespace(text.substr(equals + 1));
  }
  for (;;) {
    const absl::string_view word = text.substr(0, text.find(' '));
    if (!AllLetters(word)) return true;
    if (word.size() == 1 && word != "a") return false;  // a variable, as in "x 3"
    if (ChangesTheNumber(word) || word.size() == text.size()) return false;
    text = absl::StripLeadingAsciiWhitespace(text.substr(word.size()));
  }
}

// One \text{…} at the end.
bool DropTextCommand(absl::string_view& text) {
  if (!absl::EndsWith(text, "}")) return false;
  for (const absl::string_view command : {"\\text{", "\\mathrm{", "\\mbox{", "\\textrm{"}) {
    const size_t at = text.rfind(command);
    if (at == absl::string_view::npos || at == 0) continue;
    const absl::string_view inside = text.substr(at + command.size(), text.size() - at - command.size() - 1);
    if (!HarmlessWords(inside)) continue;
    text = absl::StripTrailingAsciiWhitespace(text.substr(0, at));
    return true;
  }
  return false;
}

// One word of two letters or more at the end, apart from the number; one letter could be a variable.
bool DropWord(absl::string_view& text) {
  const size_t space = text.rfind(' ');
  if (space == absl::string_view::npos) return false;
  const absl::string_view word = text.substr(space + 1);
  if (word.size() < 2 || !HarmlessWords(word)) return false;
  text = absl::StripTrailingAsciiWhitespace(text.substr(0, space));
  return true;
}

bool DropDegrees(absl::string_view& text) {
  for (const absl::string_view sign : {"^\\circ", "^{\\circ}", "°"}) {
    if (absl::ConsumeSuffix(&text, sign)) return true;
  }
  return false;
}

// The unit behind the number, with its exponent.
void DropUnit(absl::string_view& text) {
  if (DropDegrees(text)) return;
  absl::string_view unit = text;
  for (const absl::string_view exponent : {"^2", "^3", "^{2}", "^{3}"}) {
    if (absl::ConsumeSuffix(&unit, exponent)) break;
  }
  if (!DropTextCommand(unit) && !DropWord(unit)) return;
  while (DropTextCommand(unit) || DropWord(unit)) {
  }
  text = unit;
}

}  // namespace

ParsedNumber ParseBareNumber(absl::string_view normalized) {
  if (normalized.size() > kMaxBytes) return {};
  absl::string_view text = absl::StripAsciiWhitespace(normalized);
  if (!DropName(text)) return {};
  DropUnit(text);
  return ParseNumber(NormalizeAnswer(text));
}

}  // namespace entrain
