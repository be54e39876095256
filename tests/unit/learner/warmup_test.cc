#include "learner/warmup.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/testing/bigram_network.h"

namespace entrain {
namespace {

constexpr int32_t kVocab = 6;

// After token t comes t + 1, up to 5, then the EOS 0.
std::vector<Demonstration> Counting() {
  std::vector<Demonstration> out;
  for (TokenId start = 1; start <= 4; ++start) {
    Demonstration demonstration{.prompt = {start}};
    for (TokenId token = start + 1; token <= 5; ++token) demonstration.completion.push_back(token);
    demonstration.completion.push_back(0);
    out.push_back(std::move(demonstration));
  }
  return out;
}

struct Outcome {
  absl::StatusOr<std::optional<double>> pass_rate;
  std::vector<double> losses;
  std::vector<float> weights;
};

Outcome Warm(const WarmupOptions& options, std::function<absl::StatusOr<double>()> pass_rate = nullptr,
             int64_t microbatch_tokens = 1000, const std::stop_token& stop = {}) {
  BigramNetwork network(kVocab);
  Outcome out;
  const WarmupHooks hooks{.pass_rate = std::move(pass_rate), .progress = [&](const WarmupProgress& progress) {
                            out.losses.push_back(progress.loss);
                          }};
  out.pass_rate = RunWarmup(network, options, Counting(), 7, microbatch_tokens, hooks, stop);
  out.weights.assign(network.parameters().begin(), network.parameters().end());
  return out;
}

TEST(Warmup, BeginsAtTheLossOfAUniformPolicyAndLearns) {
  const Outcome outcome = Warm({.steps = 120, .lr = 0.2, .batch = 8});
  ASSERT_TRUE(outcome.pass_rate.ok()) << outcome.pass_rate.status();
  ASSERT_EQ(outcome.losses.size(), 120u);
  EXPECT_NEAR(outcome.losses.front(), std::log(kVocab), 1e-6);
  EXPECT_LT(outcome.losses.back(), 0.05);
}

TEST(Warmup, IsAFunctionOfTheSeed) {
  const WarmupOptions options{.steps = 30, .lr = 0.1, .batch = 8};
  EXPECT_EQ(Warm(options).weights, Warm(options).weights);
}

TEST(Warmup, DoesNotDependOnTheMicrobatches) {
  const WarmupOptions options{.steps = 5, .lr = 0.1, .batch = 8};
  const Outcome whole = Warm(options), split = Warm(options, nullptr, 1);
  for (size_t i = 0; i < whole.losses.size(); ++i) EXPECT_NEAR(whole.losses[i], split.losses[i], 1e-6);
}

TEST(Warmup, StopsOnceThePassRateIsReached) {
  double rate = 0;
  const Outcome outcome = Warm({.steps = 100, .lr = 0.1, .batch = 4, .until_pass_rate = 0.15},
                               [&]() -> absl::StatusOr<double> { return rate += 0.1; });
  ASSERT_TRUE(outcome.pass_rate.ok()) << outcome.pass_rate.status();
  EXPECT_DOUBLE_EQ(**outcome.pass_rate, 0.2);  // the second measurement
  EXPECT_EQ(outcome.losses.size(), 20u);
}

TEST(Warmup, RefusesAPassRateThatNobodyMeasures) {
  EXPECT_TRUE(absl::IsInvalidArgument(
      Warm({.steps = 1, .lr = 0.1, .batch = 4, .until_pass_rate = 0.15}).pass_rate.status()));
}

TEST(Warmup, IsCancelledByAStop) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_TRUE(absl::IsCancelled(
      Warm({.steps = 1, .lr = 0.1, .batch = 4}, nullptr, 1000, stop.get_token()).pass_rate.status()));
}

}  // namespace
}  // namespace entrain
