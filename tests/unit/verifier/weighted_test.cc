#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/unit/verifier/judge_one.h"

namespace entrain {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// A form and an answer, the usual pair.
constexpr const char* kFormAndAnswer = R"({"parts": [
    {"verifier": "regex", "weight": 0.2, "answer": "(?s)<think>.*</think>.*"},
    {"verifier": "math", "weight": 0.8}]})";
constexpr const char* kFormNeeded = R"({"parts": [
    {"verifier": "regex", "weight": 0.2, "answer": "(?s)<think>.*</think>.*", "required": true},
    {"verifier": "math", "weight": 0.8}]})";

struct Row {
  const char *completion, *options, *kind;
  double score;
};

TEST(Weighted, ScoresAreTheWeightedMeanAndOnlyAllPartsTogetherAreCorrect) {
  for (const Row& row : {
           Row{"<think>x</think> \\boxed{42}", kFormAndAnswer, "correct", 1},
           Row{"\\boxed{42}", kFormAndAnswer, "wrong", 0.8},
           Row{"<think>x</think> \\boxed{41}", kFormAndAnswer, "wrong", 0.2},
           Row{"\\boxed{41}", kFormAndAnswer, "wrong", 0},
           Row{"<think>x</think>", kFormAndAnswer, "wrong", 0.2},  // no answer: an unparsable part counts 0
           Row{"", kFormAndAnswer, "wrong", 0},
           // A part that must be correct.
           Row{"<think>x</think> \\boxed{42}", kFormNeeded, "correct", 1},
           Row{"\\boxed{42}", kFormNeeded, "wrong", 0},
           Row{"<think>x</think> \\boxed{41}", kFormNeeded, "wrong", 0.2},
           // Weights are relative; 1 is the default, and 0 only takes part in the kind.
           Row{"a", R"({"parts": [{"verifier": "exact", "weight": 3, "answer": "a"},
                                  {"verifier": "exact", "answer": "b"}]})",
               "wrong", 0.75},
           Row{"a", R"({"parts": [{"verifier": "exact", "answer": "a"},
                                  {"verifier": "exact", "weight": 0, "answer": "b"}]})",
               "wrong", 1.0 - 0x1p-53},
           // Weighted parts, one level deep: 0.5 · (1 + 0)/2 + 0.5 · 1.
           Row{"a", R"({"parts": [{"verifier": "exact", "answer": "a"},
                                  {"verifier": "weighted", "options": {"parts": [
                                      {"verifier": "exact", "answer": "a"},
                                      {"verifier": "exact", "answer": "b"}]}}]})",
               "wrong", 0.75},
           Row{"42", R"({"parts": [{"verifier": "exact"}, {"verifier": "weighted", "options": {"parts": [
                                      {"verifier": "math"}, {"verifier": "regex", "answer": "\\d+"}]}}]})",
               "correct", 1},
       }) {
    const Verdict verdict = JudgeOne("weighted", row.completion, "42", row.options);
    EXPECT_EQ(KindOf(verdict), row.kind) << row.completion << " | " << row.options << " | " << verdict.detail;
    ASSERT_TRUE(verdict.score.has_value()) << row.completion << " | " << verdict.detail;
    EXPECT_NEAR(*verdict.score, row.score, 1e-15) << row.completion << " | " << row.options;
    EXPECT_EQ(*verdict.score == 1, std::string(row.kind) == "correct") << row.completion;
  }
}

TEST(Weighted, TellsHowEachPartEnded) {
  const Verdict verdict = JudgeOne("weighted", "\\boxed{41}", "42", kFormAndAnswer);
  EXPECT_THAT(verdict.detail, AllOf(HasSubstr("regex wrong"), HasSubstr("math wrong")));
  EXPECT_EQ(verdict.extracted, "41");  // of the part that weighs most
}

// A completion that is too much for one part has failed that part, no more.
TEST(Weighted, ALimitOfAPartCountsNothing) {
  const std::string long_text(200'000, 'a');  // past regex's limit of 128 KiB
  const Verdict verdict = JudgeOne("weighted", long_text, "",
                                   absl::StrCat(R"({"parts": [
      {"verifier": "regex", "answer": "a*"}, {"verifier": "exact", "answer": ")",
                                                long_text, "\"}]}"));
  EXPECT_EQ(KindOf(verdict), "wrong");
  EXPECT_EQ(verdict.score, 0.5);
  EXPECT_THAT(verdict.detail, HasSubstr("regex limit"));
}

TEST(Weighted, WhatIsOurFaultInAPartIsOurFaultInTheWhole) {
  for (const char* options : {
           R"({"parts": [{"verifier": "exact"}, {"verifier": "regex", "answer": "("}]})",
           R"({"parts": [{"verifier": "exact"}, {"verifier": "exact", "options": {"trm": true}}]})",
       }) {
    const Verdict verdict = JudgeOne("weighted", "a", "a", options);
    EXPECT_EQ(KindOf(verdict), "error") << options;
    EXPECT_FALSE(verdict.score.has_value()) << options;
    EXPECT_THAT(verdict.detail, HasSubstr("verifier_options.parts[1]")) << options;
    EXPECT_THAT(
        CreateLocalVerifier()->Problem({.verifier = "weighted", .answer = "a", .options_json = options}),
        HasSubstr("verifier_options.parts[1]"))
        << options;
  }
}

TEST(Weighted, PartsThatCannotBeReadAreOurErrorAndNamed) {
  std::string many = R"({"parts": [{"verifier": "exact"})";
  for (int i = 0; i < 16; ++i) many += R"(, {"verifier": "exact"})";
  struct Bad {
    std::string options, says;
  };
  for (const Bad& bad : {
           Bad{"{}", "verifier_options.parts: expected a list of 1 to 16 parts, found none"},
           Bad{R"({"parts": []})", "expected a list of 1 to 16"},
           Bad{R"({"parts": {}})", "expected a list of 1 to 16"},
           Bad{many + "]}", "expected a list of 1 to 16"},
           Bad{R"({"parts": [3]})", "parts[0]: expected an object, found 3"},
           Bad{R"({"parts": [{}]})", "parts[0].verifier: unknown verifier \"\""},
           Bad{R"({"parts": [{"verifier": "maths"}]})", "did you mean \"math\""},
           Bad{R"({"parts": [{"verifier": 3}]})", "parts[0].verifier: expected a verifier's name"},
           Bad{R"({"parts": [{"verifier": "exact", "weight": -1}]})", "parts[0].weight: expected a number"},
           Bad{R"({"parts": [{"verifier": "exact", "weight": "1"}]})", "parts[0].weight"},
           Bad{R"({"parts": [{"verifier": "exact", "weight": 0}]})", "expected a weight above 0"},
           Bad{R"({"parts": [{"verifier": "exact", "answer": 3}]})", "parts[0].answer: expected a text"},
           Bad{R"({"parts": [{"verifier": "exact", "options": []}]})",
               "parts[0].options: expected an object"},
           Bad{R"({"parts": [{"verifier": "exact", "required": 1}]})", "parts[0].required"},
           Bad{R"({"parts": [{"verifier": "exact", "wieght": 1}]})", "did you mean \"weight\""},
           Bad{R"({"parts": [{"verifier": "exact"}], "part": 1})", "unknown key \"part\""},
           Bad{R"({"parts": [{"verifier": "weighted", "options": {"parts": [
                  {"verifier": "weighted", "options": {"parts": [{"verifier": "exact"}]}}]}}]})",
               "two levels are the most"},
       }) {
    const Verdict verdict = JudgeOne("weighted", "a", "a", bad.options);
    EXPECT_EQ(KindOf(verdict), "error") << bad.options;
    EXPECT_THAT(verdict.detail, HasSubstr(bad.says)) << bad.options;
  }
}

}  // namespace
}  // namespace entrain
