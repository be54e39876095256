#pragma once

#include <cstdint>

#include "kernels/bfloat16.h"

namespace entrain {

// ComputeTokenStat for `rows` rows on the current CUDA device; every pointer is device memory. logits: [rows,
// vocab]; tokens, outputs: [rows]. `stream` is a cudaStream_t. Returns the cudaError_t of the launch.
int ComputeTokenStatsCuda(const float* logits, const int32_t* tokens, int64_t rows, int64_t vocab,
                          double temperature, float* logprob, float* entropy, float* s, float* n,
                          float* log_z, void* stream);

int ComputeTokenStatsCuda(const BFloat16* logits, const int32_t* tokens, int64_t rows, int64_t vocab,
                          double temperature, float* logprob, float* entropy, float* s, float* n,
                          float* log_z, void* stream);

// TokenStatBackward for `rows` rows; `out` may be `logits`. grad_entropy may be null: no entropy term.
int TokenStatsBackwardCuda(const float* logits, const int32_t* tokens, int64_t rows, int64_t vocab,
                           double temperature, const float* logprob, const float* log_z, const float* entropy,
                           const float* grad_logprob, const float* grad_entropy, float* out, void* stream);
int TokenStatsBackwardCuda(const BFloat16* logits, const int32_t* tokens, int64_t rows, int64_t vocab,
                           double temperature, const float* logprob, const float* log_z, const float* entropy,
                           const float* grad_logprob, const float* grad_entropy, BFloat16* out, void* stream);

}  // namespace entrain
