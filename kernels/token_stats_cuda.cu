#include "kernels/token_stats_core.h"
#include "kernels/token_stats_cuda.h"

namespace entrain {
namespace {

constexpr int kThreads = 256;

// One block a row: every thread sums a stripe of the vocabulary, then the stripes are merged pairwise in a
// fixed order, so repeats are byte-identical.
__global__ void StatsKernel(const float* logits, const int32_t* tokens, int64_t vocab, double scale,
                            float* logprob, float* entropy, float* s, float* n, float* log_z) {
  __shared__ TokenSums parts[kThreads];
  const int64_t row = blockIdx.x;
  const float* z = logits + row * vocab;
  TokenSums sums;
  for (int64_t j = threadIdx.x; j < vocab; j += kThreads) sums.Add(z[j] * scale);
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
    const TokenStatValues values = FinishTokenStat(parts[0], z[tokens[row]] * scale);
    logprob[row] = static_cast<float>(values.logprob);
    entropy[row] = static_cast<float>(values.entropy);
    s[row] = static_cast<float>(values.s);
    n[row] = static_cast<float>(values.n);
    log_z[row] = static_cast<float>(values.log_z);
  }
}

__global__ void BackwardKernel(const float* logits, const int32_t* tokens, int64_t vocab, double scale,
                               const float* logprob, const float* log_z, const float* entropy,
                               const float* grad_logprob, const float* grad_entropy, float* out) {
  // Read by every thread before any writes: `out` may be `logits`.
  __shared__ double precise_log_z;
  const int64_t row = blockIdx.x;
  if (threadIdx.x == 0)
    precise_log_z = PreciseLogZ(logits[row * vocab + tokens[row]] * scale, logprob[row], log_z[row]);
  __syncthreads();
  const double h = grad_entropy == nullptr ? 0.0 : grad_entropy[row];
  for (int64_t j = threadIdx.x; j < vocab; j += kThreads) {
    out[row * vocab + j] =
        static_cast<float>(TokenStatGradient(logits[row * vocab + j] * scale, j == tokens[row], precise_log_z,
                                             entropy[row], grad_logprob[row], h, scale));
  }
}

}  // namespace

int ComputeTokenStatsCuda(const float* logits, const int32_t* tokens, int64_t rows, int64_t vocab,
                          double temperature, float* logprob, float* entropy, float* s, float* n,
                          float* log_z, void* stream) {
  StatsKernel<<<static_cast<unsigned>(rows), kThreads, 0, static_cast<cudaStream_t>(stream)>>>(
      logits, tokens, vocab, 1.0 / temperature, logprob, entropy, s, n, log_z);
  return cudaGetLastError();
}

int TokenStatsBackwardCuda(const float* logits, const int32_t* tokens, int64_t rows, int64_t vocab,
                           double temperature, const float* logprob, const float* log_z, const float* entropy,
                           const float* grad_logprob, const float* grad_entropy, float* out, void* stream) {
  BackwardKernel<<<static_cast<unsigned>(rows), kThreads, 0, static_cast<cudaStream_t>(stream)>>>(
      logits, tokens, vocab, 1.0 / temperature, logprob, log_z, entropy, grad_logprob, grad_entropy, out);
  return cudaGetLastError();
}

}  // namespace entrain
