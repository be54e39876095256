#include "kernels/token_stats_core.h"
#include "kernels/token_stats_cuda.h"

namespace entrain {
namespace {

constexpr int kThreads = 256;

// One block a row: every thread sums a stripe of the vocabulary, then the stripes are merged pairwise in a
// fixed order, so repeats are byte-identical.
template <typename Logit>
__global__ void StatsKernel(const Logit* logits, const int32_t* tokens, int64_t vocab, double scale,
                            float* logprob, float* entropy, float* s, float* n, float* log_z) {
  __shared__ TokenSums parts[kThreads];
  const int64_t row = blockIdx.x;
  const Logit* z = logits + row * vocab;
  TokenSums sums;
  for (int64_t j = threadIdx.x; j < vocab; j += kThreads) sums.Add(ToFloat(z[j]) * scale);
  parts[threadIdx.x] = sums;
  __syncthreads();
  for (int half = kThreads / 2; half > 0; half /= 2) {
    if (threadIdx.x < half && parts[threadIdx.x + half].z1 > 0) {
      if (parts[threadIdx.x].z1 > 0) {
        parts[threadIdx.x].Merge(parts[threadIdx.x + half]);
      } else {
        parts[threadIdx.x] = parts[threadIdx.x + half];
      }
    }
    __syncthreads();
  }
  if (threadIdx.x == 0) {
    const TokenStatValues values = FinishTokenStat(parts[0], ToFloat(z[tokens[row]]) * scale);
    logprob[row] = static_cast<float>(values.logprob);
    entropy[row] = static_cast<float>(values.entropy);
    s[row] = static_cast<float>(values.s);
    n[row] = static_cast<float>(values.n);
    log_z[row] = static_cast<float>(values.log_z);
  }
}

__device__ void Round(double value, float& out) { out = static_cast<float>(value); }
__device__ void Round(double value, BFloat16& out) { out = ToBFloat16(static_cast<float>(value)); }

template <typename Logit>
__global__ void BackwardKernel(const Logit* logits, const int32_t* tokens, int64_t vocab, double scale,
                               const float* logprob, const float* log_z, const float* entropy,
                               const float* grad_logprob, const float* grad_entropy, Logit* out) {
  // Read by every thread before any writes: `out` may be `logits`.
  __shared__ float token_logit;
  const int64_t row = blockIdx.x;
  if (threadIdx.x == 0) token_logit = ToFloat(logits[row * vocab + tokens[row]]);
  __syncthreads();
  const RowGradient gradient(token_logit, scale, logprob[row], log_z[row], entropy[row], grad_logprob[row],
                             grad_entropy == nullptr ? 0.0 : grad_entropy[row]);
  for (int64_t j = threadIdx.x; j < vocab; j += kThreads) {
    const int64_t at = row * vocab + j;
    Round(gradient.At(ToFloat(logits[at]), j == tokens[row]), out[at]);
  }
}

template <typename Logit>
int LaunchStats(const Logit* logits, const int32_t* tokens, int64_t rows, int64_t vocab, double temperature,
                float* logprob, float* entropy, float* s, float* n, float* log_z, void* stream) {
  StatsKernel<<<static_cast<unsigned>(rows), kThreads, 0, static_cast<cudaStream_t>(stream)>>>(
      logits, tokens, vocab, 1.0 / temperature, logprob, entropy, s, n, log_z);
  return cudaGetLastError();
}

template <typename Logit>
int LaunchBackward(const Logit* logits, const int32_t* tokens, int64_t rows, int64_t vocab,
                   double temperature, const float* logprob, const float* log_z, const float* entropy,
                   const float* grad_logprob, const float* grad_entropy, Logit* out, void* stream) {
  BackwardKernel<<<static_cast<unsigned>(rows), kThreads, 0, static_cast<cudaStream_t>(stream)>>>(
      logits, tokens, vocab, 1.0 / temperature, logprob, log_z, entropy, grad_logprob, grad_entropy, out);
  return cudaGetLastError();
}

}  // namespace

int ComputeTokenStatsCuda(const float* logits, const int32_t* tokens, int64_t rows, int64_t vocab,
                          double temperature, float* logprob, float* entropy, float* s, float* n,
                          float* log_z, void* stream) {
  return LaunchStats(logits, tokens, rows, vocab, temperature, logprob, entropy, s, n, log_z, stream);
}

int TokenStatsBackwardCuda(const float* logits, const int32_t* tokens, int64_t rows, int64_t vocab,
                           double temperature, const float* logprob, const float* log_z, const float* entropy,
                           const float* grad_logprob, const float* grad_entropy, float* out, void* stream) {
  return LaunchBackward(logits, tokens, rows, vocab, temperature, logprob, log_z, entropy, grad_logprob,
                        grad_entropy, out, stream);
}

int ComputeTokenStatsCuda(const BFloat16* logits, const int32_t* tokens, int64_t rows, int64_t vocab,
                          double temperature, float* logprob, float* entropy, float* s, float* n,
                          float* log_z, void* stream) {
  return LaunchStats(logits, tokens, rows, vocab, temperature, logprob, entropy, s, n, log_z, stream);
}

int TokenStatsBackwardCuda(const BFloat16* logits, const int32_t* tokens, int64_t rows, int64_t vocab,
                           double temperature, const float* logprob, const float* log_z, const float* entropy,
                           const float* grad_logprob, const float* grad_entropy, BFloat16* out,
                           void* stream) {
  return LaunchBackward(logits, tokens, rows, vocab, temperature, logprob, log_z, entropy, grad_logprob,
                        grad_entropy, out, stream);
}

}  // namespace entrain
