#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/rng.h"
#include "policy/model_config.h"
#include "policy/parameters.h"
#include "trajectory/group.h"

namespace entrain {

// Two layers, grouped heads, few enough parameters for differences over each of them. Token 1 is EOS.
inline ModelConfig ToyConfig(bool tied = true) {
  ModelConfig config;
  config.vocab_size = 11;
  config.hidden_size = 12;
  config.intermediate_size = 20;
  config.num_layers = 2;
  config.num_heads = 4;
  config.num_kv_heads = 2;
  config.head_dim = 6;  // not hidden / heads
  config.max_position = 48;
  config.rope_theta = 100;
  config.tie_word_embeddings = tied;
  config.eos_token_ids = {1};
  return config;
}

// Weights far from any symmetry: biases and norms are random too, and logits are spread.
inline std::vector<float> ToyWeights(const ModelConfig& config, uint64_t seed = 1) {
  std::vector<float> weights(static_cast<size_t>(ParameterLayout::Of(config).total));
  for (const ParameterSlot& slot : ParameterLayout::Of(config).slots) {
    const Rng rng({.seed = seed, .purpose = RngPurpose::kInit, .step = static_cast<uint64_t>(slot.offset)});
    const bool norm = slot.name.find("norm") != std::string::npos;
    for (int64_t i = 0; i < slot.size; ++i) {
      weights[static_cast<size_t>(slot.offset + i)] =
          static_cast<float>((norm ? 1.0 : 0.0) + 0.4 * rng.Normal(static_cast<uint64_t>(i)));
    }
  }
  return weights;
}

// `count` tokens of 0 … vocab − 1.
inline std::vector<TokenId> RandomTokens(const ModelConfig& config, size_t count, uint64_t ordinal) {
  const Rng rng({.seed = 3, .purpose = RngPurpose::kData, .ordinal = ordinal});
  std::vector<TokenId> tokens;
  for (size_t i = 0; i < count; ++i)
    tokens.push_back(static_cast<TokenId>(rng.Below(static_cast<uint64_t>(config.vocab_size), i)));
  return tokens;
}

}  // namespace entrain
