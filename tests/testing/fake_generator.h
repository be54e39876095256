#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "common/rng.h"
#include "policy/generator.h"

namespace entrain {

// A policy without a model: completions are a pure function of (weights digest, key, prompt), of 1 …
// max_tokens tokens, about a third of them ended by the EOS, token 0. Good for everything around generation;
// says nothing about probabilities. Single-threaded.
class FakeGenerator final : public Generator {
 public:
  absl::Status SetWeights(std::shared_ptr<const WeightsSnapshot> weights) override {
    weights_ = std::move(weights);
    return absl::OkStatus();
  }
  std::shared_ptr<const WeightsSnapshot> weights() const override { return weights_; }

  absl::StatusOr<std::vector<std::vector<GeneratedCompletion>>> Generate(
      std::span<const GenerationRequest> requests, const SamplingOptions& options,
      std::stop_token stop) override {
    if (weights_ == nullptr) return absl::FailedPreconditionError("no weights");
    if (stop.stop_requested()) return absl::CancelledError("stopped");
    std::vector<std::vector<GeneratedCompletion>> results;
    for (const GenerationRequest& request : requests) {
      std::vector<GeneratedCompletion> drawn;
      for (int32_t index = 0; index < request.completions; ++index)
        drawn.push_back(Draw(request, index, options.max_tokens));
      results.push_back(std::move(drawn));
    }
    if (spoil) spoil(results);
    return results;
  }

  // What a run that never failed draws.
  static std::vector<GeneratedCompletion> Expected(std::shared_ptr<const WeightsSnapshot> weights,
                                                   const GenerationRequest& request,
                                                   const SamplingOptions& options) {
    FakeGenerator generator;
    generator.weights_ = std::move(weights);
    return std::move((*generator.Generate(std::span(&request, 1), options, {}))[0]);
  }

  // Changes results before they are handed out, to see who notices.
  std::function<void(std::vector<std::vector<GeneratedCompletion>>&)> spoil;

 private:
  GeneratedCompletion Draw(const GenerationRequest& request, int32_t index, int32_t max_tokens) const {
    RngKey key = request.key;
    key.completion = static_cast<uint32_t>(index);
    key.seed ^= std::stoull(weights_->digest.substr(0, 16), nullptr, 16) ^
                static_cast<uint64_t>(request.prompt.back());
    const Rng rng(key);
    GeneratedCompletion completion;
    completion.finish = Finish::kLength;
    for (uint64_t t = 0; t < static_cast<uint64_t>(max_tokens); ++t) {
      const bool stop = rng.Below(8, 2 * t) == 0;
      completion.tokens.push_back(stop ? 0 : static_cast<TokenId>(1 + rng.Below(9, 2 * t + 1)));
      completion.logprobs.push_back(-static_cast<float>(rng.Uniform(2 * t)));
      if (stop) {
        completion.finish = Finish::kStop;
        break;
      }
    }
    return completion;
  }

  std::shared_ptr<const WeightsSnapshot> weights_;
};

}  // namespace entrain
