#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "policy/model_config.h"

namespace entrain {

// One tensor inside the flat parameter vector. The name is the one of the safetensors file.
struct ParameterSlot {
  std::string name;            // "model.layers.0.self_attn.q_proj.weight"
  std::vector<int64_t> shape;  // row-major, as stored: [out, in]
  int64_t offset = 0;          // of its first value in the flat vector
  int64_t size = 0;            // number of values
};

// Where every tensor of a model lives in one flat float32 vector. Weights, gradients, optimiser moments,
// snapshots and digests all use this order. Tied embeddings appear once.
struct ParameterLayout {
  std::vector<ParameterSlot> slots;  // by offset, without gaps
  int64_t total = 0;

  static ParameterLayout Of(const ModelConfig& config);
  const ParameterSlot* Find(const std::string& name) const;
};

// Fresh weights, a function of (config, seed) alone: embeddings N(0, 0.02), matrices N(0, 1/sqrt(fan_in)),
// o_proj and down_proj further divided by sqrt(2 · layers), biases 0, norms 1.
std::vector<float> InitParameters(const ModelConfig& config, uint64_t seed);

}  // namespace entrain
