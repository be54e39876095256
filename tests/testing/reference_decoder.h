#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "policy/model_config.h"
#include "policy/parameters.h"
#include "trajectory/group.h"

namespace entrain {

// The Qwen2 decoder written out from its definition, in double, one sequence and one number at a time: what
// the network and the engine are measured against. Shares no code with them. Weights may be moved by less
// than a float holds, for differences.
class ReferenceDecoder {
 public:
  ReferenceDecoder(const ModelConfig& config, std::span<const float> parameters)
      : config_(config),
        layout_(ParameterLayout::Of(config)),
        values_(parameters.begin(), parameters.end()) {}

  // Logits [T][V] after every token of `tokens`.
  std::vector<std::vector<double>> Logits(std::span<const TokenId> tokens) const {
    std::vector<std::vector<double>> x;  // [T][D]
    for (const TokenId token : tokens) {
      const double* row = At("model.embed_tokens.weight") + static_cast<size_t>(token) * Hidden();
      x.emplace_back(row, row + Hidden());
    }
    for (int32_t i = 0; i < config_.num_layers; ++i) Layer("model.layers." + std::to_string(i) + ".", x);
    std::vector<std::vector<double>> logits;
    const double* head = At(config_.tie_word_embeddings ? "model.embed_tokens.weight" : "lm_head.weight");
    for (const std::vector<double>& row : x)
      logits.push_back(
          Times(head, static_cast<size_t>(config_.vocab_size), Norm(row, At("model.norm.weight"))));
    return logits;
  }

  // ln softmax(z / temperature).
  static std::vector<double> LogSoftmax(const std::vector<double>& logits, double temperature) {
    double max = -HUGE_VAL, total = 0;
    for (const double z : logits) max = std::max(max, z / temperature);
    for (const double z : logits) total += std::exp(z / temperature - max);
    std::vector<double> out;
    for (const double z : logits) out.push_back(z / temperature - max - std::log(total));
    return out;
  }

  // Flat, in the order of ParameterLayout.
  std::vector<double>& values() { return values_; }

 private:
  using Row = std::vector<double>;
  size_t Hidden() const { return static_cast<size_t>(config_.hidden_size); }
  size_t Width() const { return static_cast<size_t>(config_.head_dim); }
  const double* At(const std::string& name) const { return values_.data() + layout_.Find(name)->offset; }

  // weight [rows, x] · x
  static Row Times(const double* weight, size_t rows, const Row& x) {
    Row out(rows);
    for (size_t i = 0; i < rows; ++i) {
      for (size_t j = 0; j < x.size(); ++j) out[i] += weight[i * x.size() + j] * x[j];
    }
    return out;
  }

  Row Norm(const Row& x, const double* weight) const {
    double squares = 0;
    for (const double v : x) squares += v * v;
    const double scale = 1 / std::sqrt(squares / static_cast<double>(x.size()) + config_.rms_norm_eps);
    Row out(x.size());
    for (size_t i = 0; i < x.size(); ++i) out[i] = x[i] * scale * weight[i];
    return out;
  }

  Row Project(const std::string& name, size_t heads, const Row& x) const {
    Row out = Times(At(name + ".weight"), heads * Width(), x);
    for (size_t i = 0; i < out.size(); ++i) out[i] += At(name + ".bias")[i];
    return out;
  }

  // Number i of the first half of a head and number i of its second half form one complex number, turned by
  // position · theta^(−2i/d).
  void Rotate(Row& heads, size_t position) const {
    const size_t half = Width() / 2;
    for (size_t head = 0; head < heads.size(); head += Width()) {
      for (size_t i = 0; i < half; ++i) {
        const double angle =
            static_cast<double>(position) *
            std::pow(config_.rope_theta, -2.0 * static_cast<double>(i) / static_cast<double>(Width()));
        const double a = heads[head + i], b = heads[head + half + i];
        heads[head + i] = a * std::cos(angle) - b * std::sin(angle);
        heads[head + half + i] = a * std::sin(angle) + b * std::cos(angle);
      }
    }
  }

  void Layer(const std::string& prefix, std::vector<Row>& x) const {
    const auto heads = static_cast<size_t>(config_.num_heads),
               kv_heads = static_cast<size_t>(config_.num_kv_heads);
    const auto inner = static_cast<size_t>(config_.intermediate_size);
    std::vector<Row> q, k, v;
    for (size_t t = 0; t < x.size(); ++t) {
      const Row input = Norm(x[t], At(prefix + "input_layernorm.weight"));
      q.push_back(Project(prefix + "self_attn.q_proj", heads, input));
      k.push_back(Project(prefix + "self_attn.k_proj", kv_heads, input));
      v.push_back(Project(prefix + "self_attn.v_proj", kv_heads, input));
      Rotate(q[t], t);
      Rotate(k[t], t);
    }
    for (size_t t = 0; t < x.size(); ++t) {
      Row mixed(heads * Width());
      for (size_t head = 0; head < heads; ++head) {
        const size_t from = head * Width(), shared = head / (heads / kv_heads) * Width();
        Row weights;
        double total = 0;
        for (size_t past = 0; past <= t; ++past) {
          double dot = 0;
          for (size_t i = 0; i < Width(); ++i) dot += q[t][from + i] * k[past][shared + i];
          weights.push_back(std::exp(dot / std::sqrt(static_cast<double>(Width()))));
          total += weights.back();
        }
        for (size_t past = 0; past <= t; ++past) {
          for (size_t i = 0; i < Width(); ++i) mixed[from + i] += weights[past] / total * v[past][shared + i];
        }
      }
      const Row out = Times(At(prefix + "self_attn.o_proj.weight"), Hidden(), mixed);
      for (size_t i = 0; i < Hidden(); ++i) x[t][i] += out[i];
    }
    for (Row& row : x) {
      const Row input = Norm(row, At(prefix + "post_attention_layernorm.weight"));
      Row gate = Times(At(prefix + "mlp.gate_proj.weight"), inner, input);
      const Row up = Times(At(prefix + "mlp.up_proj.weight"), inner, input);
      for (size_t i = 0; i < inner; ++i) gate[i] = gate[i] / (1 + std::exp(-gate[i])) * up[i];
      const Row out = Times(At(prefix + "mlp.down_proj.weight"), Hidden(), gate);
      for (size_t i = 0; i < Hidden(); ++i) row[i] += out[i];
    }
  }

  const ModelConfig config_;
  const ParameterLayout layout_;
  std::vector<double> values_;
};

}  // namespace entrain
