#include "verifier/math/answer_finder.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "verifier/math/math_spans.h"
#include "verifier/math/math_words.h"
#include "verifier/math/parse_formula.h"

namespace entrain {
namespace {

constexpr std::pair<AnswerSource, const char*> kNames[] = {{AnswerSource::kBoxed, "boxed"},
                                                           {AnswerSource::kLastBoxed, "last_boxed"},
                                                           {AnswerSource::kHash, "hash"},
                                                           {AnswerSource::kPhrase, "phrase"},
                                                           {AnswerSource::kLastNumber, "last_number"},
                                                           {AnswerSource::kLastExpression, "last_expression"},
                                                           {AnswerSource::kWhole, "whole"}};

constexpr size_t kNone = absl::string_view::npos;
constexpr size_t kMaxTogether = 64;  // boxes or formulas that are one answer

// The last `c` before `end`; kNone: none.
size_t LastBefore(absl::string_view text, char c, size_t end) {
  const void* found = end == 0 ? nullptr : memrchr(text.data(), c, end);
  return found == nullptr ? kNone : static_cast<size_t>(static_cast<const char*>(found) - text.data());
}

std::optional<std::string> NonEmpty(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  if (text.empty()) return std::nullopt;
  return std::string(text);
}

// A box: \boxed{inside}, from `begin` to `end`.
struct Box {
  size_t begin = 0, end = 0;
  absl::string_view inside;
};

// The last box of text[0, end) whose braces close before `end`. A box that does not close is passed over,
// `tries` of them at most, so that hostile text costs no more than a few passes.
std::optional<Box> LastBox(absl::string_view text, size_t end, int tries) {
  for (size_t at = LastBefore(text, '\\', end); at != kNone; at = LastBefore(text, '\\', at)) {
    while (at > 0 && text[at - 1] == '\\') --at;  // of a run of them only the last can begin a command
    absl::string_view rest = text.substr(at, end - at);
    rest.remove_prefix(std::min(rest.find_first_not_of('\\'), rest.size()));
    if (!absl::ConsumePrefix(&rest, "boxed") && !absl::ConsumePrefix(&rest, "fbox")) continue;
    rest = absl::StripLeadingAsciiWhitespace(rest);
    if (absl::StartsWith(rest, "{")) {
      const size_t open = static_cast<size_t>(rest.data() - text.data());
      int64_t depth = 0;
      for (size_t i = open; i < end; ++i) {
        if (text[i] == '\\') {
          ++i;  // an escaped brace is no brace
        } else if (text[i] == '{') {
          ++depth;
        } else if (text[i] == '}' && --depth == 0) {
          return Box{.begin = at,
                     .end = i + 1,
                     .inside = absl::StripAsciiWhitespace(text.substr(open + 1, i - open - 1))};
        }
      }
    }
    if (--tries == 0) break;
  }
  return std::nullopt;
}

bool HasWord(absl::string_view text, absl::string_view word) {
  for (size_t at = text.find(word); at != kNone; at = text.find(word, at + 1)) {
    const size_t end = at + word.size();
    const bool before = at > 0 && absl::ascii_isalpha(static_cast<unsigned char>(text[at - 1]));
    const bool after = end < text.size() && absl::ascii_isalpha(static_cast<unsigned char>(text[end]));
    if (!before && !after) return true;
  }
  return false;
}

// Two boxes are one answer when hardly anything stands between them, or a separator does and not much else.
// The distances are those of Math-Verify (latex2sympy2_extended 1.11, extract_boxed_content); that a sentence
// ends between them and they are two answers, the last of which counts, is ours.
bool BelongTogether(absl::string_view between, absl::string_view first, absl::string_view second) {
  constexpr size_t kClose = 10, kNear = 70;
  if (between.size() < kClose) return true;
  for (const absl::string_view end : {". ", ".\n", "! ", "? ", "\n\n"}) {
    if (absl::StrContains(between, end)) return false;
  }
  return first != second && between.size() < kNear &&
         (absl::StrContains(between, ',') || absl::StrContains(between, ';') || HasWord(between, "and") ||
          HasWord(between, "or"));
}

std::string JoinFromLast(const std::vector<absl::string_view>& last_first) {
  return absl::StrJoin(last_first.rbegin(), last_first.rend(), ", ");
}

std::optional<std::string> Boxed(absl::string_view text, size_t most) {
  constexpr int kTries = 8;
  std::optional<Box> box = LastBox(text, text.size(), kTries);
  if (!box.has_value()) return std::nullopt;
  std::vector<absl::string_view> parts = {box->inside};
  while (parts.size() < most) {
    const std::optional<Box> before = LastBox(text, box->begin, 1);
    if (!before.has_value() ||
        !BelongTogether(text.substr(before->end, box->begin - before->end), before->inside, parts.back()))
      break;
    if (before->inside != parts.back()) parts.push_back(before->inside);
    box = before;
  }
  return NonEmpty(parts.size() == 1 ? std::string(parts[0]) : JoinFromLast(parts));
}

std::optional<std::string> Hash(absl::string_view text) {
  size_t end = text.size();
  for (size_t at = LastBefore(text, '#', end); at != kNone; at = LastBefore(text, '#', at)) {
    if (at + 1 >= 4 && text.substr(at - 3, 4) == "####") {
      absl::string_view line = text.substr(at + 1);
      return NonEmpty(line.substr(0, line.find('\n')));
    }
  }
  return std::nullopt;
}

// "answer is", "answers are", "answer:", "answer to the question is": the end of the phrase that begins at
// `at`; kNone: it is none.
size_t PhraseEnd(absl::string_view text, size_t at) {
  constexpr size_t kMaxBetween = 100;
  constexpr absl::string_view kWord = "answer";
  absl::string_view rest = text.substr(at, kWord.size() + kMaxBetween);
  if (!absl::StartsWithIgnoreCase(rest, kWord)) return kNone;
  rest.remove_prefix(kWord.size());
  absl::ConsumePrefix(&rest, "s");
  absl::string_view direct = absl::StripLeadingAsciiWhitespace(rest);
  absl::ConsumePrefix(&direct, "**");
  for (const absl::string_view mark : {":", "is", "are", "=", "will be", "would be"}) {
    if (!absl::StartsWithIgnoreCase(direct, mark)) continue;
    const size_t end = static_cast<size_t>(direct.data() - text.data()) + mark.size();
    const bool letter = absl::ascii_isalpha(static_cast<unsigned char>(mark[0])) && end < text.size() &&
                        absl::ascii_isalpha(static_cast<unsigned char>(text[end]));
    if (!letter) return end;
  }
  // "The answer to the question is": in one sentence, on one line.
  if (!absl::StartsWithIgnoreCase(direct, "to ") && !absl::StartsWithIgnoreCase(direct, "for ")) return kNone;
  const absl::string_view sentence = direct.substr(0, direct.find_first_of(".\n$\\"));
  const size_t is = sentence.rfind(" is ");
  return is == kNone ? kNone : static_cast<size_t>(direct.data() - text.data()) + is + 4;
}

// Words behind a comma with which a sentence says more than the answer.
bool GoesOn(absl::string_view text) {
  if (!absl::ConsumePrefix(&text, ", ")) return false;
  for (const absl::string_view word :
       {"which ", "since ", "because ", "so ", "as ", "where ", "but ", "given "}) {
    if (absl::StartsWith(text, word)) return true;
  }
  return false;
}

// The sentence at the beginning of `text`: it ends at the end of the line, at a full stop that no digit
// follows, or where a reason begins. A formula between dollars is not cut.
absl::string_view Sentence(absl::string_view text) {
  bool dollar = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') return text.substr(0, i);
    if (text[i] == '$') dollar = !dollar;
    const bool digit = i + 1 < text.size() && absl::ascii_isdigit(static_cast<unsigned char>(text[i + 1]));
    if (text[i] == '.' && !digit && !dollar) return text.substr(0, i);
    if (text[i] == ',' && GoesOn(text.substr(i))) return text.substr(0, i);
    for (const absl::string_view reason : {" because ", " since ", "(because ", "(since "}) {
      if (absl::StartsWith(text.substr(i), reason)) return text.substr(0, i);
    }
  }
  return text;
}

bool IsDigit(absl::string_view text, size_t i) {
  return i < text.size() && absl::ascii_isdigit(static_cast<unsigned char>(text[i]));
}

struct FoundNumber {
  size_t end = 0;
  std::string text;
};

// digits, thousands commas, a decimal point, a fraction bar, an exponent, a sign, backwards from the last
// digit.
std::optional<FoundNumber> LastNumber(absl::string_view text) {
  size_t end = text.size();
  for (;;) {
    while (end > 0 && !IsDigit(text, end - 1)) --end;
    if (end == 0) return std::nullopt;
    size_t digits = end;
    while (digits > 0 && IsDigit(text, digits - 1)) --digits;
    // "H2O" and "A4" hold no number; 2e5 is one.
    const bool letter = digits > 0 && absl::ascii_isalpha(static_cast<unsigned char>(text[digits - 1]));
    const bool exponent =
        letter && digits > 1 && (text[digits - 1] | 0x20) == 'e' && IsDigit(text, digits - 2);
    if (!letter || exponent) break;
    end = digits;
  }
  size_t begin = end - 1;
  while (begin > 0) {
    const char before = text[begin - 1];
    const bool joins = (before == ',' || before == '.' || before == '/') && begin >= 2 &&
                       IsDigit(text, begin - 2) && IsDigit(text, begin);
    const bool exponent = (before == 'e' || before == 'E') && begin >= 2 && IsDigit(text, begin - 2);
    const bool signed_exponent = (before == '-' || before == '+') && begin >= 3 && IsDigit(text, begin - 3) &&
                                 (text[begin - 2] == 'e' || text[begin - 2] == 'E');
    if (!IsDigit(text, begin - 1) && !joins && !exponent && !signed_exponent) break;
    --begin;
  }
  if (begin > 0 && text[begin - 1] == '.') --begin;  // .5
  if (begin > 0 && text[begin - 1] == '-') {
    // A minus, not a dash between two things.
    const bool dash = begin >= 2 && (IsDigit(text, begin - 2) ||
                                     absl::ascii_isalpha(static_cast<unsigned char>(text[begin - 2])));
    if (!dash) --begin;
  } else if (begin > 1 && text[begin - 1] == '$' && text[begin - 2] == '-') {
    begin -= 2;  // -$5
  }
  constexpr absl::string_view kMinusSign = "−";
  const bool minus_sign = absl::EndsWith(text.substr(0, begin), kMinusSign);
  absl::string_view after = text.substr(end);
  absl::ConsumePrefix(&after, " ");
  for (const absl::string_view percent : {"%", "\\%", "percent", "pct"}) {
    if (!absl::StartsWith(after, percent)) continue;
    end = static_cast<size_t>(after.data() - text.data()) + percent.size();
    break;
  }
  return FoundNumber{.end = end,
                     .text = absl::StrCat(minus_sign ? "-" : "", text.substr(begin, end - begin))};
}

// One short line that holds a formula and no words.
bool IsBareFormula(absl::string_view text) {
  constexpr size_t kMaxBytes = 200;
  if (text.size() > kMaxBytes || text.find_first_of("\n$") != kNone || absl::StrContains(text, "\\(") ||
      absl::StrContains(text, "\\["))
    return false;
  bool something = false;
  for (size_t i = 0; i < text.size(); ++i) {
    something |=
        absl::ascii_isalnum(static_cast<unsigned char>(text[i])) || static_cast<signed char>(text[i]) < 0;
    if (!absl::ascii_isalpha(static_cast<unsigned char>(text[i]))) continue;
    size_t end = i;
    while (end < text.size() && absl::ascii_isalpha(static_cast<unsigned char>(text[end]))) ++end;
    const bool command = i > 0 && text[i - 1] == '\\';
    if (!command && end > i + 1 && WordToken(text.substr(i, end - i)) == nullptr) return false;
    i = end - 1;
  }
  return something && ParseFormula(text).status == ParseStatus::kFormula;
}

std::optional<std::string> LastExpression(absl::string_view text) {
  if (const absl::string_view whole = absl::StripAsciiWhitespace(text); IsBareFormula(whole))
    return std::string(whole);
  const std::optional<FoundNumber> number = LastNumber(text);
  const std::optional<std::pair<size_t, std::string>> spans = LastMathSpans(text);
  if (spans.has_value() && (!number.has_value() || number->end <= spans->first))
    return NonEmpty(spans->second);
  if (number.has_value()) return number->text;
  return std::nullopt;
}

// Does a sentence go on with another answer? "$17$, or maybe $18$", "$17$ if $x>0$ and $18$ otherwise".
bool Hedges(absl::string_view rest) {
  if (rest.find_first_of("0123456789") == kNone) return false;
  return HasWord(rest, "or") || HasWord(rest, "otherwise") || HasWord(rest, "alternatively") ||
         HasWord(rest, "maybe") || HasWord(rest, "perhaps") || HasWord(rest, "possibly");
}

// The answer in the text behind "the answer is": the formula that begins it ("$x = 5$, because …"), else its
// first sentence. In a sentence of words, what stands behind "is" ("the largest $n$ is 34"), or its last
// formula or number ("Jane started 3 hours ago").
std::optional<std::string> OfSentence(absl::string_view rest) {
  const std::optional<MathSpan> span = FirstMathSpan(rest);
  if (span.has_value() && span->begin == 0) {
    size_t end = 0;
    std::string formulas = MathSpansText(rest, *span, end);
    if (!Hedges(Sentence(rest.substr(end)))) return NonEmpty(formulas);
  }
  absl::string_view sentence = absl::StripTrailingAsciiWhitespace(Sentence(rest));
  absl::ConsumeSuffix(&sentence, "**");
  const bool words = sentence.size() > 1 && absl::ascii_isalpha(static_cast<unsigned char>(sentence[0])) &&
                     absl::ascii_isalpha(static_cast<unsigned char>(sentence[1]));
  if (!words) return NonEmpty(sentence);
  if (const size_t is = sentence.rfind(" is "); is != kNone) {
    absl::string_view end = sentence.substr(is + 4);
    absl::ConsumePrefix(&end, "**");
    if (end.find_first_of("0123456789$\\") != kNone) return NonEmpty(end);
  }
  if (!HarmlessWords(sentence) || sentence.size() > kMaxFormulaBytes ||
      ParseFormula(sentence).status != ParseStatus::kNoFormula)
    return NonEmpty(sentence);
  if (auto last = LastExpression(sentence); last.has_value()) return last;
  return NonEmpty(sentence);
}

std::optional<std::string> Phrase(absl::string_view text) {
  constexpr int kTries = 64;
  int tries = 0;
  // From the end; an "r" is rarer than an "a".
  for (size_t at = text.size(); at-- > 0;) {
    if ((text[at] | 0x20) != 'r' || at < 5 || (text[at - 1] | 0x20) != 'e' || (text[at - 2] | 0x20) != 'w')
      continue;
    const size_t end = PhraseEnd(text, at - 5);
    if (end == kNone) {
      if (++tries == kTries) break;
      continue;
    }
    absl::string_view rest = text.substr(end);
    for (size_t before = rest.size() + 1; rest.size() < before;) {
      before = rest.size();
      rest = absl::StripLeadingAsciiWhitespace(rest);
      for (const absl::string_view mark : {":", "**", "*"}) absl::ConsumePrefix(&rest, mark);
    }
    if (auto found = OfSentence(rest); found.has_value()) return found;
    if (++tries == kTries) break;
  }
  return std::nullopt;
}

}  // namespace

std::optional<AnswerSource> AnswerSourceFromName(absl::string_view name) {
  for (const auto& [source, text] : kNames) {
    if (name == text) return source;
  }
  return std::nullopt;
}

std::vector<std::string> AnswerSourceNames() {
  std::vector<std::string> out;
  for (const auto& [source, text] : kNames) out.emplace_back(text);
  return out;
}

std::optional<std::string> FindAnswer(absl::string_view text, std::span<const AnswerSource> sources) {
  for (const AnswerSource source : sources) {
    std::optional<std::string> found;
    switch (source) {
      case AnswerSource::kBoxed:
        found = Boxed(text, kMaxTogether);
        break;
      case AnswerSource::kLastBoxed:
        found = Boxed(text, 1);
        break;
      case AnswerSource::kHash:
        found = Hash(text);
        break;
      case AnswerSource::kPhrase:
        found = Phrase(text);
        break;
      case AnswerSource::kLastNumber:
        if (const std::optional<FoundNumber> number = LastNumber(text); number.has_value())
          found = number->text;
        break;
      case AnswerSource::kLastExpression:
        found = LastExpression(text);
        break;
      case AnswerSource::kWhole:
        found = NonEmpty(text);
        break;
    }
    if (found.has_value() && !found->empty()) return found;
  }
  return std::nullopt;
}

}  // namespace entrain
