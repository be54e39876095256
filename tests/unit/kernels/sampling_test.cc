#include "kernels/sampling.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>
#include <vector>

#include "common/rng.h"

namespace entrain {
namespace {

std::vector<float> LogitsOf(const std::vector<double>& probabilities) {
  std::vector<float> logits;
  for (const double p : probabilities) logits.push_back(static_cast<float>(std::log(p)));
  return logits;
}

// Every token that some uniform number draws.
std::set<int32_t> Kept(std::span<const float> logits, int32_t top_k, double top_p) {
  std::set<int32_t> tokens;
  for (int i = 0; i < 4096; ++i) tokens.insert(SampleToken(logits, 1.0, top_k, top_p, i / 4096.0).token);
  return tokens;
}

// Pearson's statistic over six tokens; 20.5 is the 99.9 % point of chi-square with five degrees of freedom.
TEST(SampleToken, FrequenciesFollowTheDistribution) {
  const std::vector<double> p = {0.4, 0.05, 0.25, 0.1, 0.15, 0.05};
  const std::vector<float> logits = LogitsOf(p);
  const Rng rng({.seed = 5, .purpose = RngPurpose::kTrainSample});
  constexpr int kDraws = 40000;
  std::vector<int> counts(p.size());
  for (int i = 0; i < kDraws; ++i)
    ++counts[static_cast<size_t>(
        SampleToken(logits, 1.0, 0, 1.0, rng.Uniform(static_cast<uint64_t>(i))).token)];
  double statistic = 0;
  for (size_t i = 0; i < p.size(); ++i)
    statistic += (counts[i] - kDraws * p[i]) * (counts[i] - kDraws * p[i]) / (kDraws * p[i]);
  EXPECT_LT(statistic, 20.5);
}

// Four equal logits: every weight is exactly 1, so the boundaries are exact.
TEST(SampleToken, TheUniformNumberFallsIntoHalfOpenIntervals) {
  const std::vector<float> logits(4, 2.0f);
  const auto draw = [&](double u) { return SampleToken(logits, 1.0, 0, 1.0, u).token; };
  EXPECT_EQ(draw(0.0), 0);
  EXPECT_EQ(draw(std::nextafter(0.25, 0.0)), 0);
  EXPECT_EQ(draw(0.25), 1);
  EXPECT_EQ(draw(std::nextafter(0.5, 0.0)), 1);
  EXPECT_EQ(draw(0.5), 2);
  EXPECT_EQ(draw(0.75), 3);
  EXPECT_EQ(draw(std::nextafter(1.0, 0.0)), 3);
}

// By sorting all tokens, on distributions from flat to peaked and vocabularies across the pieces of the
// selection.
TEST(NucleusSize, IsWhatSortingEverythingFinds) {
  const Rng rng({.seed = 3, .purpose = RngPurpose::kData});
  uint64_t position = 0;
  for (const size_t vocab : {1u, 2u, 63u, 64u, 65u, 700u}) {
    for (const double spread : {0.0, 1.0, 8.0, 60.0}) {
      std::vector<float> logits(vocab);
      for (float& logit : logits) logit = static_cast<float>(spread * rng.Uniform(position++));
      for (const double p : {0.01, 0.5, 0.95, 1.0}) {
        std::vector<double> weights;
        double total = 0;
        for (const float logit : logits) total += weights.emplace_back(std::exp((logit - spread) / 0.8));
        std::ranges::sort(weights, std::greater<>());
        double held = 0;
        int32_t expected = 0;
        // Sums in another order differ by rounding.
        while (held < (p - 1e-13) * total) held += weights[static_cast<size_t>(expected++)];
        const int32_t found = NucleusSize(logits, 0.8, p);
        if (p < 1.0) {
          EXPECT_EQ(found, expected) << vocab << " tokens, spread " << spread << ", p = " << p;
        } else {  // the least probable tokens weigh less than the rounding of the sum
          EXPECT_GE(found, expected);
          EXPECT_LE(static_cast<size_t>(found), vocab);
        }
      }
    }
  }
}

// Four equal logits hold exactly a quarter each.
TEST(NucleusSize, HoldsAtLeastP) {
  const std::vector<float> logits(4, 2.0f);
  EXPECT_EQ(NucleusSize(logits, 1.0, 0.25), 1);
  EXPECT_EQ(NucleusSize(logits, 1.0, 0.5), 2);
  EXPECT_EQ(NucleusSize(logits, 1.0, std::nextafter(0.5, 1.0)), 3);
  EXPECT_EQ(NucleusSize(logits, 1.0, 0.95), 4);
  EXPECT_EQ(NucleusSize(logits, 1.0, 1.0), 4);
}

TEST(NucleusSize, AtATemperature) {
  const std::vector<float> logits = LogitsOf({0.8, 0.2});
  EXPECT_EQ(NucleusSize(logits, 1.0, 0.9), 2);
  EXPECT_EQ(NucleusSize(logits, 0.5, 0.9), 1);  // 0.64 / (0.64 + 0.04) = 0.94
}

TEST(NucleusSize, IsZeroWhereALogitIsNotFinite) {
  EXPECT_EQ(NucleusSize(std::vector<float>{0, std::nanf(""), 1}, 1.0, 0.95), 0);
  EXPECT_EQ(NucleusSize(std::vector<float>{std::nanf(""), 1}, 1.0, 0.95), 0);
  EXPECT_EQ(NucleusSize(std::vector<float>{0, HUGE_VALF}, 1.0, 0.95), 0);
}

TEST(SampleToken, NeverDrawsATokenWithoutProbability) {
  const std::vector<float> logits = {-1e4f, 0.0f, -1e4f, 0.0f, -1e4f};
  EXPECT_EQ(SampleToken(logits, 1.0, 0, 1.0, 0.0).token, 1);
  EXPECT_EQ(SampleToken(logits, 1.0, 0, 1.0, std::nextafter(1.0, 0.0)).token, 3);
  EXPECT_EQ(Kept(logits, 0, 1.0), (std::set<int32_t>{1, 3}));
}

TEST(SampleToken, TopKAndTopPKeepWhatTheTableSays) {
  const std::vector<float> logits = LogitsOf({0.125, 0.5, 0.125, 0.25});
  const struct {
    int32_t top_k;
    double top_p;
    std::set<int32_t> kept;
  } kTable[] = {
      {0, 1.0, {0, 1, 2, 3}}, {1, 1.0, {1}},
      {2, 1.0, {1, 3}},       {3, 1.0, {0, 1, 3}},     // 0 and 2 tie: the lower id stays
      {4, 1.0, {0, 1, 2, 3}}, {9, 1.0, {0, 1, 2, 3}},  // more than there are
      {0, 0.01, {1}},                                  // never empty
      {0, 0.49, {1}},         {0, 0.51, {1, 3}},
      {0, 0.74, {1, 3}},      {0, 0.76, {0, 1, 3}},
      {0, 0.9, {0, 1, 2, 3}}, {3, 0.56, {1}},  // top-k first: 4/7, 2/7 and 1/7 are left
      {3, 0.58, {1, 3}},      {3, 0.85, {1, 3}},
      {3, 0.86, {0, 1, 3}},
  };
  for (const auto& row : kTable)
    EXPECT_EQ(Kept(logits, row.top_k, row.top_p), row.kept) << row.top_k << " " << row.top_p;
}

// The definition, sorting everything: the quick way must keep the same tokens for vocabularies of every size.
TEST(SampleToken, TruncationKeepsWhatAFullSortKeeps) {
  for (const size_t vocab : {3, 100, 5000}) {
    const Rng rng({.seed = 8, .purpose = RngPurpose::kData, .ordinal = vocab});
    std::vector<float> logits;
    for (size_t i = 0; i < vocab; ++i)  // rounded, so that ties occur
      logits.push_back(static_cast<float>(std::round(8 * rng.Normal(i)) / 4));
    std::vector<size_t> order(vocab);
    for (size_t i = 0; i < vocab; ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return logits[a] > logits[b]; });
    for (const size_t top_k : {size_t{0}, size_t{2}, size_t{70}, size_t{2000}}) {
      for (const double top_p : {0.2, 0.777, 0.99, 1.0}) {
        const size_t most = top_k == 0 ? vocab : std::min(top_k, vocab);
        double total = 0, cumulative = 0;
        for (size_t i = 0; i < most; ++i) total += std::exp(static_cast<double>(logits[order[i]]));
        std::set<int32_t> expected;
        for (size_t i = 0; i < most && (expected.empty() || cumulative < top_p * total * (1 - 1e-12)); ++i) {
          expected.insert(static_cast<int32_t>(order[i]));
          cumulative += std::exp(static_cast<double>(logits[order[i]]));
        }
        const auto draw = [&](double u) {
          return SampleToken(logits, 1.0, static_cast<int32_t>(top_k), top_p, u).token;
        };
        EXPECT_EQ(draw(0.0), *expected.begin());
        EXPECT_EQ(draw(std::nextafter(1.0, 0.0)), *expected.rbegin());
        // The middle of each kept token's interval draws that token.
        double below = 0;
        for (const int32_t token : expected) {
          const double weight = std::exp(static_cast<double>(logits[static_cast<size_t>(token)]));
          ASSERT_EQ(draw((below + weight / 2) / cumulative), token)
              << "vocab " << vocab << " top_k " << top_k << " top_p " << top_p;
          below += weight;
          if (expected.size() > 300 && below > cumulative / 4) break;  // enough of a long list
        }
      }
    }
  }
}

TEST(SampleToken, LogProbabilityIsOfTheWholeDistributionAtTheTemperature) {
  const std::vector<float> logits = {0.3f, -1.2f, 2.5f, 0.0f};
  constexpr double kTemperature = 0.7;
  double total = 0;
  for (const float z : logits) total += std::exp(z / kTemperature);
  for (const int32_t top_k : {0, 2}) {
    for (const double u : {0.0, 0.2, 0.999}) {
      const SampledToken drawn = SampleToken(logits, kTemperature, top_k, 1.0, u);
      EXPECT_NEAR(drawn.logprob, logits[static_cast<size_t>(drawn.token)] / kTemperature - std::log(total),
                  1e-6);
    }
  }
}

TEST(SampleToken, ALowTemperatureSharpensWithoutOverflow) {
  const std::vector<float> logits = {50.0f, 51.0f, -300.0f};
  const SampledToken drawn = SampleToken(logits, 1e-3, 0, 1.0, 0.5);
  EXPECT_EQ(drawn.token, 1);
  EXPECT_EQ(drawn.logprob, 0.0f);
}

TEST(GreedyToken, TiesGoToTheLowerId) {
  EXPECT_EQ(GreedyToken(std::vector<float>{1.0f, 3.0f, 3.0f, 2.0f}, 1.0).token, 1);
  EXPECT_EQ(GreedyToken(std::vector<float>{-5.0f, -5.0f}, 0.1).token, 0);
}

TEST(GreedyToken, TemperatureOnlyScalesTheLogProbability) {
  const std::vector<float> logits = {0.0f, std::log(3.0f)};
  EXPECT_NEAR(GreedyToken(logits, 1.0).logprob, std::log(0.75), 1e-6);
  EXPECT_NEAR(GreedyToken(logits, 0.5).logprob, std::log(0.9), 1e-6);  // 9 : 1
  EXPECT_EQ(GreedyToken(logits, 0.5).token, 1);
}

}  // namespace
}  // namespace entrain
