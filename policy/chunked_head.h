#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/token_stats.h"
#include "policy/network.h"

namespace entrain {

// The output layer and the token statistics (docs/methods.md 0.5) as one pass over chunks of rows: logits
// exist for one chunk at a time, and their gradient is written over them. Forward leaves the logits of the
// last chunk, which may be the only one; Backward starts there and computes those of the others again, to the
// same bits, since a chunk is the same product of the same shape. Another chunk size changes the rounding of
// the products, nothing else. Internal to policy; single-threaded, lives for one pass.
class ChunkedHead {
 public:
  // hidden: [tokens, D], weight: [V, D]; both contiguous and without gradient, unchanged while this lives.
  // targets: [tokens], in [0, V). A chunk holds as many rows as fit in `logits_bytes`, at least one.
  ChunkedHead(at::Tensor hidden, at::Tensor weight, std::span<const int32_t> targets, double temperature,
              int64_t logits_bytes);

  // Statistics of every row.
  const std::vector<TokenStat>& Forward();

  // Of every row, the size of its top-p nucleus. Instead of Forward.
  std::vector<int32_t> NucleusSizes(double p);

  // After Forward, once: d loss / d hidden, [tokens, D]. Adds d loss / d weight to `weight_gradient` [V, D].
  at::Tensor Backward(const TokenGradients& gradients, const at::Tensor& weight_gradient);

 private:
  struct Chunk {
    int64_t first;      // row of `hidden`
    at::Tensor rows;    // of `hidden`
    at::Tensor logits;  // their place
  };
  int64_t Tokens() const { return hidden_.size(0); }
  int64_t Chunks() const { return (Tokens() + chunk_ - 1) / chunk_; }
  Chunk At(int64_t index) const;
  void ComputeLogits(Chunk& chunk) const;
  // Computes all logits in turn; visit(token, its [V] logits), from several threads.
  template <typename Visit>
  void ForEachRow(const Visit& visit);

  const at::Tensor hidden_, weight_;
  const std::span<const int32_t> targets_;
  const double temperature_;
  const int64_t chunk_;  // rows
  at::Tensor logits_;    // [min(chunk, tokens), V]
  std::vector<TokenStat> stats_;
};

}  // namespace entrain
