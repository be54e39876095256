#include "policy/network.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "tests/testing/reference_decoder.h"
#include "tests/testing/toy_model.h"

namespace entrain {
namespace {

std::unique_ptr<Network> MakeNetwork(const ModelConfig& config, const std::vector<float>& weights,
                                     int32_t threads = 1, int64_t logits_bytes = 1 << 20) {
  auto network = Network::Create(config, {.threads = threads, .logits_bytes = logits_bytes});
  EXPECT_TRUE(network.ok()) << network.status();
  std::ranges::copy(weights, (*network)->parameters().begin());
  return std::move(*network);
}

// Sequences that own their tokens; every length differs, so that most rows are padded.
struct Sequences {
  std::vector<std::vector<TokenId>> prompts, completions;

  explicit Sequences(const ModelConfig& config, uint64_t first = 0, size_t count = 4) {
    for (uint64_t i = first; i < first + count; ++i) {
      prompts.push_back(RandomTokens(config, 1 + i * 2 % 7, 2 * i));
      completions.push_back(RandomTokens(config, 1 + i * 3 % 5, 2 * i + 1));
    }
  }
  std::vector<TrainSequence> Views() const {
    std::vector<TrainSequence> views;
    for (size_t i = 0; i < prompts.size(); ++i)
      views.push_back({.prompt = prompts[i], .completion = completions[i]});
    return views;
  }
  size_t Tokens() const {
    size_t count = 0;
    for (const auto& completion : completions) count += completion.size();
    return count;
  }
};

// ln p of every vocabulary entry at the positions that predict a completion token, by the reference.
std::vector<std::vector<double>> Predictions(const ReferenceDecoder& reference, const Sequences& sequences,
                                             double temperature) {
  std::vector<std::vector<double>> rows;
  for (size_t i = 0; i < sequences.prompts.size(); ++i) {
    std::vector<TokenId> tokens = sequences.prompts[i];
    tokens.insert(tokens.end(), sequences.completions[i].begin(), sequences.completions[i].end());
    const auto logits = reference.Logits(tokens);
    for (size_t t = sequences.prompts[i].size() - 1; t + 1 < tokens.size(); ++t)
      rows.push_back(ReferenceDecoder::LogSoftmax(logits[t], temperature));
  }
  return rows;
}

std::vector<TokenId> Targets(const Sequences& sequences) {
  std::vector<TokenId> targets;
  for (const auto& completion : sequences.completions)
    targets.insert(targets.end(), completion.begin(), completion.end());
  return targets;
}

double Entropy(const std::vector<double>& log_p) {
  double entropy = 0;
  for (const double value : log_p) entropy -= std::exp(value) * value;
  return entropy;
}

TokenGradients SomeGradients(size_t tokens, size_t first = 0) {
  TokenGradients gradients;
  for (size_t i = first; i < first + tokens; ++i) {
    gradients.logprob.push_back(static_cast<float>(std::sin(1.0 + static_cast<double>(i))));
    gradients.entropy.push_back(static_cast<float>(0.3 * std::cos(2.0 * static_cast<double>(i))));
  }
  return gradients;
}

Network::LossFunction Returning(TokenGradients gradients) {
  return [gradients = std::move(gradients)](const TokenStats&) -> absl::StatusOr<TokenGradients> {
    return gradients;
  };
}

std::vector<float> Copy(std::span<const float> values) { return {values.begin(), values.end()}; }

TEST(Network, StatisticsAgreeWithTheDecoderInDouble) {
  for (const bool tied : {true, false}) {
    for (const double temperature : {1.0, 0.7}) {
      const ModelConfig config = ToyConfig(tied);
      const std::vector<float> weights = ToyWeights(config);
      const Sequences sequences(config);
      const auto stats = MakeNetwork(config, weights)->Score(sequences.Views(), temperature);
      ASSERT_TRUE(stats.ok()) << stats.status();
      const auto rows = Predictions(ReferenceDecoder(config, weights), sequences, temperature);
      const std::vector<TokenId> targets = Targets(sequences);
      ASSERT_EQ(stats->logprob.size(), rows.size());
      ASSERT_EQ(stats->entropy.size(), rows.size());
      ASSERT_EQ(stats->s.size(), rows.size());
      ASSERT_EQ(stats->n.size(), rows.size());
      for (size_t i = 0; i < rows.size(); ++i) {
        const double log_p = rows[i][static_cast<size_t>(targets[i])], entropy = Entropy(rows[i]);
        double n = 0;
        for (const double value : rows[i]) n += std::exp(2 * value) * (value + entropy);
        EXPECT_NEAR(stats->logprob[i], log_p, 2e-5) << i;
        EXPECT_NEAR(stats->entropy[i], entropy, 2e-5) << i;
        EXPECT_NEAR(stats->s[i], std::exp(log_p) * (log_p + entropy), 2e-5) << i;
        EXPECT_NEAR(stats->n[i], n, 2e-5) << i;
      }
    }
  }
}

TEST(Network, NucleusSizesAgreeWithTheDecoderInDouble) {
  const ModelConfig config = ToyConfig();
  const std::vector<float> weights = ToyWeights(config);
  const Sequences sequences(config);
  const auto sizes = MakeNetwork(config, weights)->NucleusSizes(sequences.Views(), 0.5, 0.8);
  ASSERT_TRUE(sizes.ok()) << sizes.status();
  auto rows = Predictions(ReferenceDecoder(config, weights), sequences, 0.5);
  ASSERT_EQ(sizes->size(), rows.size());
  std::set<int32_t> seen;
  for (size_t i = 0; i < rows.size(); ++i) {
    std::ranges::sort(rows[i], std::greater<>());
    double held = 0;
    int32_t expected = 0;
    while (held < 0.8) held += std::exp(rows[i][static_cast<size_t>(expected++)]);
    EXPECT_EQ((*sizes)[i], expected) << i;
    seen.insert(expected);
  }
  EXPECT_GT(seen.size(), 1u) << "a case that tells sizes apart";
}

// d/dθ of Σ g·ln p + h·H, for every parameter of every tensor, by differences of the decoder in double.
TEST(Network, GradientsAgreeWithCentralDifferencesOfTheDecoderInDouble) {
  constexpr double kTemperature = 0.9, kStep = 1e-5;
  for (const bool tied : {true, false}) {
    const ModelConfig config = ToyConfig(tied);
    const std::vector<float> weights = ToyWeights(config);
    const Sequences sequences(config, 0, 3);
    const TokenGradients gradients = SomeGradients(sequences.Tokens());
    const auto network = MakeNetwork(config, weights);
    const absl::Status status =
        network->ForwardBackward(sequences.Views(), kTemperature, Returning(gradients));
    ASSERT_TRUE(status.ok()) << status;

    ReferenceDecoder reference(config, weights);
    const std::vector<TokenId> targets = Targets(sequences);
    const auto loss = [&] {
      double sum = 0;
      const auto rows = Predictions(reference, sequences, kTemperature);
      for (size_t i = 0; i < rows.size(); ++i)
        sum += gradients.logprob[i] * rows[i][static_cast<size_t>(targets[i])] +
               gradients.entropy[i] * Entropy(rows[i]);
      return sum;
    };
    for (const ParameterSlot& slot : network->layout().slots) {
      // Every entry of small tensors, every fifth of large ones.
      for (int64_t i = 0; i < slot.size; i += slot.size < 50 ? 1 : 5) {
        const auto index = static_cast<size_t>(slot.offset + i);
        const double kept = reference.values()[index];
        reference.values()[index] = kept + kStep;
        const double above = loss();
        reference.values()[index] = kept - kStep;
        const double below = loss();
        reference.values()[index] = kept;
        ASSERT_NEAR(network->gradients()[index], (above - below) / (2 * kStep), 1e-4)
            << slot.name << "[" << i << "]";
      }
    }
  }
}

TEST(Network, NeighboursAndPaddingChangeNothingBeyondRounding) {
  const ModelConfig config = ToyConfig();
  const auto network = MakeNetwork(config, ToyWeights(config));
  const Sequences sequences(config, 0, 6);
  const auto together = network->Score(sequences.Views(), 1.0);
  ASSERT_TRUE(together.ok()) << together.status();
  size_t i = 0;
  for (const TrainSequence& sequence : sequences.Views()) {
    const auto alone = network->Score({&sequence, 1}, 1.0);
    ASSERT_TRUE(alone.ok()) << alone.status();
    for (size_t t = 0; t < sequence.completion.size(); ++t, ++i) {
      EXPECT_NEAR(alone->logprob[t], together->logprob[i], 5e-6);
      EXPECT_NEAR(alone->entropy[t], together->entropy[i], 5e-6);
    }
  }
  EXPECT_EQ(i, together->logprob.size());
}

TEST(Network, TheLossSeesTheStatisticsThatScoreReturns) {
  const ModelConfig config = ToyConfig();
  const auto network = MakeNetwork(config, ToyWeights(config));
  const Sequences sequences(config);
  const auto scored = network->Score(sequences.Views(), 0.8);
  ASSERT_TRUE(scored.ok());
  TokenStats seen;
  const absl::Status status = network->ForwardBackward(
      sequences.Views(), 0.8, [&](const TokenStats& stats) -> absl::StatusOr<TokenGradients> {
        seen = stats;
        return SomeGradients(stats.logprob.size());
      });
  ASSERT_TRUE(status.ok()) << status;
  for (size_t i = 0; i < seen.logprob.size(); ++i) {
    EXPECT_NEAR(seen.logprob[i], scored->logprob[i], 5e-6);
    EXPECT_NEAR(seen.entropy[i], scored->entropy[i], 5e-6);
    EXPECT_NEAR(seen.s[i], scored->s[i], 5e-6);
    EXPECT_NEAR(seen.n[i], scored->n[i], 5e-6);
  }
}

TEST(Network, TwoMicroBatchesGiveTheGradientOfOne) {
  const ModelConfig config = ToyConfig();
  const auto network = MakeNetwork(config, ToyWeights(config));
  const Sequences whole(config, 0, 6), first(config, 0, 3), second(config, 3, 3);
  ASSERT_TRUE(network->ForwardBackward(whole.Views(), 1.0, Returning(SomeGradients(whole.Tokens()))).ok());
  const std::vector<float> expected = Copy(network->gradients());
  network->ZeroGradients();
  ASSERT_TRUE(network->ForwardBackward(first.Views(), 1.0, Returning(SomeGradients(first.Tokens()))).ok());
  ASSERT_TRUE(
      network->ForwardBackward(second.Views(), 1.0, Returning(SomeGradients(second.Tokens(), first.Tokens())))
          .ok());
  for (size_t i = 0; i < expected.size(); ++i) ASSERT_NEAR(network->gradients()[i], expected[i], 2e-5) << i;
}

// Autograd must keep adding into the flat vector instead of putting tensors of its own in its place.
TEST(Network, GradientsStayInTheFlatVectorOverManySteps) {
  const ModelConfig config = ToyConfig();
  const auto network = MakeNetwork(config, ToyWeights(config));
  const Sequences sequences(config);
  const float* place = network->gradients().data();
  std::vector<float> once;
  for (int step = 1; step <= 5; ++step) {
    ASSERT_TRUE(
        network->ForwardBackward(sequences.Views(), 1.0, Returning(SomeGradients(sequences.Tokens()))).ok());
    ASSERT_EQ(network->gradients().data(), place);
    if (step == 1) once = Copy(network->gradients());
    for (size_t i = 0; i < once.size(); ++i) {
      ASSERT_NEAR(network->gradients()[i], static_cast<double>(step) * once[i], 1e-4) << step << " " << i;
    }
  }
  network->ZeroGradients();
  EXPECT_TRUE(std::ranges::all_of(network->gradients(), [](float g) { return g == 0; }));
  ASSERT_TRUE(
      network->ForwardBackward(sequences.Views(), 1.0, Returning(SomeGradients(sequences.Tokens()))).ok());
  EXPECT_EQ(Copy(network->gradients()), once);
}

// Logits of all rows at once, which Backward then finds kept, against chunks of one row, of a few, and of all
// rows but one, whose logits are computed twice.
TEST(Network, TheMemoryForLogitsChangesNothingBeyondRounding) {
  for (const bool tied : {true, false}) {
    const ModelConfig config = ToyConfig(tied);
    const Sequences sequences(config, 0, 8);
    const auto tokens = static_cast<int64_t>(sequences.Tokens());
    const int64_t row_bytes = config.vocab_size * static_cast<int64_t>(sizeof(float));
    TokenStats whole_stats;
    std::vector<float> whole_gradients;
    for (const int64_t rows : {tokens, int64_t{0}, int64_t{1}, int64_t{3}, tokens - 1}) {
      const auto network = MakeNetwork(config, ToyWeights(config), 1, rows * row_bytes);
      TokenStats stats;
      const absl::Status status = network->ForwardBackward(
          sequences.Views(), 0.9, [&](const TokenStats& seen) -> absl::StatusOr<TokenGradients> {
            stats = seen;
            return SomeGradients(seen.logprob.size());
          });
      ASSERT_TRUE(status.ok()) << status;
      const auto scored = network->Score(sequences.Views(), 0.9);
      ASSERT_TRUE(scored.ok()) << scored.status();
      if (rows == tokens) {
        whole_stats = stats;
        whole_gradients = Copy(network->gradients());
      }
      for (size_t i = 0; i < stats.logprob.size(); ++i) {
        for (const TokenStats& found : {stats, *scored}) {
          EXPECT_NEAR(found.logprob[i], whole_stats.logprob[i], 5e-6) << rows << " rows, token " << i;
          EXPECT_NEAR(found.entropy[i], whole_stats.entropy[i], 5e-6) << rows << " rows, token " << i;
          EXPECT_NEAR(found.s[i], whole_stats.s[i], 5e-6) << rows << " rows, token " << i;
          EXPECT_NEAR(found.n[i], whole_stats.n[i], 5e-6) << rows << " rows, token " << i;
        }
      }
      for (size_t i = 0; i < whole_gradients.size(); ++i)
        ASSERT_NEAR(network->gradients()[i], whole_gradients[i], 2e-5) << rows << " rows, " << i;
    }
  }
}

// Adding to gradients(), like every other parameter, when the head is a matrix of its own and when it is not.
TEST(Network, ChunksAddToTheGradientsThatAreThere) {
  for (const bool tied : {true, false}) {
    const ModelConfig config = ToyConfig(tied);
    const Sequences sequences(config, 0, 8);
    const auto network = MakeNetwork(config, ToyWeights(config), 1,
                                     3 * config.vocab_size * static_cast<int64_t>(sizeof(float)));
    const auto pass = [&] {
      EXPECT_TRUE(
          network->ForwardBackward(sequences.Views(), 1.0, Returning(SomeGradients(sequences.Tokens())))
              .ok());
      return Copy(network->gradients());
    };
    const std::vector<float> once = pass(), twice = pass();
    for (size_t i = 0; i < once.size(); ++i) ASSERT_NEAR(twice[i], 2 * once[i], 2e-5) << i;
  }
}

TEST(Network, AChangeOfTheParametersIsSeenAtOnce) {
  const ModelConfig config = ToyConfig();
  const auto network = MakeNetwork(config, ToyWeights(config, 1));
  const Sequences sequences(config);
  ASSERT_TRUE(network->Score(sequences.Views(), 1.0).ok());
  std::ranges::copy(ToyWeights(config, 2), network->parameters().begin());
  const auto changed = network->Score(sequences.Views(), 1.0);
  const auto fresh = MakeNetwork(config, ToyWeights(config, 2))->Score(sequences.Views(), 1.0);
  ASSERT_TRUE(changed.ok() && fresh.ok());
  EXPECT_EQ(changed->logprob, fresh->logprob);
}

TEST(Network, RepeatsAreByteIdenticalAtAFixedNumberOfThreads) {
  const ModelConfig config = ToyConfig();
  for (const int32_t threads : {1, 2}) {
    std::vector<float> first_gradients, first_logprobs;
    for (int repeat = 0; repeat < 3; ++repeat) {
      const auto network =
          MakeNetwork(config, ToyWeights(config), threads, 20 * 11 * 4);  // chunks of 20 rows
      const Sequences sequences(config, 0, 24);
      std::vector<float> logprobs;
      for (int step = 0; step < 3; ++step) {
        network->ZeroGradients();
        const absl::Status status = network->ForwardBackward(
            sequences.Views(), 1.0, [&](const TokenStats& stats) -> absl::StatusOr<TokenGradients> {
              logprobs = stats.logprob;
              return SomeGradients(stats.logprob.size());
            });
        ASSERT_TRUE(status.ok()) << status;
        for (size_t i = 0; i < network->parameters().size(); ++i)
          network->parameters()[i] -= 0.01f * network->gradients()[i];
      }
      if (repeat == 0) {
        first_gradients = Copy(network->gradients());
        first_logprobs = logprobs;
      }
      EXPECT_EQ(Copy(network->gradients()), first_gradients) << threads << " threads";
      EXPECT_EQ(logprobs, first_logprobs) << threads << " threads";
    }
  }
}

TEST(Network, AnErrorOfTheLossIsPassedOnAndLeavesTheGradients) {
  const ModelConfig config = ToyConfig();
  const auto network = MakeNetwork(config, ToyWeights(config));
  const Sequences sequences(config);
  std::ranges::fill(network->gradients(), 0.5f);
  const absl::Status status = network->ForwardBackward(
      sequences.Views(), 1.0, [](const TokenStats&) -> absl::StatusOr<TokenGradients> {
        return absl::DataLossError("the ratio is not finite");
      });
  EXPECT_EQ(status, absl::DataLossError("the ratio is not finite"));
  EXPECT_TRUE(std::ranges::all_of(network->gradients(), [](float g) { return g == 0.5f; }));
}

TEST(Network, RefusesGradientsOfTheWrongLength) {
  const ModelConfig config = ToyConfig();
  const auto network = MakeNetwork(config, ToyWeights(config));
  const Sequences sequences(config);
  TokenGradients gradients = SomeGradients(sequences.Tokens());
  gradients.entropy.pop_back();
  EXPECT_EQ(network->ForwardBackward(sequences.Views(), 1.0, Returning(gradients)).code(),
            absl::StatusCode::kInternal);
  gradients = SomeGradients(sequences.Tokens() + 1);
  EXPECT_EQ(network->ForwardBackward(sequences.Views(), 1.0, Returning(gradients)).code(),
            absl::StatusCode::kInternal);
}

TEST(Network, NoEntropyTermEqualsAnEntropyTermOfZero) {
  const ModelConfig config = ToyConfig();
  const auto network = MakeNetwork(config, ToyWeights(config));
  const Sequences sequences(config);
  TokenGradients gradients = SomeGradients(sequences.Tokens());
  std::ranges::fill(gradients.entropy, 0.0f);
  ASSERT_TRUE(network->ForwardBackward(sequences.Views(), 1.0, Returning(gradients)).ok());
  const std::vector<float> expected = Copy(network->gradients());
  network->ZeroGradients();
  gradients.entropy.clear();
  ASSERT_TRUE(network->ForwardBackward(sequences.Views(), 1.0, Returning(gradients)).ok());
  EXPECT_EQ(Copy(network->gradients()), expected);
}

TEST(Network, NamesTheTokenAndTheLengthThatItRefuses) {
  const ModelConfig config = ToyConfig();
  const auto network = MakeNetwork(config, ToyWeights(config));
  const auto refusal = [&](std::vector<TokenId> prompt, std::vector<TokenId> completion) {
    const TrainSequence sequence{.prompt = prompt, .completion = completion};
    const absl::Status scored = network->Score({&sequence, 1}, 1.0).status();
    EXPECT_EQ(network->ForwardBackward({&sequence, 1}, 1.0, Returning({})), scored);
    EXPECT_EQ(scored.code(), absl::StatusCode::kInvalidArgument) << scored;
    return std::string(scored.message());
  };
  EXPECT_NE(refusal({1, 11}, {2}).find("token 11"), std::string::npos);
  EXPECT_NE(refusal({1}, {-1}).find("token -1"), std::string::npos);
  EXPECT_NE(refusal(std::vector<TokenId>(40, 2), std::vector<TokenId>(9, 2)).find("49 tokens"),
            std::string::npos);
  EXPECT_NE(refusal({}, {2}).find("without a prompt"), std::string::npos);
}

TEST(Network, TheContextWindowMayBeFull) {
  const ModelConfig config = ToyConfig();
  const auto network = MakeNetwork(config, ToyWeights(config));
  const std::vector<TokenId> prompt(40, 2), completion(8, 3);
  const TrainSequence sequence{.prompt = prompt, .completion = completion};
  const auto stats = network->Score({&sequence, 1}, 1.0);
  ASSERT_TRUE(stats.ok()) << stats.status();
  EXPECT_EQ(stats->logprob.size(), 8u);
}

TEST(Network, NothingToScoreIsNoError) {
  const ModelConfig config = ToyConfig();
  const auto network = MakeNetwork(config, ToyWeights(config));
  const auto none = network->Score({}, 1.0);
  ASSERT_TRUE(none.ok()) << none.status();
  EXPECT_TRUE(none->logprob.empty());
  const std::vector<TokenId> prompt = {2, 3};
  const TrainSequence sequence{.prompt = prompt};
  const absl::Status status = network->ForwardBackward({&sequence, 1}, 1.0, Returning({}));
  EXPECT_TRUE(status.ok()) << status;
}

TEST(Network, OneThatScoresOnlyAnswersAlikeAndHoldsNoGradients) {
  const ModelConfig config = ToyConfig();
  const std::vector<float> weights = ToyWeights(config);
  const auto trains = MakeNetwork(config, weights);
  const auto scores = *Network::Create(config, {.threads = 1, .trains = false});
  std::ranges::copy(weights, scores->parameters().begin());
  const Sequences sequences(config);
  EXPECT_EQ(scores->Score(sequences.Views(), 0.7)->logprob, trains->Score(sequences.Views(), 0.7)->logprob);
  EXPECT_TRUE(scores->gradients().empty());
  const auto loss = [](const TokenStats& stats) -> absl::StatusOr<TokenGradients> {
    return TokenGradients{.logprob = std::vector<float>(stats.logprob.size(), 1.0f)};
  };
  EXPECT_TRUE(absl::IsFailedPrecondition(scores->ForwardBackward(sequences.Views(), 1.0, loss)));
}

TEST(Network, SaysWhatThisBuildLacks) {
  const ModelConfig config = ToyConfig();
  EXPECT_EQ(Network::Create(config, {.device = "cuda"}).status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(Network::Create(config, {.dtype = "bfloat16"}).status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(Network::Create(config, {.threads = 0}).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace entrain
