#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "verifier/judges.h"
#include "verifier/regex/pattern.h"

namespace entrain {
namespace {

// The completion must match the pattern that the reference is.
class RegexJudge final : public Judge {
 public:
  VerifierInfo Describe() const override {
    return {.summary = "The completion matches the reference, a PCRE2 pattern, from end to end.",
            .options = {{"trim", "true", "white space at both ends of the completion does not count"},
                        {"search", "false", "a match anywhere in the completion will do"},
                        {"ignore_case", "false", "letters of all alphabets"}}};
  }

  Verdict Decide(absl::string_view completion, absl::string_view answer, const nlohmann::json& options,
                 const JudgeContext&) const override {
    JudgeOptions read(options);
    const bool trim = read.Flag("trim", true), search = read.Flag("search", false),
               ignore_case = read.Flag("ignore_case", false);
    if (const std::string problem = read.Problem(); !problem.empty()) return OurError(problem);
    const absl::StatusOr<Pattern> pattern = Pattern::Compile(answer, {.ignore_case = ignore_case});
    if (!pattern.ok()) return OurError(absl::StrCat("answer: ", pattern.status().message()));

    const absl::string_view text = trim ? absl::StripAsciiWhitespace(completion) : completion;
    MatchBudget budget;
    Pattern::Match match = pattern->Run(text, search, budget);
    switch (match.outcome) {
      case Pattern::Outcome::kMatch:
        return Correct(std::move(match.text));
      case Pattern::Outcome::kNoMatch:
        return Wrong(std::string(text), "does not match");
      case Pattern::Outcome::kLimit:
        return Limit(std::move(match.detail));
      case Pattern::Outcome::kNotUtf8:
        return Unparsable("the completion is not UTF-8");
      case Pattern::Outcome::kError:
        break;
    }
    return OurError(absl::StrCat("regex: ", match.detail));
  }
};

}  // namespace

std::unique_ptr<Judge> MakeRegexJudge() { return std::make_unique<RegexJudge>(); }

}  // namespace entrain
