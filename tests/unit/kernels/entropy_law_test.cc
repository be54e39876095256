// The entropy law that the methods here rest on (docs/methods.md 0.4, 13.3): a step eta·g·(e_a − p) on the
// logits of one softmax changes its entropy by −eta·g·(S_a − N), to first order.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "common/rng.h"
#include "kernels/token_stats.h"

namespace entrain {
namespace {

std::vector<double> Softmax(const std::vector<double>& logits) {
  double sum = 0;
  std::vector<double> p;
  for (const double z : logits) sum += std::exp(z);
  for (const double z : logits) p.push_back(std::exp(z) / sum);
  return p;
}

double Entropy(const std::vector<double>& logits) {
  double entropy = 0;
  for (const double p : Softmax(logits)) entropy -= p * std::log(p);
  return entropy;
}

struct Position {
  std::vector<float> logits;
  int32_t token = 0;
  double g = 0;

  explicit Position(uint64_t ordinal) {
    const Rng rng({.seed = 21, .purpose = RngPurpose::kData, .ordinal = ordinal});
    const auto vocab = static_cast<size_t>(3 + rng.Below(57, 0));
    const double deviation = 0.3 + 2.7 * rng.Uniform(1);
    for (size_t i = 0; i < vocab; ++i) logits.push_back(static_cast<float>(deviation * rng.Normal(10 + i)));
    token = static_cast<int32_t>(rng.Below(vocab, 2));
    g = rng.Normal(3);
  }
  std::vector<double> Wide() const { return {logits.begin(), logits.end()}; }
};

TEST(EntropyLaw, AStepOnTheLogitsChangesEntropyByScoreMinusItsMean) {
  constexpr double kEta = 1e-5;
  int baseline_decides = 0;
  for (uint64_t ordinal = 0; ordinal < 400; ++ordinal) {
    const Position at(ordinal);
    const TokenStat stat = ComputeTokenStat(at.logits, at.token, 1.0);
    std::vector<double> moved = at.Wide();
    const std::vector<double> p = Softmax(moved);
    for (size_t j = 0; j < moved.size(); ++j)
      moved[j] += kEta * at.g * ((j == static_cast<size_t>(at.token) ? 1.0 : 0.0) - p[j]);
    const double change = (Entropy(moved) - Entropy(at.Wide())) / kEta;
    ASSERT_NEAR(change, -at.g * (stat.s - stat.n), 1e-4) << ordinal;
    if (stat.s > 0 && stat.s < stat.n) ++baseline_decides;
  }
  // The rule without N would have the wrong sign there.
  EXPECT_GT(baseline_decides, 5);
}

// E_{a~p}[S_a] = N: an advantage that does not depend on the token moves entropy in no direction.
TEST(EntropyLaw, TheMeanScoreIsN) {
  for (uint64_t ordinal = 0; ordinal < 50; ++ordinal) {
    const Position at(ordinal);
    const std::vector<double> p = Softmax(at.Wide());
    double mean = 0;
    for (size_t a = 0; a < p.size(); ++a)
      mean += p[a] * ComputeTokenStat(at.logits, static_cast<int32_t>(a), 1.0).s;
    EXPECT_NEAR(mean, ComputeTokenStat(at.logits, 0, 1.0).n, 1e-6) << ordinal;
  }
}

}  // namespace
}  // namespace entrain
