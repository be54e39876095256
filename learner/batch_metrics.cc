#include "learner/batch_metrics.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "absl/strings/str_cat.h"
#include "learner/regions.h"

namespace entrain {
namespace {

double Quantile(std::vector<float> values, double q) {
  if (values.empty()) return 0;
  const auto index = static_cast<size_t>(q * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(index), values.end());
  return values[index];
}

double MeanOf(const std::vector<float>& values) {
  double sum = 0;
  for (const float value : values) sum += value;
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

void AddEntropy(const StepBatch& batch, std::map<std::string, double>& out) {
  out["entropy/mean"] = MeanOf(batch.old.entropy);
  out["entropy/sampled"] = -MeanOf(batch.old.logprob);
  out["entropy/q10"] = Quantile(batch.old.entropy, 0.1);
  out["entropy/q50"] = Quantile(batch.old.entropy, 0.5);
  out["entropy/q90"] = Quantile(batch.old.entropy, 0.9);
  const auto low = std::ranges::count_if(batch.old.entropy, [](float h) { return h < 0.01f; });
  out["entropy/below_0.01_frac"] =
      batch.tokens > 0 ? static_cast<double>(low) / static_cast<double>(batch.tokens) : 0;
}

void AddRegions(const StepBatch& batch, std::map<std::string, double>& out) {
  RegionCounts simple, exact;
  for (const StepItem& item : batch.items) {
    for (size_t t = item.first; t < item.first + item.completion->tokens.size(); ++t) {
      simple.Add(RegionBySurprisal(batch.old.logprob[t], batch.old.entropy[t], item.advantage));
      exact.Add(RegionByScore(batch.old.s[t], batch.old.n[t], item.advantage));
    }
  }
  for (int region = 1; region <= 4; ++region) {
    out[absl::StrCat("region/e", region, "_share")] = simple.Share(region, static_cast<double>(batch.tokens));
    out[absl::StrCat("region_exact/e", region, "_share")] =
        exact.Share(region, static_cast<double>(batch.tokens));
  }
}

void AddRewards(const StepBatch& batch, std::map<std::string, double>& out) {
  double sum = 0, squares = 0, truncated = 0, length = 0, longest = 0;
  int64_t oldest = 0;
  for (const StepItem& item : batch.items) {
    sum += item.reward;
    squares += item.reward * item.reward;
    truncated += item.completion->finish == Finish::kLength ? 1 : 0;
    length += static_cast<double>(item.completion->tokens.size());
    longest = std::max(longest, static_cast<double>(item.completion->tokens.size()));
    oldest = std::max(oldest, item.age);
  }
  const double count = std::max<double>(1.0, static_cast<double>(batch.items.size()));
  out["reward/mean"] = sum / count;
  out["reward/std"] = std::sqrt(std::max(0.0, squares / count - (sum / count) * (sum / count)));
  out["completions/truncated_frac"] = truncated / count;
  out["completions/length_mean"] = length / count;
  out["completions/length_max"] = longest;
  out["completions/trained"] = static_cast<double>(batch.items.size());
  out["age/max"] = static_cast<double>(oldest);
}

void AddGroups(const StepBatch& batch, std::map<std::string, double>& out) {
  double without_signal = 0, all_correct = 0, all_wrong = 0;
  size_t item = 0;
  for (const CollectedGroup& entry : batch.collected.groups) {
    const size_t end = item + entry.group.completions.size();
    std::set<double> rewards;
    size_t correct = 0;
    for (const Completion& completion : entry.group.completions)
      correct += completion.verdict.kind == VerdictKind::kCorrect ? 1 : 0;
    for (; item < end; ++item) rewards.insert(batch.items[item].reward);
    without_signal += rewards.size() == 1 ? 1 : 0;
    all_correct += correct == entry.group.completions.size() ? 1 : 0;
    all_wrong += correct == 0 ? 1 : 0;
  }
  const double count = std::max<double>(1.0, static_cast<double>(batch.collected.groups.size()));
  out["groups/zero_std_frac"] = without_signal / count;
  out["groups/all_correct_frac"] = all_correct / count;
  out["groups/all_wrong_frac"] = all_wrong / count;
  out["groups/filtered"] = static_cast<double>(batch.collected.groups_filtered);
  out["groups/excluded"] = static_cast<double>(batch.collected.groups_excluded);
  out["excluded/timeout"] = static_cast<double>(batch.collected.completions_excluded_timeout);
  out["excluded/error"] = static_cast<double>(batch.collected.completions_excluded_error);
}

// How far the learner's numbers are from those of the policy that generated (docs/methods.md 10.11): k1 of
// KL(behaviour ‖ old), and the largest gap.
void AddMismatch(const StepBatch& batch, std::map<std::string, double>& out) {
  double sum = 0, largest = 0;
  for (const StepItem& item : batch.items) {
    for (size_t t = 0; t < item.completion->tokens.size(); ++t) {
      const double gap =
          static_cast<double>(item.completion->behaviour_logprobs[t]) - batch.old.logprob[item.first + t];
      sum += gap;
      largest = std::max(largest, std::abs(gap));
    }
  }
  out["mismatch/kl_behaviour_old"] = batch.tokens > 0 ? sum / static_cast<double>(batch.tokens) : 0;
  out["mismatch/max_gap"] = largest;
}

}  // namespace

std::map<std::string, double> BatchMetrics(const StepBatch& batch) {
  std::map<std::string, double> out;
  AddEntropy(batch, out);
  AddRegions(batch, out);
  AddRewards(batch, out);
  AddGroups(batch, out);
  AddMismatch(batch, out);
  out["tokens/generated"] = static_cast<double>(batch.tokens);
  return out;
}

}  // namespace entrain
