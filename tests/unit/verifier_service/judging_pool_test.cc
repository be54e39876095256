#include "verifier/service/judging_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/clock.h"
#include "tests/testing/fake_verifier.h"
#include "tests/testing/scripted_verifier.h"

namespace entrain {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Answer = absl::StatusOr<std::vector<Verdict>>;

std::vector<VerifyItem> Items(const std::string& name, int count) {
  std::vector<VerifyItem> items;
  for (int i = 0; i < count; ++i)
    items.push_back({.verifier = "exact", .completion = absl::StrCat(name, i), .answer = "a0"});
  return items;
}

struct Asked {
  std::future<Answer> answer;
  absl::StatusOr<JudgingPool::Ticket> ticket;
};

Asked Ask(JudgingPool& pool, const std::string& client, std::vector<VerifyItem> items,
          absl::Duration deadline = absl::Minutes(1)) {
  auto promise = std::make_shared<std::promise<Answer>>();
  auto ticket = pool.Submit(client, std::move(items), deadline,
                            [promise](Answer answer) { promise->set_value(std::move(answer)); });
  return {.answer = promise->get_future(), .ticket = std::move(ticket)};
}

std::vector<std::string> Kinds(const Answer& answer) {
  if (!answer.ok()) return {answer.status().ToString()};
  std::vector<std::string> kinds;
  for (const Verdict& verdict : *answer) kinds.emplace_back(VerdictKindName(verdict.kind));
  return kinds;
}

bool IsReady(const std::future<Answer>& answer) {
  return answer.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

double Seconds(absl::Duration begin) { return absl::ToDoubleSeconds(Clock::Real().Monotonic() - begin); }

TEST(JudgingPoolTest, VerdictsComeInTheOrderOfTheItemsWhateverTheThreads) {
  ScriptedVerifier verifier;
  for (const size_t threads : {1, 4}) {
    JudgingPool pool({.threads = threads}, verifier);
    const Answer answer = Ask(pool, "a", Items("a", 100)).answer.get();
    ASSERT_TRUE(answer.ok()) << answer.status();
    ASSERT_EQ(answer->size(), 100u);
    for (int i = 0; i < 100; ++i) {
      EXPECT_EQ((*answer)[i].extracted, absl::StrCat("a", i));
      EXPECT_EQ((*answer)[i].kind, i == 0 ? VerdictKind::kCorrect : VerdictKind::kWrong);
    }
  }
}

TEST(JudgingPoolTest, ClientsTakeTurnsAndTheBatchesOfOneGoInOrder) {
  ScriptedVerifier verifier;
  verifier.Hold();
  JudgingPool pool({.threads = 1}, verifier);
  std::vector<Asked> asked;
  asked.push_back(Ask(pool, "first", Items("x", 1)));  // keeps the only thread busy while the others come
  verifier.AwaitBegun(1);
  asked.push_back(Ask(pool, "a", Items("a", 4)));
  asked.push_back(Ask(pool, "b", Items("b", 1)));
  asked.push_back(Ask(pool, "a", Items("A", 1)));
  asked.push_back(Ask(pool, "c", Items("c", 2)));
  asked.push_back(Ask(pool, "b", Items("B", 1)));
  EXPECT_EQ(pool.Stats().items_waiting, 9);
  EXPECT_EQ(pool.Stats().clients_waiting, 3);
  EXPECT_EQ(pool.Stats().items_running, 1);
  verifier.Release();
  for (Asked& one : asked) EXPECT_TRUE(one.answer.get().ok());
  EXPECT_THAT(verifier.begun(), ElementsAre("x0", "a0", "b0", "c0", "a1", "B0", "c1", "a2", "a3", "A0"));
  const JudgingPoolStats stats = pool.Stats();
  EXPECT_EQ(stats.items_waiting + stats.bytes_waiting + stats.clients_waiting, 0);
  EXPECT_EQ(stats.batches_answered, 6);
}

TEST(JudgingPoolTest, AClientWithThousandsOfItemsDoesNotHoldUpOneWithASingleItem) {
  std::atomic<int> judged = 0;
  std::promise<void> small_is_there;
  FakeVerifier verifier(
      FakeVerifier::Each([&, there = small_is_there.get_future().share()](const VerifyItem& item) {
        if (++judged == 1) there.wait();
        return Verdict{.kind = VerdictKind::kCorrect, .score = 1.0, .extracted = item.completion};
      }));
  JudgingPool pool({.threads = 1}, verifier);
  Asked large = Ask(pool, "large", Items("l", 4096));
  int judged_before = -1;
  std::promise<void> answered;
  ASSERT_TRUE(pool.Submit("small", Items("s", 1), absl::Minutes(1),
                          [&](const Answer&) {
                            judged_before = judged;
                            answered.set_value();
                          })
                  .ok());
  small_is_there.set_value();
  answered.get_future().wait();
  EXPECT_LE(judged_before, 3);  // the one that ran, one of the large client's turns, and this one
  EXPECT_TRUE(large.answer.get().ok());
}

TEST(JudgingPoolTest, ABatchIsTakenWholeOrNotAtAll) {
  ScriptedVerifier verifier;
  verifier.Hold();
  JudgingPool pool({.threads = 1, .max_items = 12}, verifier);
  Asked running = Ask(pool, "a", Items("r", 1));
  verifier.AwaitBegun(1);
  Asked first = Ask(pool, "a", Items("a", 5));
  ASSERT_TRUE(first.ticket.ok());
  // 5 wait, room for 7: the client may have 7 waiting, so two more fit and three do not.
  Asked refused = Ask(pool, "a", Items("b", 3));
  EXPECT_EQ(refused.ticket.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(refused.ticket.status().message()), HasSubstr("5 items of 1 clients wait"));
  EXPECT_TRUE(Ask(pool, "a", Items("c", 1)).ticket.ok());
  // 6 of 12 are taken: nothing more of this client, while another still has all the room that is left.
  EXPECT_FALSE(Ask(pool, "a", Items("d", 1)).ticket.ok());
  EXPECT_FALSE(Ask(pool, "other", Items("d", 7)).ticket.ok());
  EXPECT_TRUE(Ask(pool, "other", Items("o", 6)).ticket.ok());
  EXPECT_EQ(pool.Stats().batches_refused, 3);
  EXPECT_EQ(pool.Stats().items_waiting, 12);
  verifier.Release();
  EXPECT_TRUE(first.answer.get().ok());
  pool.Close();
  for (const std::string& judged : verifier.begun()) EXPECT_NE(judged[0], 'd');
}

TEST(JudgingPoolTest, TheBytesThatWaitAreBoundedToo) {
  ScriptedVerifier verifier;
  verifier.Hold();
  JudgingPool pool({.threads = 1, .max_bytes = 10'000}, verifier);
  Asked running = Ask(pool, "a", Items("r", 1));
  verifier.AwaitBegun(1);
  const auto sized = [](size_t bytes) {
    return std::vector<VerifyItem>{{.completion = std::string(bytes - 2, 'x')}};  // and "{}"
  };
  EXPECT_EQ(Ask(pool, "a", sized(10'001)).ticket.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(Ask(pool, "a", sized(6'000)).ticket.ok());
  EXPECT_EQ(pool.Stats().bytes_waiting, 6'000);
  EXPECT_FALSE(Ask(pool, "b", sized(4'001)).ticket.ok());
  EXPECT_TRUE(Ask(pool, "b", sized(4'000)).ticket.ok());
  verifier.Release();
}

TEST(JudgingPoolTest, TheBytesOfABatchAreHeldUntilItsLastItemBegins) {
  ScriptedVerifier verifier;
  verifier.Hold();
  JudgingPool pool({.threads = 1, .max_bytes = 10'000}, verifier);
  std::vector<VerifyItem> items(2);
  items[0].completion = std::string(7'000 - 2, 'x');  // and "{}"
  items[1].completion = std::string(1'000 - 2, 'y');
  Asked asked = Ask(pool, "a", items);
  verifier.AwaitBegun(1);
  EXPECT_EQ(pool.Stats().items_waiting, 1);
  EXPECT_EQ(pool.Stats().bytes_waiting, 8'000);
  EXPECT_FALSE(Ask(pool, "b", {{.completion = std::string(2'001, 'x')}}).ticket.ok());
  verifier.Release();
  EXPECT_TRUE(asked.answer.get().ok());
  EXPECT_EQ(pool.Stats().bytes_waiting, 0);
}

TEST(JudgingPoolTest, WhatCannotBeginBeforeItsDeadlineIsTimeoutThenAlthoughNoThreadIsFree) {
  ScriptedVerifier verifier;
  verifier.HoldDeaf();
  JudgingPool pool({.threads = 1}, verifier);
  Asked busy = Ask(pool, "a", Items("r", 1));
  verifier.AwaitBegun(1);
  const absl::Duration begin = Clock::Real().Monotonic();
  std::vector<VerifyItem> items = Items("i", 3);
  items[1].timeout = absl::Milliseconds(5);
  Asked late = Ask(pool, "a", items, absl::Milliseconds(30));
  const Answer answer = late.answer.get();
  EXPECT_GE(Seconds(begin), 0.030);
  EXPECT_THAT(Kinds(answer), ElementsAre("timeout", "timeout", "timeout"));
  for (const Verdict& verdict : *answer) {
    EXPECT_FALSE(verdict.score.has_value());
    EXPECT_EQ(verdict.detail, "the deadline passed before this item was judged");
  }
  EXPECT_FALSE(IsReady(busy.answer));
  EXPECT_EQ(pool.Stats().items_waiting, 0);
  verifier.Release();
  EXPECT_TRUE(busy.answer.get().ok());
  EXPECT_EQ(verifier.begun().size(), 1u);  // nobody judged for nothing
}

TEST(JudgingPoolTest, WhatRunsAtItsDeadlineIsStoppedAndTheRestOfTheBatchIsJudged) {
  ScriptedVerifier verifier;
  JudgingPool pool({.threads = 1}, verifier);
  std::vector<VerifyItem> items = Items("a", 2);
  absl::Duration time = absl::Milliseconds(50);
  Answer answer;
  do {  // with more time, until the thread began before the time was over
    verifier.Hold();
    const size_t begun = verifier.begun().size();
    items[0].timeout = time;
    Asked asked = Ask(pool, "a", items);
    verifier.AwaitBegun(begun + 1);
    // The hold ends for the first item when it is stopped; the second one waits for the release.
    if (verifier.begun().back() == "a0") verifier.AwaitStopped(1);
    verifier.Release();
    answer = asked.answer.get();
    EXPECT_THAT(Kinds(answer), ElementsAre("timeout", "wrong"));
    time *= 2;
  } while (verifier.stopped() == 0);
  EXPECT_EQ((*answer)[0].detail, "the deadline passed while this item was judged");
  EXPECT_GT((*answer)[0].seconds, 0);
}

TEST(JudgingPoolTest, AJudgeThatIsDeafAtItsDeadlineIsNotListenedToLater) {
  ScriptedVerifier verifier;
  verifier.HoldDeaf();
  JudgingPool pool({.threads = 1}, verifier);
  // With more time, until the thread began before the time was over.
  for (absl::Duration time = absl::Milliseconds(50); verifier.begun().empty(); time *= 2)
    EXPECT_THAT(Kinds(Ask(pool, "a", Items("a", 1), time).answer.get()), ElementsAre("timeout"));
  EXPECT_EQ(pool.Stats().items_running, 1);
  verifier.Release();
  EXPECT_THAT(Kinds(Ask(pool, "a", Items("a", 1)).answer.get()), ElementsAre("correct"));
}

TEST(JudgingPoolTest, TheVerifierIsToldWhatTheItemHasLeft) {
  ScriptedVerifier verifier;
  JudgingPool pool({.threads = 1}, verifier);
  std::vector<VerifyItem> items = Items("a", 1);
  items[0].timeout = absl::Minutes(20);
  EXPECT_TRUE(Ask(pool, "a", items, absl::Minutes(60)).answer.get().ok());
  EXPECT_LE(verifier.last_deadline(), absl::Minutes(20));
  EXPECT_GT(verifier.last_deadline(), absl::Minutes(10));
}

TEST(JudgingPoolTest, CancellingDropsWhatWaitsAndStopsWhatRuns) {
  ScriptedVerifier verifier;
  verifier.Hold();
  JudgingPool pool({.threads = 2}, verifier);
  Asked cancelled = Ask(pool, "a", Items("a", 10));
  Asked other = Ask(pool, "b", Items("b", 1));
  verifier.AwaitBegun(2);
  pool.Cancel(*cancelled.ticket);
  EXPECT_TRUE(absl::IsCancelled(cancelled.answer.get().status()));
  verifier.AwaitStopped(1);
  verifier.Release();
  EXPECT_TRUE(other.answer.get().ok());
  pool.Cancel(*cancelled.ticket);  // nothing is left to cancel
  pool.Close();
  EXPECT_LE(verifier.begun().size(), 3u);
  EXPECT_EQ(pool.Stats().batches_cancelled, 1);
  EXPECT_EQ(pool.Stats().items_waiting, 0);
}

TEST(JudgingPoolTest, AnAnsweredBatchCannotBeCancelled) {
  ScriptedVerifier verifier;
  JudgingPool pool({.threads = 1}, verifier);
  Asked asked = Ask(pool, "a", Items("a", 1));
  EXPECT_THAT(Kinds(asked.answer.get()), ElementsAre("correct"));
  pool.Cancel(*asked.ticket);
  EXPECT_EQ(pool.Stats().batches_cancelled, 0);
}

TEST(JudgingPoolTest, ADrainFinishesWhatIsThereAndRefusesTheRest) {
  ScriptedVerifier verifier;
  verifier.Hold();
  JudgingPool pool({.threads = 1}, verifier);
  Asked asked = Ask(pool, "a", Items("a", 3));
  verifier.AwaitBegun(1);
  pool.Drain(absl::Minutes(1));
  EXPECT_TRUE(absl::IsUnavailable(Ask(pool, "a", Items("a", 1)).ticket.status()));
  verifier.Release();
  EXPECT_THAT(Kinds(asked.answer.get()), ElementsAre("correct", "wrong", "wrong"));
}

TEST(JudgingPoolTest, ADrainThatTakesTooLongAnswersTimeout) {
  ScriptedVerifier verifier;
  verifier.Hold();
  JudgingPool pool({.threads = 1}, verifier);
  Asked asked = Ask(pool, "a", Items("a", 3));
  verifier.AwaitBegun(1);
  pool.Drain(absl::Milliseconds(10));
  const Answer answer = asked.answer.get();
  EXPECT_THAT(Kinds(answer), ElementsAre("timeout", "timeout", "timeout"));
  EXPECT_EQ((*answer)[0].detail, "the verifier stopped while this item was judged");
  EXPECT_EQ((*answer)[2].detail, "the verifier stopped before this item was judged");
  pool.Close();
}

TEST(JudgingPoolTest, ClosingAnswersEveryBatch) {
  ScriptedVerifier verifier;
  verifier.Hold();
  std::vector<Asked> asked;
  {
    JudgingPool pool({.threads = 2}, verifier);
    for (int i = 0; i < 5; ++i) asked.push_back(Ask(pool, absl::StrCat(i), Items("a", 3)));
  }
  for (Asked& one : asked) {
    ASSERT_TRUE(IsReady(one.answer));
    EXPECT_EQ(Kinds(one.answer.get()).size(), 3u);
  }
}

TEST(JudgingPoolTest, AVerifierThatBreaksTheContractIsOurError) {
  FakeVerifier silent([](std::span<const VerifyItem>, absl::Duration) { return std::vector<Verdict>(); });
  FakeVerifier away([](std::span<const VerifyItem>, absl::Duration) {
    return absl::StatusOr<std::vector<Verdict>>(absl::UnavailableError("nobody there"));
  });
  JudgingPool first({.threads = 1}, silent), second({.threads = 1}, away);
  EXPECT_THAT(Kinds(Ask(first, "a", Items("a", 1)).answer.get()), ElementsAre("error"));
  const Answer answer = Ask(second, "a", Items("a", 1)).answer.get();
  EXPECT_THAT(Kinds(answer), ElementsAre("error"));
  EXPECT_EQ((*answer)[0].detail, "nobody there");
  EXPECT_TRUE(absl::IsInvalidArgument(Ask(first, "a", {}).ticket.status()));
}

TEST(JudgingPoolTest, TellsOfEveryAnsweredBatchAndOfNoCancelledOne) {
  ScriptedVerifier verifier;
  std::atomic<int> told = 0;
  JudgingPool pool({.threads = 2,
                    .answered =
                        [&](std::span<const VerifyItem> items, std::span<const Verdict> verdicts) {
                          EXPECT_EQ(items.size(), verdicts.size());
                          told += static_cast<int>(items.size());
                        }},
                   verifier);
  EXPECT_TRUE(Ask(pool, "a", Items("a", 7)).answer.get().ok());
  EXPECT_EQ(told, 7);
  verifier.Hold();
  Asked cancelled = Ask(pool, "a", Items("a", 7));
  pool.Cancel(*cancelled.ticket);
  EXPECT_FALSE(cancelled.answer.get().ok());
  pool.Close();
  EXPECT_EQ(told, 7);
}

// What ThreadSanitizer looks at: everything at once.
TEST(JudgingPoolTest, EveryBatchIsAnsweredOnceInATurmoil) {
  std::atomic<int> n = 0;
  FakeVerifier verifier(FakeVerifier::Each([&](const VerifyItem& item) {
    if (++n % 16 == 0) std::this_thread::sleep_for(std::chrono::microseconds(200));
    return Verdict{.kind = VerdictKind::kCorrect, .score = 1.0, .extracted = item.completion};
  }));
  JudgingPool pool({.threads = 3, .max_items = 200}, verifier);
  std::atomic<int> taken = 0, answered = 0, refused = 0;
  std::vector<std::jthread> callers;
  for (int c = 0; c < 4; ++c) {
    callers.emplace_back([&, c] {
      for (int i = 0; i < 100; ++i) {
        const absl::Duration deadline = i % 5 == 0 ? absl::Microseconds(100) : absl::Seconds(30);
        const auto ticket =
            pool.Submit(absl::StrCat("c", c), Items("t", 1 + i % 20), deadline, [&](const Answer& answer) {
              ++answered;
              EXPECT_THAT(answer.status().code(), AnyOf(absl::StatusCode::kOk, absl::StatusCode::kCancelled));
            });
        ++(ticket.ok() ? taken : refused);
        if (ticket.ok() && i % 7 == 0) pool.Cancel(*ticket);
        if (c == 0 && i == 90) pool.Drain(absl::Milliseconds(1));
      }
    });
  }
  callers.clear();
  pool.Close();
  EXPECT_EQ(answered, taken);
  EXPECT_EQ(taken + refused, 400);
  const JudgingPoolStats stats = pool.Stats();
  EXPECT_EQ(stats.batches_answered + stats.batches_cancelled, taken);
  EXPECT_EQ(stats.batches_refused, refused);
  EXPECT_EQ(stats.items_waiting + stats.items_running + stats.bytes_waiting + stats.clients_waiting, 0);
}

}  // namespace
}  // namespace entrain
