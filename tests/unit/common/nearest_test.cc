#include "common/nearest.h"

#include <gtest/gtest.h>

namespace entrain {
namespace {

TEST(NearestTest, FindsANameThatIsOneSlipAway) {
  const std::vector<std::string> known = {"learner.steps", "learner.epochs", "seed"};
  EXPECT_EQ(NearestName("learner.step", known), "learner.steps");   // one letter missing
  EXPECT_EQ(NearestName("learner.setps", known), "learner.steps");  // two letters swapped
  EXPECT_EQ(NearestName("sead", known), "seed");                    // one letter wrong
}

TEST(NearestTest, GuessesNothingThatIsFarAway) {
  EXPECT_EQ(NearestName("controller", {"seed", "name"}), "");
  EXPECT_EQ(NearestName("x", {}), "");
}

TEST(NearestTest, SaysWhatIsKnownWhenNothingIsNear) {
  EXPECT_EQ(DidYouMean("sead", {"seed", "name"}), "; did you mean \"seed\"?");
  EXPECT_EQ(DidYouMean("controller", {"seed", "name"}), "; known: seed, name");
}

TEST(NearestTest, BoundsItsWorkOnAnEndlessName) {
  EXPECT_EQ(NearestName(std::string(1000000, 'a'), {"seed"}), "");
}

}  // namespace
}  // namespace entrain
