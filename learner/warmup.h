#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <vector>

#include "absl/status/statusor.h"
#include "learner/learner_options.h"
#include "policy/network.h"

namespace entrain {

// A prompt and the completion to imitate, with its EOS.
struct Demonstration {
  std::vector<TokenId> prompt;
  std::vector<TokenId> completion;
};

struct WarmupProgress {
  int64_t step = 0;
  double loss = 0;
  std::optional<double> pass_rate;  // when it was measured at this step
};

struct WarmupHooks {
  // Share of sampled completions that a verifier calls correct, with the network's present weights. Needed
  // when until_pass_rate is set.
  std::function<absl::StatusOr<double>()> pass_rate;
  std::function<void(const WarmupProgress&)> progress;
};

// Supervised warm-up: cross-entropy on the completion tokens, mean over the tokens of a batch; AdamW with
// betas (0.9, 0.95), weight decay 0.01, gradients clipped to norm 1, the first 50 updates with rising
// learning rate, cosine to 5 % of it. Batches are drawn by (seed, step). Ends after options.steps, or when
// the measured pass rate reaches until_pass_rate: measured every 10 steps. Answers the last pass rate
// measured, if any. Cancelled when `stop` is requested.
absl::StatusOr<std::optional<double>> RunWarmup(Network& network, const WarmupOptions& options,
                                                std::span<const Demonstration> demonstrations, uint64_t seed,
                                                int64_t microbatch_tokens, const WarmupHooks& hooks,
                                                const std::stop_token& stop);

}  // namespace entrain
