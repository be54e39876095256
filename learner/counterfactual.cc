#include "learner/counterfactual.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/digest.h"
#include "common/status_macros.h"
#include "learner/optimizer.h"
#include "learner/regions.h"
#include "learner/step_batch.h"
#include "learner/train_step.h"

namespace entrain {
namespace {

constexpr ClipLine kBox{.intercept = 0.2};

double MeanOf(const std::vector<float>& values) {
  double sum = 0;
  for (const float value : values) sum += value;
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

absl::Status CheckFit(const RecordedStep& recorded, Network& network, const LearnerOptions& options) {
  const size_t expected = network.parameters().size();
  for (const auto& [what, found] : {std::pair("weights", recorded.start.snapshots.back()->values.size()),
                                    {"first moments", recorded.start.first_moment.size()},
                                    {"second moments", recorded.start.second_moment.size()}}) {
    if (found != expected) {
      return absl::FailedPreconditionError(absl::StrCat("step ", recorded.start.next_step, ": the model has ",
                                                        expected, " parameters, the record ", found, " ",
                                                        what));
    }
  }
  if (options.objective.kl.has_value() && recorded.reference_logprobs.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("step ", recorded.start.next_step,
                     ": the objective has a KL term, and the record no log-probs of a reference model"));
  }
  if (recorded.start.seed != options.seed) {
    return absl::FailedPreconditionError(absl::StrCat("step ", recorded.start.next_step,
                                                      ": recorded with seed ", recorded.start.seed, ", not ",
                                                      options.seed));
  }
  return absl::OkStatus();
}

// The region of every token, as BatchMetrics counts them by the exact rule.
std::vector<int> RegionsOf(const StepBatch& batch) {
  std::vector<int> out(batch.tokens, 0);
  for (const StepItem& item : batch.items) {
    for (size_t t = item.first; t < item.first + item.completion->tokens.size(); ++t)
      out[t] = RegionByScore(batch.old.s[t], batch.old.n[t], item.advantage);
  }
  return out;
}

// Repeats the update of one batch from one state.
class Repeater {
 public:
  Repeater(const RecordedStep& recorded, Network& network, const LearnerOptions& options,
           const StepBatch& batch, const std::vector<int>& regions)
      : recorded_(recorded), network_(network), options_(options), batch_(batch), regions_(regions) {}

  absl::StatusOr<CounterfactualOutcome> Repeat(const CounterfactualSetting& setting) {
    LearnerOptions options = options_;
    if (setting.objective.has_value()) options.objective = *setting.objective;
    Directive directive = recorded_.directive;
    if (setting.bounds.has_value()) directive.bounds = *setting.bounds;
    for (const auto& [dial, value] : setting.dials) directive.dials[dial] = value;

    std::ranges::copy(recorded_.start.snapshots.back()->values, network_.parameters().begin());
    Optimizer optimizer(options.optimizer, TotalUpdates(options), network_.parameters().size());
    optimizer.Restore(recorded_.start.updates, recorded_.start.first_moment, recorded_.start.second_moment);
    CounterfactualOutcome out{.name = setting.name};
    auto update = RunUpdates(network_, optimizer, options, directive, recorded_.start.next_step, batch_);
    if (!update.ok()) {
      return absl::Status(update.status().code(),
                          absl::StrCat("setting \"", setting.name, "\": ", update.status().message()));
    }
    out.update = *std::move(update);
    out.digest_after = DigestOf(std::span<const float>(network_.parameters()));
    ENTRAIN_ASSIGN_OR_RETURN(const TokenStats after, ScoreTokens(network_, options, batch_));
    const auto tokens = static_cast<double>(std::max<size_t>(batch_.tokens, 1));
    for (size_t t = 0; t < batch_.tokens; ++t) {
      const double change = static_cast<double>(after.entropy[t]) - batch_.old.entropy[t];
      out.entropy_change_by_region[static_cast<size_t>(regions_[t])] += change / tokens;
      out.entropy_change += change / tokens;
    }
    return out;
  }

 private:
  const RecordedStep& recorded_;
  Network& network_;
  const LearnerOptions& options_;
  const StepBatch& batch_;
  const std::vector<int>& regions_;
};

}  // namespace

std::vector<CounterfactualSetting> StandardSettings(const ObjectiveSpec& objective) {
  const auto setting = [](const char* name, std::optional<ClipLine> upper, std::optional<ClipLine> lower) {
    return CounterfactualSetting{.name = name, .bounds = ClipBounds{.upper = upper, .lower = lower}};
  };
  const ClipForm form = ClipFormOf(objective);
  if (form == ClipForm::kNone) return {};
  std::vector<CounterfactualSetting> out = {
      setting("symmetric 0.2", kBox, kBox),
      setting("clip-higher 0.2/0.28", ClipLine{.intercept = 0.28}, kBox)};
  if (form == ClipForm::kLines) {
    out.push_back(setting("H(p) upper", ClipLine{.intercept = 0.5, .slope = -0.25}, kBox));
    out.push_back(setting("M(p) lower", kBox, ClipLine{.intercept = 0.3, .slope = -0.13}));
  }
  out.push_back(setting("eps_low 0.05", kBox, ClipLine{.intercept = 0.05}));
  out.push_back(setting("upper off", std::nullopt, kBox));
  out.push_back(setting("lower off", kBox, std::nullopt));
  out.push_back(setting("no clip", std::nullopt, std::nullopt));
  return out;
}

absl::StatusOr<CounterfactualStep> RunCounterfactual(const RecordedStep& recorded, Network& network,
                                                     const LearnerOptions& options,
                                                     const std::vector<CounterfactualSetting>& settings,
                                                     const std::stop_token& stop) {
  ENTRAIN_RETURN_IF_ERROR(CheckFit(recorded, network, options));
  CounterfactualStep out{.step = recorded.start.next_step, .recorded_digest = recorded.digest_after};
  ENTRAIN_ASSIGN_OR_RETURN(StepBatch batch, MakeStepBatch(out.step, recorded.collected, options));
  batch.reference_logp = recorded.reference_logprobs;
  std::ranges::copy(recorded.start.snapshots.back()->values, network.parameters().begin());
  ENTRAIN_RETURN_IF_ERROR(ScoreOld(network, options, batch));
  out.entropy_before = MeanOf(batch.old.entropy);
  const std::vector<int> regions = RegionsOf(batch);
  for (const int region : regions)
    out.region_share[static_cast<size_t>(region)] += 1.0 / static_cast<double>(regions.size());
  Repeater repeater(recorded, network, options, batch, regions);
  std::vector<CounterfactualSetting> all = {{.name = "applied"}};
  all.insert(all.end(), settings.begin(), settings.end());
  for (const CounterfactualSetting& setting : all) {
    if (stop.stop_requested()) return absl::CancelledError("stopped between two settings");
    ENTRAIN_ASSIGN_OR_RETURN(CounterfactualOutcome outcome, repeater.Repeat(setting));
    out.outcomes.push_back(std::move(outcome));
  }
  return out;
}

}  // namespace entrain
