#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "verifier/judges.h"
#include "verifier/math/answer_finder.h"
#include "verifier/math/bare_number.h"
#include "verifier/math/number.h"

namespace entrain {
namespace {

constexpr size_t kMaxCompletionBytes = 8u << 20;

class MathJudge final : public Judge {
 public:
  VerifierInfo Describe() const override {
    return {.summary = "The completion's final answer equals the reference.",
            .options = {{"sources", "boxed, hash, phrase, last_number",
                         "where the answer may stand, in order; the first that has one decides"}}};
  }

  Verdict Decide(absl::string_view completion, absl::string_view answer, const nlohmann::json& options,
                 const JudgeContext&) const override {
    JudgeOptions read(options);
    std::vector<AnswerSource> sources;
    std::string unknown;
    for (const std::string& name : read.Words("sources", {"boxed", "hash", "phrase", "last_number"})) {
      const auto source = AnswerSourceFromName(name);
      if (source.has_value()) {
        sources.push_back(*source);
      } else {
        unknown = name;
      }
    }
    if (const std::string problem = read.Problem(); !problem.empty()) return OurError(problem);
    if (!unknown.empty()) {
      return OurError(
          absl::StrCat("verifier_options.sources: expected boxed, hash, phrase or last_number, found \"",
                       unknown.substr(0, 60), "\""));
    }
    if (sources.empty()) return OurError("verifier_options.sources: expected at least one, found none");
    if (answer.size() > kMaxAnswerBytes)
      return OurError(
          absl::StrCat("answer: expected at most ", kMaxAnswerBytes, " bytes, found ", answer.size()));
    // A reference may be the bare answer or a worked solution that ends in one.
    const std::string reference = NormalizeAnswer(
        FindAnswer(answer, {AnswerSource::kBoxed, AnswerSource::kHash}).value_or(std::string(answer)));
    if (reference.empty()) return OurError("answer: expected a reference, found nothing");
    if (completion.size() > kMaxCompletionBytes)
      return Limit(absl::StrCat("completion: more than ", kMaxCompletionBytes, " bytes"));
    const std::optional<std::string> found = FindAnswer(completion, sources);
    if (!found.has_value()) return Unparsable("no answer was found");
    if (found->size() > kMaxAnswerBytes)
      return Limit(absl::StrCat("answer: more than ", kMaxAnswerBytes, " bytes"));
    return Compare(*found, NormalizeAnswer(*found), reference);
  }

 private:
  static Verdict Compare(const std::string& extracted, const std::string& given,
                         const std::string& reference) {
    if (given == reference) return Correct(extracted);
    const ParsedNumber wanted = ParseNumber(reference);
    if (wanted.status == NumberStatus::kPastLimit) {
      return OurError(absl::StrCat("answer: expected at most ", kMaxNumberDigits,
                                   " digits and an exponent of at most ", kMaxExponent));
    }
    const ParsedNumber number = ParseNumber(given);
    if (number.status == NumberStatus::kPastLimit) {
      return Limit(absl::StrCat("digits: more than ", kMaxNumberDigits, ", or an exponent of more than ",
                                kMaxExponent));
    }
    if (wanted.status == NumberStatus::kNumber && number.status == NumberStatus::kNumber) {
      return number.value == wanted.value ? Correct(extracted) : Wrong(extracted, "");
    }
    if (wanted.status == NumberStatus::kNumber) {
      const ParsedNumber bare = ParseBareNumber(given);
      return bare.status == NumberStatus::kNumber && bare.value == wanted.value
                 ? Correct(extracted)
                 : Wrong(extracted, bare.status == NumberStatus::kNumber ? "" : "not a number");
    }
    const auto fold = [](std::string text) {
      absl::AsciiStrToLower(&text);
      std::erase_if(text, [](char c) { return absl::ascii_isspace(static_cast<unsigned char>(c)); });
      return text;
    };
    return fold(given) == fold(reference) ? Correct(extracted) : Wrong(extracted, "");
  }
};

}  // namespace

std::unique_ptr<Judge> MakeMathJudge() { return std::make_unique<MathJudge>(); }

}  // namespace entrain
