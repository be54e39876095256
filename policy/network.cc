#include "policy/network.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "policy/chunked_head.h"
#include "policy/decoder.h"

namespace entrain {
namespace {

// Sequences as one rectangle, padded at the end: a causal model's outputs before the padding do not see it.
struct Batch {
  at::Tensor ids;        // [B, T] int64
  at::Tensor positions;  // [tokens] int64, rows of the flattened [B·T, D] that predict a completion token
  std::vector<int32_t> targets;  // [tokens]
};

class TorchNetwork final : public Network {
 public:
  TorchNetwork(const ModelConfig& config, const NetworkOptions& options)
      : config_(config), options_(options), layout_(ParameterLayout::Of(config)) {
    parameters_.resize(static_cast<size_t>(layout_.total), 0.0f);
    if (options_.trains) gradients_.resize(static_cast<size_t>(layout_.total), 0.0f);
    weights_ =
        decoder::Assemble(config_, layout_, [this](const ParameterSlot& slot) { return Parameter(slot); });
  }

  const ModelConfig& config() const override { return config_; }
  const ParameterLayout& layout() const override { return layout_; }
  std::span<float> parameters() override { return parameters_; }
  std::span<float> gradients() override { return gradients_; }
  void ZeroGradients() override { std::ranges::fill(gradients_, 0.0f); }

  absl::StatusOr<TokenStats> Score(std::span<const TrainSequence> sequences, double temperature) override {
    return WithHead<TokenStats>(sequences, temperature,
                                [](ChunkedHead& head) { return Columns(head.Forward()); });
  }

  absl::StatusOr<std::vector<int32_t>> NucleusSizes(std::span<const TrainSequence> sequences,
                                                    double temperature, double p) override {
    return WithHead<std::vector<int32_t>>(sequences, temperature,
                                          [p](ChunkedHead& head) { return head.NucleusSizes(p); });
  }

  absl::Status ForwardBackward(std::span<const TrainSequence> sequences, double temperature,
                               const LossFunction& loss) override {
    if (!options_.trains) return absl::FailedPreconditionError("this network was made to score only");
    return decoder::Guarded("training", [&]() -> absl::Status {
      decoder::UseThreads(options_.threads);
      ENTRAIN_ASSIGN_OR_RETURN(const Batch batch, MakeBatch(sequences));
      const at::Tensor hidden = Hidden(batch);
      ChunkedHead head(hidden.detach(), weights_.head.detach(), batch.targets, temperature,
                       options_.logits_bytes);
      const TokenStats stats = Columns(head.Forward());
      ENTRAIN_ASSIGN_OR_RETURN(const TokenGradients gradients, loss(stats));
      const size_t count = batch.targets.size();
      if (gradients.logprob.size() != count ||
          (!gradients.entropy.empty() && gradients.entropy.size() != count)) {
        return absl::InternalError(absl::StrCat("the loss returned ", gradients.logprob.size(),
                                                " gradients for ", count, " tokens"));
      }
      if (count == 0) return absl::OkStatus();
      hidden.backward(head.Backward(gradients, weights_.head.grad()));
      return absl::OkStatus();
    });
  }

 private:
  // What `read` makes of the output layer's pass over the completion tokens, without gradient.
  template <typename Result>
  absl::StatusOr<Result> WithHead(std::span<const TrainSequence> sequences, double temperature,
                                  const std::function<Result(ChunkedHead&)>& read) {
    Result result;
    ENTRAIN_RETURN_IF_ERROR(decoder::Guarded("scoring", [&]() -> absl::Status {
      decoder::UseThreads(options_.threads);
      const at::NoGradGuard no_grad;
      ENTRAIN_ASSIGN_OR_RETURN(const Batch batch, MakeBatch(sequences));
      ChunkedHead head(Hidden(batch), weights_.head.detach(), batch.targets, temperature,
                       options_.logits_bytes);
      result = read(head);
      return absl::OkStatus();
    }));
    return result;
  }

  // A leaf that views the flat parameters, whose gradient views the flat gradients: autograd then adds in
  // place.
  at::Tensor Parameter(const ParameterSlot& slot) {
    at::Tensor tensor = at::from_blob(parameters_.data() + slot.offset, slot.shape, at::kFloat);
    if (!options_.trains) return tensor;
    tensor.requires_grad_(true);
    tensor.mutable_grad() = at::from_blob(gradients_.data() + slot.offset, slot.shape, at::kFloat);
    return tensor;
  }

  absl::StatusOr<Batch> MakeBatch(std::span<const TrainSequence> sequences) const {
    size_t longest = 1;
    for (const TrainSequence& sequence : sequences)
      longest = std::max(longest, sequence.prompt.size() + sequence.completion.size());
    if (static_cast<int64_t>(longest) > config_.max_position) {
      return absl::InvalidArgumentError(absl::StrCat(
          "a sequence of ", longest, " tokens does not fit in the context window of ", config_.max_position));
    }
    Batch batch;
    batch.ids = at::zeros({static_cast<int64_t>(sequences.size()), static_cast<int64_t>(longest)}, at::kLong);
    int64_t* ids = batch.ids.data_ptr<int64_t>();
    std::vector<int64_t> positions;
    for (size_t row = 0; row < sequences.size(); ++row) {
      size_t column = row * longest;
      for (const std::span<const TokenId> part : {sequences[row].prompt, sequences[row].completion}) {
        for (const TokenId token : part) {
          if (token < 0 || token >= config_.vocab_size) {
            return absl::InvalidArgumentError(
                absl::StrCat("token ", token, " is outside the vocabulary of ", config_.vocab_size));
          }
          ids[column++] = token;
        }
      }
      if (sequences[row].prompt.empty() && !sequences[row].completion.empty()) {
        return absl::InvalidArgumentError("a sequence without a prompt: its first token has no prediction");
      }
      const size_t first = row * longest + sequences[row].prompt.size() - 1;
      for (size_t t = 0; t < sequences[row].completion.size(); ++t) {
        positions.push_back(static_cast<int64_t>(first + t));
        batch.targets.push_back(sequences[row].completion[t]);
      }
    }
    batch.positions = at::empty({static_cast<int64_t>(positions.size())}, at::kLong);
    std::ranges::copy(positions, batch.positions.data_ptr<int64_t>());
    return batch;
  }

  const decoder::Rope& RopeFor(int64_t positions) {
    if (!rope_.cos.defined() || rope_.cos.size(0) < positions)
      rope_ = decoder::Rope::Table(config_, positions);
    return rope_;
  }

  at::Tensor Attention(const decoder::Layer& layer, const at::Tensor& x, const at::Tensor& cos,
                       const at::Tensor& sin) const {
    const int64_t rows = x.size(0), length = x.size(1);
    const auto heads = [&](const at::Tensor& weight, const at::Tensor& bias, int64_t count) {
      return at::linear(x, weight, bias).view({rows, length, count, config_.head_dim}).transpose(1, 2);
    };
    const at::Tensor q = decoder::ApplyRope(heads(layer.q_weight, layer.q_bias, config_.num_heads), cos, sin);
    const at::Tensor k =
        decoder::ApplyRope(heads(layer.k_weight, layer.k_bias, config_.num_kv_heads), cos, sin);
    const at::Tensor v = heads(layer.v_weight, layer.v_bias, config_.num_kv_heads);
    const int64_t times = config_.num_heads / config_.num_kv_heads;
    const at::Tensor mixed = at::scaled_dot_product_attention(q, decoder::RepeatHeads(k, times),
                                                              decoder::RepeatHeads(v, times), std::nullopt,
                                                              /*dropout_p=*/0.0, /*is_causal=*/true);
    return at::linear(mixed.transpose(1, 2).reshape({rows, length, q.size(1) * config_.head_dim}),
                      layer.o_weight);
  }

  // [tokens, D]: what the head multiplies, at the positions that predict a completion token and at no other.
  at::Tensor Hidden(const Batch& batch) {
    const int64_t length = batch.ids.size(1);
    const decoder::Rope& rope = RopeFor(length);
    const at::Tensor cos = rope.cos.slice(0, 0, length), sin = rope.sin.slice(0, 0, length);
    at::Tensor x = at::embedding(weights_.embedding, batch.ids);
    for (const decoder::Layer& layer : weights_.layers) {
      x = x + Attention(layer, decoder::RmsNorm(x, layer.input_norm, config_.rms_norm_eps), cos, sin);
      x = x + decoder::Mlp(decoder::RmsNorm(x, layer.post_norm, config_.rms_norm_eps), layer.gate_weight,
                           layer.up_weight, layer.down_weight);
    }
    const at::Tensor rows = x.reshape({-1, config_.hidden_size}).index_select(0, batch.positions);
    return decoder::RmsNorm(rows, weights_.norm, config_.rms_norm_eps);
  }

  static TokenStats Columns(const std::vector<TokenStat>& rows) {
    TokenStats stats;
    for (const TokenStat& row : rows) {
      stats.logprob.push_back(row.logprob);
      stats.entropy.push_back(row.entropy);
      stats.s.push_back(row.s);
      stats.n.push_back(row.n);
    }
    return stats;
  }

  const ModelConfig config_;
  const NetworkOptions options_;
  const ParameterLayout layout_;
  std::vector<float> parameters_, gradients_;
  decoder::Weights weights_;
  decoder::Rope rope_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Network>> Network::Create(const ModelConfig& config,
                                                         const NetworkOptions& options) {
  ENTRAIN_RETURN_IF_ERROR(decoder::CheckDevice(options.device, options.dtype, options.threads));
  std::unique_ptr<Network> network;
  ENTRAIN_RETURN_IF_ERROR(decoder::Guarded("making the network", [&] {
    network = std::make_unique<TorchNetwork>(config, options);
    return absl::OkStatus();
  }));
  return network;
}

}  // namespace entrain
