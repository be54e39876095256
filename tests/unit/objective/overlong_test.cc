#include "learner/overlong.h"

#include <gtest/gtest.h>

namespace entrain {
namespace {

// With max 20 and cache 5: 0 up to 15 tokens, then −(L − 15)/5, −1 beyond 20.
TEST(OverlongPenalty, FallsLinearlyOverTheCache) {
  const OverlongOptions options{.max = 20, .cache = 5};
  EXPECT_EQ(OverlongPenalty(1, options), 0);
  EXPECT_EQ(OverlongPenalty(15, options), 0);
  EXPECT_DOUBLE_EQ(OverlongPenalty(16, options), -0.2);
  EXPECT_DOUBLE_EQ(OverlongPenalty(19, options), -0.8);
  EXPECT_DOUBLE_EQ(OverlongPenalty(20, options), -1);
  EXPECT_EQ(OverlongPenalty(21, options), -1);
  EXPECT_EQ(OverlongPenalty(int64_t{1} << 40, options), -1);
}

}  // namespace
}  // namespace entrain
