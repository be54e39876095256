#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/token_stats.h"
#include "policy/network.h"

namespace entrain {

// The output layer and the token statistics (docs/methods.md 0.5) as one pass over chunks of rows: logits
// exist for one chunk at a time, and their gradient is written over them. Forward drops each chunk once its
// statistics are known and Backward computes it again; when all rows fit in one chunk its logits are kept.
// Both give the same bits, since a chunk is the same product of the same shape. Another chunk size changes
// the rounding of the products, nothing else. Internal to policy; single-threaded, lives for one pass.
class ChunkedHead {
 public:
  // hidden: [tokens, D], weight: [V, D]; both contiguous and without gradient, unchanged while this lives.
  // targets: [tokens], in [0, V). A chunk holds as many rows as fit in `logits_bytes`, at least one.
  ChunkedHead(at::Tensor hidden, at::Tensor weight, std::span<const int32_t> targets, double temperature,
              int64_t logits_bytes);

  // Statistics of every row.
  const std::vector<TokenStat>& Forward();

  // After Forward, once: d loss / d hidden, [tokens, D]. Adds d loss / d weight to `weight_gradient` [V, D].
  at::Tensor Backward(const TokenGradients& gradients, const at::Tensor& weight_gradient);

 private:
  int64_t Tokens() const { return hidden_.size(0); }
  bool OneChunk() const { return Tokens() <= chunk_; }
  // Calls visit(first row, rows of hidden, place for their logits) chunk after chunk.
  template <typename Visit>
  void ForEachChunk(const Visit& visit);
  void ComputeLogits(const at::Tensor& rows, at::Tensor logits) const;

  const at::Tensor hidden_, weight_;
  const std::span<const int32_t> targets_;
  const double temperature_;
  const int64_t chunk_;  // rows
  at::Tensor logits_;    // [min(chunk, tokens), V]
  std::vector<TokenStat> stats_;
};

}  // namespace entrain
