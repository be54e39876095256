#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace entrain {

// Shape of a decoder of the Qwen2 family, as config.json says it. Both generations of key names are read
// (transformers 4: rope_theta, torch_dtype; transformers 5: rope_parameters, dtype) and what was read is
// written back.
struct ModelConfig {
  std::string architecture = "Qwen2ForCausalLM";
  int32_t vocab_size = 0;
  int32_t hidden_size = 0;
  int32_t intermediate_size = 0;
  int32_t num_layers = 0;
  int32_t num_heads = 0;
  int32_t num_kv_heads = 0;
  int32_t head_dim = 0;  // hidden_size / num_heads unless stated
  int32_t max_position = 0;
  double rms_norm_eps = 1e-6;
  double rope_theta = 10000;
  bool tie_word_embeddings = false;
  std::vector<int32_t> eos_token_ids;  // any of them ends a completion; the first is written by default
  int32_t pad_token_id = -1;           // −1: none

  friend bool operator==(const ModelConfig&, const ModelConfig&) = default;
};

// InvalidArgument names the key, what was expected and what was found; Unimplemented names an architecture or
// an option that changes the mathematics and is not supported here. Keys without influence are ignored.
absl::StatusOr<ModelConfig> ParseModelConfig(absl::string_view config_json);
// A config.json that transformers loads.
std::string WriteModelConfig(const ModelConfig& config);

}  // namespace entrain
