#include "learner/batch_metrics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "learner/quantile.h"
#include "learner/regions.h"

namespace entrain {
namespace {

double MeanOf(const std::vector<float>& values) {
  double sum = 0;
  for (const float value : values) sum += value;
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

bool IsCorrect(const Completion& completion) { return completion.verdict.kind == VerdictKind::kCorrect; }

// A mean that is left out of the record where there is nothing to average.
class OptionalMean {
 public:
  void Add(double value) {
    sum_ += value;
    ++count_;
  }
  void Write(const std::string& name, std::map<std::string, double>& out) const {
    if (count_ > 0) out[name] = sum_ / count_;
  }

 private:
  double sum_ = 0, count_ = 0;
};

void AddEntropy(const StepBatch& batch, std::map<std::string, double>& out) {
  out["entropy/mean"] = MeanOf(batch.old.entropy);
  out["entropy/sampled"] = -MeanOf(batch.old.logprob);
  std::vector<float> entropies = batch.old.entropy;
  out["entropy/q10"] = Quantile(entropies, 0.1);
  out["entropy/q50"] = Quantile(entropies, 0.5);
  out["entropy/q90"] = Quantile(entropies, 0.9);
  const auto low = std::ranges::count_if(batch.old.entropy, [](float h) { return h < 0.01f; });
  out["entropy/below_0.01_frac"] =
      batch.tokens > 0 ? static_cast<double>(low) / static_cast<double>(batch.tokens) : 0;
  OptionalMean positive, negative, correct, incorrect;
  for (const StepItem& item : batch.items) {
    OptionalMean& verdict = IsCorrect(*item.completion) ? correct : incorrect;
    for (size_t t = item.first; t < item.first + item.completion->tokens.size(); ++t) {
      const double entropy = batch.old.entropy[t];
      verdict.Add(entropy);
      if (item.advantage > 0) positive.Add(entropy);
      if (item.advantage < 0) negative.Add(entropy);
    }
  }
  positive.Write("entropy/positive_advantage", out);
  negative.Write("entropy/negative_advantage", out);
  correct.Write("entropy/correct", out);
  incorrect.Write("entropy/incorrect", out);
}

void AddRegions(const StepBatch& batch, std::map<std::string, double>& out) {
  RegionCounts simple, exact, simple_mass, exact_mass;
  double mass = 0;
  for (const StepItem& item : batch.items) {
    const double weight = std::abs(item.advantage);
    for (size_t t = item.first; t < item.first + item.completion->tokens.size(); ++t) {
      const int by_surprisal = RegionBySurprisal(batch.old.logprob[t], batch.old.entropy[t], item.advantage);
      const int by_score = RegionByScore(batch.old.s[t], batch.old.n[t], item.advantage);
      simple.Add(by_surprisal);
      exact.Add(by_score);
      simple_mass.Add(by_surprisal, weight);
      exact_mass.Add(by_score, weight);
      mass += weight;
    }
  }
  const auto tokens = static_cast<double>(batch.tokens);
  for (int region = 1; region <= 4; ++region) {
    const std::string name = absl::StrCat("/e", region);
    out[absl::StrCat("region", name, "_share")] = simple.Share(region, tokens);
    out[absl::StrCat("region", name, "_mass_share")] = simple_mass.Share(region, mass);
    out[absl::StrCat("region_exact", name, "_share")] = exact.Share(region, tokens);
    out[absl::StrCat("region_exact", name, "_mass_share")] = exact_mass.Share(region, mass);
  }
}

// Lengths and truncation of some of the completions.
class Lengths {
 public:
  void Add(const Completion& completion) {
    lengths_.push_back(static_cast<double>(completion.tokens.size()));
    truncated_ += completion.finish == Finish::kLength ? 1 : 0;
  }
  bool empty() const { return lengths_.empty(); }
  void Write(const std::string& prefix, std::map<std::string, double>& out) {
    const double count = std::max<double>(1.0, static_cast<double>(lengths_.size()));
    out[prefix + "length_mean"] = std::accumulate(lengths_.begin(), lengths_.end(), 0.0) / count;
    out[prefix + "length_median"] = Quantile(lengths_, 0.5);
    out[prefix + "length_max"] = Quantile(lengths_, 1);
    out[prefix + "truncated_frac"] = truncated_ / count;
  }

 private:
  std::vector<double> lengths_;
  double truncated_ = 0;
};

void AddCompletions(const StepBatch& batch, std::map<std::string, double>& out) {
  Lengths all, correct, incorrect;
  int64_t oldest = 0;
  for (const StepItem& item : batch.items) {
    all.Add(*item.completion);
    (IsCorrect(*item.completion) ? correct : incorrect).Add(*item.completion);
    oldest = std::max(oldest, item.age);
  }
  all.Write("completions/", out);
  if (!correct.empty()) correct.Write("completions/correct_", out);
  if (!incorrect.empty()) incorrect.Write("completions/incorrect_", out);
  out["completions/trained"] = static_cast<double>(batch.items.size());
  out["age/max"] = static_cast<double>(oldest);
}

void AddRewards(const StepBatch& batch, std::map<std::string, double>& out) {
  double sum = 0, squares = 0, overlong = 0;
  for (const StepItem& item : batch.items) {
    sum += item.reward;
    overlong += item.overlong;
    squares += item.reward * item.reward;
  }
  const double count = std::max<double>(1.0, static_cast<double>(batch.items.size()));
  out["reward/mean"] = sum / count;
  out["reward/std"] = std::sqrt(std::max(0.0, squares / count - (sum / count) * (sum / count)));
  out["reward/overlong_mean"] = overlong / count;
}

void AddGroups(const StepBatch& batch, std::map<std::string, double>& out) {
  double without_signal = 0, all_correct = 0, all_wrong = 0;
  std::array<double, 4> some_correct{};  // by quarter of the share that is correct, upper end included
  size_t item = 0;
  for (const CollectedGroup& entry : batch.collected.groups) {
    const size_t size = entry.group.completions.size(), end = item + size;
    std::set<double> rewards;
    for (; item < end; ++item) rewards.insert(batch.items[item].reward);
    without_signal += rewards.size() == 1 ? 1 : 0;
    const auto correct = static_cast<size_t>(std::ranges::count_if(entry.group.completions, IsCorrect));
    if (correct == size) {
      ++all_correct;
    } else if (correct == 0) {
      ++all_wrong;
    } else {
      ++some_correct[(4 * correct - 1) / size];
    }
  }
  const double count = std::max<double>(1.0, static_cast<double>(batch.collected.groups.size()));
  out["groups/zero_std_frac"] = without_signal / count;
  out["groups/live_frac"] = (static_cast<double>(batch.collected.groups.size()) - without_signal) / count;
  out["groups/all_correct_frac"] = all_correct / count;
  out["groups/all_wrong_frac"] = all_wrong / count;
  out["groups/pass_rate_0_to_0.25_frac"] = some_correct[0] / count;
  out["groups/pass_rate_0.25_to_0.5_frac"] = some_correct[1] / count;
  out["groups/pass_rate_0.5_to_0.75_frac"] = some_correct[2] / count;
  out["groups/pass_rate_0.75_to_1_frac"] = some_correct[3] / count;
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
  AddCompletions(batch, out);
  AddRewards(batch, out);
  AddGroups(batch, out);
  AddMismatch(batch, out);
  out["tokens/generated"] = static_cast<double>(batch.tokens);
  return out;
}

}  // namespace entrain
