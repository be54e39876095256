#include "learner/optimizer.h"

#include <gtest/gtest.h>

#include <limits>

namespace entrain {
namespace {

// The learning rates of the first `count` updates.
std::vector<double> Rates(const OptimizerOptions& options, int64_t total, int count) {
  Optimizer optimizer(options, total, 1);
  std::vector<double> rates;
  std::vector<float> parameter = {0}, gradient = {1};
  for (int i = 0; i < count; ++i) {
    rates.push_back(optimizer.LearningRate());
    optimizer.Update(parameter, gradient, 0);
  }
  return rates;
}

void ExpectRates(const std::vector<double>& found, const std::vector<double>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-12) << i;
}

TEST(Optimizer, RisesLinearlyThenStays) {
  ExpectRates(Rates({.lr = 2, .warmup_steps = 4}, 8, 6), {0.5, 1, 1.5, 2, 2, 2});
}

TEST(Optimizer, FallsAlongACosineToTheFinalFraction) {
  // 0.05 + 0.95 · (1 + cos(pi · progress)) / 2 with progress 0, 1/4, 1/2, 3/4, 1.
  ExpectRates(Rates({.lr = 1, .schedule = "cosine", .final_fraction = 0.05}, 4, 5),
              {1, 0.8608757210636101, 0.525, 0.1891242789363899, 0.05});
}

TEST(Optimizer, FallsAlongALineAndStaysAtItsEnd) {
  ExpectRates(Rates({.lr = 1, .schedule = "linear"}, 4, 6), {1, 0.75, 0.5, 0.25, 0, 0});
}

TEST(Optimizer, ClipsByTheNormOfAllGradientsAndAnswersItUnclipped) {
  Optimizer optimizer({.lr = 0.1, .beta1 = 0.9}, 1, 2);
  std::vector<float> parameters = {1, 1}, gradients = {3, 4};
  EXPECT_DOUBLE_EQ(optimizer.Update(parameters, gradients, 1.0), 5.0);
  EXPECT_NEAR(optimizer.first_moment()[0], 0.1 * 3 / 5, 1e-6);
  EXPECT_NEAR(optimizer.first_moment()[1], 0.1 * 4 / 5, 1e-6);
}

TEST(Optimizer, LeavesEverythingAsItWasWhenAGradientIsNotFinite) {
  Optimizer optimizer({.lr = 0.1}, 1, 2);
  std::vector<float> parameters = {1, 2}, gradients = {1, std::numeric_limits<float>::infinity()};
  EXPECT_FALSE(std::isfinite(optimizer.Update(parameters, gradients, 1.0)));
  EXPECT_EQ(parameters, (std::vector<float>{1, 2}));
  EXPECT_EQ(optimizer.updates(), 0);
  EXPECT_EQ(optimizer.first_moment()[0], 0);
}

}  // namespace
}  // namespace entrain
