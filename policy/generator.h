#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "absl/status/statusor.h"
#include "common/rng.h"
#include "policy/snapshot.h"
#include "trajectory/group.h"

namespace entrain {

// Logits divided by less would leave the range of float32.
inline constexpr double kMinTemperature = 1e-6;

// How tokens are drawn from the next-token distribution.
struct SamplingOptions {
  double temperature = 1.0;  // ≥ kMinTemperature; logits are divided by it. Behaviour log-probs are at this
                             // temperature, before top-k and top-p
  double top_p = 1.0;        // (0, 1]; 1 is off
  int32_t top_k = 0;         // 0 is off
  int32_t max_tokens = 256;  // per completion, with the EOS
  bool greedy =
      false;  // the most probable token, ties to the lower id; temperature then only scales the log-probs
  bool ignore_eos = false;  // EOS is an ordinary token
};

// One prompt, `completions` draws. Position t of completion c is drawn with Rng{key with completion =
// c}.Uniform(t), whatever else is in the batch.
struct GenerationRequest {
  std::vector<TokenId> prompt;  // never empty
  int32_t completions = 1;
  RngKey key;  // its `completion` field is ignored: the engine sets it to 0 … completions−1
};

struct GeneratedCompletion {
  std::vector<TokenId> tokens;
  std::vector<float> logprobs;  // [tokens], nats
  Finish finish = Finish::kStop;
};

// Draws completions from one policy version. Single-threaded: one thread owns it.
class Generator {
 public:
  virtual ~Generator() = default;

  // Replaces the weights. InvalidArgument when the number of values does not fit the model.
  virtual absl::Status SetWeights(std::shared_ptr<const WeightsSnapshot> weights) = 0;
  // The weights in use; null before the first SetWeights.
  virtual std::shared_ptr<const WeightsSnapshot> weights() const = 0;

  // One vector of `completions` results per request, in order. All requests form one batch; for
  // byte-identical repeats give the same requests together. InvalidArgument on an empty prompt, a token
  // outside the vocabulary, a prompt that leaves no room in the context window, or bad options; Cancelled
  // soon after `stop` was requested; FailedPrecondition without weights.
  virtual absl::StatusOr<std::vector<std::vector<GeneratedCompletion>>> Generate(
      std::span<const GenerationRequest> requests, const SamplingOptions& options, std::stop_token stop) = 0;
};

}  // namespace entrain
