#include "verifier/math/answer_finder.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace entrain {
namespace {

constexpr std::pair<AnswerSource, const char*> kNames[] = {{AnswerSource::kBoxed, "boxed"},
                                                           {AnswerSource::kHash, "hash"},
                                                           {AnswerSource::kPhrase, "phrase"},
                                                           {AnswerSource::kLastNumber, "last_number"}};

// The inside of the braces that open at `open`; nullopt when they do not close.
std::optional<absl::string_view> Braced(absl::string_view text, size_t open) {
  int64_t depth = 0;
  for (size_t i = open; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;  // an escaped brace is no brace
    } else if (text[i] == '{') {
      ++depth;
    } else if (text[i] == '}' && --depth == 0) {
      return text.substr(open + 1, i - open - 1);
    }
  }
  return std::nullopt;
}

std::optional<std::string> Boxed(absl::string_view text) {
  // From the end; an unclosed box is passed over once, so that hostile text costs no more than a few passes.
  absl::string_view rest = text;
  for (int tries = 0; tries < 8; ++tries) {
    size_t at = absl::string_view::npos, length = 0;
    for (const absl::string_view command : {"\\boxed", "\\fbox"}) {
      const size_t found = rest.rfind(command);
      if (found != absl::string_view::npos && (at == absl::string_view::npos || found > at)) {
        at = found;
        length = command.size();
      }
    }
    if (at == absl::string_view::npos) return std::nullopt;
    size_t open = at + length;
    while (open < text.size() && text[open] == ' ') ++open;
    if (open < text.size() && text[open] == '{') {
      if (const auto inside = Braced(text, open); inside.has_value())
        return std::string(absl::StripAsciiWhitespace(*inside));
    }
    rest = rest.substr(0, at);
  }
  return std::nullopt;
}

std::optional<std::string> NonEmpty(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  if (text.empty()) return std::nullopt;
  return std::string(text);
}

std::optional<std::string> Hash(absl::string_view text) {
  const size_t at = text.rfind("####");
  if (at == absl::string_view::npos) return std::nullopt;
  absl::string_view line = text.substr(at + 4);
  return NonEmpty(line.substr(0, line.find('\n')));
}

std::optional<std::string> Phrase(absl::string_view text) {
  const std::string lower = absl::AsciiStrToLower(text);
  size_t begin = std::string::npos;
  for (const std::string phrase : {"answer is", "answer:"}) {
    const size_t at = lower.rfind(phrase);
    if (at != std::string::npos && (begin == std::string::npos || at + phrase.size() > begin))
      begin = at + phrase.size();
  }
  if (begin == std::string::npos) return std::nullopt;
  absl::string_view rest = text.substr(begin);
  rest = rest.substr(0, rest.find('\n'));
  rest = absl::StripLeadingAsciiWhitespace(rest);
  absl::ConsumePrefix(&rest, ":");
  // A sentence ends at a full stop that no digit follows.
  for (size_t i = 0; i < rest.size(); ++i) {
    if (rest[i] == '.' &&
        (i + 1 == rest.size() || !absl::ascii_isdigit(static_cast<unsigned char>(rest[i + 1])))) {
      rest = rest.substr(0, i);
      break;
    }
  }
  return NonEmpty(rest);
}

bool IsDigit(absl::string_view text, size_t i) {
  return i < text.size() && absl::ascii_isdigit(static_cast<unsigned char>(text[i]));
}

// digits, thousands commas, a decimal point, a fraction bar, a sign, backwards from the last digit.
std::optional<std::string> LastNumber(absl::string_view text) {
  size_t end = text.size();
  while (end > 0 && !IsDigit(text, end - 1)) --end;
  if (end == 0) return std::nullopt;
  size_t begin = end - 1;
  while (begin > 0) {
    const char before = text[begin - 1];
    const bool joins = (before == ',' || before == '.' || before == '/') && begin >= 2 &&
                       IsDigit(text, begin - 2) && IsDigit(text, begin);
    if (!IsDigit(text, begin - 1) && !joins) break;
    --begin;
  }
  if (begin > 0 && text[begin - 1] == '.') --begin;  // .5
  if (begin > 0 && text[begin - 1] == '-') {
    // A minus, not a dash between two things.
    const bool dash = begin >= 2 && (IsDigit(text, begin - 2) ||
                                     absl::ascii_isalpha(static_cast<unsigned char>(text[begin - 2])));
    if (!dash) --begin;
  }
  constexpr absl::string_view kMinusSign = "−";
  const bool minus_sign = absl::EndsWith(text.substr(0, begin), kMinusSign);
  if (end < text.size() && text[end] == '%') ++end;
  return absl::StrCat(minus_sign ? "-" : "", text.substr(begin, end - begin));
}

}  // namespace

std::optional<AnswerSource> AnswerSourceFromName(absl::string_view name) {
  for (const auto& [source, text] : kNames) {
    if (name == text) return source;
  }
  return std::nullopt;
}

std::optional<std::string> FindAnswer(absl::string_view text, const std::vector<AnswerSource>& sources) {
  for (const AnswerSource source : sources) {
    std::optional<std::string> found;
    switch (source) {
      case AnswerSource::kBoxed:
        found = Boxed(text);
        break;
      case AnswerSource::kHash:
        found = Hash(text);
        break;
      case AnswerSource::kPhrase:
        found = Phrase(text);
        break;
      case AnswerSource::kLastNumber:
        found = LastNumber(text);
        break;
    }
    if (found.has_value() && !found->empty()) return found;
  }
  return std::nullopt;
}

}  // namespace entrain
