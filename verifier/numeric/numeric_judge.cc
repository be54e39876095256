#include <gmpxx.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "verifier/judges.h"
#include "verifier/math/answer_finder.h"
#include "verifier/math/parse_formula.h"
#include "verifier/numeric/number_value.h"

namespace entrain {
namespace {

constexpr int64_t kMaxDecimals = 1000;

struct Settings {
  std::vector<AnswerSource> sources;
  mpq_class absolute = 0, relative = 0;
  std::optional<int64_t> decimals;
  bool integer_only = false;
  mpq_class wanted;
  std::string problem;
};

struct ReadNumber {
  std::optional<mpq_class> value;
  std::string limit;  // that was passed; "" when there is just no number
};

ReadNumber NumberIn(absl::string_view text) {
  const ParsedFormula parsed = ParseFormula(text);
  if (parsed.status == ParseStatus::kPastLimit) return {.limit = parsed.detail};
  if (parsed.status != ParseStatus::kFormula) return {};
  NumberValue number = ValueOfNumber(parsed.formula);
  if (number.past_limit) return {.limit = absl::StrCat("exponent: powers of ten beyond ", kMaxPowerOfTen)};
  return {.value = std::move(number.value)};
}

bool IsWhole(const mpq_class& value) { return value.get_den() == 1; }

// To the nearest multiple of 10^−decimals; halves away from zero.
mpq_class Rounded(const mpq_class& value, int64_t decimals) {
  mpz_class power;
  mpz_ui_pow_ui(power.get_mpz_t(), 10, static_cast<unsigned long>(decimals));
  const mpq_class scaled = abs(value) * power + mpq_class(1, 2);
  mpq_class out(mpz_class(scaled.get_num() / scaled.get_den()), power);
  out.canonicalize();
  return value < 0 ? mpq_class(-out) : out;
}

Settings ReadSettings(absl::string_view answer, const nlohmann::json& options) {
  JudgeOptions read(options);
  Settings out;
  for (const std::string& name :
       read.WordsOf("sources", AnswerSourceNames(), {"boxed", "hash", "phrase", "last_number"}))
    out.sources.push_back(*AnswerSourceFromName(name));
  out.absolute = read.Amount("abs").value_or(0);
  out.relative = read.Amount("rel").value_or(0);
  if (read.Has("decimals")) out.decimals = read.Whole("decimals", 0, kMaxDecimals, 0);
  out.integer_only = read.Flag("integer_only", false);
  out.problem = read.Problem();
  if (!out.problem.empty()) return out;
  if (out.decimals.has_value() && (out.absolute > 0 || out.relative > 0))
    out.problem = "verifier_options: decimals excludes abs and rel";
  if (out.integer_only && out.decimals.has_value())
    out.problem = "verifier_options: integer_only excludes decimals";
  if (!out.problem.empty()) return out;
  ReadNumber wanted =
      NumberIn(FindAnswer(answer, {AnswerSource::kBoxed, AnswerSource::kHash}).value_or(std::string(answer)));
  if (!wanted.value.has_value()) {
    out.problem = absl::StrCat("answer: expected a number, found \"", answer.substr(0, 60), "\"",
                               wanted.limit.empty() ? "" : absl::StrCat(": ", wanted.limit));
    return out;
  }
  if (out.integer_only && !IsWhole(*wanted.value))
    out.problem = absl::StrCat("answer: expected a whole number, found \"", answer.substr(0, 60), "\"");
  out.wanted = *std::move(wanted.value);
  return out;
}

class NumericJudge final : public Judge {
 public:
  VerifierInfo Describe() const override {
    return {.summary = "The completion's final number is the reference, within a tolerance.",
            .options = {{"abs", "0", "how far off it may be"},
                        {"rel", "0", "how far off it may be, as a share of the reference; the larger counts"},
                        {"decimals", "none", "both are rounded to that many decimals, halves away from zero"},
                        {"integer_only", "false", "the number must be whole"},
                        {"sources", "boxed, hash, phrase, last_number",
                         "where the number may stand, in order; the first that has an answer decides"}}};
  }

  std::string Problem(absl::string_view answer, const nlohmann::json& options) const override {
    return ReadSettings(answer, options).problem;
  }

  Verdict Decide(absl::string_view completion, absl::string_view answer, const nlohmann::json& options,
                 const JudgeContext&) const override {
    const Settings settings = ReadSettings(answer, options);
    if (!settings.problem.empty()) return OurError(settings.problem);
    if (auto limit = PastMaxBytes(completion); limit.has_value()) return *std::move(limit);
    const std::optional<std::string> found = FindAnswer(completion, settings.sources);
    if (!found.has_value()) return Unparsable("no answer was found");
    const ReadNumber given = NumberIn(*found);
    if (!given.limit.empty()) return Limit(given.limit);
    if (!given.value.has_value())
      return Unparsable(absl::StrCat("not a number: \"", found->substr(0, 60), "\""));
    return Compare(*found, *given.value, settings);
  }

 private:
  static Verdict Compare(const std::string& extracted, const mpq_class& given, const Settings& settings) {
    if (settings.integer_only && !IsWhole(given)) return Wrong(extracted, "not a whole number");
    if (settings.decimals.has_value()) {
      return Rounded(given, *settings.decimals) == Rounded(settings.wanted, *settings.decimals)
                 ? Correct(extracted)
                 : Wrong(extracted, "");
    }
    const mpq_class difference = abs(given - settings.wanted);
    const mpq_class share = settings.relative * abs(settings.wanted);
    if (difference <= std::max(settings.absolute, share)) return Correct(extracted);
    return Wrong(extracted, absl::StrCat("differs by ", difference.get_d()));
  }
};

}  // namespace

std::unique_ptr<Judge> MakeNumericJudge() { return std::make_unique<NumericJudge>(); }

}  // namespace entrain
