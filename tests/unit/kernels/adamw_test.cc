#include "kernels/adamw.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "common/rng.h"

namespace entrain {
namespace {

std::vector<float> Normals(size_t count, uint64_t ordinal, double deviation = 1) {
  const Rng rng({.seed = 4, .purpose = RngPurpose::kData, .ordinal = ordinal});
  std::vector<float> values;
  for (size_t i = 0; i < count; ++i) values.push_back(static_cast<float>(deviation * rng.Normal(i)));
  return values;
}

// Algorithm 2 of Loshchilov & Hutter 2019 with the schedule multiplier 1, in double; decay scaled by lr as
// torch does.
class Reference {
 public:
  Reference(const std::vector<float>& start, AdamWOptions options)
      : theta(start.begin(), start.end()), m_(start.size()), v_(start.size()), options_(options) {}

  void Step(const std::vector<float>& gradients, double scale) {
    ++t_;
    for (size_t i = 0; i < theta.size(); ++i) {
      const double g = gradients[i] * scale;
      m_[i] = options_.beta1 * m_[i] + (1 - options_.beta1) * g;
      v_[i] = options_.beta2 * v_[i] + (1 - options_.beta2) * g * g;
      const double m_hat = m_[i] / (1 - std::pow(options_.beta1, t_));
      const double v_hat = v_[i] / (1 - std::pow(options_.beta2, t_));
      theta[i] -=
          options_.lr * (m_hat / (std::sqrt(v_hat) + options_.eps) + options_.weight_decay * theta[i]);
    }
  }
  std::vector<double> theta;

 private:
  std::vector<double> m_, v_;
  AdamWOptions options_;
  int t_ = 0;
};

TEST(AdamW, FollowsThePaperForManySteps) {
  for (const double weight_decay : {0.0, 0.1}) {
    const AdamWOptions options{
        .lr = 1e-2, .beta1 = 0.9, .beta2 = 0.99, .eps = 1e-8, .weight_decay = weight_decay};
    std::vector<float> parameters = Normals(37, 1), first(37), second(37);
    Reference reference(parameters, options);
    for (int64_t step = 1; step <= 50; ++step) {
      const std::vector<float> gradients = Normals(37, 100 + static_cast<uint64_t>(step), 0.01);
      const double scale = step % 3 == 0 ? 0.25 : 1.0;
      AdamWStep(parameters, gradients, first, second, step, scale, options);
      reference.Step(gradients, scale);
    }
    for (size_t i = 0; i < parameters.size(); ++i) EXPECT_NEAR(parameters[i], reference.theta[i], 5e-6) << i;
  }
}

// With bias correction the first step is lr · g / (|g| + eps), whatever the betas are.
TEST(AdamW, TheFirstStepIsTheSignOfTheGradient) {
  std::vector<float> parameters = {1.0f, 1.0f, 1.0f}, first(3), second(3);
  AdamWStep(parameters, std::vector<float>{1e-3f, -20.0f, 0.0f}, first, second, 1, 1.0, {.lr = 0.125});
  EXPECT_NEAR(parameters[0], 0.875, 1e-5);
  EXPECT_NEAR(parameters[1], 1.125, 1e-6);
  EXPECT_EQ(parameters[2], 1.0f);
}

TEST(AdamW, DecayIsDecoupledFromTheGradient) {
  std::vector<float> parameters = {2.0f}, first(1), second(1);
  AdamWStep(parameters, std::vector<float>{0.0f}, first, second, 1, 1.0, {.lr = 0.1, .weight_decay = 0.5});
  EXPECT_NEAR(parameters[0], 2.0 * 0.95, 1e-6);
  EXPECT_EQ(first[0], 0.0f);
  EXPECT_EQ(second[0], 0.0f);
}

TEST(AdamW, TheResultDoesNotDependOnHowTheWorkIsSplit) {
  std::vector<float> whole = Normals(101, 1), split = whole;
  const std::vector<float> gradients = Normals(101, 2);
  std::vector<float> first1(101), second1(101), first2(101), second2(101);
  AdamWStep(whole, gradients, first1, second1, 3, 0.7, {.lr = 1e-3});
  for (const auto& [begin, count] : {std::pair<size_t, size_t>{0, 13}, {13, 1}, {14, 87}}) {
    AdamWStep(std::span(split).subspan(begin, count), std::span(gradients).subspan(begin, count),
              std::span(first2).subspan(begin, count), std::span(second2).subspan(begin, count), 3, 0.7,
              {.lr = 1e-3});
  }
  EXPECT_EQ(whole, split);
  EXPECT_EQ(first1, first2);
  EXPECT_EQ(second1, second2);
}

TEST(GlobalNorm, IsTheEuclideanNorm) {
  EXPECT_EQ(GlobalNorm({}), 0.0);
  EXPECT_EQ(GlobalNorm(std::vector<float>{3.0f, -4.0f}), 5.0);
  const std::vector<float> values = Normals(10007, 3);
  long double sum = 0;
  for (const float v : values) sum += static_cast<long double>(v) * v;
  EXPECT_NEAR(GlobalNorm(values), std::sqrt(sum), 1e-10);
}

// In float, 1e30² overflows and small values vanish beside a large one.
TEST(GlobalNorm, AccumulatesInDouble) {
  EXPECT_NEAR(GlobalNorm(std::vector<float>{3e30f, 4e30f}) / 5e30, 1, 1e-6);
  std::vector<float> values(1 << 20, 1e-4f);
  values[0] = 1.0f;
  EXPECT_NEAR(GlobalNorm(values), std::sqrt(1 + ((1 << 20) - 1) * 1e-8), 1e-9);
}

}  // namespace
}  // namespace entrain
