#include "learner/objective/region_mask.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/unit/objective/random_batch.h"

namespace entrain {
namespace {

RegionMask Masking(std::initializer_list<int> regions, RegionMask::Rule rule = RegionMask::Rule::kSurprisal) {
  RegionMask mask{.rule = rule};
  for (const int region : regions) mask.masked[static_cast<size_t>(region)] = true;
  return mask;
}

// One token of each region by the surprisal rule, one with no advantage and one outside the mask. H = 1 at
// each: e^-0.5 is probable, e^-2 improbable.
TokenBatch OneOfEach() {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  return {.old_logp = {-0.5, -2, -0.5, -2, -0.5, nan},
          .new_logp = {-0.4, -1.9, -0.6, -2.1, -0.4, nan},
          .advantage = {1, 1, -1, -1, 0, nan},
          .mask = {1, 1, 1, 1, 1, 0},
          .old_entropy = {1, 1, 1, 1, 1, nan},
          .entropy = {1, 1, 1, 1, 1, nan},
          .old_n = {0.1, 0.1, 0.1, 0.1, 0.1, nan},
          .sequence_begin = {0, 3, 6}};
}

ObjectiveResult Evaluate(const ObjectiveSpec& spec, TokenBatch batch) {
  EXPECT_TRUE(PrepareBatch(spec, batch).ok()) << PrepareBatch(spec, batch);
  EXPECT_TRUE(PlanMinibatch(spec, {}, batch).ok());
  const auto result = EvaluateObjective(spec, batch, CountDenominators(batch));
  EXPECT_TRUE(result.ok()) << result.status();
  return result.value_or(ObjectiveResult{});
}

TEST(RegionMask, SilencesTheTokensOfItsRegionsAndNoOthers) {
  for (int region = 1; region <= 4; ++region) {
    TokenBatch batch = OneOfEach();
    SilenceRegions(Masking({region}), batch);
    std::vector<uint8_t> expected(6, 0);
    expected[static_cast<size_t>(region - 1)] = 1;
    EXPECT_EQ(batch.silent, expected) << region;
  }
  TokenBatch batch = OneOfEach();
  SilenceRegions(Masking({1, 4}), batch);
  EXPECT_EQ(batch.silent, (std::vector<uint8_t>{1, 0, 0, 1, 0, 0}));
  TokenBatch none = OneOfEach();
  SilenceRegions({}, none);
  EXPECT_TRUE(none.silent.empty());
}

// p = e^-0.9, H = 1: its surprisal is below the entropy (E1), but S = e^-0.9 · 0.1 = 0.0407 < N = 0.1 (E2).
TEST(RegionMask, TheExactRuleComparesTheScoreWithItsMean) {
  TokenBatch batch = OneToken(-0.9, -0.9, 1);
  batch.old_entropy = {1};
  batch.old_n = {0.1};
  SilenceRegions(Masking({1}), batch);
  EXPECT_EQ(batch.silent[0], 1);
  SilenceRegions(Masking({1}, RegionMask::Rule::kExact), batch);
  EXPECT_EQ(batch.silent[0], 0);
  SilenceRegions(Masking({2}, RegionMask::Rule::kExact), batch);
  EXPECT_EQ(batch.silent[0], 1);
}

// By hand, the box off: the loss is −(1/5)·Σ A·r over the tokens that are left; the denominator is that of
// all five. r = e^0.1 for A = 1 and e^-0.1 for A = −1.
TEST(RegionMask, SilentTokensLeaveTheLossAndStayInTheDenominator) {
  const ObjectiveSpec plain{.name = "ppo_clip"};
  const ObjectiveResult whole = Evaluate(plain, OneOfEach());
  EXPECT_NEAR(whole.loss, -(2 * std::exp(0.1) - 2 * std::exp(-0.1)) / 5, 1e-12);
  ObjectiveSpec masking = plain;
  masking.regions = Masking({2});
  const ObjectiveResult masked = Evaluate(masking, OneOfEach());
  EXPECT_NEAR(masked.loss, -(std::exp(0.1) - 2 * std::exp(-0.1)) / 5, 1e-12);
  EXPECT_EQ(masked.grad_new_logp[1], 0);
  for (const size_t i : {0u, 2u, 3u, 4u}) EXPECT_EQ(masked.grad_new_logp[i], whole.grad_new_logp[i]) << i;
  EXPECT_DOUBLE_EQ(masked.stats.at("silent/frac"), 0.2);
  EXPECT_EQ(masked.stats.at("ratio/mean"), whole.stats.at("ratio/mean"));
  EXPECT_FALSE(whole.stats.contains("silent/frac"));
}

// Whatever an objective adds beside its surrogate (EntroPIC's push, an entropy bonus) is lost as well.
TEST(RegionMask, NoObjectiveTrainsASilentToken) {
  for (const ObjectiveInfo& info : RegisteredObjectives()) {
    ObjectiveSpec spec{.name = info.name};
    for (const std::string& name : MissingParameters(spec)) spec.numbers[name] = 0.5;
    if (info.name == "entropic") spec.numbers["p_thresh"] = 0.1;
    TokenBatch batch = OneOfEach();
    batch.group_accuracy = {0.1, 0.1};
    batch.measured_entropy = 0.1;
    spec.regions = Masking({1, 4});
    const ObjectiveResult masked = Evaluate(spec, batch);
    for (const size_t i : {0u, 3u}) {
      EXPECT_EQ(masked.grad_new_logp[i], 0) << info.name << " " << i;
      if (!masked.grad_entropy.empty()) {
        EXPECT_EQ(masked.grad_entropy[i], 0) << info.name << " " << i;
      }
    }
    spec.regions = {};
    const ObjectiveResult whole = Evaluate(spec, batch);
    if (!whole.grad_entropy.empty()) {
      EXPECT_NE(whole.grad_entropy[0], 0) << info.name;
      EXPECT_EQ(masked.grad_entropy[1], whole.grad_entropy[1]) << info.name;
    }
  }
}

TEST(RegionMask, AllFourRegionsAreRefusedWithAReason) {
  ObjectiveSpec spec{.name = "flex_clip"};
  spec.regions = Masking({1, 2, 3, 4});
  const absl::Status status = ValidateObjective(spec);
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_NE(status.message().find("nothing would train"), absl::string_view::npos) << status;
}

TEST(RegionMask, NeedsTheColumnsThatItsRuleReads) {
  ObjectiveSpec spec{.name = "ppo_clip"};
  spec.regions = Masking({1});
  TokenBatch batch = OneToken(-1, -1, 1);
  EXPECT_NE(PrepareBatch(spec, batch).message().find("old_entropy"), absl::string_view::npos);
  batch.old_entropy = {1};
  EXPECT_TRUE(PrepareBatch(spec, batch).ok());
  spec.regions.rule = RegionMask::Rule::kExact;
  EXPECT_NE(PrepareBatch(spec, batch).message().find("old_n"), absl::string_view::npos);
}

}  // namespace
}  // namespace entrain
