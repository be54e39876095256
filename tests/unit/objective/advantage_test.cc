#include "learner/advantage.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace entrain {
namespace {

// Rewards 1, 0, 0, 0: mean 1/4, unbiased variance (9 + 3)/16/3 = 1/4.
TEST(GrpoAdvantages, DivideByTheUnbiasedDeviation) {
  const auto advantages = GrpoAdvantages(std::vector<double>{1, 0, 0, 0});
  ASSERT_TRUE(advantages.ok()) << advantages.status();
  EXPECT_NEAR((*advantages)[0], 0.75 / (0.5 + 1e-6), 1e-14);
  for (int i = 1; i < 4; ++i) EXPECT_NEAR((*advantages)[static_cast<size_t>(i)], -0.25 / (0.5 + 1e-6), 1e-14);
}

TEST(GrpoAdvantages, EqualRewardsCarryNoSignalExactly) {
  const auto advantages = GrpoAdvantages(std::vector<double>(7, 0.1));
  ASSERT_TRUE(advantages.ok());
  EXPECT_EQ(*advantages, std::vector<double>(7, 0.0));
}

TEST(GrpoAdvantages, ASingleCompletionHasMeanZeroAndDeviationOne) {
  EXPECT_NEAR((*GrpoAdvantages(std::vector<double>{1}))[0], 1 / (1 + 1e-6), 1e-15);
  EXPECT_EQ((*DrGrpoAdvantages(std::vector<double>{1}))[0], 1.0);
}

TEST(DrGrpoAdvantages, OnlySubtractTheMean) {
  const auto advantages = DrGrpoAdvantages(std::vector<double>{1, 0, 0, 0});
  ASSERT_TRUE(advantages.ok());
  EXPECT_EQ(*advantages, (std::vector<double>{0.75, -0.25, -0.25, -0.25}));
}

TEST(Advantages, RefuseWhatIsNoNumber) {
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    EXPECT_EQ(GrpoAdvantages(std::vector<double>{0, bad}).status().code(),
              absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(DrGrpoAdvantages(std::vector<double>{bad}).status().code(), absl::StatusCode::kInvalidArgument);
  }
  EXPECT_FALSE(GrpoAdvantages(std::vector<double>{}).ok());
}

}  // namespace
}  // namespace entrain
