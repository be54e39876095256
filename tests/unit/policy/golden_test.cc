// What transformers says of two random Qwen2 models (scripts/make_policy_golden.py made tests/golden/policy).
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "policy/engine.h"
#include "policy/model_folder.h"
#include "policy/network.h"

namespace entrain {
namespace {

constexpr double kLogprobTolerance = 2e-5;
constexpr double kClearGap =
    1e-4;  // where the two largest logits are further apart, the token must be the same

const std::string kFolder = std::string(ENTRAIN_SOURCE_DIR) + "/tests/golden/policy/";

nlohmann::json Golden() { return nlohmann::json::parse(std::ifstream(kFolder + "golden.json")); }

class LikeTransformers : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    auto files = ReadModelFiles(kFolder + GetParam());
    ASSERT_TRUE(files.ok()) << files.status();
    config_ = files->config;
    auto weights = ReadWeights(kFolder + GetParam(), config_);
    ASSERT_TRUE(weights.ok()) << weights.status();
    weights_ = *std::move(weights);
    rows_ = Golden().at(GetParam());
  }

  ModelConfig config_;
  std::vector<float> weights_;
  nlohmann::json rows_;
};

void ExpectNear(const std::vector<float>& found, const nlohmann::json& expected, const char* what) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i)
    EXPECT_NEAR(found[i], expected[i].get<double>(), kLogprobTolerance) << what << " of token " << i;
}

TEST_P(LikeTransformers, LogProbsEntropySAndNAgree) {
  auto network = Network::Create(config_, {.threads = 1});
  ASSERT_TRUE(network.ok()) << network.status();
  std::ranges::copy(weights_, (*network)->parameters().begin());
  for (const auto& row : rows_.at("scores")) {
    const auto prompt = row["prompt_ids"].get<std::vector<TokenId>>(),
               completion = row["completion_ids"].get<std::vector<TokenId>>();
    const TrainSequence sequence{.prompt = prompt, .completion = completion};
    const auto stats = (*network)->Score(std::span(&sequence, 1), 1.0);
    ASSERT_TRUE(stats.ok()) << stats.status();
    ExpectNear(stats->logprob, row["logprobs"], "log-prob");
    ExpectNear(stats->entropy, row["entropy"], "entropy");
    ExpectNear(stats->s, row["s"], "S");
    ExpectNear(stats->n, row["n"], "N");
  }
}

TEST_P(LikeTransformers, GreedyContinuationsAgreeWhereTheChoiceIsClear) {
  auto engine = CreateEngine(config_, {.threads = 1});
  ASSERT_TRUE(engine.ok()) << engine.status();
  ASSERT_TRUE((*engine)->SetWeights(WeightsSnapshot::Make(0, weights_)).ok());
  int compared = 0;
  for (const auto& row : rows_.at("greedy")) {
    const GenerationRequest request{.prompt = row["prompt_ids"].get<std::vector<TokenId>>()};
    const auto expected = row["ids"].get<std::vector<TokenId>>();
    const auto drawn = (*engine)->Generate(
        std::span(&request, 1),
        {.max_tokens = static_cast<int32_t>(expected.size()), .greedy = true, .ignore_eos = true}, {});
    ASSERT_TRUE(drawn.ok()) << drawn.status();
    const std::vector<TokenId>& tokens = (*drawn)[0][0].tokens;
    ASSERT_EQ(tokens.size(), expected.size());
    for (size_t i = 0; i < tokens.size() && row["gaps"][i].get<double>() > kClearGap; ++i, ++compared)
      EXPECT_EQ(tokens[i], expected[i]) << "token " << i;
  }
  EXPECT_GT(compared, 40);
}

INSTANTIATE_TEST_SUITE_P(Qwen2, LikeTransformers, testing::Values("tied", "untied"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace entrain
