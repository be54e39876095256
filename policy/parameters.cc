#include "policy/parameters.h"

#include <cmath>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/rng.h"

namespace entrain {
namespace {

class LayoutBuilder {
 public:
  void Add(std::string name, std::vector<int64_t> shape) {
    int64_t size = 1;
    for (const int64_t extent : shape) size *= extent;
    layout_.slots.push_back(
        {.name = std::move(name), .shape = std::move(shape), .offset = layout_.total, .size = size});
    layout_.total += size;
  }
  ParameterLayout Finish() { return std::move(layout_); }

 private:
  ParameterLayout layout_;
};

}  // namespace

ParameterLayout ParameterLayout::Of(const ModelConfig& config) {
  const int64_t hidden = config.hidden_size, inner = config.intermediate_size;
  const int64_t q = int64_t{config.num_heads} * config.head_dim,
                kv = int64_t{config.num_kv_heads} * config.head_dim;
  LayoutBuilder builder;
  builder.Add("model.embed_tokens.weight", {config.vocab_size, hidden});
  for (int32_t layer = 0; layer < config.num_layers; ++layer) {
    const std::string prefix = absl::StrCat("model.layers.", layer, ".");
    builder.Add(absl::StrCat(prefix, "input_layernorm.weight"), {hidden});
    for (const auto& [name, rows] : {std::pair<const char*, int64_t>{"q", q}, {"k", kv}, {"v", kv}}) {
      builder.Add(absl::StrCat(prefix, "self_attn.", name, "_proj.weight"), {rows, hidden});
      builder.Add(absl::StrCat(prefix, "self_attn.", name, "_proj.bias"), {rows});
    }
    builder.Add(absl::StrCat(prefix, "self_attn.o_proj.weight"), {hidden, q});
    builder.Add(absl::StrCat(prefix, "post_attention_layernorm.weight"), {hidden});
    builder.Add(absl::StrCat(prefix, "mlp.gate_proj.weight"), {inner, hidden});
    builder.Add(absl::StrCat(prefix, "mlp.up_proj.weight"), {inner, hidden});
    builder.Add(absl::StrCat(prefix, "mlp.down_proj.weight"), {hidden, inner});
  }
  builder.Add("model.norm.weight", {hidden});
  if (!config.tie_word_embeddings) builder.Add("lm_head.weight", {config.vocab_size, hidden});
  return builder.Finish();
}

const ParameterSlot* ParameterLayout::Find(const std::string& name) const {
  for (const ParameterSlot& slot : slots) {
    if (slot.name == name) return &slot;
  }
  return nullptr;
}

std::vector<float> InitParameters(const ModelConfig& config, uint64_t seed) {
  const ParameterLayout layout = ParameterLayout::Of(config);
  std::vector<float> values(static_cast<size_t>(layout.total), 0.0f);
  const double residual = 1.0 / std::sqrt(2.0 * config.num_layers);
  for (size_t index = 0; index < layout.slots.size(); ++index) {
    const ParameterSlot& slot = layout.slots[index];
    float* out = values.data() + slot.offset;
    if (absl::EndsWith(slot.name, "norm.weight")) {
      for (int64_t i = 0; i < slot.size; ++i) out[i] = 1.0f;
      continue;
    }
    if (slot.shape.size() == 1) continue;  // a bias
    double deviation =
        slot.name == "model.embed_tokens.weight" ? 0.02 : 1.0 / std::sqrt(static_cast<double>(slot.shape[1]));
    if (absl::EndsWith(slot.name, "o_proj.weight") || absl::EndsWith(slot.name, "down_proj.weight"))
      deviation *= residual;
    const Rng rng({.seed = seed, .purpose = RngPurpose::kInit, .step = index});
    for (int64_t i = 0; i < slot.size; ++i)
      out[i] = static_cast<float>(deviation * rng.Normal(static_cast<uint64_t>(i)));
  }
  return values;
}

}  // namespace entrain
