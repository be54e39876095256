#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "policy/model_config.h"
#include "policy/parameters.h"
#include "trajectory/group.h"

namespace entrain {

// One prompt with one completion, as the network trains on it.
struct TrainSequence {
  std::span<const TokenId> prompt;  // not scored; may be empty only if the completion's first token is not to
                                    // be scored (it is then skipped)
  std::span<const TokenId> completion;  // scored
};

// One value per completion token, sequences one after the other in the given order. Of the next-token
// distribution at the position that predicts the token, at the sampling temperature; nats. Formulas:
// docs/methods.md 0.1 and 0.5.
struct TokenStats {
  std::vector<float> logprob;  // ln p_a
  std::vector<float> entropy;  // H
  std::vector<float> s;        // S = p_a (ln p_a + H)
  std::vector<float> n;        // N = sum_x p_x² (ln p_x + H)
};

// d loss / d logprob and d loss / d H of every completion token, in the order of TokenStats. `entropy` may be
// empty: no entropy term.
struct TokenGradients {
  std::vector<float> logprob;
  std::vector<float> entropy;
};

struct NetworkOptions {
  std::string device = "cpu";
  std::string dtype = "float32";
  int32_t threads = 2;  // fixed: results depend on it
  // Memory for logits: as many rows of the vocabulary are computed at once as fit, at least one. Another
  // value changes results by rounding only. At 32 MiB and a vocabulary of 32,000: 262 tokens.
  int64_t logits_bytes = int64_t{32} << 20;
  bool trains = true;  // false: Score alone, without the memory of gradients
};

// A trainable decoder. Parameters and gradients are flat vectors in the order of ParameterLayout, so that
// optimiser, clipping, digest, checkpoint and all-reduce are plain loops over numbers. No LibTorch type shows
// here. Single-threaded: one thread owns it (it uses `threads` inside).
class Network {
 public:
  virtual ~Network() = default;

  // Weights start at zero: fill parameters(). Unimplemented on a device or dtype that this build lacks.
  static absl::StatusOr<std::unique_ptr<Network>> Create(const ModelConfig& config,
                                                         const NetworkOptions& options);

  virtual const ModelConfig& config() const = 0;
  virtual const ParameterLayout& layout() const = 0;
  virtual std::span<float> parameters() = 0;
  virtual std::span<float> gradients() = 0;  // empty when the network does not train
  virtual void ZeroGradients() = 0;

  // Statistics without gradient. The batch is split by the caller; memory grows with the number of tokens
  // given at once, not with tokens times vocabulary (NetworkOptions.logits_bytes). InvalidArgument: a token
  // outside the vocabulary, or a sequence longer than the context window.
  virtual absl::StatusOr<TokenStats> Score(std::span<const TrainSequence> sequences, double temperature) = 0;

  // Of every completion token, the size of the top-p nucleus of the distribution that it was drawn from: how
  // many of the most probable tokens hold p of it (kernels/sampling.h). Errors and memory as of Score.
  virtual absl::StatusOr<std::vector<int32_t>> NucleusSizes(std::span<const TrainSequence> sequences,
                                                            double temperature, double p) = 0;

  // Forward, asks `loss` for the gradients at the statistics found, backward. Adds to gradients(). An error
  // of `loss` is passed on; gradients() are then unchanged. FailedPrecondition when the network does not
  // train.
  using LossFunction = std::function<absl::StatusOr<TokenGradients>(const TokenStats&)>;
  virtual absl::Status ForwardBackward(std::span<const TrainSequence> sequences, double temperature,
                                       const LossFunction& loss) = 0;
};

}  // namespace entrain
