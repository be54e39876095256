#include "learner/evaluation.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"

namespace entrain {
namespace {

bool IsCorrect(const Completion& completion) { return completion.verdict.kind == VerdictKind::kCorrect; }

}  // namespace

double PassAtK(int64_t n, int64_t c, int64_t k) {
  if (n - c < k) return 1.0;
  double none = 1.0;  // C(n−c, k)/C(n, k) as a product, so that nothing overflows
  for (int64_t i = n - c + 1; i <= n; ++i) none *= 1.0 - static_cast<double>(k) / static_cast<double>(i);
  return 1.0 - none;
}

bool MajorityIsCorrect(std::span<const Completion> completions) {
  struct Answer {
    int votes = 0;
    const Completion* first = nullptr;
  };
  std::map<std::string, Answer> answers;
  int most = 0;
  for (const Completion& completion : completions) {
    if (completion.verdict.extracted.empty()) continue;
    Answer& answer = answers[completion.verdict.extracted];
    if (answer.votes++ == 0) answer.first = &completion;
    most = std::max(most, answer.votes);
  }
  const Completion* winner = nullptr;
  for (const auto& [text, answer] : answers) {
    if (answer.votes == most && (winner == nullptr || answer.first < winner)) winner = answer.first;
  }
  return winner != nullptr && IsCorrect(*winner);
}

EvaluationColumns EvaluatePrompts(std::span<const CollectedGroup> groups, const std::vector<int32_t>& ks) {
  EvaluationColumns out;
  size_t fewest = SIZE_MAX;
  for (const CollectedGroup& entry : groups) {
    if (entry.group.completions.empty()) continue;
    ++out.prompts;
    fewest = std::min(fewest, entry.group.completions.size());
  }
  if (out.prompts == 0) return out;
  for (const CollectedGroup& entry : groups) {
    const std::span<const Completion> completions = entry.group.completions;
    if (completions.empty()) continue;
    const auto n = static_cast<int64_t>(completions.size());
    const auto c = static_cast<int64_t>(std::ranges::count_if(completions, IsCorrect));
    if (c == 0) ++out.unsolvable;
    out.values["eval/avg_at_1"].push_back(static_cast<double>(c) / static_cast<double>(n));
    for (const auto k : std::set<int32_t>(ks.begin(), ks.end())) {
      if (k < 1 || static_cast<size_t>(k) > fewest) continue;
      out.values[absl::StrCat("eval/pass_at_", k)].push_back(PassAtK(n, c, k));
      out.values[absl::StrCat("eval/maj_at_", k)].push_back(
          MajorityIsCorrect(completions.first(static_cast<size_t>(k))) ? 1.0 : 0.0);
    }
  }
  return out;
}

std::map<std::string, double> EvaluationMetrics(const EvaluationColumns& columns) {
  std::map<std::string, double> out = {{"eval/prompts", static_cast<double>(columns.prompts)}};
  if (columns.prompts == 0) return out;
  out["eval/unsolvable"] = static_cast<double>(columns.unsolvable);
  for (const auto& [name, values] : columns.values) {
    double sum = 0;
    for (const double value : values) sum += value;
    out[name] = sum / static_cast<double>(values.size());
  }
  return out;
}

}  // namespace entrain
