#pragma once

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "policy/model_config.h"
#include "policy/parameters.h"

// The Qwen2 decoder in tensor operations, shared by training and generation. Internal to policy.
namespace entrain::decoder {

// Views into one flat parameter vector. Linear weights are [out, in].
struct Layer {
  at::Tensor input_norm;  // [D]
  at::Tensor q_weight, q_bias, k_weight, k_bias, v_weight, v_bias;
  at::Tensor o_weight;                             // [D, H·d]
  at::Tensor post_norm;                            // [D]
  at::Tensor gate_weight, up_weight, down_weight;  // [I, D], [I, D], [D, I]
};
struct Weights {
  at::Tensor embedding;  // [V, D]
  std::vector<Layer> layers;
  at::Tensor norm;  // [D]
  at::Tensor head;  // [V, D]; the embedding itself when tied
};
// `tensor` gives the tensor of a slot; called once a slot.
Weights Assemble(const ModelConfig& config, const ParameterLayout& layout,
                 const std::function<at::Tensor(const ParameterSlot&)>& tensor);

// cos and sin of position · theta^(−2i/d), each [positions, d/2], float32 from double.
struct Rope {
  at::Tensor cos, sin;
  static Rope Table(const ModelConfig& config, int64_t positions);
};
// Rotates halves: x [.., T, d] with cos, sin [T, d/2] (or anything that broadcasts).
at::Tensor ApplyRope(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin);

// x / sqrt(mean(x²) + eps) · weight.
at::Tensor RmsNorm(const at::Tensor& x, const at::Tensor& weight, double eps);
// [N, Hkv, T, d] → [N, H, T, d]: each key head serves H/Hkv query heads.
at::Tensor RepeatHeads(const at::Tensor& x, int64_t times);
// SwiGLU: down(silu(gate(x)) · up(x)).
at::Tensor Mlp(const at::Tensor& x, const at::Tensor& gate, const at::Tensor& up, const at::Tensor& down);

// Runs `body`, turning what LibTorch throws into a status.
absl::Status Guarded(const char* what, const std::function<absl::Status()>& body);
// The thread that computes uses `threads` threads from here on; cheap when nothing changes.
void UseThreads(int32_t threads);
// OK for cpu and float32; Unimplemented names what this build lacks.
absl::Status CheckDevice(const std::string& device, const std::string& dtype, int32_t threads);

}  // namespace entrain::decoder
