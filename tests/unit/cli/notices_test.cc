#include "services/cli/notices.h"

#include <gtest/gtest.h>

#include "tests/testing/manual_clock.h"

namespace entrain {
namespace {

TEST(Notices, ATroubleIsToldAtOnceAndThenAtMostEveryThirtySeconds) {
  ManualClock clock;
  Notices notices(clock);
  EXPECT_TRUE(notices.Due("verifier-1"));
  clock.Advance(absl::Seconds(30) - absl::Milliseconds(1));
  EXPECT_FALSE(notices.Due("verifier-1"));
  EXPECT_TRUE(notices.Due("controller"));  // each process has its own time
  clock.Advance(absl::Milliseconds(1));
  EXPECT_TRUE(notices.Due("verifier-1"));
  EXPECT_FALSE(notices.Due("controller"));
}

TEST(Silence, LastsFromItsEventToTheAnswer) {
  Silence silence;
  EXPECT_FALSE(silence.why().has_value());
  silence.Take(R"({"event": "warmup", "step": 3})");
  silence.Take("half a li");
  EXPECT_FALSE(silence.why().has_value());
  silence.Take(R"({"event": "controller_silent", "learner": "waits", "why": "refused", "step": 0})");
  ASSERT_TRUE(silence.why().has_value());
  EXPECT_EQ(*silence.why(), "waits (refused)");
  silence.Take(R"({"event": "controller_answered", "step": 0})");
  EXPECT_FALSE(silence.why().has_value());
}

}  // namespace
}  // namespace entrain
