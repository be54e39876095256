#include "learner/train_step.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/rng.h"
#include "common/status_macros.h"
#include "learner/token_columns.h"
#include "learner/update_metrics.h"

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

class Updater {
 public:
  Updater(Network& network, Optimizer& optimizer, const LearnerOptions& options, ObjectiveSpec spec,
          const StepBatch& batch, const TokenBatch& columns, int64_t step)
      : network_(network),
        optimizer_(optimizer),
        options_(options),
        spec_(std::move(spec)),
        batch_(batch),
        columns_(columns),
        step_(step),
        metrics_(columns.found) {}

  absl::Status Minibatch(const std::vector<size_t>& items) {
    network_.ZeroGradients();
    TokenBatch minibatch = CutColumns(columns_, items);
    const Denominators denominators = CountDenominators(minibatch);
    const PlanKey key = {.seed = options_.seed, .step = step_, .update = update_++};
    const std::vector<std::vector<size_t>> plan = PlanMicrobatches(batch_, items, options_.microbatch_tokens);
    // What is weighed or selected over the mini-batch must be known before its first part is trained on.
    const bool planned = PlanScopeOf(spec_) == PlanScope::kMinibatch && plan.size() > 1;
    if (planned) {
      ENTRAIN_ASSIGN_OR_RETURN(const TokenStats now,
                               ScoreParts(network_, options_.temperature, batch_, plan));
      SetCurrent(now, minibatch);
      ENTRAIN_RETURN_IF_ERROR(PlanMinibatch(spec_, key, minibatch));
      metrics_.AddPlan(minibatch.found, denominators.tokens);
    }
    bool finite = true;
    size_t done = 0;  // items of `minibatch` in the parts before
    for (const std::vector<size_t>& micro : plan) {
      std::vector<size_t> places(micro.size());
      std::iota(places.begin(), places.end(), done);
      done += micro.size();
      TokenBatch tokens = CutColumns(minibatch, places);
      const auto loss = [&](const TokenStats& now) -> absl::StatusOr<TokenGradients> {
        SetCurrent(now, tokens);
        if (!planned) {
          ENTRAIN_RETURN_IF_ERROR(PlanMinibatch(spec_, key, tokens));
          metrics_.AddPlan(tokens.found, CountDenominators(tokens).tokens);
        }
        ENTRAIN_ASSIGN_OR_RETURN(const ObjectiveResult result,
                                 EvaluateObjective(spec_, tokens, denominators));
        finite = finite && std::isfinite(result.loss);
        metrics_.AddPart(tokens, result, denominators);
        return TokenGradients{.logprob = {result.grad_new_logp.begin(), result.grad_new_logp.end()},
                              .entropy = {result.grad_entropy.begin(), result.grad_entropy.end()}};
      };
      ENTRAIN_RETURN_IF_ERROR(network_.ForwardBackward(batch_.Sequences(micro), options_.temperature, loss));
    }
    const double norm =
        finite ? optimizer_.Update(network_.parameters(), network_.gradients(), options_.grad_clip)
               : std::numeric_limits<double>::quiet_NaN();
    if (std::isfinite(norm)) {
      metrics_.Keep(norm);
    } else {
      metrics_.Drop();
    }
    return absl::OkStatus();
  }

  UpdateMetrics& metrics() { return metrics_; }

 private:
  Network& network_;
  Optimizer& optimizer_;
  const LearnerOptions& options_;
  const ObjectiveSpec spec_;
  const StepBatch& batch_;
  const TokenBatch& columns_;
  const int64_t step_;
  int64_t update_ = 0;
  UpdateMetrics metrics_;
};

// The thresholds of a directive, in the form that the objective takes.
absl::Status ApplyBounds(const ClipBounds& bounds, ObjectiveSpec& spec) {
  const auto line = [](const std::optional<ClipLine>& side) -> std::optional<EpsLine> {
    if (!side.has_value()) return std::nullopt;
    return EpsLine{.intercept = side->intercept, .slope = side->slope};
  };
  switch (ClipFormOf(spec)) {
    case ClipForm::kNone:
      return absl::OkStatus();
    case ClipForm::kLines:
      spec.upper = line(bounds.upper);
      spec.lower = line(bounds.lower);
      return absl::OkStatus();
    case ClipForm::kBox:
      break;
  }
  if ((bounds.upper.has_value() && bounds.upper->slope != 0) ||
      (bounds.lower.has_value() && bounds.lower->slope != 0)) {
    return absl::FailedPreconditionError(
        absl::StrCat("objective ", spec.name, " takes a plain box; the directive has sloped lines"));
  }
  spec.numbers["eps_high"] =
      bounds.upper.has_value() ? bounds.upper->intercept : std::numeric_limits<double>::infinity();
  spec.numbers["eps_low"] = bounds.lower.has_value() ? bounds.lower->intercept : 1.0;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ObjectiveSpec> ApplyDirective(const ObjectiveSpec& objective, const Directive& directive) {
  ObjectiveSpec spec = objective;
  ENTRAIN_RETURN_IF_ERROR(ApplyBounds(directive.bounds, spec));
  for (const auto& [dial, value] : directive.dials) {
    if (TurnDial(spec, dial, value)) continue;
    return absl::FailedPreconditionError(absl::StrCat(
        "objective ", spec.name, " takes no dial ", dial,
        DialsOf(spec).empty() ? "" : absl::StrCat("; it takes ", absl::StrJoin(DialsOf(spec), ", "))));
  }
  if (const absl::Status legal = ValidateObjective(spec); !legal.ok())
    return absl::FailedPreconditionError(absl::StrCat("directive ", directive.id, ": ", legal.message()));
  return spec;
}

absl::StatusOr<std::map<std::string, double>> RunUpdates(Network& network, Optimizer& optimizer,
                                                         const LearnerOptions& options,
                                                         const Directive& directive, int64_t step,
                                                         const StepBatch& batch) {
  ENTRAIN_ASSIGN_OR_RETURN(ObjectiveSpec spec, ApplyDirective(options.objective, directive));
  // A horizon that no batch moves (docs/methods.md 0.2), for every micro-batch alike.
  if (!(spec.horizon > 0)) spec.horizon = options.max_tokens;
  ENTRAIN_ASSIGN_OR_RETURN(const TokenBatch columns, PrepareColumns(spec, batch));
  const std::optional<ReferenceKl> kl = spec.kl;
  Updater updater(network, optimizer, options, std::move(spec), batch, columns, step);
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
  if (updater.metrics().kept() == 0 && updater.metrics().dropped() > 0) {
    return absl::AbortedError(absl::StrCat(
        "step ", step,
        ": the loss or the gradient of every mini-batch was not finite; lower the learning rate, or "
        "resume from an earlier checkpoint"));
  }
  std::map<std::string, double> out = updater.metrics().Result();
  out["optimizer/lr"] = lr;
  if (kl.has_value()) out["kl/ref_coef"] = kl->coef;
  return out;
}

}  // namespace entrain
