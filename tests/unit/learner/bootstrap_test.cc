#include "learner/bootstrap.h"

#include <gtest/gtest.h>

#include <cmath>

namespace entrain {
namespace {

using Columns = std::map<std::string, std::vector<double>>;

TEST(BootstrapMeans, OfEqualValuesTheIntervalIsThatValue) {
  for (const size_t rows : {1u, 7u}) {
    const Interval interval = BootstrapMeans({{"a", std::vector<double>(rows, 0.25)}}, {}).at("a");
    EXPECT_EQ(interval.low, 0.25);
    EXPECT_EQ(interval.high, 0.25);
  }
  EXPECT_TRUE(BootstrapMeans({}, {}).empty());
  EXPECT_TRUE(BootstrapMeans({{"none", {}}}, {}).empty());
}

// Two rows 0 and 1: a resample's mean is 0, ½ or 1 with probabilities ¼, ½, ¼. The quantiles 0.025 and 0.975
// are 0 and 1; those of a coverage of 0.4 (0.3 and 0.7) are both ½.
TEST(BootstrapMeans, OfTwoRowsTheQuantilesAreThoseOfTheBinomial) {
  const Columns columns = {{"a", {0, 1}}};
  const auto wide = BootstrapMeans(columns, {});
  EXPECT_EQ(wide.at("a").low, 0);
  EXPECT_EQ(wide.at("a").high, 1);
  const auto narrow = BootstrapMeans(columns, {.coverage = 0.4});
  EXPECT_EQ(narrow.at("a").low, 0.5);
  EXPECT_EQ(narrow.at("a").high, 0.5);
}

// 400 rows, a quarter of them 1: the mean has a standard error of sqrt(¼ · ¾ / 400) = 0.02165.
TEST(BootstrapMeans, OfManyRowsTheIntervalIsThatOfTheNormalDistribution) {
  std::vector<double> values(400, 0.0);
  for (size_t i = 0; i < 100; ++i) values[i] = 1;
  const auto interval = BootstrapMeans({{"a", values}}, {}).at("a");
  const double half = 1.96 * std::sqrt(0.25 * 0.75 / 400);
  EXPECT_NEAR(interval.low, 0.25 - half, 0.005);
  EXPECT_NEAR(interval.high, 0.25 + half, 0.005);
}

TEST(BootstrapMeans, DrawsTheSameRowsForEveryColumnAndDependsOnTheSeedAlone) {
  std::vector<double> values, twice;
  for (int i = 0; i < 30; ++i) {
    values.push_back(std::sin(i));
    twice.push_back(2 * std::sin(i));
  }
  const Columns columns = {{"a", values}, {"twice", twice}};
  const auto first = BootstrapMeans(columns, {.seed = 5});
  EXPECT_DOUBLE_EQ(first.at("twice").low, 2 * first.at("a").low);
  EXPECT_DOUBLE_EQ(first.at("twice").high, 2 * first.at("a").high);
  EXPECT_EQ(BootstrapMeans(columns, {.seed = 5}).at("a").low, first.at("a").low);
  EXPECT_NE(BootstrapMeans(columns, {.seed = 6}).at("a").low, first.at("a").low);
}

}  // namespace
}  // namespace entrain
