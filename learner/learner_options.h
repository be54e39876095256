#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "learner/objective/objective.h"
#include "learner/overlong.h"

namespace entrain {

struct OptimizerOptions {
  double lr = 1e-6;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0;
  int64_t warmup_steps = 0;  // optimiser updates with linearly rising lr
  std::string schedule =
      "constant";  // constant | cosine | linear: over all updates of the run, to final_fraction · lr
  double final_fraction = 0;
};

enum class AdvantageKind { kGrpo, kDrGrpo };
enum class RewardKind { kVerifier, kRandom };
enum class OnSilence { kHold, kWait, kStop };

struct EvalOptions {
  int64_t every_steps = 10;
  int32_t prompts = 0;  // 0: all
  int32_t completions = 8;
  std::vector<int32_t> k = {1, 8};  // pass@k
};

struct WarmupOptions {
  std::string data;  // JSONL in the data format: prompt → the completion to imitate is `answer` unless
                     // meta.completion says otherwise
  int64_t steps = 0;
  double lr = 1e-3;
  int32_t batch = 32;
  std::optional<double> until_pass_rate;  // stop when the measured pass rate on training prompts reaches it
};

// `learner`, `objective` and what of the other sections concerns the learner.
struct LearnerOptions {
  uint64_t seed = 0;
  int64_t steps = 0;  // K
  int32_t prompts_per_step = 32;
  int32_t completions_per_prompt = 8;
  int32_t minibatches = 4;  // M
  int32_t epochs = 1;       // E
  int64_t microbatch_tokens = 8192;
  int32_t threads = 2;
  int32_t max_tokens = 256;  // of a completion; the horizon of objectives that have a constant one
  double temperature = 1.0;
  double grad_clip = 1.0;
  AdvantageKind advantage = AdvantageKind::kGrpo;
  RewardKind reward = RewardKind::kVerifier;
  std::optional<OverlongOptions> overlong;  // added to every reward
  bool dynamic_sampling = false;
  OptimizerOptions optimizer;
  ObjectiveSpec objective;
  int64_t checkpoint_every_steps = 50;
  int32_t checkpoint_keep = 2;
  int64_t record_batches_every_steps = 0;  // 0: never
  std::optional<EvalOptions> eval;
  OnSilence on_silence = OnSilence::kHold;
  double controller_wait_seconds = 2;
  int64_t max_staleness = 0;
};

// Optimiser updates of the whole run, where a falling learning rate ends.
inline int64_t TotalUpdates(const LearnerOptions& options) {
  return options.steps * options.minibatches * options.epochs;
}

}  // namespace entrain
