#include "learner/evaluation.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace entrain {

double PassAtK(int64_t n, int64_t c, int64_t k) {
  if (n - c < k) return 1.0;
  double none = 1.0;  // C(n−c, k)/C(n, k) as a product, so that nothing overflows
  for (int64_t i = n - c + 1; i <= n; ++i) none *= 1.0 - static_cast<double>(k) / static_cast<double>(i);
  return 1.0 - none;
}

std::map<std::string, double> EvaluationMetrics(std::span<const CollectedGroup> groups,
                                                const std::vector<int32_t>& ks) {
  std::map<std::string, double> out;
  double average = 0, prompts = 0, unsolvable = 0;
  int64_t fewest = INT64_MAX;
  std::vector<std::pair<int64_t, int64_t>> counts;  // completions, correct
  for (const CollectedGroup& entry : groups) {
    const auto n = static_cast<int64_t>(entry.group.completions.size());
    if (n == 0) continue;
    const auto c = std::ranges::count_if(
        entry.group.completions, [](const Completion& x) { return x.verdict.kind == VerdictKind::kCorrect; });
    counts.emplace_back(n, c);
    fewest = std::min(fewest, n);
    average += static_cast<double>(c) / static_cast<double>(n);
    ++prompts;
    unsolvable += c == 0 ? 1 : 0;
  }
  out["eval/prompts"] = prompts;
  out["eval/unsolvable"] = unsolvable;
  if (prompts == 0) return out;
  out["eval/avg_at_1"] = average / prompts;
  for (const int32_t k : ks) {
    if (k < 1 || k > fewest) continue;
    double sum = 0;
    for (const auto& [n, c] : counts) sum += PassAtK(n, c, k);
    out[absl::StrCat("eval/pass_at_", k)] = sum / prompts;
  }
  return out;
}

}  // namespace entrain
