#include <algorithm>
#include <span>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "verifier/judges.h"
#include "verifier/math/answer_finder.h"
#include "verifier/math/equivalence.h"
#include "verifier/math/parse_formula.h"
#include "verifier/math/plain_decimal.h"
#include "verifier/math/text_answer.h"

namespace entrain {
namespace {

constexpr size_t kLongReference =
    200;  // bytes; a reference that is longer is a solution rather than an answer

constexpr AnswerSource kMarked[] = {AnswerSource::kBoxed, AnswerSource::kHash};

struct Settings {
  std::vector<AnswerSource> sources;
  EquivalenceOptions equivalence;
  std::string problem;
};

Settings ReadSettings(const nlohmann::json& options) {
  Settings out;
  JudgeOptions read(options);
  for (const std::string& name :
       read.WordsOf("sources", AnswerSourceNames(), {"boxed", "hash", "phrase", "last_expression"}))
    out.sources.push_back(*AnswerSourceFromName(name));
  EquivalenceOptions& equivalence = out.equivalence;
  equivalence.decimals = static_cast<int32_t>(read.Whole("decimals", -1, 100, equivalence.decimals));
  equivalence.round_to_reference = read.Flag("round_to_reference", equivalence.round_to_reference);
  equivalence.absolute_tolerance = read.Amount("abs").value_or(0);
  equivalence.relative_tolerance = read.Amount("rel").value_or(0);
  const std::string percent = read.Word("percent", {"either", "fraction", "number"}, "either");
  equivalence.percent = percent == "fraction" ? PercentRule::kFraction
                        : percent == "number" ? PercentRule::kNumber
                                              : PercentRule::kEither;
  equivalence.ordered_lists = read.Flag("ordered", equivalence.ordered_lists);
  equivalence.units = read.Flag("units", equivalence.units);
  equivalence.inequality_for_set = read.Flag("inequality_for_set", equivalence.inequality_for_set);
  equivalence.symbol_names = read.Flag("symbol_names", equivalence.symbol_names);
  out.problem = read.Problem();
  return out;
}

const Settings& DefaultSettings() {
  static const auto* const kSettings = new Settings(ReadSettings(nlohmann::json::object()));
  return *kSettings;
}

// One side of the comparison, read as far as was needed.
struct Side {
  std::string text;
  std::optional<PlainDecimal> decimal;  // refers to `text`
  ParsedFormula parsed;                 // of `text`, once Parse was called

  explicit Side(std::string answer) : text(std::move(answer)), decimal(ReadPlainDecimal(text)) {}
  Side(const Side&) = delete;
  Side& operator=(const Side&) = delete;

  void Parse() { parsed = ParseFormula(text); }
  bool formula() const { return parsed.status == ParseStatus::kFormula; }
  bool words() const { return formula() && Root().op == Op::kText; }
  const Node& Root() const { return parsed.formula.nodes[parsed.formula.root()]; }
};

// A worked solution ends in a box, in ####, or somewhere in its last words; else the reference is the answer.
std::string ReferenceText(absl::string_view answer) {
  if (auto marked = FindAnswer(answer, std::span(kMarked)); marked.has_value()) return *std::move(marked);
  const absl::string_view whole = absl::StripAsciiWhitespace(answer);
  if (whole.size() > kLongReference && !ReadPlainDecimal(whole).has_value() &&
      ParseFormula(whole).status == ParseStatus::kNoFormula) {
    constexpr AnswerSource kLast[] = {AnswerSource::kPhrase, AnswerSource::kLastExpression};
    if (auto last = FindAnswer(whole, std::span(kLast)); last.has_value()) return *std::move(last);
  }
  return std::string(whole);
}

// "1,22" where a decimal point is meant: "1.22"; "" for all else.
std::string DecimalComma(absl::string_view text) {
  const size_t comma = text.find(',');
  if (comma == absl::string_view::npos || comma == 0 || comma + 1 == text.size()) return "";
  std::string point(text);
  point[comma] = '.';
  return ReadPlainDecimal(point).has_value() ? point : "";
}

// "100,200,300" may be three numbers, in whatever order the other side has them. With one comma, or with a
// group that begins with 0, it is a number before all else.
bool MayBeList(absl::string_view text) {
  return std::count(text.begin(), text.end(), ',') >= 2 && !absl::StrContains(text, ",0");
}

class MathJudge final : public Judge {
 public:
  VerifierInfo Describe() const override {
    return {.summary = "The completion's final answer equals the reference, as mathematics.",
            .options = {
                {"sources", "boxed, hash, phrase, last_expression",
                 absl::StrCat("where the answer may stand, in order, of: ",
                              absl::StrJoin(AnswerSourceNames(), ", "), "; the first that has one decides")},
                {"decimals", "6", "decimal numbers are compared rounded to that many decimals; -1: exactly"},
                {"round_to_reference", "false", "rounding to the decimals of the reference is enough"},
                {"abs", "0", "how far off a number may be"},
                {"rel", "0", "how far off a number may be, as a share of the reference; the larger counts"},
                {"percent", "either", "what 50% equals: 0.5 (fraction), 50 (number), or either"},
                {"ordered", "false", "the order of a list counts"},
                {"units", "false", "units count: 3 cm is not 3"},
                {"inequality_for_set", "false", "1 < x < 2 will do for the interval (1, 2)"},
                {"symbol_names", "true", "the names of variables count"}}};
  }

  Verdict Decide(absl::string_view completion, absl::string_view answer, const nlohmann::json& options,
                 const JudgeContext&) const override {
    Settings given_settings;
    if (!options.empty()) given_settings = ReadSettings(options);
    const Settings& settings = options.empty() ? DefaultSettings() : given_settings;
    if (!settings.problem.empty()) return OurError(settings.problem);
    if (answer.size() > kMaxCompletionBytes)
      return OurError(
          absl::StrCat("answer: expected at most ", kMaxCompletionBytes, " bytes, found ", answer.size()));

    Side reference(ReferenceText(answer));
    if (!reference.decimal.has_value()) {
      reference.Parse();
      if (reference.parsed.status == ParseStatus::kPastLimit)
        return OurError(absl::StrCat("answer: ", reference.parsed.detail));
      if (!reference.formula() && FoldAnswer(reference.text).empty())
        return OurError("answer: expected a reference, found nothing");
    }
    if (auto limit = PastMaxBytes(completion); limit.has_value()) return *std::move(limit);
    std::optional<std::string> found = FindAnswer(completion, std::span(settings.sources));
    if (!found.has_value()) return Unparsable("no answer was found");
    Side given(*std::move(found));
    if (given.text == reference.text) return Correct(std::move(given.text));
    return Compare(given, reference, settings.equivalence);
  }

 private:
  // Digits first: most answers are numbers, and a megabyte of digits is compared as text.
  static Verdict Compare(Side& given, Side& reference, const EquivalenceOptions& options) {
    if (given.decimal.has_value() && reference.decimal.has_value()) {
      if (SameDecimal(*given.decimal, *reference.decimal)) return Correct(std::move(given.text));
      const bool whole = !given.decimal->has_point && !reference.decimal->has_point;
      const bool exact = options.absolute_tolerance == 0 && options.relative_tolerance == 0;
      const size_t digits = std::max(given.decimal->digits(), reference.decimal->digits());
      if ((whole && exact) || digits > kMaxFormulaDigits) return Wrong(std::move(given.text), "");
    }
    if (!reference.formula()) reference.Parse();
    if (reference.parsed.status ==
        ParseStatus::kPastLimit)  // digits, and more of them than the other side has
      return Wrong(std::move(given.text), "not as many digits");
    given.Parse();
    if (given.parsed.status == ParseStatus::kPastLimit) return Limit(given.parsed.detail);
    return CompareRead(given, reference, options);
  }

  static Verdict CompareRead(Side& given, Side& reference, const EquivalenceOptions& options) {
    std::string detail;
    if (given.formula() && reference.formula()) {
      const Comparison comparison = entrain::Compare(given.parsed.formula, reference.parsed.formula, options);
      if (comparison.sameness == Sameness::kSame) return Correct(std::move(given.text));
      if (comparison.sameness == Sameness::kGivenPastLimit) return Limit(comparison.detail);
      if (comparison.sameness == Sameness::kReferencePastLimit)
        return OurError(absl::StrCat("answer: ", comparison.detail));
      if (SameInAnotherReading(given, reference, options)) return Correct(std::move(given.text));
      detail = comparison.detail;
    } else if (!given.formula()) {
      detail = absl::StrCat("no formula: ", given.parsed.detail);
    }
    const bool words = !reference.formula() || !given.formula() || reference.words() || given.words();
    if (words && FoldAnswer(given.text) == FoldAnswer(reference.text)) return Correct(std::move(given.text));
    const std::optional<char> letter = ChoiceLetter(reference.text);
    if (letter.has_value() && ChoiceLetter(given.text) == letter) return Correct(std::move(given.text));
    return Wrong(std::move(given.text), std::move(detail));
  }

  // A comma that was read as a separator of thousands may separate a list, where the other side is that
  // list; one that was read as the separator of a list may stand for a decimal point, where the other side is
  // a number.
  static bool SameInAnotherReading(const Side& given, const Side& reference,
                                   const EquivalenceOptions& options) {
    const auto same = [&](const ParsedFormula& a, const ParsedFormula& b) {
      return a.status == ParseStatus::kFormula && b.status == ParseStatus::kFormula &&
             entrain::Compare(a.formula, b.formula, options).sameness == Sameness::kSame;
    };
    const bool given_list = given.Root().op != Op::kNumber,
               reference_list = reference.Root().op != Op::kNumber;
    const bool thousands =
        (given.parsed.thousands_comma && reference_list) || (reference.parsed.thousands_comma && given_list);
    if (thousands && FoldAnswer(given.text) == FoldAnswer(reference.text)) return true;
    if (given.parsed.thousands_comma && reference_list && MayBeList(given.text) &&
        same(ParseFormula(given.text, {.commas_separate = true}), reference.parsed))
      return true;
    if (reference.parsed.thousands_comma && given_list && MayBeList(reference.text) &&
        same(given.parsed, ParseFormula(reference.text, {.commas_separate = true})))
      return true;
    if (given.Root().op == Op::kList && !reference_list) {
      const std::string point = DecimalComma(given.text);
      if (!point.empty() && same(ParseFormula(point), reference.parsed)) return true;
    }
    if (reference.Root().op == Op::kList && !given_list) {
      const std::string point = DecimalComma(reference.text);
      if (!point.empty() && same(given.parsed, ParseFormula(point))) return true;
    }
    return false;
  }
};

}  // namespace

std::unique_ptr<Judge> MakeMathJudge() { return std::make_unique<MathJudge>(); }

}  // namespace entrain
