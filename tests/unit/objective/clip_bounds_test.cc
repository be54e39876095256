#include "learner/objective/clip_bounds.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace entrain {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr EpsLine kUpper{0.5, -0.25}, kLower{0.3, -0.13};

RatioBounds Closed(double q) { return LineBounds(kUpper, kLower, PSource::kClosed, q, 0, 0, kInfinity); }

// The table of docs/methods.md 1.2.
TEST(LineBounds, TheSolvedFormGivesThePublishedTable) {
  struct Row {
    double q, hi, lo;
  };
  for (const Row& row : {Row{0.0, 1.500, 0.700}, Row{0.25, 1.412, 0.724}, Row{0.5, 1.333, 0.749},
                         Row{0.75, 1.263, 0.776}, Row{1.0, 1.200, 0.805}}) {
    EXPECT_NEAR(Closed(row.q).hi, row.hi, 5e-4) << row.q;
    EXPECT_NEAR(Closed(row.q).lo, row.lo, 5e-4) << row.q;
  }
  EXPECT_DOUBLE_EQ(Closed(1.0).hi, 1.2);
  EXPECT_NEAR(Closed(1.0).lo, 0.8046, 5e-5);
}

// r <= 1 + eps_plus(r·q) exactly where r <= hi(q), and the same below.
TEST(LineBounds, TheSolvedFormClipsWhereTheCurrentProbabilityWould) {
  for (double q = 0.001; q <= 1.0; q += 0.007) {
    for (double p = 0.001; p <= 1.0; p += 0.009) {
      const double r = p / q;
      const RatioBounds solved = Closed(q),
                        direct = LineBounds(kUpper, kLower, PSource::kNew, q, p, 0, kInfinity);
      if (std::abs(r - solved.hi) > 1e-9) {
        EXPECT_EQ(r > solved.hi, r > direct.hi) << q << " " << p;
      }
      if (std::abs(r - solved.lo) > 1e-9) {
        EXPECT_EQ(r < solved.lo, r < direct.lo) << q << " " << p;
      }
    }
  }
}

TEST(LineBounds, EachSourceTakesItsOwnProbability) {
  const RatioBounds at_new = LineBounds(kUpper, kLower, PSource::kNew, 0.2, 0.8, 0, kInfinity);
  EXPECT_NEAR(at_new.hi, 1 + 0.5 - 0.25 * 0.8, 1e-15);
  EXPECT_NEAR(at_new.lo, 1 - (0.3 - 0.13 * 0.8), 1e-15);
  const RatioBounds at_old = LineBounds(kUpper, kLower, PSource::kOld, 0.2, 0.8, 0, kInfinity);
  EXPECT_NEAR(at_old.hi, 1 + 0.5 - 0.25 * 0.2, 1e-15);
  EXPECT_NEAR(at_old.lo, 1 - (0.3 - 0.13 * 0.2), 1e-15);
}

TEST(LineBounds, EpsilonsStayInTheirRange) {
  const RatioBounds bounds = LineBounds(kUpper, kLower, PSource::kNew, 0.5, 0.5, 0.3, 0.35);
  EXPECT_DOUBLE_EQ(bounds.hi, 1.35);  // 0.375 is above
  EXPECT_DOUBLE_EQ(bounds.lo, 0.7);   // 0.235 is below
}

TEST(LineBounds, ASideThatIsOffNeverClips) {
  for (const PSource source : {PSource::kClosed, PSource::kNew, PSource::kOld}) {
    const RatioBounds bounds = LineBounds(std::nullopt, std::nullopt, source, 0.5, 0.5, 0, kInfinity);
    EXPECT_EQ(bounds.hi, kInfinity);
    EXPECT_EQ(bounds.lo, 0.0);
  }
}

}  // namespace
}  // namespace entrain
