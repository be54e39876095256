#pragma once

#include <cstdint>
#include <vector>

#include "common/rng.h"
#include "policy/model_config.h"
#include "trajectory/group.h"

namespace entrain::bench {

// The model of examples/arithmetic: 593,280 parameters.
inline ModelConfig DemoModel() {
  ModelConfig config;
  config.vocab_size = 14;
  config.hidden_size = 128;
  config.intermediate_size = 384;
  config.num_layers = 3;
  config.num_heads = 4;
  config.num_kv_heads = 2;
  config.head_dim = 32;
  config.max_position = 64;
  config.tie_word_embeddings = true;
  config.eos_token_ids = {1};
  return config;
}

// One layer of width 512 under a vocabulary of 32,000: 18.8 million parameters, 16.4 of them the tied head.
inline ModelConfig WideModel() {
  ModelConfig config;
  config.vocab_size = 32000;
  config.hidden_size = 512;
  config.intermediate_size = 1536;
  config.num_layers = 1;
  config.num_heads = 8;
  config.num_kv_heads = 4;
  config.head_dim = 64;
  config.max_position = 128;
  config.tie_word_embeddings = true;
  config.eos_token_ids = {1};
  return config;
}

// `count` token ids below `vocab`, a function of the arguments alone. 0 and 1 are left out: padding and EOS.
inline std::vector<TokenId> Tokens(int32_t vocab, int64_t count, uint64_t ordinal) {
  const Rng rng({.seed = 1, .purpose = RngPurpose::kData, .ordinal = ordinal});
  std::vector<TokenId> tokens;
  for (int64_t i = 0; i < count; ++i)
    tokens.push_back(
        2 + static_cast<TokenId>(rng.Below(static_cast<uint64_t>(vocab - 2), static_cast<uint64_t>(i))));
  return tokens;
}

// `count` logits N(0, 2), as a trained model's are roughly.
inline std::vector<float> Logits(int64_t count) {
  const Rng rng({.seed = 2, .purpose = RngPurpose::kData});
  std::vector<float> logits;
  for (int64_t i = 0; i < count; ++i)
    logits.push_back(static_cast<float>(2 * rng.Normal(static_cast<uint64_t>(i))));
  return logits;
}

}  // namespace entrain::bench
