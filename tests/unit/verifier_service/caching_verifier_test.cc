#include "verifier/service/caching_verifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/testing/fake_verifier.h"
#include "tests/testing/scripted_verifier.h"

namespace entrain {
namespace {

using ::testing::ElementsAre;

constexpr size_t kPlenty = 1 << 20;
bool Always(const VerifyItem&) { return true; }
bool Never(const VerifyItem&) { return false; }

VerifyItem Item(const std::string& completion) {
  return {.verifier = "exact", .completion = completion, .answer = "1"};
}

Verdict One(Verifier& verifier, const VerifyItem& item, absl::Duration deadline = absl::Minutes(1)) {
  const auto verdicts = verifier.Verify(std::span(&item, 1), deadline);
  EXPECT_TRUE(verdicts.ok()) << verdicts.status();
  return verdicts.ok() && verdicts->size() == 1 ? (*verdicts)[0] : Verdict();
}

// Gives every kind by the name in the completion, and counts.
struct EachKind {
  std::atomic<int> judged = 0;
  FakeVerifier verifier{FakeVerifier::Each([this](const VerifyItem& item) {
    ++judged;
    Verdict verdict{.kind = *VerdictKindFromName(item.completion),
                    .extracted = "read",
                    .detail = absl::StrCat("judged as number ", judged.load()),
                    .seconds = 0.5};
    if (!IsOurFailure(verdict.kind)) verdict.score = verdict.kind == VerdictKind::kCorrect ? 1 : 0.25;
    return verdict;
  })};
};

TEST(CachingVerifierTest, AKeptVerdictIsTheFreshOneButForItsTime) {
  for (const std::string kind : {"correct", "wrong", "unparsable", "limit"}) {
    EachKind inner;
    CachingVerifier cache(inner.verifier, Always, kPlenty);
    const Verdict fresh = One(cache, Item(kind)), kept = One(cache, Item(kind));
    EXPECT_EQ(inner.judged, 1) << kind;
    EXPECT_EQ(fresh.seconds, 0.5);
    EXPECT_EQ(kept.seconds, 0);
    EXPECT_EQ(kept.kind, fresh.kind);
    EXPECT_EQ(kept.score, fresh.score);
    EXPECT_EQ(kept.extracted, fresh.extracted);
    EXPECT_EQ(kept.detail, fresh.detail);
    EXPECT_EQ(cache.Stats().hits, 1);
    EXPECT_EQ(cache.Stats().misses, 1);
    EXPECT_EQ(cache.Stats().entries, 1);
  }
}

TEST(CachingVerifierTest, OurFailuresAreNeverKept) {
  for (const std::string kind : {"timeout", "error"}) {
    EachKind inner;
    CachingVerifier cache(inner.verifier, Always, kPlenty);
    One(cache, Item(kind));
    One(cache, Item(kind));
    EXPECT_EQ(inner.judged, 2) << kind;
    EXPECT_EQ(cache.Stats().entries, 0);
  }
}

TEST(CachingVerifierTest, AFailedCallIsPassedOnAndTheNextOneJudges) {
  int calls = 0;
  FakeVerifier away([&](std::span<const VerifyItem>, absl::Duration) -> absl::StatusOr<std::vector<Verdict>> {
    if (++calls == 1) return absl::UnavailableError("away");
    return std::vector<Verdict>{{.kind = VerdictKind::kCorrect, .score = 1.0}};
  });
  CachingVerifier cache(away, Always, kPlenty);
  const VerifyItem item = Item("correct");
  EXPECT_TRUE(absl::IsUnavailable(cache.Verify(std::span(&item, 1), absl::Minutes(1)).status()));
  EXPECT_EQ(One(cache, item).kind, VerdictKind::kCorrect);
}

TEST(CachingVerifierTest, WhatMayNotBeKeptIsJudgedEveryTime) {
  EachKind inner;
  CachingVerifier cache(inner.verifier, Never, kPlenty);
  One(cache, Item("correct"));
  One(cache, Item("correct"));
  EXPECT_EQ(inner.judged, 2);
  EXPECT_EQ(cache.Stats().misses, 2);
}

TEST(CachingVerifierTest, EveryPartOfTheQuestionCounts) {
  ScriptedVerifier inner;
  CachingVerifier cache(inner, Always, kPlenty);
  const std::vector<VerifyItem> questions = {
      {.verifier = "exact", .completion = "ab", .answer = "c"},
      {.verifier = "exact", .completion = "a", .answer = "bc"},  // the same bytes, cut elsewhere
      {.verifier = "exact", .completion = "ab", .answer = "c", .options_json = R"({"trim": false})"},
      {.verifier = "math", .completion = "ab", .answer = "c"},
      {.verifier = "exact", .completion = "ab", .answer = "d"},
      {.verifier = "exact", .completion = "", .answer = "abc"}};
  for (int round = 0; round < 2; ++round) {
    for (const VerifyItem& question : questions) One(cache, question);
  }
  EXPECT_EQ(inner.begun().size(), questions.size());
  // How long the item may take is not part of the question.
  VerifyItem hasty = questions[0];
  hasty.timeout = absl::Seconds(30);
  One(cache, hasty);
  EXPECT_EQ(inner.begun().size(), questions.size());
}

TEST(CachingVerifierTest, HoldsItsBytesAndForgetsWhatWasAskedLeastRecently) {
  ScriptedVerifier inner;
  // An entry is 300 bytes and "extracted", which is the completion here: 302 bytes; room for three.
  CachingVerifier cache(inner, Always, 3 * 302);
  for (const char* completion : {"c1", "c2", "c3"}) One(cache, Item(completion));
  One(cache, Item("c1"));  // c2 is now the oldest
  One(cache, Item("c4"));
  EXPECT_EQ(cache.Stats().evictions, 1);
  EXPECT_EQ(cache.Stats().entries, 3);
  EXPECT_EQ(cache.Stats().bytes, 3 * 302);
  for (const char* completion : {"c1", "c3", "c4", "c2"}) One(cache, Item(completion));
  EXPECT_THAT(inner.begun(), ElementsAre("c1", "c2", "c3", "c4", "c2"));
  One(cache, Item(std::string(2000, 'x')));  // larger than the whole cache: not kept, and nothing is lost
  EXPECT_EQ(cache.Stats().entries, 3);
}

TEST(CachingVerifierTest, OneQuestionAskedByManyAtOnceIsJudgedOnce) {
  ScriptedVerifier inner;
  inner.Hold();
  CachingVerifier cache(inner, Always, kPlenty);
  std::vector<std::future<Verdict>> asked;
  for (int i = 0; i < 4; ++i)
    asked.push_back(std::async(std::launch::async, [&] { return One(cache, Item("1")); }));
  inner.AwaitBegun(1);
  EXPECT_EQ(One(cache, Item("1"), absl::Milliseconds(10)).kind, VerdictKind::kTimeout);
  std::stop_source stop;
  stop.request_stop();
  const VerifyItem item = Item("1");
  EXPECT_TRUE(
      absl::IsCancelled(cache.Verify(std::span(&item, 1), {absl::Minutes(1), stop.get_token()}).status()));
  inner.Release();
  for (auto& one : asked) EXPECT_EQ(one.get().kind, VerdictKind::kCorrect);
  EXPECT_EQ(inner.begun().size(), 1u);
}

TEST(CachingVerifierTest, WhoeverWaitedForAFailureJudgesItself) {
  std::promise<void> failed;
  std::atomic<int> calls = 0;
  std::promise<void> begun;
  FakeVerifier inner([&](std::span<const VerifyItem>, absl::Duration) {
    if (++calls > 1) return std::vector<Verdict>{{.kind = VerdictKind::kCorrect, .score = 1.0}};
    begun.set_value();
    failed.get_future().wait();
    return std::vector<Verdict>{{.kind = VerdictKind::kTimeout}};
  });
  CachingVerifier cache(inner, Always, kPlenty);
  auto first = std::async(std::launch::async, [&] { return One(cache, Item("1")).kind; });
  begun.get_future().wait();
  auto second = std::async(std::launch::async, [&] { return One(cache, Item("1")).kind; });
  failed.set_value();
  EXPECT_EQ(first.get(), VerdictKind::kTimeout);
  EXPECT_EQ(second.get(), VerdictKind::kCorrect);
}

TEST(CachingVerifierTest, WhatALimitOfTimeDecidedIsNotKept) {
  std::atomic<int> calls = 0;
  FakeVerifier inner([&](std::span<const VerifyItem>, absl::Duration) {
    ++calls;
    return std::vector<Verdict>{{.kind = VerdictKind::kLimit, .score = 0.0, .timed = true}};
  });
  CachingVerifier cache(inner, Always, kPlenty);
  One(cache, Item("1"));
  One(cache, Item("1"));
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(cache.Stats().entries, 0);
}

TEST(CachingVerifierTest, MayBeAskedFromManyThreads) {
  ScriptedVerifier inner;
  CachingVerifier cache(inner, Always, 20 * 301);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < 300; ++i) {
          const std::string completion(1, static_cast<char>('0' + (i * (t + 1)) % 40));
          EXPECT_EQ(One(cache, Item(completion)).extracted, completion);
        }
      });
    }
  }
  const VerdictCacheStats stats = cache.Stats();
  EXPECT_EQ(stats.hits + stats.misses, 1200);
  EXPECT_LE(stats.bytes, 20 * 301);
}

}  // namespace
}  // namespace entrain
