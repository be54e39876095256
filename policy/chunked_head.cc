#include "policy/chunked_head.h"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <utility>

#include "kernels/sampling.h"

namespace entrain {
namespace {

constexpr int64_t kRowsPerTask = 16;

}  // namespace

ChunkedHead::ChunkedHead(at::Tensor hidden, at::Tensor weight, std::span<const int32_t> targets,
                         double temperature, int64_t logits_bytes)
    : hidden_(std::move(hidden)),
      weight_(std::move(weight)),
      targets_(targets),
      temperature_(temperature),
      chunk_(std::max<int64_t>(1, logits_bytes / (weight_.size(0) * static_cast<int64_t>(sizeof(float))))),
      logits_(at::empty({std::min(chunk_, Tokens()), weight_.size(0)}, at::kFloat)),
      stats_(targets.size()) {}

ChunkedHead::Chunk ChunkedHead::At(int64_t index) const {
  const int64_t first = index * chunk_, count = std::min(chunk_, Tokens() - first);
  return {.first = first, .rows = hidden_.narrow(0, first, count), .logits = logits_.narrow(0, 0, count)};
}

void ChunkedHead::ComputeLogits(Chunk& chunk) const { at::mm_out(chunk.logits, chunk.rows, weight_.t()); }

template <typename Visit>
void ChunkedHead::ForEachRow(const Visit& visit) {
  const at::NoGradGuard no_grad;
  const auto vocab = static_cast<size_t>(weight_.size(0));
  for (int64_t index = 0; index < Chunks(); ++index) {
    Chunk chunk = At(index);
    ComputeLogits(chunk);
    const float* data = chunk.logits.data_ptr<float>();
    at::parallel_for(0, chunk.rows.size(0), kRowsPerTask, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        visit(static_cast<size_t>(chunk.first + i), std::span(data + static_cast<size_t>(i) * vocab, vocab));
      }
    });
  }
}

const std::vector<TokenStat>& ChunkedHead::Forward() {
  ForEachRow([this](size_t token, std::span<const float> logits) {
    stats_[token] = ComputeTokenStat(logits, targets_[token], temperature_);
  });
  return stats_;
}

std::vector<int32_t> ChunkedHead::NucleusSizes(double p) {
  std::vector<int32_t> sizes(targets_.size());
  ForEachRow([&](size_t token, std::span<const float> logits) {
    sizes[token] = NucleusSize(logits, temperature_, p);
  });
  return sizes;
}

at::Tensor ChunkedHead::Backward(const TokenGradients& gradients, const at::Tensor& weight_gradient) {
  const at::NoGradGuard no_grad;
  const auto vocab = static_cast<size_t>(weight_.size(0));
  at::Tensor hidden_gradient = at::empty_like(hidden_);
  at::Tensor sum = weight_gradient;  // shares its numbers
  for (int64_t index = Chunks() - 1; index >= 0; --index) {
    Chunk chunk = At(index);
    if (index < Chunks() - 1) ComputeLogits(chunk);  // those of the last are still there
    float* data = chunk.logits.data_ptr<float>();
    at::parallel_for(0, chunk.rows.size(0), kRowsPerTask, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const auto token = static_cast<size_t>(chunk.first + i);
        const std::span row(data + static_cast<size_t>(i) * vocab, vocab);
        TokenStatBackward(row, targets_[token], temperature_, stats_[token], gradients.logprob[token],
                          gradients.entropy.empty() ? 0.0 : gradients.entropy[token], row);
      }
    });
    at::Tensor part = hidden_gradient.narrow(0, chunk.first, chunk.rows.size(0));
    at::mm_out(part, chunk.logits, weight_);
    sum.addmm_(chunk.logits.t(), chunk.rows);
  }
  return hidden_gradient;
}

}  // namespace entrain
