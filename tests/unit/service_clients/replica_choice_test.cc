#include "services/clients/replica_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "tests/testing/manual_clock.h"

namespace entrain {
namespace {

using ::testing::ElementsAre;

const std::vector<uint64_t> kNone;

TEST(ReplicaChoiceTest, ReplicasTakeTurns) {
  ManualClock clock;
  ReplicaChoice choice(3, clock);
  EXPECT_THAT(choice.Order(kNone), ElementsAre(0, 1, 2));
  EXPECT_THAT(choice.Order(kNone), ElementsAre(1, 2, 0));
  EXPECT_THAT(choice.Order(kNone), ElementsAre(2, 0, 1));
  EXPECT_THAT(choice.Order(kNone), ElementsAre(0, 1, 2));
}

TEST(ReplicaChoiceTest, OneThatIsAwayIsAskedLastUntilItHasRested) {
  ManualClock clock;
  ReplicaChoice choice(3, clock);
  choice.Away(0);
  EXPECT_THAT(choice.Order(kNone), ElementsAre(1, 2, 0));
  EXPECT_THAT(choice.Order(kNone), ElementsAre(1, 2, 0));
  EXPECT_THAT(choice.Order(kNone), ElementsAre(2, 1, 0));
  clock.Advance(absl::Milliseconds(999));
  EXPECT_THAT(choice.Order(kNone), ElementsAre(1, 2, 0));
  clock.Advance(absl::Milliseconds(1));
  EXPECT_THAT(choice.Order(kNone), ElementsAre(1, 2, 0));
  EXPECT_THAT(choice.Order(kNone), ElementsAre(2, 0, 1));
  EXPECT_THAT(choice.Order(kNone), ElementsAre(0, 1, 2));
}

TEST(ReplicaChoiceTest, RestsDoubleUpToHalfAMinuteAndEndWithAnAnswer) {
  ManualClock clock;
  ReplicaChoice choice(2, clock);
  const auto rest = [&] {  // seconds until replica 0 is in turn again
    for (int seconds = 0;; ++seconds) {
      if (choice.Order(kNone)[0] == 0 || choice.Order(kNone)[0] == 0) return seconds;
      clock.Advance(absl::Seconds(1));
    }
  };
  for (const int expected : {1, 2, 4, 8, 16, 30, 30}) {
    choice.Away(0);
    EXPECT_EQ(rest(), expected);
  }
  choice.Away(0);
  choice.Answered(0);
  EXPECT_EQ(rest(), 0);
  choice.Away(0);
  EXPECT_EQ(rest(), 1);
}

TEST(ReplicaChoiceTest, WhenAllRestTheyTakeTurns) {
  ManualClock clock;
  ReplicaChoice choice(2, clock);
  choice.Away(0);
  choice.Away(1);
  EXPECT_THAT(choice.Order(kNone), ElementsAre(0, 1));
  EXPECT_THAT(choice.Order(kNone), ElementsAre(1, 0));
}

TEST(ReplicaChoiceTest, AQuestionGoesToAnotherReplicaThanTheOneThatFailedAtIt) {
  ManualClock clock;
  ReplicaChoice choice(3, clock);
  choice.Failed(0, 77);
  const std::vector<uint64_t> again = {5, 77}, others = {5};
  EXPECT_THAT(choice.Order(again), ElementsAre(1, 2, 0));
  choice.Failed(1, 77);
  EXPECT_THAT(choice.Order(again), ElementsAre(2, 0, 1));
  EXPECT_THAT(choice.Order(others), ElementsAre(0, 1, 2));  // asking again took no turn
  EXPECT_THAT(choice.Order(again), ElementsAre(2, 1, 0));   // the turn is 1, 2, 0 now
  choice.Judged(77);
  EXPECT_THAT(choice.Order(again), ElementsAre(1, 2, 0));
  EXPECT_THAT(choice.Order(again), ElementsAre(2, 0, 1));
}

TEST(ReplicaChoiceTest, AReplicaThatIsAwayIsNoOtherReplica) {
  ManualClock clock;
  ReplicaChoice choice(2, clock);
  choice.Failed(0, 77);
  choice.Away(1);
  EXPECT_THAT(choice.Order(std::vector<uint64_t>{77}), ElementsAre(0, 1));
}

}  // namespace
}  // namespace entrain
