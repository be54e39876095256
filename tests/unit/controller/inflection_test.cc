#include "controller/laws/inflection.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

namespace entrain {
namespace {

constexpr InflectionSettings kPlain = {.ema = 1.0, .hits = 1};

// Samples (from 0) at which the detector says that the series has bent.
std::vector<int64_t> FindsOf(const InflectionSettings& settings, const std::vector<double>& series) {
  std::vector<int64_t> finds;
  InflectionState state;
  for (size_t i = 0; i < series.size(); ++i) {
    if (NextSample(settings, series[i], state)) finds.push_back(static_cast<int64_t>(i));
  }
  return finds;
}

// docs/methods.md 3.1 by hand: growths 1 1 1 0.5, δ = 1 1 0.75; the baseline is the mean of δ_1 and δ_2, and
// δ_3 is known with sample 4, so that t* = 3.
TEST(Inflection, IsWhereSmoothedGrowthFallsBelowItsBaseline) {
  EXPECT_EQ(FindsOf(kPlain, {0, 1, 2, 3, 3.5}), (std::vector<int64_t>{4}));
}

TEST(Inflection, AGrowthEqualToTheBaselineIsNone) {
  EXPECT_TRUE(FindsOf(kPlain, {0, 1, 2, 3, 4, 5, 6}).empty());
}

TEST(Inflection, ASeriesThatIsTooShortHasNone) {
  EXPECT_TRUE(FindsOf(kPlain, {3, 2, 1}).empty());
  EXPECT_TRUE(FindsOf(kPlain, {3, 2, 1, 0}).empty());
}

// A collapse: growths −0.125 −0.125 −0.125 −0.5; δ_3 = −0.3125 < −0.125.
TEST(Inflection, AFallThatBecomesFasterIsOne) {
  EXPECT_EQ(FindsOf(kPlain, {1, 0.875, 0.75, 0.625, 0.125}), (std::vector<int64_t>{4}));
}

TEST(Inflection, TheMarginMovesTheBaseline) {
  InflectionSettings settings = kPlain;
  settings.margin = 0.75;  // 0.75 is not below 0.75 · 1
  EXPECT_TRUE(FindsOf(settings, {0, 1, 2, 3, 3.5}).empty());
}

TEST(Inflection, HitsMustFollowEachOther) {
  InflectionSettings settings = kPlain;
  settings.hits = 2;
  // Growths 1 1 1 0 2 0 0: δ_3 = 0.5 hits, δ_4 = 1 does not, δ_5 = 1 does not, δ_6 = 0 hits, δ_7 = 0 hits.
  EXPECT_EQ(FindsOf(settings, {0, 1, 2, 3, 3, 5, 5, 5, 5}), (std::vector<int64_t>{8}));
}

TEST(Inflection, AfterAFindItIsQuietForTheRefractorySamples) {
  InflectionSettings settings = kPlain;
  settings.refractory = 3;
  EXPECT_EQ(FindsOf(settings, {0, 1, 2, 2, 2, 2, 2, 2, 2, 2}), (std::vector<int64_t>{4, 8}));
}

// ema 0.5 by hand: s = 0 1 2 3 3.25 (H_1 = 2·1 − 0, …), growths 1 1 1 0.25.
// Growths of 1 up to sample 6. A baseline of 2, 3 or 5 of them is 1 all the same, and a growth of 1 is not
// below it, wherever an edit changes n_base.
TEST(Inflection, AnEditOfTheBaselinesLengthDoesNotMakeAFind) {
  for (const auto& [before, after] : {std::pair(2, 5), {5, 2}, {3, 1}}) {
    for (int edited = 1; edited < 7; ++edited) {
      InflectionSettings settings = kPlain;
      InflectionState state;
      for (int i = 0; i < 9; ++i) {
        settings.n_base = i < edited ? before : after;
        EXPECT_FALSE(NextSample(settings, i, state)) << before << " to " << after << " at " << edited;
      }
      // Nor does it hide one: δ = 0.75 < 1.
      EXPECT_TRUE(NextSample(settings, 8.5, state)) << before << " to " << after << " at " << edited;
    }
  }
}

TEST(Inflection, TheSeriesIsSmoothedFirst) {
  InflectionSettings settings = kPlain;
  settings.ema = 0.5;
  EXPECT_EQ(FindsOf(settings, {0, 2, 3, 4, 3.5}), (std::vector<int64_t>{4}));
  InflectionState state;
  for (const double h : {0.0, 2.0, 3.0, 4.0, 3.5}) NextSample(settings, h, state);
  EXPECT_EQ(state.smoothed, 3.25);
}

}  // namespace
}  // namespace entrain
