#include "verifier/local_verifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "tests/unit/verifier/judge_one.h"

namespace entrain {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(LocalVerifier, JudgesABatchInOrder) {
  const std::vector<VerifyItem> items = {{.verifier = "exact", .completion = "a", .answer = "a"},
                                         {.verifier = "math", .completion = "\\boxed{1}", .answer = "2"},
                                         {.verifier = "nobody", .completion = "a", .answer = "a"},
                                         {.verifier = "countdown", .completion = "x", .answer = "2"}};
  const auto verdicts = CreateLocalVerifier()->Verify(items, absl::Minutes(1));
  ASSERT_TRUE(verdicts.ok()) << verdicts.status();
  std::vector<std::string> kinds;
  for (const Verdict& verdict : *verdicts) kinds.push_back(KindOf(verdict));
  EXPECT_THAT(kinds, ElementsAre("correct", "wrong", "error", "unparsable"));
  EXPECT_TRUE(CreateLocalVerifier()->Verify({}, absl::Minutes(1))->empty());
}

TEST(LocalVerifier, WhatIsPastTheDeadlineIsTimeoutAndNeverAScore) {
  const std::vector<VerifyItem> items(3, {.verifier = "exact", .completion = "a", .answer = "a"});
  const auto verdicts = CreateLocalVerifier()->Verify(items, absl::ZeroDuration());
  ASSERT_TRUE(verdicts.ok());
  ASSERT_EQ(verdicts->size(), 3u);
  for (const Verdict& verdict : *verdicts) {
    EXPECT_EQ(KindOf(verdict), "timeout");
    EXPECT_FALSE(verdict.score.has_value());
  }
}

TEST(LocalVerifier, AnUnknownVerifierIsOurErrorAndNamesTheKnownOnes) {
  EXPECT_THAT(JudgeOne("maths", "a", "a").detail, AllOf(HasSubstr("\"maths\""), HasSubstr("\"math\"")));
  EXPECT_THAT(JudgeOne("sandbox-runner", "a", "a").detail,
              AllOf(HasSubstr("countdown"), HasSubstr("exact"), HasSubstr("math")));
  EXPECT_THAT(RegisteredVerifiers(), ElementsAre("countdown", "exact", "math", "regex"));
}

TEST(LocalVerifier, OptionsThatAreNoObjectAreOurError) {
  for (const char* options : {"", "[]", "3", "{", "\xff", "null"}) {
    const Verdict verdict = JudgeOne("exact", "a", "a", options);
    EXPECT_EQ(KindOf(verdict), "error") << options;
    EXPECT_THAT(verdict.detail, HasSubstr("verifier_options"));
  }
  EXPECT_EQ(KindOf(JudgeOne("exact", "a", "a", std::string(100'000, '['))), "error");
  EXPECT_EQ(KindOf(JudgeOne("exact", "a", "a", R"({"x": )" + std::string(100'000, '['))), "error");
}

TEST(LocalVerifier, VerdictsOfPureJudgesMayBeKept) {
  for (const char* verifier : {"countdown", "exact", "math", "regex"})
    EXPECT_TRUE(MayKeepVerdict({.verifier = verifier})) << verifier;
  EXPECT_FALSE(MayKeepVerdict({.verifier = "nobody"}));
  EXPECT_FALSE(MayKeepVerdict({.verifier = "exact", .options_json = "["}));
}

TEST(LocalVerifier, MayBeAskedFromManyThreads) {
  const auto verifier = CreateLocalVerifier();
  std::atomic<int> correct{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        const std::vector<VerifyItem> items(
            200, {.verifier = "math", .completion = "\\boxed{\\frac12}", .answer = "0.5"});
        const auto verdicts = verifier->Verify(items, absl::Minutes(1));
        for (const Verdict& verdict : *verdicts) correct += verdict.kind == VerdictKind::kCorrect ? 1 : 0;
      });
    }
  }
  EXPECT_EQ(correct, 800);
}

}  // namespace
}  // namespace entrain
