#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/unit/verifier/judge_one.h"

namespace entrain {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

struct Row {
  const char *completion, *answer, *kind;
};

TEST(Countdown, EvaluatesExactlyWithTheUsualPrecedence) {
  for (const Row& row : {
           Row{"2+3*4", "14", "correct"},
           Row{"(2+3)*4", "20", "correct"},
           Row{"2-3-4", "-5", "correct"},
           Row{"8/4/2", "1", "correct"},
           Row{"-3+5", "2", "correct"},
           Row{"--3", "3", "correct"},
           Row{"2*-3", "-6", "correct"},
           Row{"1/3+1/3+1/3", "1", "correct"},
           Row{" ( 1 + 2 )\n* 3 ", "9", "correct"},
           Row{"8/(3-8/3)", "24", "correct"},
           Row{"1/10+2/10", "3/10", "correct"},
           Row{"99999999999999999999*10", "999999999999999999990", "correct"},
           Row{"2*3=6", "6", "correct"},
           Row{"2*3=7", "6", "wrong"},
           Row{"2*3=7", "7", "wrong"},
           Row{"2*3=", "6", "unparsable"},
           Row{"2*3=6=6", "6", "unparsable"},
           Row{"2+3", "6", "wrong"},
           Row{"0/5", "0", "correct"},
           Row{"7-7*0", "7", "correct"},
           Row{"1/2*2", "1", "correct"},  // from the left
           Row{"2-(3-4)", "3", "correct"},
           Row{"-(2+3)", "-5", "correct"},
           Row{"((((2))))", "2", "correct"},
           Row{"=5", "5", "unparsable"},
           Row{"5=5", "5", "correct"},
           Row{"5=2+3", "5", "correct"},
           Row{"007", "7", "correct"},
           Row{"1/3", "0.333333", "error"},
       }) {
    const Verdict verdict = JudgeOne("countdown", row.completion, row.answer);
    EXPECT_EQ(KindOf(verdict), row.kind) << row.completion << " | " << row.answer << " | " << verdict.detail;
  }
}

TEST(Countdown, AnythingElseIsUnparsableAndNeverEvaluated) {
  for (const char* text :
       {"",          " ",   "two",      "2+",  "+2",      "2**3",     "2^3",  "2//3", "(2",
        "2)",        "()",  "2 3",      "2.5", "1e3",     "2,3",      "0x10", "2%3",  "__import__('os')",
        "$(reboot)", "2;3", "2+3 is 5", "1/0", "1/(2-2)", "\xff\xfe", "２+３"}) {
    const Verdict verdict = JudgeOne("countdown", text, "5");
    EXPECT_EQ(KindOf(verdict), "unparsable") << text;
    EXPECT_EQ(verdict.score, 0.0);
    EXPECT_FALSE(verdict.detail.empty()) << text;
  }
}

TEST(Countdown, GivenNumbersAreUsedExactlyOnceEach) {
  const char* options = R"({"numbers": [2, 3, 5, 7]})";
  for (const Row& row : {
           Row{"2*3+5+7", "18", "correct"},
           Row{"7+5+3*2", "18", "correct"},
           Row{"2*3+5+7=18", "18", "correct"},
           Row{"(7+5)+(3*2)", "18", "correct"},
           Row{"18", "18", "wrong"},
           Row{"2*3+5+7+0", "18", "wrong"},
           Row{"2*9", "18", "wrong"},
           Row{"23-5", "18", "wrong"},  // 2 and 3 are no 23
           Row{"2+2+2+5+7", "18", "wrong"},
           Row{"99999999999999999999", "18", "wrong"},
       }) {
    EXPECT_EQ(KindOf(JudgeOne("countdown", row.completion, row.answer, options)), row.kind) << row.completion;
  }
  EXPECT_EQ(KindOf(JudgeOne("countdown", "2+2", "4", R"({"numbers": [2, 2]})")), "correct");
  EXPECT_EQ(KindOf(JudgeOne("countdown", "2", "2", R"({"numbers": [2, 2]})")), "wrong");
}

// The dec2 task: two 2-digit numbers that add up, and nothing else.
TEST(Countdown, AFormIsKeptToTheLetter) {
  const char* options = R"({"terms": 2, "digits": 2})";
  for (const Row& row : {
           Row{"45+92", "137", "correct"},
           Row{"92+45", "137", "correct"},
           Row{"45+91", "137", "wrong"},
           Row{"45+92 ", "137", "unparsable"},
           Row{" 45+92", "137", "unparsable"},
           Row{"45 +92", "137", "unparsable"},
           Row{"45+92=137", "137", "unparsable"},
           Row{"137", "137", "unparsable"},
           Row{"100+37", "137", "unparsable"},
           Row{"045+92", "137", "unparsable"},
           Row{"05+92", "97", "unparsable"},
           Row{"45-92", "-47", "unparsable"},
           Row{"4+5+92", "101", "unparsable"},
           Row{"45+92+", "137", "unparsable"},
           Row{"+4592", "137", "unparsable"},
           Row{"", "137", "unparsable"},
       }) {
    EXPECT_EQ(KindOf(JudgeOne("countdown", row.completion, row.answer, options)), row.kind) << row.completion;
  }
  EXPECT_EQ(KindOf(JudgeOne("countdown", "1+2+3", "6", R"({"terms": 3, "digits": 1})")), "correct");
}

TEST(Countdown, OptionsAndReferencesAreReadStrictly) {
  const auto detail = [](const char* options) {
    const Verdict verdict = JudgeOne("countdown", "2+3", "5", options);
    EXPECT_EQ(KindOf(verdict), "error") << options;
    EXPECT_FALSE(verdict.score.has_value());
    return verdict.detail;
  };
  EXPECT_THAT(detail(R"({"number": [2, 3]})"),
              AllOf(HasSubstr("\"number\""), HasSubstr("did you mean \"numbers\"")));
  EXPECT_THAT(detail(R"({"numbers": [2, 3.5]})"), AllOf(HasSubstr("numbers"), HasSubstr("3.5")));
  EXPECT_THAT(detail(R"({"numbers": [2, -1]})"), HasSubstr("numbers"));
  EXPECT_THAT(detail(R"({"numbers": [18446744073709551615]})"), HasSubstr("numbers"));
  EXPECT_THAT(detail(R"({"numbers": []})"), HasSubstr("numbers"));
  EXPECT_THAT(detail(R"({"terms": 2})"), HasSubstr("terms and digits"));
  EXPECT_THAT(detail(R"({"terms": 0, "digits": 2})"), HasSubstr("terms"));
  EXPECT_THAT(detail(R"({"terms": 2, "digits": 2, "numbers": [2]})"), HasSubstr("excludes"));
  EXPECT_THAT(JudgeOne("countdown", "2+3", "five").detail, AllOf(HasSubstr("answer"), HasSubstr("five")));
}

TEST(Countdown, LimitsAreNamedAndCountWork) {
  const auto nested = [](int depth) {
    return absl::StrCat(std::string(static_cast<size_t>(depth), '('), "5",
                        std::string(static_cast<size_t>(depth), ')'));
  };
  EXPECT_EQ(KindOf(JudgeOne("countdown", nested(64), "5")), "correct");
  const Verdict deep = JudgeOne("countdown", nested(65), "5");
  EXPECT_EQ(KindOf(deep), "limit");
  EXPECT_THAT(deep.detail, HasSubstr("depth: more than 64"));
  EXPECT_EQ(KindOf(JudgeOne("countdown", nested(100'000), "5")), "limit");
  EXPECT_EQ(KindOf(JudgeOne("countdown", std::string(1'000'000, '('), "5")), "limit");
  EXPECT_EQ(KindOf(JudgeOne("countdown", std::string(1'000, '-') + "5", "5")), "limit");
  EXPECT_EQ(KindOf(JudgeOne("countdown", std::string(40, '7'), std::string(40, '7'))), "correct");
  EXPECT_THAT(JudgeOne("countdown", std::string(41, '7'), "5").detail, HasSubstr("digits: more than 40"));
  EXPECT_THAT(JudgeOne("countdown", std::string(1'000'000, '7'), "5").detail,
              HasSubstr("expression: more than 4096 bytes"));
  std::string sum = "1";
  while (sum.size() < 4094) sum += "/7";
  EXPECT_EQ(KindOf(JudgeOne("countdown", sum, "5")), "wrong") << "the longest expression is evaluated";
}

}  // namespace
}  // namespace entrain
