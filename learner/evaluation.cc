#include "learner/evaluation.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "learner/step_batch.h"
#include "learner/vote.h"

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
  std::map<std::pair<bool, std::string>, Answer> answers;  // whether correct; if not, the vote
  int most = 0;
  for (const Completion& completion : completions) {
    const bool correct = IsCorrect(completion);
    std::string vote = correct ? "" : VoteOf(completion.verdict.extracted);
    if (!correct && vote.empty()) continue;
    Answer& answer = answers[{correct, std::move(vote)}];
    if (answer.votes++ == 0) answer.first = &completion;
    most = std::max(most, answer.votes);
  }
  const Completion* winner = nullptr;
  for (const auto& [vote, answer] : answers) {
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

absl::StatusOr<double> BranchingFactor(Network& network, std::span<const CollectedGroup> groups,
                                       double temperature, int64_t microbatch_tokens) {
  constexpr double kNucleus = 0.95;
  std::vector<TrainSequence> sequences;
  for (const CollectedGroup& entry : groups) {
    for (const Completion& completion : entry.group.completions)
      sequences.push_back({.prompt = entry.prompt.tokens, .completion = completion.tokens});
  }
  std::vector<size_t> order(sequences.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto length = [&](size_t i) { return sequences[i].prompt.size() + sequences[i].completion.size(); };
  double sum = 0, tokens = 0;
  for (const std::vector<size_t>& part : PlanMicrobatches(order, length, microbatch_tokens)) {
    const std::span<const TrainSequence> consecutive(&sequences[part.front()], part.size());
    ENTRAIN_ASSIGN_OR_RETURN(const std::vector<int32_t> sizes,
                             network.NucleusSizes(consecutive, temperature, kNucleus));
    for (const int32_t size : sizes) sum += size;
    tokens += static_cast<double>(sizes.size());
  }
  if (tokens == 0) return absl::InvalidArgumentError("branching factor: expected completions, found none");
  return sum / tokens;
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
