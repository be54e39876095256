#include "trajectory/prompt_ledger.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/rng.h"

namespace entrain {
namespace {

constexpr absl::Duration kStart = absl::ZeroDuration();

PromptLedger Ledger(int32_t prompts, std::string incarnation = "one") {
  return PromptLedger(
      {.incarnation = std::move(incarnation), .prompts_per_step = prompts, .lease_time = absl::Seconds(10)});
}

TEST(PromptLedgerTest, LeasesTheStepsPositionsOnceAndInOrder) {
  PromptLedger ledger = Ledger(3);
  EXPECT_FALSE(ledger.Lease("w", kStart).has_value());  // nothing is open
  ledger.Open(5, 100);
  std::set<std::string> ids;
  for (const int64_t ordinal : {100, 101, 102}) {
    const auto grant = ledger.Lease("w", kStart);
    ASSERT_TRUE(grant.has_value());
    EXPECT_EQ(grant->ordinal, ordinal);
    EXPECT_EQ(grant->step, 5);
    ids.insert(grant->lease_id);
  }
  EXPECT_EQ(ids.size(), 3u);
  EXPECT_FALSE(ledger.Lease("w", kStart).has_value());
  EXPECT_EQ(ledger.active_leases(), 3);
}

TEST(PromptLedgerTest, AcceptsEachPositionOnce) {
  PromptLedger ledger = Ledger(1);
  ledger.Open(0, 0);
  const auto grant = ledger.Lease("w", kStart);
  EXPECT_FALSE(ledger.Complete());
  EXPECT_EQ(ledger.Submit(grant->lease_id, 0, 0), SubmitResult::kAccepted);
  EXPECT_TRUE(ledger.Complete());
  EXPECT_EQ(ledger.Submit(grant->lease_id, 0, 0), SubmitResult::kDuplicate);
  EXPECT_EQ(ledger.active_leases(), 0);
}

TEST(PromptLedgerTest, ALeaseThatIsNotRenewedGoesToTheNextWorker) {
  PromptLedger ledger = Ledger(1);
  ledger.Open(0, 0);
  const auto first = ledger.Lease("w1", kStart);
  EXPECT_EQ(ledger.Expire(kStart + absl::Seconds(9.9)), 0);
  EXPECT_TRUE(ledger.Renew(first->lease_id, kStart + absl::Seconds(9.9)));
  EXPECT_EQ(ledger.Expire(kStart + absl::Seconds(19.8)), 0);
  EXPECT_EQ(ledger.Expire(kStart + absl::Seconds(19.9)), 1);
  EXPECT_FALSE(ledger.Renew(first->lease_id, kStart + absl::Seconds(20)));
  const auto second = ledger.Lease("w2", kStart + absl::Seconds(20));
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->ordinal, 0);
  EXPECT_NE(second->lease_id, first->lease_id);
}

TEST(PromptLedgerTest, LateWorkIsTakenWhileNobodyElseWasFirst) {
  PromptLedger ledger = Ledger(1);
  ledger.Open(0, 0);
  const auto first = ledger.Lease("w1", kStart);
  ledger.Expire(kStart + absl::Seconds(11));
  const auto second = ledger.Lease("w2", kStart + absl::Seconds(11));
  EXPECT_EQ(ledger.Submit(first->lease_id, 0, 0), SubmitResult::kAccepted);
  EXPECT_EQ(ledger.Submit(second->lease_id, 0, 0), SubmitResult::kDuplicate);
}

// Regression: the position used to be leased a third time when the second lease ended without a submission.
TEST(PromptLedgerTest, APositionThatIsDoneIsNeverLeasedAgain) {
  for (const bool returned : {true, false}) {
    PromptLedger ledger = Ledger(2);
    ledger.Open(0, 0);
    const auto first = ledger.Lease("w1", kStart);
    ledger.Expire(kStart + absl::Seconds(11));
    const auto second = ledger.Lease("w2", kStart + absl::Seconds(11));
    ASSERT_EQ(second->ordinal, 0);
    EXPECT_EQ(ledger.Submit(first->lease_id, 0, 0), SubmitResult::kAccepted);
    if (returned) {
      EXPECT_TRUE(ledger.Return(second->lease_id));
    } else {
      EXPECT_EQ(ledger.Expire(kStart + absl::Seconds(30)), 1);
    }
    EXPECT_EQ(ledger.Lease("w3", kStart + absl::Seconds(30))->ordinal, 1);
    EXPECT_FALSE(ledger.Lease("w3", kStart + absl::Seconds(30)).has_value());
  }
}

// Regression: a submission that named another position's lease used to take that position out of the step for
// ever, and the step never completed.
TEST(PromptLedgerTest, ALeaseOfOtherWorkAnswersForNothing) {
  PromptLedger ledger = Ledger(2);
  ledger.Open(0, 0);
  const auto zero = ledger.Lease("w1", kStart);
  const auto one = ledger.Lease("w2", kStart);
  EXPECT_EQ(ledger.Submit(one->lease_id, 0, 0), SubmitResult::kExpired);
  EXPECT_EQ(ledger.Submit(zero->lease_id, 0, 0), SubmitResult::kAccepted);
  EXPECT_EQ(ledger.Submit(one->lease_id, 0, 0), SubmitResult::kExpired);
  EXPECT_EQ(ledger.active_leases(), 1);
  EXPECT_EQ(ledger.Submit(one->lease_id, 0, 1), SubmitResult::kAccepted);
  EXPECT_TRUE(ledger.Complete());
}

TEST(PromptLedgerTest, AReturnedLeaseIsFreeAtOnce) {
  PromptLedger ledger = Ledger(2);
  ledger.Open(0, 0);
  const auto first = ledger.Lease("w1", kStart);
  EXPECT_TRUE(ledger.Return(first->lease_id));
  EXPECT_FALSE(ledger.Return(first->lease_id));
  EXPECT_EQ(ledger.Lease("w2", kStart)->ordinal, 0);
}

TEST(PromptLedgerTest, AWorkerThatStartsAnewGivesBackOnlyItsOwnLeases) {
  PromptLedger ledger = Ledger(3);
  ledger.Open(0, 0);
  const auto mine = ledger.Lease("w1", kStart);
  const auto others = ledger.Lease("w2", kStart);
  const auto done = ledger.Lease("w1", kStart);
  ledger.Submit(done->lease_id, 0, done->ordinal);
  EXPECT_EQ(ledger.ReturnAllOf("w1"), 1);
  EXPECT_FALSE(ledger.Renew(mine->lease_id, kStart));
  EXPECT_TRUE(ledger.Renew(others->lease_id, kStart));
  EXPECT_EQ(ledger.Lease("w3", kStart)->ordinal, mine->ordinal);
  EXPECT_FALSE(ledger.Lease("w3", kStart).has_value());
}

TEST(PromptLedgerTest, TakesNothingForAnotherStepOrPosition) {
  PromptLedger ledger = Ledger(2);
  ledger.Open(3, 6);
  const auto grant = ledger.Lease("w", kStart);
  EXPECT_EQ(ledger.Submit(grant->lease_id, 2, 6), SubmitResult::kExpired);
  EXPECT_EQ(ledger.Submit(grant->lease_id, 4, 6), SubmitResult::kExpired);
  EXPECT_EQ(ledger.Submit(grant->lease_id, 3, 5), SubmitResult::kExpired);
  EXPECT_EQ(ledger.Submit(grant->lease_id, 3, 8), SubmitResult::kExpired);
  ledger.End();
  EXPECT_EQ(ledger.Submit(grant->lease_id, 3, 6), SubmitResult::kExpired);
}

TEST(PromptLedgerTest, LeasesDieWithTheLearner) {
  PromptLedger before = Ledger(1, "one"), after = Ledger(1, "two");
  before.Open(0, 0);
  after.Open(0, 0);
  const auto old = before.Lease("w", kStart);
  EXPECT_EQ(after.Submit(old->lease_id, 0, 0), SubmitResult::kExpired);
  EXPECT_FALSE(after.Renew(old->lease_id, kStart));
  const auto fresh = after.Lease("w", kStart);
  EXPECT_NE(fresh->lease_id, old->lease_id);
  EXPECT_EQ(after.Submit(fresh->lease_id, 0, 0), SubmitResult::kAccepted);
}

TEST(PromptLedgerTest, LeaseIdsNeverRepeatAcrossSteps) {
  PromptLedger ledger = Ledger(2);
  std::set<std::string> ids;
  for (int64_t step = 0; step < 10; ++step) {
    ledger.Open(step, step * 2);
    ids.insert(ledger.Lease("w", kStart)->lease_id);
    ids.insert(ledger.Lease("w", kStart)->lease_id);
  }
  EXPECT_EQ(ids.size(), 20u);
}

TEST(PromptLedgerTest, AReplacedPositionMakesThePrefixOneLonger) {
  PromptLedger ledger = Ledger(2);
  ledger.Open(0, 10);
  const auto zero = ledger.Lease("w", kStart);
  const auto one = ledger.Lease("w", kStart);
  ledger.Replace(10);  // not done: nothing to replace
  EXPECT_EQ(ledger.end(), 12);
  ledger.Submit(zero->lease_id, 0, 10);
  ledger.Replace(10);
  EXPECT_EQ(ledger.end(), 13);
  ledger.Submit(one->lease_id, 0, 11);
  EXPECT_FALSE(ledger.Complete());
  const auto two = ledger.Lease("w", kStart);
  ASSERT_TRUE(two.has_value());
  EXPECT_EQ(two->ordinal, 12);
  ledger.Submit(two->lease_id, 0, 12);
  EXPECT_TRUE(ledger.Complete());
}

// Any interleaving of leases, renewals, returns, expiries and repeated, late or misdirected submissions: no
// position is accepted twice, none is lost, two live leases never hold one position, and the prefix that a
// step ends with is the shortest that holds P usable positions.
TEST(PromptLedgerTest, KeepsItsPromisesUnderRandomInterleavings) {
  constexpr int32_t kPrompts = 4;
  const auto unusable = [](int64_t ordinal) { return ordinal % 5 == 2; };
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const Rng rng({.seed = seed, .purpose = RngPurpose::kData});
    uint64_t draw = 0;
    const auto below = [&](uint64_t bound) { return rng.Below(bound, draw++); };
    PromptLedger ledger = Ledger(kPrompts);
    absl::Duration now = kStart;
    int64_t begin = 0;
    std::vector<PromptLedger::Grant> granted;  // of all steps
    for (int64_t step = 0; step < 3; ++step) {
      ledger.Open(step, begin);
      std::set<int64_t> accepted;
      std::map<int64_t, std::pair<std::string, absl::Duration>> holder;  // by position
      int turns = 0;
      while (!ledger.Complete()) {
        ASSERT_LT(++turns, 10000) << "the step never completes; seed " << seed;
        now += absl::Milliseconds(static_cast<int64_t>(below(2000)));
        const auto& some = granted.empty() ? PromptLedger::Grant{} : granted[below(granted.size())];
        switch (below(6)) {
          case 0:
          case 1: {
            const auto grant = ledger.Lease("w", now);
            if (!grant.has_value()) break;
            ASSERT_FALSE(accepted.contains(grant->ordinal));
            ASSERT_FALSE(holder.contains(grant->ordinal)) << "held twice; seed " << seed;
            holder[grant->ordinal] = {grant->lease_id, now + absl::Seconds(10)};
            granted.push_back(*grant);
            break;
          }
          case 2:
            for (auto at = holder.begin(); at != holder.end();)
              at = at->second.second <= now ? holder.erase(at) : std::next(at);
            ledger.Expire(now);
            break;
          case 3:
            if (ledger.Return(some.lease_id)) holder.erase(some.ordinal);
            break;
          case 4:
            if (ledger.Renew(some.lease_id, now)) holder.at(some.ordinal).second = now + absl::Seconds(10);
            break;
          default: {
            // Now and then under another position's lease.
            const int64_t ordinal = below(8) == 0 ? some.ordinal + 1 : some.ordinal;
            const SubmitResult result = ledger.Submit(some.lease_id, some.step, ordinal);
            if (const auto at = holder.find(ordinal);
                result != SubmitResult::kExpired && at != holder.end() && at->second.first == some.lease_id) {
              holder.erase(at);
            }
            if (result != SubmitResult::kAccepted) break;
            ASSERT_EQ(some.step, step);
            ASSERT_TRUE(accepted.insert(ordinal).second) << "accepted twice; seed " << seed;
            if (unusable(ordinal)) ledger.Replace(ordinal);
          }
        }
        ASSERT_EQ(ledger.active_leases(), static_cast<int64_t>(holder.size())) << "seed " << seed;
      }
      int64_t end = begin;
      for (int32_t usable = 0; usable < kPrompts; ++end) usable += unusable(end) ? 0 : 1;
      EXPECT_EQ(ledger.end(), end) << "seed " << seed;
      for (int64_t ordinal = begin; ordinal < end; ++ordinal) EXPECT_TRUE(accepted.contains(ordinal));
      EXPECT_EQ(static_cast<int64_t>(accepted.size()), end - begin);
      begin = end;
    }
  }
}

}  // namespace
}  // namespace entrain
