#include "policy/decoder.h"

#include <ATen/Parallel.h>

#include <cmath>
#include <exception>
#include <string>

#include "absl/strings/str_cat.h"

namespace entrain::decoder {

Weights Assemble(const ModelConfig& config, const ParameterLayout& layout,
                 const std::function<at::Tensor(const ParameterSlot&)>& tensor) {
  const auto get = [&](const std::string& name) { return tensor(*layout.Find(name)); };
  Weights weights;
  weights.embedding = get("model.embed_tokens.weight");
  for (int32_t i = 0; i < config.num_layers; ++i) {
    const std::string prefix = absl::StrCat("model.layers.", i, ".");
    Layer layer;
    layer.input_norm = get(prefix + "input_layernorm.weight");
    layer.q_weight = get(prefix + "self_attn.q_proj.weight");
    layer.q_bias = get(prefix + "self_attn.q_proj.bias");
    layer.k_weight = get(prefix + "self_attn.k_proj.weight");
    layer.k_bias = get(prefix + "self_attn.k_proj.bias");
    layer.v_weight = get(prefix + "self_attn.v_proj.weight");
    layer.v_bias = get(prefix + "self_attn.v_proj.bias");
    layer.o_weight = get(prefix + "self_attn.o_proj.weight");
    layer.post_norm = get(prefix + "post_attention_layernorm.weight");
    layer.gate_weight = get(prefix + "mlp.gate_proj.weight");
    layer.up_weight = get(prefix + "mlp.up_proj.weight");
    layer.down_weight = get(prefix + "mlp.down_proj.weight");
    weights.layers.push_back(std::move(layer));
  }
  weights.norm = get("model.norm.weight");
  weights.head = config.tie_word_embeddings ? weights.embedding : get("lm_head.weight");
  return weights;
}

Rope Rope::Table(const ModelConfig& config, int64_t positions) {
  const int64_t half = config.head_dim / 2;
  Rope rope{.cos = at::empty({positions, half}, at::kFloat), .sin = at::empty({positions, half}, at::kFloat)};
  float* cos = rope.cos.data_ptr<float>();
  float* sin = rope.sin.data_ptr<float>();
  for (int64_t p = 0; p < positions; ++p) {
    for (int64_t i = 0; i < half; ++i) {
      const double angle = static_cast<double>(p) *
                           std::pow(config.rope_theta, -2.0 * static_cast<double>(i) / config.head_dim);
      cos[p * half + i] = static_cast<float>(std::cos(angle));
      sin[p * half + i] = static_cast<float>(std::sin(angle));
    }
  }
  return rope;
}

at::Tensor ApplyRope(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin) {
  const int64_t half = x.size(-1) / 2;
  const at::Tensor first = x.slice(-1, 0, half), second = x.slice(-1, half);
  return at::cat({first * cos - second * sin, second * cos + first * sin}, -1);
}

at::Tensor RmsNorm(const at::Tensor& x, const at::Tensor& weight, double eps) {
  return x * at::rsqrt(x.square().mean(-1, /*keepdim=*/true) + eps) * weight;
}

at::Tensor RepeatHeads(const at::Tensor& x, int64_t times) {
  if (times == 1) return x;
  return x.unsqueeze(2)
      .expand({x.size(0), x.size(1), times, x.size(2), x.size(3)})
      .reshape({x.size(0), x.size(1) * times, x.size(2), x.size(3)});
}

at::Tensor Mlp(const at::Tensor& x, const at::Tensor& gate, const at::Tensor& up, const at::Tensor& down) {
  return at::linear(at::silu(at::linear(x, gate)) * at::linear(x, up), down);
}

absl::Status Guarded(const char* what, const std::function<absl::Status()>& body) {
  try {
    return body();
  } catch (const c10::Error& error) {
    return absl::InternalError(absl::StrCat(what, ": ", error.what_without_backtrace()));
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError(absl::StrCat(what, ": out of memory"));
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat(what, ": ", error.what()));
  }
}

void UseThreads(int32_t threads) {
  thread_local int32_t current = 0;
  if (current == threads) return;
  at::set_num_threads(threads);
  current = threads;
}

absl::Status CheckDevice(const std::string& device, const std::string& dtype, int32_t threads) {
  if (device != "cpu")
    return absl::UnimplementedError(
        absl::StrCat("device \"", device, "\" is not supported by this build; supported: cpu"));
  if (dtype != "float32")
    return absl::UnimplementedError(
        absl::StrCat("dtype \"", dtype, "\" is not supported by this build; supported: float32"));
  if (threads < 1)
    return absl::InvalidArgumentError(absl::StrCat("threads: expected at least 1, found ", threads));
  return absl::OkStatus();
}

}  // namespace entrain::decoder
