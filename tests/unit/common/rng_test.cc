#include "common/rng.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <vector>

namespace entrain {
namespace {

using Block = std::array<uint32_t, 4>;

// The three rows `philox4x32 10` of kat_vectors in the Random123 distribution.
TEST(PhiloxTest, GivesTheKnownAnswersOfTheRandom123Distribution) {
  EXPECT_EQ(Philox4x32({0, 0, 0, 0}, {0, 0}), (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  constexpr uint32_t kOnes = 0xffffffff;
  EXPECT_EQ(Philox4x32({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}),
            (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(Philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(RngTest, GivesTheSameNumbersForTheSameKeyInAnyOrder) {
  const RngKey key{.seed = 5, .purpose = RngPurpose::kTrainSample, .step = 2, .ordinal = 9, .completion = 3};
  const Rng forward(key), backward(key);
  std::vector<uint64_t> numbers;
  for (uint64_t position = 0; position < 100; ++position) numbers.push_back(forward.Bits(position));
  for (uint64_t position = 100; position-- > 0;) EXPECT_EQ(backward.Bits(position), numbers[position]);
}

TEST(RngTest, EveryPartOfTheKeySelectsAnotherStream) {
  const RngKey base{.seed = 1, .purpose = RngPurpose::kTrainSample, .step = 1, .ordinal = 1, .completion = 1};
  std::vector<RngKey> keys(6, base);
  keys[1].seed = 2;
  keys[2].purpose = RngPurpose::kEvalSample;
  keys[3].step = 2;
  keys[4].ordinal = 2;
  keys[5].completion = 2;
  std::set<uint64_t> numbers;
  for (const RngKey& key : keys) {
    for (uint64_t position = 0; position < 1000; ++position) numbers.insert(Rng(key).Bits(position));
  }
  EXPECT_EQ(numbers.size(), 6000u);  // a repeat among 6000 of 2^64 has a probability of 1e-12
}

TEST(RngTest, PositionsBeyond32BitsAreDistinct) {
  const Rng rng({.seed = 1});
  EXPECT_NE(rng.Bits(7), rng.Bits(7 + (uint64_t{1} << 32)));
}

// Limits are six standard errors of n uniform draws: mean ± 6/√(12n), second moment 1/3 ± 6·√(4/45/n).
TEST(RngTest, UniformIsInItsRangeWithTheMomentsOfAUniformVariable) {
  const Rng rng({.seed = 42, .purpose = RngPurpose::kTrainSample});
  constexpr int kDraws = 100000;
  double sum = 0, squares = 0;
  for (uint64_t position = 0; position < kDraws; ++position) {
    const double value = rng.Uniform(position);
    ASSERT_GE(value, 0);
    ASSERT_LT(value, 1);
    sum += value;
    squares += value * value;
  }
  EXPECT_NEAR(sum / kDraws, 0.5, 6 / std::sqrt(12.0 * kDraws));
  EXPECT_NEAR(squares / kDraws, 1.0 / 3, 6 * std::sqrt(4.0 / 45 / kDraws));
}

TEST(RngTest, BelowReachesEveryValueAboutEquallyOftenAndNoOther) {
  const Rng rng({.seed = 3});
  std::vector<int> count(7);
  constexpr int kDraws = 70000;
  for (uint64_t position = 0; position < kDraws; ++position) ++count.at(rng.Below(7, position));
  for (const int seen : count) EXPECT_NEAR(seen, kDraws / 7, 6 * std::sqrt(kDraws * (1.0 / 7) * (6.0 / 7)));
  EXPECT_EQ(rng.Below(1, 0), 0u);
}

TEST(RngTest, NormalHasMeanZeroAndVarianceOne) {
  const Rng rng({.seed = 8, .purpose = RngPurpose::kInit});
  constexpr int kDraws = 100000;
  double sum = 0, squares = 0;
  for (uint64_t position = 0; position < kDraws; ++position) {
    const double value = rng.Normal(position);
    ASSERT_TRUE(std::isfinite(value));
    sum += value;
    squares += value * value;
  }
  EXPECT_NEAR(sum / kDraws, 0, 6 / std::sqrt(double{kDraws}));
  EXPECT_NEAR(squares / kDraws, 1, 6 * std::sqrt(2.0 / kDraws));
}

}  // namespace
}  // namespace entrain
