#include "learner/train_step.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/rng.h"
#include "common/status_macros.h"

namespace entrain {
namespace {

// Fisher-Yates, keyed.
std::vector<size_t> Permutation(size_t size, uint64_t seed, int64_t step, int32_t epoch) {
  std::vector<size_t> order(size);
  std::iota(order.begin(), order.end(), size_t{0});
  const Rng rng({.seed = seed,
                 .purpose = RngPurpose::kMinibatch,
                 .step = static_cast<uint64_t>(step),
                 .ordinal = static_cast<uint64_t>(epoch)});
  for (size_t i = size; i > 1; --i) std::swap(order[i - 1], order[rng.Below(i, i)]);
  return order;
}

Denominators CountItems(const StepBatch& batch, const std::vector<size_t>& items) {
  Denominators out;
  for (const size_t item : items) {
    out.tokens += static_cast<double>(batch.items[item].completion->tokens.size());
    out.sequences += 1;
  }
  return out;
}

// The objective's columns for some items; new statistics come in the order of the items.
TokenBatch MakeTokenBatch(const StepBatch& batch, const std::vector<size_t>& items, const TokenStats& now) {
  TokenBatch out;
  out.sequence_begin.push_back(0);
  for (const size_t index : items) {
    const StepItem& item = batch.items[index];
    for (size_t t = 0; t < item.completion->tokens.size(); ++t) {
      out.old_logp.push_back(batch.old.logprob[item.first + t]);
      out.old_entropy.push_back(batch.old.entropy[item.first + t]);
      out.old_n.push_back(batch.old.n[item.first + t]);
      out.rollout_logp.push_back(item.completion->behaviour_logprobs[t]);
      out.advantage.push_back(item.advantage);
    }
    out.sequence_begin.push_back(static_cast<int64_t>(out.old_logp.size()));
  }
  out.new_logp.assign(now.logprob.begin(), now.logprob.end());
  out.entropy.assign(now.entropy.begin(), now.entropy.end());
  out.new_n.assign(now.n.begin(), now.n.end());
  out.mask.assign(out.old_logp.size(), 1.0);
  return out;
}

double LongestCompletion(const StepBatch& batch) {
  size_t longest = 1;
  for (const StepItem& item : batch.items) longest = std::max(longest, item.completion->tokens.size());
  return static_cast<double>(longest);
}

// Sums over all updates of a step.
struct Totals {
  double tokens = 0, loss = 0, kl = 0, ratio_max = 0, effective_tokens = 0;
  double gradient_norm = 0, gradient_norm_max = 0;
  double updates = 0, skipped = 0;
  std::map<std::string, double> stats;  // shares × tokens
};

class Updater {
 public:
  Updater(Network& network, Optimizer& optimizer, const LearnerOptions& options, ObjectiveSpec spec,
          const StepBatch& batch)
      : network_(network), optimizer_(optimizer), options_(options), spec_(std::move(spec)), batch_(batch) {}

  absl::Status Minibatch(const std::vector<size_t>& items) {
    network_.ZeroGradients();
    const Denominators denominators = CountItems(batch_, items);
    Totals part;
    bool finite = true;
    for (const std::vector<size_t>& micro : PlanMicrobatches(batch_, items, options_.microbatch_tokens)) {
      std::vector<TrainSequence> sequences;
      for (const size_t item : micro) sequences.push_back(batch_.Sequence(item));
      const auto loss = [&](const TokenStats& now) -> absl::StatusOr<TokenGradients> {
        const TokenBatch tokens = MakeTokenBatch(batch_, micro, now);
        ENTRAIN_ASSIGN_OR_RETURN(const ObjectiveResult result,
                                 EvaluateObjective(spec_, tokens, denominators));
        finite = finite && std::isfinite(result.loss);
        Add(tokens, result, denominators, part);
        return TokenGradients{.logprob = {result.grad_new_logp.begin(), result.grad_new_logp.end()},
                              .entropy = {result.grad_entropy.begin(), result.grad_entropy.end()}};
      };
      ENTRAIN_RETURN_IF_ERROR(network_.ForwardBackward(sequences, options_.temperature, loss));
    }
    const double norm =
        finite ? optimizer_.Update(network_.parameters(), network_.gradients(), options_.grad_clip)
               : std::numeric_limits<double>::quiet_NaN();
    Merge(part, norm, denominators.tokens);
    return absl::OkStatus();
  }

  const Totals& totals() const { return totals_; }

 private:
  static void Add(const TokenBatch& tokens, const ObjectiveResult& result, const Denominators& denominators,
                  Totals& part) {
    part.loss += result.loss;
    for (const auto& [name, share] : result.stats) part.stats[name] += share * denominators.tokens;
    for (size_t i = 0; i < tokens.new_logp.size(); ++i) {
      // k3 of KL(old ‖ new) on tokens drawn from old: r − 1 − ln r.
      const double log_ratio = std::clamp(tokens.new_logp[i] - tokens.old_logp[i], -20.0, 20.0);
      const double ratio = std::exp(log_ratio);
      part.kl += ratio - 1 - log_ratio;
      part.ratio_max = std::max(part.ratio_max, ratio);
      part.effective_tokens += result.grad_new_logp[i] != 0 ? 1 : 0;
    }
  }

  void Merge(const Totals& part, double norm, double tokens) {
    if (!std::isfinite(norm)) {
      ++totals_.skipped;
      return;
    }
    totals_.tokens += tokens;
    totals_.loss += part.loss;
    totals_.kl += part.kl;
    totals_.ratio_max = std::max(totals_.ratio_max, part.ratio_max);
    totals_.effective_tokens += part.effective_tokens;
    totals_.gradient_norm += norm;
    totals_.gradient_norm_max = std::max(totals_.gradient_norm_max, norm);
    for (const auto& [name, sum] : part.stats) totals_.stats[name] += sum;
    ++totals_.updates;
  }

  Network& network_;
  Optimizer& optimizer_;
  const LearnerOptions& options_;
  const ObjectiveSpec spec_;
  const StepBatch& batch_;
  Totals totals_;
};

std::map<std::string, double> Metrics(const Totals& totals, double lr) {
  const double tokens = std::max(totals.tokens, 1.0), updates = std::max(totals.updates, 1.0);
  std::map<std::string, double> out;
  for (const auto& [name, sum] : totals.stats) out[name] = sum / tokens;
  // Mean old probability of the clipped tokens (docs/methods.md 7.2), instead of its share-weighted sum.
  for (const auto& [sum, frac, mean] : {std::array{"clip/high_q_sum", "clip/high_frac", "clip/high_mean_q"},
                                        std::array{"clip/low_q_sum", "clip/low_frac", "clip/low_mean_q"}}) {
    if (out.contains(sum)) out[mean] = out[frac] > 0 ? out[sum] / out[frac] : 0.0;
    out.erase(sum);
  }
  out["loss/mean"] = totals.loss / updates;
  out["kl/old_new"] = totals.kl / tokens;
  out["ratio/max"] = totals.ratio_max;
  out["grad/norm"] = totals.gradient_norm / updates;
  out["grad/norm_max"] = totals.gradient_norm_max;
  out["tokens/trained"] = totals.tokens;
  out["tokens/effective"] = totals.effective_tokens;
  out["updates/done"] = totals.updates;
  out["updates/skipped"] = totals.skipped;
  out["optimizer/lr"] = lr;
  return out;
}

}  // namespace

absl::StatusOr<ObjectiveSpec> ApplyBounds(const ObjectiveSpec& objective, const ClipBounds& bounds) {
  ObjectiveSpec spec = objective;
  const auto line = [](const std::optional<ClipLine>& side) -> std::optional<EpsLine> {
    if (!side.has_value()) return std::nullopt;
    return EpsLine{.intercept = side->intercept, .slope = side->slope};
  };
  if (objective.name == "flex_clip") {
    spec.upper = line(bounds.upper);
    spec.lower = line(bounds.lower);
    return spec;
  }
  if ((bounds.upper.has_value() && bounds.upper->slope != 0) ||
      (bounds.lower.has_value() && bounds.lower->slope != 0)) {
    return absl::FailedPreconditionError(
        absl::StrCat("objective ", objective.name, " takes a plain box; the directive has sloped lines"));
  }
  spec.numbers["eps_high"] =
      bounds.upper.has_value() ? bounds.upper->intercept : std::numeric_limits<double>::infinity();
  spec.numbers["eps_low"] = bounds.lower.has_value() ? bounds.lower->intercept : 1.0;
  return spec;
}

absl::StatusOr<std::map<std::string, double>> RunUpdates(Network& network, Optimizer& optimizer,
                                                         const LearnerOptions& options,
                                                         const ClipBounds& bounds, int64_t step,
                                                         const StepBatch& batch) {
  ENTRAIN_ASSIGN_OR_RETURN(ObjectiveSpec spec, ApplyBounds(options.objective, bounds));
  // One horizon for every micro-batch: the objective sees a part and would take the longest of that part.
  if (!(spec.horizon > 0)) spec.horizon = LongestCompletion(batch);
  Updater updater(network, optimizer, options, std::move(spec), batch);
  const double lr = optimizer.LearningRate();
  for (int32_t epoch = 0; epoch < options.epochs; ++epoch) {
    const std::vector<size_t> order = Permutation(batch.items.size(), options.seed, step, epoch);
    const auto parts = static_cast<size_t>(options.minibatches);
    for (size_t m = 0; m < parts; ++m) {
      const std::vector<size_t> items(
          order.begin() + static_cast<std::ptrdiff_t>(order.size() * m / parts),
          order.begin() + static_cast<std::ptrdiff_t>(order.size() * (m + 1) / parts));
      if (!items.empty()) ENTRAIN_RETURN_IF_ERROR(updater.Minibatch(items));
    }
  }
  if (updater.totals().updates == 0 && updater.totals().skipped > 0) {
    return absl::AbortedError(absl::StrCat(
        "step ", step,
        ": the loss or the gradient of every mini-batch was not finite; lower the learning rate, or "
        "resume from an earlier checkpoint"));
  }
  return Metrics(updater.totals(), lr);
}

}  // namespace entrain
