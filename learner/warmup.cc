#include "learner/warmup.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "common/rng.h"
#include "common/status_macros.h"
#include "learner/optimizer.h"

namespace entrain {
namespace {

constexpr int64_t kRisingUpdates = 50;
constexpr int64_t kPassRateEvery = 10;

// Cross-entropy of one batch into the gradients; answers the loss.
absl::StatusOr<double> Accumulate(Network& network, std::span<const Demonstration> demonstrations,
                                  const std::vector<size_t>& batch, int64_t microbatch_tokens) {
  double tokens = 0, sum = 0;
  for (const size_t i : batch) tokens += static_cast<double>(demonstrations[i].completion.size());
  std::vector<TrainSequence> part;
  int64_t longest = 0;
  const auto flush = [&]() -> absl::Status {
    const absl::Status status =
        network.ForwardBackward(part, 1.0, [&](const TokenStats& stats) -> absl::StatusOr<TokenGradients> {
          for (const float logprob : stats.logprob) sum -= logprob;
          return TokenGradients{
              .logprob = std::vector<float>(stats.logprob.size(), static_cast<float>(-1.0 / tokens))};
        });
    part.clear();
    longest = 0;
    return status;
  };
  for (const size_t i : batch) {
    const auto length =
        static_cast<int64_t>(demonstrations[i].prompt.size() + demonstrations[i].completion.size());
    if (!part.empty() &&
        std::max(longest, length) * static_cast<int64_t>(part.size() + 1) > microbatch_tokens)
      ENTRAIN_RETURN_IF_ERROR(flush());
    part.push_back({.prompt = demonstrations[i].prompt, .completion = demonstrations[i].completion});
    longest = std::max(longest, length);
  }
  ENTRAIN_RETURN_IF_ERROR(flush());
  return sum / tokens;
}

}  // namespace

absl::StatusOr<std::optional<double>> RunWarmup(Network& network, const WarmupOptions& options,
                                                std::span<const Demonstration> demonstrations, uint64_t seed,
                                                int64_t microbatch_tokens, const WarmupHooks& hooks,
                                                const std::stop_token& stop) {
  if (demonstrations.empty())
    return absl::InvalidArgumentError("warm-up: expected demonstrations, found none");
  if (options.until_pass_rate.has_value() && !hooks.pass_rate)
    return absl::InvalidArgumentError("warm-up: until_pass_rate is set, but nothing measures a pass rate");
  Optimizer optimizer({.lr = options.lr,
                       .beta1 = 0.9,
                       .beta2 = 0.95,
                       .weight_decay = 0.01,
                       .warmup_steps = kRisingUpdates,
                       .schedule = "cosine",
                       .final_fraction = 0.05},
                      options.steps, network.parameters().size());
  std::optional<double> pass_rate;
  for (int64_t step = 0; step < options.steps; ++step) {
    if (stop.stop_requested()) return absl::CancelledError("stopped during the warm-up");
    const Rng rng({.seed = seed, .purpose = RngPurpose::kWarmup, .step = static_cast<uint64_t>(step)});
    std::vector<size_t> batch;
    for (int32_t i = 0; i < options.batch; ++i)
      batch.push_back(rng.Below(demonstrations.size(), static_cast<uint64_t>(i)));
    network.ZeroGradients();
    ENTRAIN_ASSIGN_OR_RETURN(const double loss,
                             Accumulate(network, demonstrations, batch, microbatch_tokens));
    if (!std::isfinite(loss) ||
        !std::isfinite(optimizer.Update(network.parameters(), network.gradients(), 1.0))) {
      return absl::AbortedError(absl::StrCat("warm-up: the loss or the gradient of step ", step,
                                             " is not finite; lower model.warmup.lr"));
    }
    WarmupProgress progress{.step = step + 1, .loss = loss};
    if (options.until_pass_rate.has_value() && (step + 1) % kPassRateEvery == 0) {
      ENTRAIN_ASSIGN_OR_RETURN(pass_rate, hooks.pass_rate());
      progress.pass_rate = pass_rate;
    }
    if (hooks.progress) hooks.progress(progress);
    if (pass_rate.has_value() && *pass_rate >= *options.until_pass_rate) break;
  }
  return pass_rate;
}

}  // namespace entrain
