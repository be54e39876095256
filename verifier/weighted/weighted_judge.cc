#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/clock.h"
#include "common/nearest.h"
#include "verifier/judges.h"

namespace entrain {
namespace {

constexpr size_t kMaxParts = 16;
constexpr const char* kName = "weighted";

struct Part {
  std::string name;
  const Judge* judge = nullptr;
  double weight = 1;
  bool required = false;
  std::string answer;
  nlohmann::json options = nlohmann::json::object();
};

struct Parts {
  std::vector<Part> parts;
  std::string problem;
};

// Judges every part by its own judge. The score is the weighted mean of the parts' scores; kinds are joined
// so that neither a partial score is `correct`, nor a failure of ours a reward.
class WeightedJudge final : public Judge {
 public:
  explicit WeightedJudge(const JudgeTable& judges) : judges_(judges) {}

  VerifierInfo Describe() const override {
    return {
        .summary = "The weighted mean of several verifiers' scores; correct when every part is.",
        .options = {{"parts", "needed",
                     "a list of {verifier, weight: 1, answer: the item's, options: {}, required: false}"}}};
  }

  std::string Problem(absl::string_view answer, const nlohmann::json& options) const override {
    const Parts read = Read(answer, options);
    if (!read.problem.empty()) return read.problem;
    for (size_t i = 0; i < read.parts.size(); ++i) {
      const Part& part = read.parts[i];
      const std::string problem = part.judge->Problem(part.answer, part.options);
      if (!problem.empty()) return absl::StrCat(Place(i), " (", part.name, "): ", problem);
    }
    return "";
  }

  bool MayKeep(const nlohmann::json& options) const override {
    const Parts read = Read("", options);
    return read.problem.empty() && std::ranges::all_of(read.parts, [](const Part& part) {
             return part.judge->MayKeep(part.options);
           });
  }

  bool RunsPrograms(const nlohmann::json& options) const override {
    const Parts read = Read("", options);
    return std::ranges::any_of(read.parts, [](const Part& part) {
      return part.judge != nullptr && part.judge->RunsPrograms(part.options);
    });
  }

  Verdict Decide(absl::string_view completion, absl::string_view answer, const nlohmann::json& options,
                 const JudgeContext& context) const override {
    const Parts read = Read(answer, options);
    if (!read.problem.empty()) return OurError(read.problem);
    Clock& clock = Clock::Real();
    const absl::Duration end = clock.Monotonic() + context.time_left;
    double sum = 0, weights = 0, heaviest = -1;
    bool all_correct = true, refused = false, timed = false;
    std::string extracted, details;
    for (size_t i = 0; i < read.parts.size(); ++i) {
      const Part& part = read.parts[i];
      const JudgeContext rest = {.time_left = end - clock.Monotonic(), .stop = context.stop};
      Verdict verdict = part.judge->Decide(completion, part.answer, part.options, rest);
      if (IsOurFailure(verdict.kind)) {
        verdict.detail = absl::StrCat(Place(i), " (", part.name, "): ", verdict.detail);
        verdict.score.reset();
        return verdict;
      }
      const bool correct = verdict.kind == VerdictKind::kCorrect;
      all_correct = all_correct && correct;
      refused = refused || (part.required && !correct);
      timed = timed || verdict.timed;
      sum += part.weight * verdict.score.value_or(0);
      weights += part.weight;
      if (!verdict.extracted.empty() && part.weight > heaviest) {
        extracted = std::move(verdict.extracted);
        heaviest = part.weight;
      }
      absl::StrAppend(&details, details.empty() ? "" : "; ", part.name, " ", VerdictKindName(verdict.kind),
                      verdict.detail.empty() ? "" : ": ", verdict.detail);
    }
    if (all_correct) return Correct(std::move(extracted));
    Verdict out = Wrong(std::move(extracted), std::move(details));
    // Rounding must not make a partial score whole.
    out.score = refused ? 0.0 : std::min(sum / weights, kBelowOne);
    out.timed = timed;
    return out;
  }

 private:
  static constexpr double kBelowOne = 1.0 - 0x1p-53;

  static std::string Place(size_t index) { return absl::StrCat("verifier_options.parts[", index, "]"); }

  Parts Read(absl::string_view answer, const nlohmann::json& options) const {
    JudgeOptions read(options);
    const nlohmann::json* list = read.Any("parts");
    Parts out{.problem = read.Problem()};
    if (!out.problem.empty()) return out;
    if (list == nullptr || !list->is_array() || list->empty() || list->size() > kMaxParts) {
      out.problem = absl::StrCat("verifier_options.parts: expected a list of 1 to ", kMaxParts,
                                 " parts, found ", list == nullptr ? "none" : Shown(*list));
      return out;
    }
    double weights = 0;
    for (size_t i = 0; i < list->size() && out.problem.empty(); ++i) {
      Part part{.answer = std::string(answer)};
      out.problem = ReadPart((*list)[i], part);
      if (!out.problem.empty()) out.problem = absl::StrCat(Place(i), out.problem);
      weights += part.weight;
      out.parts.push_back(std::move(part));
    }
    if (out.problem.empty() && weights <= 0)
      out.problem = "verifier_options.parts: expected a weight above 0, found none";
    return out;
  }

  // What is wrong with a part, as the rest of a sentence that begins with its place; "" when nothing is.
  std::string ReadPart(const nlohmann::json& value, Part& part) const {
    if (!value.is_object()) return absl::StrCat(": expected an object, found ", Shown(value));
    const auto wrong = [](const std::string& key, absl::string_view expected, const nlohmann::json& found) {
      return absl::StrCat(".", key, ": expected ", expected, ", found ", Shown(found));
    };
    for (const auto& [key, found] : value.items()) {
      if (key == "verifier") {
        if (!found.is_string()) return wrong(key, "a verifier's name", found);
        part.name = found.get<std::string>();
      } else if (key == "weight") {
        // Up to 1e6, so that no sum overflows.
        if (!found.is_number() || found < 0 || found > 1e6)
          return wrong(key, "a number from 0 to 1e6", found);
        part.weight = found.get<double>();
      } else if (key == "answer") {
        if (!found.is_string()) return wrong(key, "a text", found);
        part.answer = found.get<std::string>();
      } else if (key == "options") {
        if (!found.is_object()) return wrong(key, "an object", found);
        part.options = found;
      } else if (key == "required") {
        if (!found.is_boolean()) return wrong(key, "true or false", found);
        part.required = found.get<bool>();
      } else {
        return absl::StrCat(": unknown key \"", key.substr(0, 60), "\"",
                            DidYouMean(key, {"verifier", "weight", "answer", "options", "required"}));
      }
    }
    const auto judge = judges_.find(part.name);
    if (judge == judges_.end()) {
      std::vector<std::string> known;
      for (const auto& [name, registered] : judges_) known.push_back(name);
      return absl::StrCat(".verifier: unknown verifier \"", part.name.substr(0, 60), "\"",
                          DidYouMean(part.name, known));
    }
    part.judge = judge->second.get();
    if (part.name == kName && HasWeightedPart(part.options))
      return ".options.parts: expected no part that is weighted, two levels are the most";
    return "";
  }

  static bool HasWeightedPart(const nlohmann::json& options) {
    const auto parts = options.find("parts");
    return parts != options.end() && parts->is_array() &&
           std::ranges::any_of(*parts, [](const nlohmann::json& part) {
             return part.is_object() && part.contains("verifier") && part["verifier"] == kName;
           });
  }

  const JudgeTable& judges_;
};

}  // namespace

std::unique_ptr<Judge> MakeWeightedJudge(const JudgeTable& judges) {
  return std::make_unique<WeightedJudge>(judges);
}

}  // namespace entrain
