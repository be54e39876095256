#include "absl/strings/ascii.h"
#include "verifier/judges.h"

namespace entrain {
namespace {

class ExactJudge final : public Judge {
 public:
  VerifierInfo Describe() const override {
    return {.summary = "The completion is the reference, byte by byte.",
            .options = {{"trim", "true", "white space at both ends does not count"},
                        {"ignore_case", "false", "ASCII letters"},
                        {"collapse_whitespace", "false", "a run of white space is one space"}}};
  }

  Verdict Decide(absl::string_view completion, absl::string_view answer, const nlohmann::json& options,
                 const JudgeContext&) const override {
    JudgeOptions read(options);
    const bool trim = read.Flag("trim", true), ignore_case = read.Flag("ignore_case", false),
               collapse = read.Flag("collapse_whitespace", false);
    if (const std::string problem = read.Problem(); !problem.empty()) return OurError(problem);
    const auto normal = [&](absl::string_view text) {
      std::string out(trim ? absl::StripAsciiWhitespace(text) : text);
      if (ignore_case) absl::AsciiStrToLower(&out);
      if (collapse) absl::RemoveExtraAsciiWhitespace(&out);
      return out;
    };
    std::string given = normal(completion);
    if (given == normal(answer)) return Correct(std::move(given));
    return Wrong(std::move(given), "");
  }
};

}  // namespace

std::unique_ptr<Judge> MakeExactJudge() { return std::make_unique<ExactJudge>(); }

}  // namespace entrain
