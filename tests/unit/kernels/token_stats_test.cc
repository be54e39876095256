#include "kernels/token_stats.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "common/rng.h"
#include "kernels/token_stats_core.h"

namespace entrain {
namespace {

// The definitions of docs/methods.md 0.1, one after the other over a softmax written out in long double.
struct Direct {
  std::vector<long double> p, log_p;
  long double entropy = 0, n = 0;

  Direct(std::span<const float> logits, double temperature) {
    const long double max =
        *std::max_element(logits.begin(), logits.end()) / static_cast<long double>(temperature);
    long double total = 0;
    for (const float z : logits) total += std::exp(z / static_cast<long double>(temperature) - max);
    for (const float z : logits) {
      log_p.push_back(z / static_cast<long double>(temperature) - max - std::log(total));
      p.push_back(std::exp(log_p.back()));
    }
    for (size_t i = 0; i < p.size(); ++i) entropy -= p[i] * log_p[i];
    for (size_t i = 0; i < p.size(); ++i) n += p[i] * p[i] * (log_p[i] + entropy);
  }
  long double S(size_t token) const { return p[token] * (log_p[token] + entropy); }
};

std::vector<float> RandomLogits(size_t count, double deviation, uint64_t ordinal) {
  const Rng rng({.seed = 11, .purpose = RngPurpose::kData, .ordinal = ordinal});
  std::vector<float> logits;
  for (size_t i = 0; i < count; ++i) logits.push_back(static_cast<float>(deviation * rng.Normal(i)));
  return logits;
}

TEST(TokenStats, AgreesWithTheDefinitionsOnRandomLogits) {
  uint64_t ordinal = 0;
  for (const size_t vocab : {1, 2, 14, 1000}) {
    for (const double deviation : {0.1, 2.0, 10.0}) {
      for (const double temperature : {0.6, 1.0, 1.5}) {
        const std::vector<float> logits = RandomLogits(vocab, deviation, ++ordinal);
        const Direct direct(logits, temperature);
        for (const size_t token : {size_t{0}, vocab / 2, vocab - 1}) {
          const TokenStat stat = ComputeTokenStat(logits, static_cast<int32_t>(token), temperature);
          // A float holds 24 bits; the sums are in double.
          EXPECT_NEAR(stat.logprob, direct.log_p[token], 1e-7 * (1 + std::fabs(direct.log_p[token])));
          EXPECT_NEAR(stat.entropy, direct.entropy, 1e-7 * (1 + direct.entropy));
          EXPECT_NEAR(stat.s, direct.S(token), 1e-7);
          EXPECT_NEAR(stat.n, direct.n, 1e-7);
        }
      }
    }
  }
}

// p = 1/8, 2/8, 5/8: H = 3 ln 2 − (2/8) ln 2 − (5/8) ln 5.
TEST(TokenStats, AgreesWithAnExampleByHand) {
  const std::vector<float> logits = {0.0f, std::log(2.0f), std::log(5.0f)};
  const double entropy = 3 * std::log(2.0) - std::log(2.0) / 4 - 5 * std::log(5.0) / 8;
  const TokenStat stat = ComputeTokenStat(logits, 2, 1.0);
  EXPECT_NEAR(stat.logprob, std::log(0.625), 1e-6);
  EXPECT_NEAR(stat.entropy, entropy, 1e-6);
  EXPECT_NEAR(stat.s, 0.625 * (std::log(0.625) + entropy), 1e-6);
  EXPECT_NEAR(stat.n,
              (std::log(0.125) + entropy) / 64 + (std::log(0.25) + entropy) / 16 +
                  25 * (std::log(0.625) + entropy) / 64,
              1e-6);
  EXPECT_NEAR(stat.log_z, std::log(8.0), 1e-6);
}

// Vocabularies around the sizes at which lanes and blocks end.
TEST(TokenStats, EveryLogitCountsWhateverTheSizeOfTheVocabulary) {
  std::vector<size_t> sizes = {1023, 1024, 1025, 2047, 2049, 3000};
  for (size_t vocab = 1; vocab <= 40; ++vocab) sizes.push_back(vocab);
  for (const size_t vocab : sizes) {
    const std::vector<float> logits = RandomLogits(vocab, 1.5, vocab);
    const Direct direct(logits, 1.0);
    const TokenStat stat = ComputeTokenStat(logits, static_cast<int32_t>(vocab - 1), 1.0);
    EXPECT_NEAR(stat.logprob, direct.log_p[vocab - 1], 1e-6) << vocab;
    EXPECT_NEAR(stat.entropy, direct.entropy, 1e-6) << vocab;
    EXPECT_NEAR(stat.n, direct.n, 1e-7) << vocab;
  }
}

// The largest logit in the first block, in a later one, and alone at the very end.
TEST(TokenStats, TheMaximumMayStandInAnyBlock) {
  for (const size_t place : {size_t{5}, size_t{1500}, size_t{2999}}) {
    std::vector<float> logits = RandomLogits(3000, 1.0, place);
    logits[place] = 9.0f;
    const Direct direct(logits, 1.0);
    const TokenStat stat = ComputeTokenStat(logits, 7, 1.0);
    EXPECT_NEAR(stat.logprob, direct.log_p[7], 2e-6) << place;
    EXPECT_NEAR(stat.entropy / direct.entropy, 1, 1e-6) << place;
    EXPECT_NEAR(stat.n / direct.n, 1, 1e-6) << place;
  }
}

// A sum that skipped it would hide that training has failed.
TEST(TokenStats, ANanAnywhereIsSeen) {
  for (const size_t place : {size_t{0}, size_t{7}, size_t{13}}) {
    std::vector<float> logits = RandomLogits(14, 1.0, 1);
    logits[place] = std::numeric_limits<float>::quiet_NaN();
    const TokenStat stat = ComputeTokenStat(logits, 3, 1.0);
    EXPECT_TRUE(std::isnan(stat.logprob)) << place;
    EXPECT_TRUE(std::isnan(stat.entropy)) << place;
  }
}

TEST(ExpOfNegative, IsExpToTwoUnitsInTheLastPlace) {
  const Rng rng({.seed = 4, .purpose = RngPurpose::kData});
  for (uint64_t i = 0; i < 20000; ++i) {
    const double x = i % 2 == 0 ? -700 * rng.Uniform(i) : -rng.Uniform(i);
    const double expected = std::exp(x);
    ASSERT_LE(std::fabs(ExpOfNegative(x) - expected), 4.5e-16 * expected) << x;
  }
  EXPECT_EQ(ExpOfNegative(0.0), 1.0);
  EXPECT_EQ(ExpOfNegative(-1e300), ExpOfNegative(-708.0));
  EXPECT_LT(ExpOfNegative(-1e300), 1e-307);
  EXPECT_TRUE(std::isnan(ExpOfNegative(std::numeric_limits<double>::quiet_NaN())));
}

std::vector<BFloat16> Rounded(const std::vector<float>& values) {
  std::vector<BFloat16> out;
  for (const float value : values) out.push_back(ToBFloat16(value));
  return out;
}

// 1 + 2^-8 lies between 1 and 1 + 2^-7: to the even one, 1. The next float above goes up; 1 + 3·2^-8 to 1 +
// 2^-6.
TEST(BFloat16, RoundsToTheNearestAndTiesToEven) {
  EXPECT_EQ(ToFloat(ToBFloat16(1.0f + 0x1p-8f)), 1.0f);
  EXPECT_EQ(ToFloat(ToBFloat16(1.0f + 0x1p-8f + 0x1p-23f)), 1.0f + 0x1p-7f);
  EXPECT_EQ(ToFloat(ToBFloat16(1.0f + 0x3p-8f)), 1.0f + 0x1p-6f);
  EXPECT_EQ(ToFloat(ToBFloat16(-2.5f)), -2.5f);
  EXPECT_EQ(ToFloat(ToBFloat16(std::numeric_limits<float>::infinity())),
            std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(ToFloat(ToBFloat16(std::bit_cast<float>(0x7f800001u)))));
}

// Rounding happens to the logits alone: what follows keeps all digits, also at the entropies of hundredths of
// a nat where control acts.
TEST(TokenStats, BFloat16LogitsGiveTheStatisticsOfTheRoundedLogits) {
  uint64_t ordinal = 500;
  for (const size_t vocab : {2, 14, 1000, 3001}) {
    for (const double deviation : {0.5, 2.0, 12.0}) {
      const std::vector<BFloat16> logits = Rounded(RandomLogits(vocab, deviation, ++ordinal));
      std::vector<float> wide;
      for (const BFloat16 logit : logits) wide.push_back(ToFloat(logit));
      const Direct direct(wide, 0.9);
      const auto token = static_cast<int32_t>(vocab / 2);
      const TokenStat stat = ComputeTokenStat(logits, token, 0.9);
      const auto at = static_cast<size_t>(token);
      EXPECT_NEAR(stat.logprob, direct.log_p[at], 1e-7 * (1 + std::fabs(direct.log_p[at])));
      EXPECT_NEAR(stat.entropy / direct.entropy, 1, 1e-6) << vocab << " " << deviation;
      EXPECT_NEAR(stat.s, direct.S(at), 1e-7);
      EXPECT_NEAR(stat.n, direct.n, 1e-7);
    }
  }
}

TEST(TokenStats, AUniformDistributionHasNoTilt) {
  const std::vector<float> logits(32, -3.5f);
  const TokenStat stat = ComputeTokenStat(logits, 7, 2.0);
  EXPECT_NEAR(stat.entropy, std::log(32.0), 1e-6);
  EXPECT_NEAR(stat.s, 0, 1e-7);
  EXPECT_NEAR(stat.n, 0, 1e-7);
  EXPECT_GE(stat.n, 0);
}

TEST(TokenStats, SurvivesExtremeLogits) {
  const std::vector<float> logits = {-1e4f, 1e4f, -1e4f};
  const TokenStat likely = ComputeTokenStat(logits, 1, 1.0);
  EXPECT_EQ(likely.logprob, 0.0f);
  EXPECT_EQ(likely.entropy, 0.0f);
  EXPECT_EQ(likely.s, 0.0f);
  EXPECT_EQ(likely.n, 0.0f);
  const TokenStat unlikely = ComputeTokenStat(logits, 0, 1.0);
  EXPECT_EQ(unlikely.logprob, -2e4f);
  EXPECT_EQ(unlikely.s, 0.0f);
}

TEST(TokenStats, TwoTokensTiedFarAboveTheRestShareTheProbability) {
  const std::vector<float> logits = {1e4f, -1e4f, 1e4f};
  const TokenStat stat = ComputeTokenStat(logits, 2, 1.0);
  EXPECT_NEAR(stat.logprob, -std::log(2.0), 1e-6);
  EXPECT_NEAR(stat.entropy, std::log(2.0), 1e-6);
  EXPECT_NEAR(stat.s, 0, 1e-7);
  EXPECT_NEAR(stat.n, 0, 1e-7);
}

// Control acts at entropies of hundredths of a nat: there the relative error counts.
TEST(TokenStats, SmallEntropiesKeepTheirDigits) {
  std::vector<float> logits(1000, -20.0f);
  logits[3] = 0.0f;
  logits[4] = -9.0f;
  const Direct direct(logits, 1.0);
  ASSERT_LT(direct.entropy, 0.002L);
  const TokenStat stat = ComputeTokenStat(logits, 3, 1.0);
  EXPECT_NEAR(stat.entropy / direct.entropy, 1, 1e-6);
  EXPECT_NEAR(stat.n / direct.n, 1, 1e-6);
  EXPECT_NEAR(stat.logprob / direct.log_p[3], 1, 1e-6);
}

// N = Cov(p, ln p) under p, and the logarithm is monotone.
TEST(TokenStats, NAndEntropyAreNeverNegative) {
  for (uint64_t i = 0; i < 2000; ++i) {
    const std::vector<float> logits = RandomLogits(2 + i % 30, 0.001 * static_cast<double>(i * i % 30011), i);
    const TokenStat stat = ComputeTokenStat(logits, 0, 1.0);
    ASSERT_GE(stat.n, 0) << i;
    ASSERT_GE(stat.entropy, 0) << i;
    ASSERT_LE(stat.entropy, std::log(static_cast<double>(logits.size())) + 1e-6) << i;
  }
}

// What the CUDA kernel does: stripes without a known maximum, merged in pairs.
TEST(TokenStats, SumsOfStripesMergeToTheSumsOfTheWhole) {
  const std::vector<float> logits = RandomLogits(1000, 8.0, 77);
  const Direct direct(logits, 1.0);
  constexpr size_t kStripes = 16;
  std::vector<TokenSums> parts(kStripes);
  for (size_t i = 0; i < logits.size(); ++i) parts[i % kStripes].Add(logits[i]);
  for (size_t half = kStripes / 2; half > 0; half /= 2) {
    for (size_t i = 0; i < half; ++i) parts[i].Merge(parts[i + half]);
  }
  const TokenStatValues values = FinishTokenStat(parts[0], logits[5]);
  EXPECT_NEAR(values.logprob, direct.log_p[5], 1e-12);
  EXPECT_NEAR(values.entropy, direct.entropy, 1e-12);
  EXPECT_NEAR(values.s, direct.S(5), 1e-12);
  EXPECT_NEAR(values.n, direct.n, 1e-12);
}

// g · ln p_a + h · H of the definitions, moved by one float-sized step in each direction.
TEST(TokenStatBackward, AgreesWithCentralDifferences) {
  constexpr double kG = -1.7, kH = 0.3;
  for (const double temperature : {0.7, 1.0, 1.3}) {
    const std::vector<float> logits = RandomLogits(14, 2.0, 5);
    std::vector<float> gradient(logits.size());
    TokenStatBackward(logits, 3, temperature, ComputeTokenStat(logits, 3, temperature), kG, kH, gradient);
    for (size_t j = 0; j < logits.size(); ++j) {
      const auto loss = [&](float z) {
        std::vector<float> moved = logits;
        moved[j] = z;
        const Direct direct(moved, temperature);
        return kG * direct.log_p[3] + kH * direct.entropy;
      };
      const float above = logits[j] + 0x1p-12f, below = logits[j] - 0x1p-12f;
      const auto difference = (loss(above) - loss(below)) / (static_cast<long double>(above) - below);
      EXPECT_NEAR(gradient[j], difference, 1e-6) << j;
    }
  }
}

// Adding a constant to all logits changes nothing, so the derivatives sum to 0, however large the logits are.
TEST(TokenStatBackward, SumsToZeroEvenWhenLogitsShareALargeOffset) {
  std::vector<float> logits = RandomLogits(1000, 1.0, 9);
  for (float& z : logits) z += 4096.0f;
  std::vector<float> gradient(logits.size());
  TokenStatBackward(logits, 17, 1.0, ComputeTokenStat(logits, 17, 1.0), 1.0, 0.5, gradient);
  double sum = 0;
  for (const float g : gradient) sum += g;
  EXPECT_NEAR(sum, 0, 2e-6);
}

TEST(TokenStatBackward, ExtremeLogitsGiveFiniteGradients) {
  const std::vector<float> logits = {-1e4f, 1e4f, -1e4f};
  std::vector<float> gradient(3);
  TokenStatBackward(logits, 0, 1.0, ComputeTokenStat(logits, 0, 1.0), 1.0, 1.0, gradient);
  EXPECT_EQ(gradient[0], 1.0f);
  EXPECT_EQ(gradient[1], -1.0f);
  EXPECT_EQ(gradient[2], 0.0f);
}

TEST(TokenStatBackward, MayOverwriteTheLogits) {
  std::vector<float> logits = RandomLogits(50, 2.0, 6), apart(logits.size());
  const TokenStat stat = ComputeTokenStat(logits, 9, 0.8);
  TokenStatBackward(logits, 9, 0.8, stat, 1.1, -0.2, apart);
  TokenStatBackward(logits, 9, 0.8, stat, 1.1, -0.2, logits);
  EXPECT_EQ(logits, apart);
}

// The derivative of the definitions, computed here in long double, to half a unit of a bfloat16's last place.
TEST(TokenStatBackward, BFloat16GradientsAreThoseOfTheRoundedLogitsRoundedOnce) {
  constexpr double kG = -1.7, kH = 0.3, kTemperature = 0.8;
  std::vector<BFloat16> logits = Rounded(RandomLogits(1025, 2.0, 44));
  std::vector<float> wide;
  for (const BFloat16 logit : logits) wide.push_back(ToFloat(logit));
  const Direct direct(wide, kTemperature);
  const TokenStat stat = ComputeTokenStat(logits, 1024, kTemperature);
  TokenStatBackward(logits, 1024, kTemperature, stat, kG, kH, logits);
  for (size_t j = 0; j < wide.size(); ++j) {
    const long double one = j == 1024 ? 1 : 0;
    const long double expected =
        (kG * (one - direct.p[j]) - kH * direct.p[j] * (direct.log_p[j] + direct.entropy)) / kTemperature;
    EXPECT_NEAR(ToFloat(logits[j]), expected, std::fabs(expected) * 0x1.01p-8 + 1e-9) << j;
  }
}

}  // namespace
}  // namespace entrain
