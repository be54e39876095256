#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>
#include <vector>

#include "policy/network.h"

namespace entrain {

// A bigram policy: the logits of the next token are the row of the last one in a [V, V] table. Good for tests
// of what drives a network: gradients are exact and small enough to compute by hand, nothing needs LibTorch.
// Knows no position and no context. Single-threaded.
class BigramNetwork final : public Network {
 public:
  explicit BigramNetwork(int32_t vocab_size)
      : parameters_(static_cast<size_t>(vocab_size) * vocab_size, 0.0f),
        gradients_(parameters_.size(), 0.0f) {
    config_.vocab_size = vocab_size;
    layout_.slots = {{.name = "bigram.weight",
                      .shape = {vocab_size, vocab_size},
                      .offset = 0,
                      .size = static_cast<int64_t>(parameters_.size())}};
    layout_.total = static_cast<int64_t>(parameters_.size());
  }

  const ModelConfig& config() const override { return config_; }
  const ParameterLayout& layout() const override { return layout_; }
  std::span<float> parameters() override { return parameters_; }
  std::span<float> gradients() override { return gradients_; }
  void ZeroGradients() override { std::ranges::fill(gradients_, 0.0f); }

  absl::StatusOr<TokenStats> Score(std::span<const TrainSequence> sequences, double temperature) override {
    TokenStats out;
    for (const Position& at : Positions(sequences)) {
      const std::vector<double> p = Probabilities(parameters_, at.last, temperature);
      const double log_p = std::log(p[static_cast<size_t>(at.token)]), entropy = Entropy(p);
      double n = 0;
      for (const double x : p) n += x * x * (std::log(x) + entropy);
      out.logprob.push_back(static_cast<float>(log_p));
      out.entropy.push_back(static_cast<float>(entropy));
      out.s.push_back(static_cast<float>(std::exp(log_p) * (log_p + entropy)));
      out.n.push_back(static_cast<float>(n));
    }
    return out;
  }

  absl::StatusOr<std::vector<int32_t>> NucleusSizes(std::span<const TrainSequence> sequences,
                                                    double temperature, double p) override {
    std::vector<int32_t> out;
    for (const Position& at : Positions(sequences)) {
      std::vector<double> rest = Probabilities(parameters_, at.last, temperature);
      std::ranges::sort(rest, std::greater<>());
      double held = 0;
      int32_t size = 0;
      while (held < p && static_cast<size_t>(size) < rest.size()) held += rest[static_cast<size_t>(size++)];
      out.push_back(size);
    }
    return out;
  }

  // d ln p_a / d z_j = [j = a] − p_j, d H / d z_j = −p_j (ln p_j + H); z is the row over the temperature.
  absl::Status ForwardBackward(std::span<const TrainSequence> sequences, double temperature,
                               const LossFunction& loss) override {
    ++calls_;
    const auto stats = Score(sequences, temperature);
    const absl::StatusOr<TokenGradients> wanted = loss(*stats);
    if (!wanted.ok()) return wanted.status();
    const std::vector<Position> positions = Positions(sequences);
    for (size_t i = 0; i < positions.size(); ++i) {
      const std::vector<double> p = Probabilities(parameters_, positions[i].last, temperature);
      const double entropy = Entropy(p);
      const double entropy_gradient = wanted->entropy.empty() ? 0.0 : wanted->entropy[i];
      for (size_t j = 0; j < p.size(); ++j) {
        const double one = static_cast<size_t>(positions[i].token) == j ? 1 : 0;
        gradients_[static_cast<size_t>(positions[i].last) * p.size() + j] += static_cast<float>(
            (wanted->logprob[i] * (one - p[j]) - entropy_gradient * p[j] * (std::log(p[j]) + entropy)) /
            temperature);
      }
    }
    if (spoils_ && spoils_(calls_)) gradients_[0] = std::numeric_limits<float>::quiet_NaN();
    return absl::OkStatus();
  }

  // Makes the gradient of every ForwardBackward (counted from 1) for which `spoils` is true NaN.
  void SpoilGradients(std::function<bool(int64_t)> spoils) { spoils_ = std::move(spoils); }
  int64_t calls() const { return calls_; }

  // The next-token distribution of a table.
  static std::vector<double> Probabilities(std::span<const float> table, TokenId last, double temperature) {
    const auto vocab = static_cast<size_t>(std::lround(std::sqrt(static_cast<double>(table.size()))));
    std::vector<double> p(vocab);
    double sum = 0;
    for (size_t j = 0; j < vocab; ++j)
      sum += p[j] = std::exp(table[static_cast<size_t>(last) * vocab + j] / temperature);
    for (double& x : p) x /= sum;
    return p;
  }

 private:
  struct Position {
    TokenId last, token;
  };
  static std::vector<Position> Positions(std::span<const TrainSequence> sequences) {
    std::vector<Position> out;
    for (const TrainSequence& sequence : sequences) {
      TokenId last = sequence.prompt.back();
      for (const TokenId token : sequence.completion) {
        out.push_back({last, token});
        last = token;
      }
    }
    return out;
  }
  static double Entropy(const std::vector<double>& p) {
    double entropy = 0;
    for (const double x : p) entropy -= x * std::log(x);
    return entropy;
  }

  ModelConfig config_;
  ParameterLayout layout_;
  std::vector<float> parameters_, gradients_;
  int64_t calls_ = 0;
  std::function<bool(int64_t)> spoils_;
};

}  // namespace entrain
