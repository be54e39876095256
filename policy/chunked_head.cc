#include "policy/chunked_head.h"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <utility>

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

template <typename Visit>
void ChunkedHead::ForEachChunk(const Visit& visit) {
  for (int64_t first = 0; first < Tokens(); first += chunk_) {
    const int64_t count = std::min(chunk_, Tokens() - first);
    visit(first, hidden_.narrow(0, first, count), logits_.narrow(0, 0, count));
  }
}

void ChunkedHead::ComputeLogits(const at::Tensor& rows, at::Tensor logits) const {
  at::mm_out(logits, rows, weight_.t());
}

const std::vector<TokenStat>& ChunkedHead::Forward() {
  const at::NoGradGuard no_grad;
  const auto vocab = static_cast<size_t>(weight_.size(0));
  ForEachChunk([&](int64_t first, const at::Tensor& rows, const at::Tensor& logits) {
    ComputeLogits(rows, logits);
    const float* data = logits.data_ptr<float>();
    at::parallel_for(0, rows.size(0), kRowsPerTask, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const auto token = static_cast<size_t>(first + i);
        stats_[token] = ComputeTokenStat(std::span(data + static_cast<size_t>(i) * vocab, vocab),
                                         targets_[token], temperature_);
      }
    });
  });
  return stats_;
}

at::Tensor ChunkedHead::Backward(const TokenGradients& gradients, const at::Tensor& weight_gradient) {
  const at::NoGradGuard no_grad;
  const auto vocab = static_cast<size_t>(weight_.size(0));
  at::Tensor hidden_gradient = at::empty_like(hidden_);
  at::Tensor sum = weight_gradient;  // shares its numbers
  ForEachChunk([&](int64_t first, const at::Tensor& rows, const at::Tensor& logits) {
    if (!OneChunk()) ComputeLogits(rows, logits);
    float* data = logits.data_ptr<float>();
    at::parallel_for(0, rows.size(0), kRowsPerTask, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const auto token = static_cast<size_t>(first + i);
        const std::span row(data + static_cast<size_t>(i) * vocab, vocab);
        TokenStatBackward(row, targets_[token], temperature_, stats_[token], gradients.logprob[token],
                          gradients.entropy.empty() ? 0.0 : gradients.entropy[token], row);
      }
    });
    at::Tensor part = hidden_gradient.narrow(0, first, rows.size(0));
    at::mm_out(part, logits, weight_);
    sum.addmm_(logits.t(), rows);
  });
  return hidden_gradient;
}

}  // namespace entrain
