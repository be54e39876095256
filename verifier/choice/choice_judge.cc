#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "verifier/judges.h"
#include "verifier/math/answer_finder.h"

namespace entrain {
namespace {

constexpr size_t kMaxStatementBytes = 4096;  // of one text that may name a choice
constexpr size_t kMaxChoices = 26;

bool IsLetter(char c) { return absl::ascii_isalpha(static_cast<unsigned char>(c)); }

// "(B)", "**B**", "\text{(B)}\ 42", "（B）" → "(B)", "B", "(B) 42", "(B)": takes away what only formats.
std::string Plain(absl::string_view text) {
  const std::string marks = absl::StrReplaceAll(
      text, {{"（", "("},      {"）", ")"},      {"．", "."},     {"：", ":"},      {"\\ ", " "},
             {"\\,", " "},     {"\\;", " "},     {"\\quad", " "}, {"~", " "},       {"\\left", ""},
             {"\\right", ""},  {"\\textbf", ""}, {"\\text", ""},  {"\\mathrm", ""}, {"\\mathbf", ""},
             {"\\textrm", ""}, {"\\boxed", ""},  {"\\(", ""},     {"\\)", ""},      {"{", ""},
             {"}", ""},        {"*", ""},        {"_", ""},       {"`", ""},        {"$", ""},
             {"\"", ""}});
  std::string out(absl::StripAsciiWhitespace(marks));
  absl::RemoveExtraAsciiWhitespace(&out);
  return out;
}

std::string Folded(absl::string_view text) {
  std::string out = absl::AsciiStrToLower(Plain(text));
  while (absl::EndsWith(out, ".")) out.pop_back();
  return out;
}

// How a text may name a choice.
enum class Context {
  kAnswer,  // the text is an answer: "B", "(b) 42", "B because it is larger", the text of a choice
  kLine,    // it may be prose, or a choice that was only repeated: a letter or a choice's text, and nothing
            // else
};

struct Choices {
  int count = kMaxChoices;
  std::vector<std::string> folded;  // their texts, when they are known

  int IndexOf(char letter) const {
    const int index = absl::ascii_toupper(static_cast<unsigned char>(letter)) - 'A';
    return IsLetter(letter) && index < count ? index : -1;
  }
};

bool OnlyMarks(absl::string_view text) {
  return text.find_first_not_of(" .,;:!?") == absl::string_view::npos;
}

// Reads letters from the front of a text.
class LetterReader {
 public:
  LetterReader(const Choices& choices, absl::string_view text) : choices_(choices), rest_(text) {}

  // "(B)", "B)", "B." and "B:" are marked, "B" is bare. nullopt, and nothing taken, when no letter stands
  // there.
  struct Found {
    int index;
    bool marked, upper;
  };
  std::optional<Found> Take() {
    absl::string_view rest = rest_;
    const bool opened = absl::ConsumePrefix(&rest, "(") || absl::ConsumePrefix(&rest, "[");
    if (opened) rest = absl::StripLeadingAsciiWhitespace(rest);
    if (rest.empty() || choices_.IndexOf(rest[0]) < 0) return std::nullopt;
    const char letter = rest[0];
    rest.remove_prefix(1);
    if (opened) rest = absl::StripLeadingAsciiWhitespace(rest);
    const bool closed = absl::ConsumePrefix(&rest, ")") || absl::ConsumePrefix(&rest, "]");
    if (opened && !closed) return std::nullopt;
    const bool point = !rest.empty() && (rest[0] == '.' || rest[0] == ':');
    // "Bill", "B12", "b's", "b=3" and "B.5" do not begin with the letter of a choice.
    if (!closed && point && rest.size() > 1 && rest[1] != ' ') return std::nullopt;
    if (!closed && !point && !rest.empty() &&
        absl::string_view(" ,;/&!?").find(rest[0]) == absl::string_view::npos) {
      return std::nullopt;
    }
    rest_ = rest;
    return Found{choices_.IndexOf(letter), closed || point,
                 absl::ascii_isupper(static_cast<unsigned char>(letter))};
  }

  // What joins the letters of an answer that hedges: "or" and "/", and more weakly "," and "and", which may
  // also begin an explanation.
  enum class Joint { kNone, kWeak, kStrong };
  Joint TakeJoint() {
    absl::string_view rest = absl::StripLeadingAsciiWhitespace(rest_);
    Joint joint = Joint::kNone;
    for (bool more = true; more;) {
      more = false;
      for (const auto& [word, kind] : {std::pair("or ", Joint::kStrong),
                                       {"/", Joint::kStrong},
                                       {"and ", Joint::kWeak},
                                       {",", Joint::kWeak},
                                       {"&", Joint::kWeak}}) {
        if (!absl::ConsumePrefix(&rest, word)) continue;
        rest = absl::StripLeadingAsciiWhitespace(rest);
        joint = std::max(joint, kind);
        more = true;
      }
    }
    if (joint != Joint::kNone) rest_ = rest;
    return joint;
  }

  // A further letter of an answer that hedges; nullopt when the text goes on otherwise.
  std::optional<Found> TakeJoined() {
    const absl::string_view before = rest_;
    const Joint joint = TakeJoint();
    const auto next = joint == Joint::kNone ? std::nullopt : Take();
    if (next.has_value()) {
      LetterReader behind(choices_, rest_);
      if (next->marked || OnlyMarks(rest_) || behind.TakeJoint() != Joint::kNone ||
          (joint == Joint::kStrong && next->upper)) {
        return next;
      }
    }
    rest_ = before;
    return std::nullopt;
  }

  absl::string_view rest() const { return rest_; }

 private:
  const Choices& choices_;
  absl::string_view rest_;
};

std::string LetterOf(int index) { return std::string(1, static_cast<char>('A' + index)); }

// "option B" → "B".
absl::string_view WithoutLead(absl::string_view text) {
  for (const char* lead :
       {"either ", "both ", "the ", "option ", "options ", "choice ", "choices ", "answer "}) {
    if (absl::StartsWithIgnoreCase(text, lead)) text.remove_prefix(absl::string_view(lead).size());
  }
  return text;
}

// The choices that a text names: none when it names none, several when it hedges.
std::vector<int> ReadChoices(const Choices& choices, const std::string& text, Context context) {
  const auto same = std::ranges::find(choices.folded, Folded(text));
  if (text.size() > 1 && same != choices.folded.end())
    return {static_cast<int>(same - choices.folded.begin())};
  LetterReader reader(choices, WithoutLead(text));
  const auto first = reader.Take();
  if (!first.has_value()) return {};
  std::vector<int> named = {first->index};
  while (const auto next = reader.TakeJoined()) {
    if (std::ranges::find(named, next->index) == named.end()) named.push_back(next->index);
  }
  // "a number" begins with an article: a mark, a capital, or nothing behind it makes a letter.
  const bool alone = OnlyMarks(reader.rest());
  const bool reads =
      alone || (context == Context::kAnswer && (first->marked || first->upper || named.size() > 1));
  return reads ? named : std::vector<int>();
}

// The statements in which a completion may name its choice.
std::optional<std::string> Phrase(absl::string_view text) {
  const std::string lower = absl::AsciiStrToLower(text);
  size_t begin = std::string::npos;
  for (const std::string phrase :
       {"answer is", "answer:", "choice is", "choice:", "option is", "option:", "answer**:"}) {
    const size_t at = lower.rfind(phrase);
    if (at != std::string::npos && (begin == std::string::npos || at + phrase.size() > begin))
      begin = at + phrase.size();
  }
  if (begin == std::string::npos) return std::nullopt;
  absl::string_view rest = text.substr(begin);
  rest = absl::StripLeadingAsciiWhitespace(rest);
  while (!rest.empty() && (rest[0] == ':' || rest[0] == '*')) rest.remove_prefix(1);
  rest = absl::StripLeadingAsciiWhitespace(rest);
  return std::string(rest.substr(0, std::min(rest.find('\n'), kMaxStatementBytes)));
}

std::optional<std::string> LastLine(absl::string_view text) {
  text = absl::StripTrailingAsciiWhitespace(text);
  const size_t begin = text.rfind('\n');
  if (begin != absl::string_view::npos) text.remove_prefix(begin + 1);
  if (text.empty() || text.size() > kMaxStatementBytes) return std::nullopt;
  return std::string(text);
}

struct Statement {
  std::string text;
  Context context;
};

std::optional<Statement> FindStatement(absl::string_view completion, const std::string& source) {
  std::optional<std::string> found = source == "boxed"    ? FindAnswer(completion, {AnswerSource::kLastBoxed})
                                     : source == "phrase" ? Phrase(completion)
                                                          : LastLine(completion);
  if (!found.has_value()) return std::nullopt;
  if (found->size() > kMaxStatementBytes) found->resize(kMaxStatementBytes);
  return Statement{*std::move(found), source == "last_line" ? Context::kLine : Context::kAnswer};
}

struct Settings {
  Choices choices;
  std::vector<std::string> sources;
  std::optional<int64_t> index_from;
  int wanted = -1;
  std::string problem;
};

void ReadReference(absl::string_view answer, const std::vector<std::string>& texts, Settings& out) {
  const auto fail = [&](absl::string_view expected) {
    out.problem = absl::StrCat("answer: expected ", expected, ", found \"", answer.substr(0, 60), "\"");
  };
  const absl::string_view text = absl::StripAsciiWhitespace(answer);
  const std::string last = LetterOf(out.choices.count - 1);
  if (out.index_from.has_value()) {
    int64_t index = 0;
    if (!absl::SimpleAtoi(text, &index) || index < *out.index_from ||
        index - *out.index_from >= out.choices.count) {
      return fail(absl::StrCat("a whole number from ", *out.index_from, " to ",
                               *out.index_from + out.choices.count - 1));
    }
    out.wanted = static_cast<int>(index - *out.index_from);
    return;
  }
  const std::string plain = Plain(text);
  const std::vector<int> letters = ReadChoices({.count = out.choices.count}, plain, Context::kLine);
  if (letters.size() == 1 && plain.size() <= 3) {
    out.wanted = letters[0];
    return;
  }
  const std::string folded = Folded(text);
  const auto same = std::ranges::count(out.choices.folded, folded);
  if (same == 1) {
    out.wanted = static_cast<int>(std::ranges::find(out.choices.folded, folded) - out.choices.folded.begin());
    return;
  }
  fail(texts.empty() ? absl::StrCat("a letter from A to ", last)
                     : absl::StrCat("a letter from A to ", last, " or the text of one of the choices"));
}

Settings ReadSettings(absl::string_view answer, const nlohmann::json& options) {
  JudgeOptions read(options);
  Settings out;
  out.sources = read.WordsOf("sources", {"boxed", "phrase", "last_line"}, {"boxed", "phrase", "last_line"});
  const std::vector<std::string> texts = read.Words("choices", {});
  out.choices.count = static_cast<int>(read.Whole("count", 2, kMaxChoices, kMaxChoices));
  if (read.Has("index_from")) out.index_from = read.Whole("index_from", 0, 1, 0);
  out.problem = read.Problem();
  if (!out.problem.empty()) return out;
  if (read.Has("choices")) {
    if (texts.size() < 2 || texts.size() > kMaxChoices) {
      out.problem = absl::StrCat("verifier_options.choices: expected 2 to ", kMaxChoices, " texts, found ",
                                 texts.size());
    }
    if (read.Has("count")) out.problem = "verifier_options: choices excludes count";
    out.choices.count = static_cast<int>(texts.size());
    for (const std::string& text : texts) {
      const std::string folded = Folded(text);
      if (std::ranges::find(out.choices.folded, folded) != out.choices.folded.end()) {
        out.problem = absl::StrCat("verifier_options.choices: expected different texts, found \"",
                                   text.substr(0, 60), "\" twice");
      }
      out.choices.folded.push_back(folded);
    }
  }
  if (out.problem.empty()) ReadReference(answer, texts, out);
  return out;
}

class ChoiceJudge final : public Judge {
 public:
  VerifierInfo Describe() const override {
    return {.summary = "The completion chooses the letter that the reference names.",
            .options = {{"choices", "A to Z", "the texts of A, B, …: they may be given instead of a letter"},
                        {"count", "26", "how many choices there are, when their texts are not given"},
                        {"index_from", "none", "the reference is a number that counts from 0 or 1"},
                        {"sources", "boxed, phrase, last_line",
                         "where the choice may stand, in order; the first that names one decides"}}};
  }

  std::string Problem(absl::string_view answer, const nlohmann::json& options) const override {
    return ReadSettings(answer, options).problem;
  }

  Verdict Decide(absl::string_view completion, absl::string_view answer, const nlohmann::json& options,
                 const JudgeContext&) const override {
    const Settings settings = ReadSettings(answer, options);
    if (!settings.problem.empty()) return OurError(settings.problem);
    if (auto limit = PastMaxBytes(completion); limit.has_value()) return *std::move(limit);
    for (const std::string& source : settings.sources) {
      const std::optional<Statement> statement = FindStatement(completion, source);
      if (!statement.has_value()) continue;
      const std::vector<int> named =
          ReadChoices(settings.choices, Plain(statement->text), statement->context);
      if (named.empty()) continue;
      if (named.size() > 1) {
        std::vector<std::string> letters;
        for (const int index : named) letters.push_back(LetterOf(index));
        return Wrong(statement->text, absl::StrCat("more than one choice: ", absl::StrJoin(letters, ", ")));
      }
      return named[0] == settings.wanted ? Correct(LetterOf(named[0])) : Wrong(LetterOf(named[0]), "");
    }
    return Unparsable("no choice was found");
  }
};

}  // namespace

std::unique_ptr<Judge> MakeChoiceJudge() { return std::make_unique<ChoiceJudge>(); }

}  // namespace entrain
