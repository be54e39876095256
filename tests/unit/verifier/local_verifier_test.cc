#include "verifier/local_verifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include "tests/unit/verifier/judge_one.h"

namespace entrain {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

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

// A wrong reference or option is found before there is any completion, and in the words of the verdict.
TEST(LocalVerifier, SaysWhatIsWrongWithAnItemWhateverItsCompletion) {
  const auto verifier = CreateLocalVerifier();
  const auto problem = [&](std::string name, std::string answer, std::string options) {
    return verifier->Problem(
        {.verifier = std::move(name), .answer = std::move(answer), .options_json = std::move(options)});
  };
  EXPECT_EQ(problem("exact", "", "{}"), "");
  EXPECT_EQ(problem("math", "42", R"({"sources": ["boxed"]})"), "");
  EXPECT_EQ(problem("countdown", "7", R"({"numbers": [3, 4]})"), "");
  EXPECT_EQ(problem("regex", "a+", "{}"), "");
  EXPECT_THAT(problem("maths", "42", "{}"), HasSubstr("unknown verifier \"maths\""));
  EXPECT_THAT(problem("exact", "a", "[]"), HasSubstr("expected an object"));
  EXPECT_THAT(problem("exact", "a", R"({"trim": 1})"), HasSubstr("verifier_options.trim"));
  EXPECT_THAT(problem("math", "", "{}"), HasSubstr("answer: expected a reference"));
  EXPECT_THAT(problem("math", "1", R"({"sources": ["box"]})"), HasSubstr("\"box\""));
  EXPECT_THAT(problem("countdown", "seven", "{}"), HasSubstr("answer: expected a number"));
  EXPECT_THAT(problem("regex", "(", "{}"), HasSubstr("answer: expected a regular expression"));
}

TEST(LocalVerifier, DescribesEveryVerifierWithAllItsOptions) {
  const auto verifier = CreateLocalVerifier();
  std::vector<std::string> names;
  for (const VerifierInfo& info : verifier->Registered()) {
    names.push_back(info.name);
    EXPECT_FALSE(info.summary.empty()) << info.name;
    for (const VerifierOptionInfo& option : info.options) {
      EXPECT_FALSE(option.meaning.empty()) << info.name << "." << option.name;
      // An option that the judge does not know would be called unknown; one that it knows has no such value.
      const std::string problem = verifier->Problem(
          {.verifier = info.name,
           .answer = "1",
           .options_json = "{\"" + option.name +
                           "\": " + (option.name == "options" ? "[]" : R"({"not": "a value"})") + "}"});
      EXPECT_THAT(problem, HasSubstr("verifier_options." + option.name)) << info.name;
      EXPECT_THAT(problem, Not(HasSubstr("unknown key"))) << info.name;
    }
  }
  EXPECT_THAT(names, ElementsAre("choice", "code", "command", "countdown", "exact", "json", "math", "numeric",
                                 "regex", "weighted"));
}

TEST(LocalVerifier, VerdictsOfPureJudgesMayBeKept) {
  const auto verifier = CreateLocalVerifier();
  for (const char* name : {"choice", "countdown", "exact", "json", "math", "numeric", "regex"})
    EXPECT_TRUE(verifier->MayKeep({.verifier = name})) << name;
  EXPECT_TRUE(
      verifier->MayKeep({.verifier = "weighted", .options_json = R"({"parts": [{"verifier": "math"}]})"}));
  EXPECT_FALSE(
      verifier->MayKeep({.verifier = "weighted", .options_json = R"({"parts": [{"verifier": "nobody"}]})"}));
  EXPECT_FALSE(verifier->MayKeep({.verifier = "nobody"}));
  EXPECT_FALSE(verifier->MayKeep({.verifier = "exact", .options_json = "["}));
}

// docs/verifier.md has a section for each verifier, and in it every option.
TEST(LocalVerifier, WhatItDescribesIsDocumented) {
  std::ifstream file(std::string(ENTRAIN_SOURCE_DIR) + "/docs/verifier.md");
  std::stringstream text;
  text << file.rdbuf();
  const std::string page = text.str();
  for (const VerifierInfo& info : CreateLocalVerifier()->Registered()) {
    const size_t begin = page.find("\n## `" + info.name + "`\n");
    ASSERT_NE(begin, std::string::npos) << info.name;
    const std::string section = page.substr(begin, page.find("\n## ", begin + 1) - begin);
    for (const VerifierOptionInfo& option : info.options)
      EXPECT_NE(section.find("`" + option.name + "`"), std::string::npos) << info.name << "." << option.name;
  }
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
