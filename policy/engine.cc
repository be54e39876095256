#include "policy/engine.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "kernels/sampling.h"
#include "policy/decoder.h"

namespace entrain {
namespace {

// What decoding reads of one layer: projections that share an input are one matrix.
struct FusedLayer {
  at::Tensor input_norm, qkv_weight, qkv_bias, o_weight, post_norm, gate_up_weight, down_weight;
};

// Keys and values of one layer: [N, Hkv, capacity, d].
struct Cache {
  at::Tensor keys, values;
};

// One completion that is being drawn.
struct Draw {
  size_t request;
  size_t index;
  Rng rng;
  int64_t limit;     // tokens it may have
  int64_t position;  // of the next token in the context
  GeneratedCompletion result;
};

absl::Status CheckOptions(const SamplingOptions& options) {
  if (!(options.temperature >= kMinTemperature) || !std::isfinite(options.temperature))
    return absl::InvalidArgumentError(absl::StrCat("temperature: expected a finite number of at least ",
                                                   kMinTemperature, ", found ", options.temperature));
  if (!(options.top_p > 0) || options.top_p > 1)
    return absl::InvalidArgumentError(
        absl::StrCat("top_p: expected a number in (0, 1], found ", options.top_p));
  if (options.top_k < 0)
    return absl::InvalidArgumentError(absl::StrCat("top_k: expected 0 or more, found ", options.top_k));
  if (options.max_tokens < 1)
    return absl::InvalidArgumentError(
        absl::StrCat("max_tokens: expected at least 1, found ", options.max_tokens));
  return absl::OkStatus();
}

class Engine final : public Generator {
 public:
  Engine(const ModelConfig& config, const EngineOptions& options)
      : config_(config), options_(options), layout_(ParameterLayout::Of(config)) {}

  absl::Status SetWeights(std::shared_ptr<const WeightsSnapshot> weights) override {
    if (weights == nullptr) return absl::InvalidArgumentError("weights: expected a snapshot, found none");
    if (static_cast<int64_t>(weights->values.size()) != layout_.total) {
      return absl::InvalidArgumentError(
          absl::StrCat("weights: expected ", layout_.total, " values, found ", weights->values.size()));
    }
    return decoder::Guarded("loading weights", [&] {
      const at::NoGradGuard no_grad;
      const decoder::Weights views = decoder::Assemble(config_, layout_, [&](const ParameterSlot& slot) {
        return at::from_blob(const_cast<float*>(weights->values.data()) + slot.offset, slot.shape,
                             at::kFloat);  // never written
      });
      std::vector<FusedLayer> layers;
      for (const decoder::Layer& layer : views.layers) {
        layers.push_back({.input_norm = layer.input_norm,
                          .qkv_weight = at::cat({layer.q_weight, layer.k_weight, layer.v_weight}),
                          .qkv_bias = at::cat({layer.q_bias, layer.k_bias, layer.v_bias}),
                          .o_weight = layer.o_weight,
                          .post_norm = layer.post_norm,
                          .gate_up_weight = at::cat({layer.gate_weight, layer.up_weight}),
                          .down_weight = layer.down_weight});
      }
      layers_ = std::move(layers);  // nothing can fail from here on: all weights change or none
      embedding_ = views.embedding;
      norm_ = views.norm;
      head_ = views.head;
      weights_ = std::move(weights);  // the views live as long as it does
      return absl::OkStatus();
    });
  }

  std::shared_ptr<const WeightsSnapshot> weights() const override { return weights_; }

  absl::StatusOr<std::vector<std::vector<GeneratedCompletion>>> Generate(
      std::span<const GenerationRequest> requests, const SamplingOptions& options,
      std::stop_token stop) override {
    if (weights_ == nullptr) return absl::FailedPreconditionError("the engine has no weights yet");
    ENTRAIN_RETURN_IF_ERROR(CheckOptions(options));
    for (const GenerationRequest& request : requests) ENTRAIN_RETURN_IF_ERROR(CheckRequest(request));
    std::vector<std::vector<GeneratedCompletion>> results(requests.size());
    for (size_t i = 0; i < requests.size(); ++i)
      results[i].resize(static_cast<size_t>(requests[i].completions));
    ENTRAIN_RETURN_IF_ERROR(decoder::Guarded("generating", [&] {
      decoder::UseThreads(options_.threads);
      const at::NoGradGuard no_grad;
      return Run(requests, options, stop, results);
    }));
    return results;
  }

 private:
  absl::Status CheckRequest(const GenerationRequest& request) const {
    if (request.prompt.empty()) return absl::InvalidArgumentError("a prompt without tokens");
    if (request.completions < 1)
      return absl::InvalidArgumentError(
          absl::StrCat("completions: expected at least 1, found ", request.completions));
    if (static_cast<int64_t>(request.prompt.size()) >= config_.max_position) {
      return absl::InvalidArgumentError(absl::StrCat("a prompt of ", request.prompt.size(),
                                                     " tokens leaves no room in the context window of ",
                                                     config_.max_position));
    }
    for (const TokenId token : request.prompt) {
      if (token < 0 || token >= config_.vocab_size) {
        return absl::InvalidArgumentError(
            absl::StrCat("token ", token, " is outside the vocabulary of ", config_.vocab_size));
      }
    }
    return absl::OkStatus();
  }

  // Q, K, V of x [N, T, D] as [N, heads, T, d], rotated to their positions.
  struct Qkv {
    at::Tensor q, k, v;
  };
  Qkv Project(const FusedLayer& layer, const at::Tensor& x, const at::Tensor& cos,
              const at::Tensor& sin) const {
    const at::Tensor all =
        at::linear(decoder::RmsNorm(x, layer.input_norm, config_.rms_norm_eps), layer.qkv_weight,
                   layer.qkv_bias)
            .view({x.size(0), x.size(1), config_.num_heads + 2 * config_.num_kv_heads, config_.head_dim})
            .transpose(1, 2);
    const int64_t rotated = config_.num_heads + config_.num_kv_heads;
    const at::Tensor turned = decoder::ApplyRope(all.slice(1, 0, rotated), cos, sin);
    return {.q = turned.slice(1, 0, config_.num_heads),
            .k = turned.slice(1, config_.num_heads),
            .v = all.slice(1, rotated)};
  }

  // The rest of a layer after attention: mixed [N, H, T, d] joins the residual stream x [N, T, D].
  at::Tensor Finish(const FusedLayer& layer, const at::Tensor& x, const at::Tensor& mixed) const {
    const at::Tensor joined =
        x + at::linear(mixed.transpose(1, 2).reshape(
                           {x.size(0), x.size(1), int64_t{config_.num_heads} * config_.head_dim}),
                       layer.o_weight);
    const at::Tensor gate_up =
        at::linear(decoder::RmsNorm(joined, layer.post_norm, config_.rms_norm_eps), layer.gate_up_weight);
    const at::Tensor inner = at::silu(gate_up.slice(-1, 0, config_.intermediate_size)) *
                             gate_up.slice(-1, config_.intermediate_size);
    return joined + at::linear(inner, layer.down_weight);
  }

  at::Tensor LogitsOf(const at::Tensor& x) const {
    return at::linear(decoder::RmsNorm(x, norm_, config_.rms_norm_eps), head_).contiguous();
  }

  // Runs one prompt, fills rows [first, first + count) of the caches, returns the logits [1, V] after its
  // last token. A prompt is always a batch of its own, so its numbers do not depend on the others.
  at::Tensor Prefill(const GenerationRequest& request, int64_t first, std::vector<Cache>& caches) {
    const auto length = static_cast<int64_t>(request.prompt.size());
    const at::Tensor ids = at::empty({1, length}, at::kLong);
    std::copy(request.prompt.begin(), request.prompt.end(), ids.data_ptr<int64_t>());
    const at::Tensor cos = rope_.cos.slice(0, 0, length), sin = rope_.sin.slice(0, 0, length);
    const int64_t times = config_.num_heads / config_.num_kv_heads;
    at::Tensor x = at::embedding(embedding_, ids);
    for (size_t i = 0; i < layers_.size(); ++i) {
      const Qkv qkv = Project(layers_[i], x, cos, sin);
      const at::Tensor mixed = at::scaled_dot_product_attention(qkv.q, decoder::RepeatHeads(qkv.k, times),
                                                                decoder::RepeatHeads(qkv.v, times),
                                                                std::nullopt, 0.0, /*is_causal=*/true);
      for (const auto& [cache, value] :
           {std::pair(caches[i].keys, qkv.k), std::pair(caches[i].values, qkv.v)}) {
        cache.slice(0, first, first + request.completions).slice(2, 0, length).copy_(value);
      }
      x = Finish(layers_[i], x, mixed);
    }
    return LogitsOf(x.slice(1, length - 1).squeeze(0));
  }

  // One token for every row: `tokens` [N] at `positions` [N]. Returns logits [N, V].
  at::Tensor Decode(const std::vector<Draw*>& rows, std::vector<Cache>& caches) const {
    const auto count = static_cast<int64_t>(rows.size());
    const at::Tensor ids = at::empty({count, 1}, at::kLong), positions = at::empty({count}, at::kLong);
    int64_t longest = 0;
    bool uniform = true;
    for (int64_t i = 0; i < count; ++i) {
      const Draw& draw = *rows[static_cast<size_t>(i)];
      ids.data_ptr<int64_t>()[i] = draw.result.tokens.back();
      positions.data_ptr<int64_t>()[i] = draw.position;
      longest = std::max(longest, draw.position + 1);
      uniform = uniform && draw.position == rows[0]->position;
    }
    const at::Tensor cos = rope_.cos.index_select(0, positions).view({count, 1, 1, -1});
    const at::Tensor sin = rope_.sin.index_select(0, positions).view({count, 1, 1, -1});
    std::optional<at::Tensor> mask;  // [N, 1, 1, longest]: what each row may look at
    if (!uniform)
      mask = at::arange(longest, at::kLong).view({1, 1, 1, longest}) <= positions.view({count, 1, 1, 1});
    const int64_t times = config_.num_heads / config_.num_kv_heads;
    const at::Tensor place =
        positions.view({count, 1, 1, 1}).expand({count, config_.num_kv_heads, 1, config_.head_dim});
    at::Tensor x = at::embedding(embedding_, ids);
    for (size_t i = 0; i < layers_.size(); ++i) {
      const Qkv qkv = Project(layers_[i], x, cos, sin);
      caches[i].keys.scatter_(2, place, qkv.k);
      caches[i].values.scatter_(2, place, qkv.v);
      const at::Tensor keys = decoder::RepeatHeads(caches[i].keys.slice(2, 0, longest), times);
      const at::Tensor values = decoder::RepeatHeads(caches[i].values.slice(2, 0, longest), times);
      x = Finish(layers_[i], x, at::scaled_dot_product_attention(qkv.q, keys, values, mask));
    }
    return LogitsOf(x.squeeze(1));
  }

  // Draws the next token of `draw`; true when the completion is finished.
  bool Advance(Draw& draw, std::span<const float> logits, const SamplingOptions& options) const {
    const size_t t = draw.result.tokens.size();
    const SampledToken next = options.greedy ? GreedyToken(logits, options.temperature)
                                             : SampleToken(logits, options.temperature, options.top_k,
                                                           options.top_p, draw.rng.Uniform(t));
    draw.result.tokens.push_back(next.token);
    draw.result.logprobs.push_back(next.logprob);
    const bool eos = !options.ignore_eos &&
                     std::ranges::find(config_.eos_token_ids, next.token) != config_.eos_token_ids.end();
    draw.result.finish = eos ? Finish::kStop : Finish::kLength;
    return eos || static_cast<int64_t>(draw.result.tokens.size()) >= draw.limit;
  }

  absl::Status Run(std::span<const GenerationRequest> requests, const SamplingOptions& options,
                   const std::stop_token& stop, std::vector<std::vector<GeneratedCompletion>>& results) {
    std::vector<Draw> draws;
    int64_t capacity = 0;
    for (size_t i = 0; i < requests.size(); ++i) {
      const auto length = static_cast<int64_t>(requests[i].prompt.size());
      const int64_t limit = std::min<int64_t>(options.max_tokens, config_.max_position - length);
      capacity = std::max(capacity, length + limit);
      for (int32_t c = 0; c < requests[i].completions; ++c) {
        RngKey key = requests[i].key;
        key.completion = static_cast<uint32_t>(c);
        draws.push_back({.request = i,
                         .index = static_cast<size_t>(c),
                         .rng = Rng(key),
                         .limit = limit,
                         .position = length});
      }
    }
    if (!rope_.cos.defined() || rope_.cos.size(0) < capacity) rope_ = decoder::Rope::Table(config_, capacity);
    std::vector<Cache> caches(layers_.size());
    for (Cache& cache : caches) {
      cache.keys = at::zeros(
          {static_cast<int64_t>(draws.size()), config_.num_kv_heads, capacity, config_.head_dim}, at::kFloat);
      cache.values = at::zeros_like(cache.keys);
    }
    const auto vocab = static_cast<size_t>(config_.vocab_size);
    std::vector<Draw*> active;
    std::vector<int64_t> kept;  // rows of the caches that `active` uses
    size_t row = 0;
    for (const GenerationRequest& request : requests) {
      if (stop.stop_requested()) return absl::CancelledError("generation was stopped");
      const at::Tensor logits = Prefill(request, static_cast<int64_t>(row), caches);
      for (int32_t c = 0; c < request.completions; ++c, ++row) {
        if (!Advance(draws[row], {logits.data_ptr<float>(), vocab}, options)) {
          active.push_back(&draws[row]);
          kept.push_back(static_cast<int64_t>(row));
        }
      }
    }
    while (!active.empty()) {
      if (stop.stop_requested()) return absl::CancelledError("generation was stopped");
      Compact(kept, caches);
      const at::Tensor logits = Decode(active, caches);
      std::vector<Draw*> next;
      kept.clear();
      for (size_t i = 0; i < active.size(); ++i) {
        ++active[i]->position;
        if (!Advance(*active[i], {logits.data_ptr<float>() + i * vocab, vocab}, options)) {
          next.push_back(active[i]);
          kept.push_back(static_cast<int64_t>(i));
        }
      }
      active = std::move(next);
    }
    for (Draw& draw : draws) results[draw.request][draw.index] = std::move(draw.result);
    return absl::OkStatus();
  }

  // Leaves only the rows `kept` in the caches: finished completions cost nothing.
  static void Compact(const std::vector<int64_t>& kept, std::vector<Cache>& caches) {
    if (caches.empty() || static_cast<int64_t>(kept.size()) == caches[0].keys.size(0)) return;
    const at::Tensor rows = at::empty({static_cast<int64_t>(kept.size())}, at::kLong);
    std::ranges::copy(kept, rows.data_ptr<int64_t>());
    for (Cache& cache : caches) {
      cache.keys = cache.keys.index_select(0, rows);
      cache.values = cache.values.index_select(0, rows);
    }
  }

  const ModelConfig config_;
  const EngineOptions options_;
  const ParameterLayout layout_;
  std::shared_ptr<const WeightsSnapshot> weights_;
  std::vector<FusedLayer> layers_;
  at::Tensor embedding_, norm_, head_;
  decoder::Rope rope_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Generator>> CreateEngine(const ModelConfig& config,
                                                        const EngineOptions& options) {
  ENTRAIN_RETURN_IF_ERROR(decoder::CheckDevice(options.device, options.dtype, options.threads));
  return std::make_unique<Engine>(config, options);
}

}  // namespace entrain
