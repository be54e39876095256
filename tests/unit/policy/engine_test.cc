#include "policy/engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string>
#include <thread>
#include <vector>

#include "policy/network.h"
#include "tests/testing/reference_decoder.h"
#include "tests/testing/toy_model.h"

namespace entrain {
namespace {

std::unique_ptr<Generator> MakeEngine(const ModelConfig& config, const std::vector<float>& weights) {
  auto engine = CreateEngine(config, {.threads = 1});
  EXPECT_TRUE(engine.ok()) << engine.status();
  const absl::Status status = (*engine)->SetWeights(WeightsSnapshot::Make(0, weights));
  EXPECT_TRUE(status.ok()) << status;
  return std::move(*engine);
}

// Prompts of different lengths, three completions each.
std::vector<GenerationRequest> Requests(const ModelConfig& config, uint64_t count = 5,
                                        int32_t completions = 3) {
  std::vector<GenerationRequest> requests;
  for (uint64_t i = 0; i < count; ++i) {
    requests.push_back({.prompt = RandomTokens(config, 1 + i * 5 % 9, 50 + i),
                        .completions = completions,
                        .key = {.seed = 9, .purpose = RngPurpose::kTrainSample, .step = 2, .ordinal = i}});
  }
  return requests;
}

using Results = std::vector<std::vector<GeneratedCompletion>>;

Results Generate(Generator& engine, const std::vector<GenerationRequest>& requests,
                 const SamplingOptions& options) {
  auto results = engine.Generate(requests, options, {});
  EXPECT_TRUE(results.ok()) << results.status();
  return results.ok() ? std::move(*results) : Results(requests.size());
}

// Calls `check(request, completion index, completion, t, ln p by the decoder in double, at temperature 1)`
// for every token.
template <typename Check>
void ForEachToken(const ModelConfig& config, const std::vector<float>& weights,
                  const std::vector<GenerationRequest>& requests, const Results& results, Check check) {
  const ReferenceDecoder reference(config, weights);
  ASSERT_EQ(results.size(), requests.size());
  for (size_t i = 0; i < requests.size(); ++i) {
    ASSERT_EQ(results[i].size(), static_cast<size_t>(requests[i].completions));
    for (size_t c = 0; c < results[i].size(); ++c) {
      const GeneratedCompletion& completion = results[i][c];
      ASSERT_FALSE(completion.tokens.empty());
      ASSERT_EQ(completion.tokens.size(), completion.logprobs.size());
      std::vector<TokenId> tokens = requests[i].prompt;
      tokens.insert(tokens.end(), completion.tokens.begin(), completion.tokens.end());
      const auto logits = reference.Logits(tokens);
      for (size_t t = 0; t < completion.tokens.size(); ++t)
        check(requests[i], c, completion, t, logits[requests[i].prompt.size() + t - 1]);
    }
  }
}

// The rule of generator.h, replayed by hand: token t of completion c is the first whose cumulative
// probability exceeds Rng{key, completion = c}.Uniform(t).
TEST(Engine, EveryTokenIsTheOneThatItsRandomNumberNames) {
  for (const bool tied : {true, false}) {
    const ModelConfig config = ToyConfig(tied);
    const std::vector<float> weights = ToyWeights(config);
    const auto requests = Requests(config);
    constexpr double kTemperature = 1.3;
    const auto results = Generate(*MakeEngine(config, weights), requests,
                                  {.temperature = kTemperature, .max_tokens = 12, .ignore_eos = true});
    int tokens = 0;
    ForEachToken(config, weights, requests, results,
                 [&](const GenerationRequest& request, size_t c, const GeneratedCompletion& completion,
                     size_t t, const std::vector<double>& logits) {
                   RngKey key = request.key;
                   key.completion = static_cast<uint32_t>(c);
                   const double uniform = Rng(key).Uniform(t);
                   const std::vector<double> log_p = ReferenceDecoder::LogSoftmax(logits, kTemperature);
                   const auto drawn = static_cast<size_t>(completion.tokens[t]);
                   double below = 0;
                   for (size_t j = 0; j < drawn; ++j) below += std::exp(log_p[j]);
                   EXPECT_LE(below, uniform + 1e-5);
                   EXPECT_GT(below + std::exp(log_p[drawn]), uniform - 1e-5);
                   EXPECT_NEAR(completion.logprobs[t], log_p[drawn], 2e-5);
                   ++tokens;
                 });
    EXPECT_EQ(tokens, 5 * 3 * 12);
  }
}

TEST(Engine, GreedyTakesTheMostProbableToken) {
  const ModelConfig config = ToyConfig();
  const std::vector<float> weights = ToyWeights(config);
  const auto requests = Requests(config, 6, 1);
  const auto results = Generate(*MakeEngine(config, weights), requests,
                                {.max_tokens = 16, .greedy = true, .ignore_eos = true});
  ForEachToken(config, weights, requests, results,
               [](const GenerationRequest&, size_t, const GeneratedCompletion& completion, size_t t,
                  const std::vector<double>& logits) {
                 const double best = *std::ranges::max_element(logits);
                 EXPECT_GE(logits[static_cast<size_t>(completion.tokens[t])], best - 1e-4);
               });
}

TEST(Engine, BehaviourLogProbsAreWhatTheNetworkScores) {
  const ModelConfig config = ToyConfig();
  const std::vector<float> weights = ToyWeights(config);
  auto network = Network::Create(config, {.threads = 1});
  ASSERT_TRUE(network.ok());
  std::ranges::copy(weights, (*network)->parameters().begin());
  const auto requests = Requests(config);
  const auto results = Generate(*MakeEngine(config, weights), requests,
                                {.temperature = 0.8, .top_p = 0.9, .top_k = 6, .max_tokens = 10});
  std::vector<TrainSequence> sequences;
  std::vector<float> behaviour;
  for (size_t i = 0; i < requests.size(); ++i) {
    for (const GeneratedCompletion& completion : results[i]) {
      sequences.push_back({.prompt = requests[i].prompt, .completion = completion.tokens});
      behaviour.insert(behaviour.end(), completion.logprobs.begin(), completion.logprobs.end());
    }
  }
  const auto scored = (*network)->Score(sequences, 0.8);
  ASSERT_TRUE(scored.ok()) << scored.status();
  ASSERT_EQ(scored->logprob.size(), behaviour.size());
  for (size_t i = 0; i < behaviour.size(); ++i) EXPECT_NEAR(behaviour[i], scored->logprob[i], 1e-5) << i;
}

TEST(Engine, RepeatsAreByteIdenticalAlsoInAnotherEngine) {
  const ModelConfig config = ToyConfig();
  const auto requests = Requests(config);
  const auto engine = MakeEngine(config, ToyWeights(config)), other = MakeEngine(config, ToyWeights(config));
  const Results first = Generate(*engine, requests, {.max_tokens = 12});
  for (Generator* again : {engine.get(), other.get()}) {
    const Results results = Generate(*again, requests, {.max_tokens = 12});
    for (size_t i = 0; i < first.size(); ++i) {
      for (size_t c = 0; c < first[i].size(); ++c) {
        EXPECT_EQ(results[i][c].tokens, first[i][c].tokens);
        EXPECT_EQ(results[i][c].logprobs, first[i][c].logprobs);
        EXPECT_EQ(results[i][c].finish, first[i][c].finish);
      }
    }
  }
}

TEST(Engine, NeighboursInTheBatchChangeNothingBeyondRounding) {
  const ModelConfig config = ToyConfig();
  const auto engine = MakeEngine(config, ToyWeights(config));
  const auto requests = Requests(config);
  const SamplingOptions options{.max_tokens = 12};
  const Results together = Generate(*engine, requests, options);
  for (size_t i = 0; i < requests.size(); ++i) {
    const Results alone = Generate(*engine, {requests[i]}, options);
    for (size_t c = 0; c < alone[0].size(); ++c) {
      EXPECT_EQ(alone[0][c].tokens, together[i][c].tokens);
      ASSERT_EQ(alone[0][c].logprobs.size(), together[i][c].logprobs.size());
      for (size_t t = 0; t < alone[0][c].logprobs.size(); ++t)
        EXPECT_NEAR(alone[0][c].logprobs[t], together[i][c].logprobs[t], 5e-6);
    }
  }
}

TEST(Engine, AGroupHasTheSameCompletionsWhateverItsSize) {
  const ModelConfig config = ToyConfig();
  const auto engine = MakeEngine(config, ToyWeights(config));
  const Results three = Generate(*engine, Requests(config, 2, 3), {.max_tokens = 8});
  const Results seven = Generate(*engine, Requests(config, 2, 7), {.max_tokens = 8});
  for (size_t i = 0; i < 2; ++i) {
    for (size_t c = 0; c < 3; ++c) EXPECT_EQ(three[i][c].tokens, seven[i][c].tokens);
  }
}

TEST(Engine, ACompletionEndsWithItsFirstEosOrAtTheLimit) {
  const ModelConfig config = ToyConfig();
  const auto results = Generate(*MakeEngine(config, ToyWeights(config)), Requests(config, 6, 8),
                                {.temperature = 2.0, .max_tokens = 9});
  int stopped = 0, truncated = 0;
  for (const auto& group : results) {
    for (const GeneratedCompletion& completion : group) {
      EXPECT_EQ(std::count(completion.tokens.begin(), completion.tokens.end() - 1, 1), 0);
      const bool eos = completion.tokens.back() == 1;
      EXPECT_EQ(completion.finish, eos ? Finish::kStop : Finish::kLength);
      EXPECT_TRUE(eos || completion.tokens.size() == 9);
      ++(eos ? stopped : truncated);
    }
  }
  EXPECT_GT(stopped, 0);
  EXPECT_GT(truncated, 0);
}

TEST(Engine, AnyOfSeveralEosTokensEndsACompletion) {
  ModelConfig config = ToyConfig();
  config.eos_token_ids = {1, 4, 7};
  const auto results = Generate(*MakeEngine(config, ToyWeights(config)), Requests(config, 6, 8),
                                {.temperature = 2.0, .max_tokens = 30});
  std::vector<TokenId> last;
  for (const auto& group : results) {
    for (const GeneratedCompletion& completion : group) last.push_back(completion.tokens.back());
  }
  for (const TokenId eos : config.eos_token_ids) EXPECT_GT(std::ranges::count(last, eos), 0) << eos;
}

TEST(Engine, TheContextWindowLimitsACompletion) {
  const ModelConfig config = ToyConfig();  // 48 positions
  const auto engine = MakeEngine(config, ToyWeights(config));
  const GenerationRequest request{.prompt = RandomTokens(config, 45, 1)};
  const Results results = Generate(*engine, {request}, {.max_tokens = 100, .ignore_eos = true});
  EXPECT_EQ(results[0][0].tokens.size(), 3u);
  EXPECT_EQ(results[0][0].finish, Finish::kLength);
}

TEST(Engine, RefusesWhatItCannotGenerate) {
  const ModelConfig config = ToyConfig();
  const auto engine = MakeEngine(config, ToyWeights(config));
  const auto refusal = [&](const GenerationRequest& request, const SamplingOptions& options) {
    const absl::Status status = engine->Generate({&request, 1}, options, {}).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    return std::string(status.message());
  };
  EXPECT_NE(refusal({.prompt = {}}, {}).find("without tokens"), std::string::npos);
  EXPECT_NE(refusal({.prompt = {2, 11}}, {}).find("11"), std::string::npos);
  EXPECT_NE(refusal({.prompt = {-1}}, {}).find("-1"), std::string::npos);
  EXPECT_NE(refusal({.prompt = std::vector<TokenId>(48, 2)}, {}).find("context window"), std::string::npos);
  EXPECT_NE(refusal({.prompt = {2}, .completions = 0}, {}).find("completions"), std::string::npos);
  EXPECT_NE(refusal({.prompt = {2}}, {.temperature = 0}).find("temperature"), std::string::npos);
  EXPECT_NE(refusal({.prompt = {2}}, {.temperature = std::nan("")}).find("temperature"), std::string::npos);
  EXPECT_NE(refusal({.prompt = {2}}, {.temperature = HUGE_VAL}).find("temperature"), std::string::npos);
  EXPECT_NE(refusal({.prompt = {2}}, {.top_p = 0}).find("top_p"), std::string::npos);
  EXPECT_NE(refusal({.prompt = {2}}, {.top_p = 1.1}).find("top_p"), std::string::npos);
  EXPECT_NE(refusal({.prompt = {2}}, {.top_k = -1}).find("top_k"), std::string::npos);
  EXPECT_NE(refusal({.prompt = {2}}, {.max_tokens = 0}).find("max_tokens"), std::string::npos);
}

TEST(Engine, NeedsWeightsThatFit) {
  const ModelConfig config = ToyConfig();
  auto engine = CreateEngine(config, {});
  ASSERT_TRUE(engine.ok());
  EXPECT_EQ((*engine)->weights(), nullptr);
  const GenerationRequest request{.prompt = {2}};
  EXPECT_EQ((*engine)->Generate({&request, 1}, {}, {}).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ((*engine)->SetWeights(nullptr).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ((*engine)->SetWeights(WeightsSnapshot::Make(0, std::vector<float>(5))).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ((*engine)->weights(), nullptr);
}

TEST(Engine, NewWeightsReplaceTheOldOnes) {
  const ModelConfig config = ToyConfig();
  const auto engine = MakeEngine(config, ToyWeights(config, 1));
  const auto requests = Requests(config);
  const SamplingOptions options{.max_tokens = 8, .ignore_eos = true};
  const Results old = Generate(*engine, requests, options);
  const auto snapshot = WeightsSnapshot::Make(7, ToyWeights(config, 2));
  ASSERT_TRUE(engine->SetWeights(snapshot).ok());
  EXPECT_EQ(engine->weights(), snapshot);
  const Results changed = Generate(*engine, requests, options);
  const Results fresh = Generate(*MakeEngine(config, ToyWeights(config, 2)), requests, options);
  EXPECT_EQ(changed[0][0].logprobs, fresh[0][0].logprobs);
  EXPECT_NE(changed[0][0].logprobs, old[0][0].logprobs);
}

TEST(Engine, StopsWhenAsked) {
  ModelConfig config = ToyConfig();
  config.max_position = 1 << 16;
  const auto engine = MakeEngine(config, ToyWeights(config));
  const auto requests = Requests(config, 2, 2);
  std::stop_source before;
  before.request_stop();
  EXPECT_EQ(engine->Generate(requests, {}, before.get_token()).status().code(), absl::StatusCode::kCancelled);
  // Without the stop this would take minutes.
  std::stop_source during;
  std::jthread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    during.request_stop();
  });
  EXPECT_EQ(engine->Generate(requests, {.max_tokens = 60000, .ignore_eos = true}, during.get_token())
                .status()
                .code(),
            absl::StatusCode::kCancelled);
  EXPECT_EQ(Generate(*engine, requests, {.max_tokens = 4}).size(), 2u);  // still of use
}

TEST(Engine, NoRequestsGiveNoResults) {
  const ModelConfig config = ToyConfig();
  const auto results = MakeEngine(config, ToyWeights(config))->Generate({}, {}, {});
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_TRUE(results->empty());
}

TEST(Engine, SaysWhatThisBuildLacks) {
  EXPECT_EQ(CreateEngine(ToyConfig(), {.device = "cuda"}).status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(CreateEngine(ToyConfig(), {.dtype = "float16"}).status().code(),
            absl::StatusCode::kUnimplemented);
  EXPECT_EQ(CreateEngine(ToyConfig(), {.threads = 0}).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace entrain
