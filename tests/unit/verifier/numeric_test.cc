#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/verifier/judge_one.h"

namespace entrain {
namespace {

using ::testing::HasSubstr;

struct Row {
  const char *completion, *answer, *options, *kind;
};

TEST(Numeric, AcceptsAndRefuses) {
  for (const Row& row : {
           // Exact unless told otherwise.
           Row{"\\boxed{0.5}", "1/2", "{}", "correct"},
           Row{"\\boxed{\\frac{1}{3}}", "1/3", "{}", "correct"},
           Row{"\\boxed{0.333}", "1/3", "{}", "wrong"},
           Row{"\\boxed{1e3}", "1,000", "{}", "correct"},
           Row{"the answer is 12 cm", "12", "{}", "correct"},
           Row{"so it is 12", "#### 12", "{}", "correct"},
           Row{"12 or 13", "12", "{}", "wrong"},  // the last number
           Row{"\\boxed{a}", "12", "{}", "unparsable"},
           Row{"\\boxed{12 or 13}", "12", "{}", "unparsable"},
           Row{"\\boxed{x = 12}", "12", "{}", "correct"},
           Row{"\\boxed{1\\frac{1}{2}}", "1.5", "{}", "correct"},
           Row{"\\boxed{50\\%}", "0.5", "{}", "correct"},
           Row{"\\boxed{1.5 \\times 10^{3}}", "1500", "{}", "correct"},
           Row{"\\boxed{2 \\cdot 10^{-3}}", "0.002", "{}", "correct"},
           Row{"\\boxed{5 \\text{ million}}", "5000000", "{}", "correct"},
           Row{"\\boxed{\\$1,234.50}", "1234.5", "{}", "correct"},
           Row{"\\boxed{-7}", "\u22127", "{}", "correct"},
           // Calculations and inequalities are no numbers.
           Row{"\\boxed{6 + 6}", "12", "{}", "unparsable"},
           Row{"\\boxed{3 \\cdot 4}", "12", "{}", "unparsable"},
           Row{"\\boxed{2^3}", "8", "{}", "unparsable"},
           Row{"\\boxed{\\sqrt{4}}", "2", "{}", "unparsable"},
           Row{"\\boxed{12x}", "12", "{}", "unparsable"},
           Row{"\\boxed{x > 12}", "12", "{}", "unparsable"},
           Row{"\\boxed{x + 1 = 12}", "12", "{}", "unparsable"},
           Row{"\\boxed{1/0}", "12", "{}", "unparsable"},
           Row{"no idea", "12", "{}", "unparsable"},
           Row{"", "12", "{}", "unparsable"},
           // abs: the bound itself is within. 3.14 − 3.13 is 0.01 exactly; as doubles it would be more.
           Row{"3.14", "3.13", R"({"abs": 0.01})", "correct"},
           Row{"3.1401", "3.13", R"({"abs": 0.01})", "wrong"},
           Row{"3.12", "3.13", R"({"abs": 0.01})", "correct"},
           Row{"3.1199", "3.13", R"({"abs": 0.01})", "wrong"},
           Row{"5", "3", R"({"abs": 2})", "correct"},
           Row{"1000001", "1000000", R"({"abs": 1})", "correct"},
           // rel: of the reference. 1 % of 200 is 2.
           Row{"202", "200", R"({"rel": 0.01})", "correct"},
           Row{"202.01", "200", R"({"rel": 0.01})", "wrong"},
           Row{"-198", "-200", R"({"rel": 0.01})", "correct"},
           Row{"-197.99", "-200", R"({"rel": 0.01})", "wrong"},
           Row{"200", "-200", R"({"rel": 0.01})", "wrong"},
           Row{"0.001", "0", R"({"rel": 0.5})", "wrong"},
           Row{"\\boxed{1e-7}", "0", R"({"abs": 1e-6})", "correct"},
           Row{"\\boxed{1e-5}", "0", R"({"abs": 1e-6})", "wrong"},
           // The larger of both.
           Row{"202", "200", R"({"rel": 0.01, "abs": 0.5})", "correct"},
           Row{"0.4", "0", R"({"rel": 0.01, "abs": 0.5})", "correct"},
           // decimals: both are rounded, halves away from zero.
           Row{"3.14159", "3.14", R"({"decimals": 2})", "correct"},
           Row{"3.145", "3.15", R"({"decimals": 2})", "correct"},
           Row{"3.1449", "3.15", R"({"decimals": 2})", "wrong"},
           Row{"-2.5", "-3", R"({"decimals": 0})", "correct"},
           Row{"2.5", "3", R"({"decimals": 0})", "correct"},
           Row{"2.4999", "3", R"({"decimals": 0})", "wrong"},
           Row{"\\boxed{2/3}", "0.6667", R"({"decimals": 4})", "correct"},
           Row{"\\boxed{2/3}", "0.6667", R"({"decimals": 5})", "wrong"},
           Row{"-0.001", "0", R"({"decimals": 2})", "correct"},
           // integer_only
           Row{"42", "42", R"({"integer_only": true})", "correct"},
           Row{"42.0", "42", R"({"integer_only": true})", "correct"},
           Row{"42.5", "42", R"({"integer_only": true})", "wrong"},
           Row{"42.5", "42", R"({"integer_only": true, "abs": 1})", "wrong"},
           Row{"43", "42", R"({"integer_only": true, "abs": 1})", "correct"},
           // sources
           Row{"\\boxed{1}\n#### 2", "2", R"({"sources": ["hash"]})", "correct"},
           Row{"\\boxed{1}\n#### 2", "2", "{}", "wrong"},
       }) {
    const Verdict verdict = JudgeOne("numeric", row.completion, row.answer, row.options);
    EXPECT_EQ(KindOf(verdict), row.kind)
        << row.completion << " | " << row.answer << " | " << row.options << " | " << verdict.detail;
    EXPECT_EQ(verdict.score, std::string(row.kind) == "correct" ? 1.0 : 0.0);
  }
}

TEST(Numeric, SaysHowFarOff) {
  EXPECT_THAT(JudgeOne("numeric", "3.5", "3").detail, HasSubstr("differs by 0.5"));
}

TEST(Numeric, AReferenceOrOptionThatCannotBeReadIsOurError) {
  struct Bad {
    const char *answer, *options, *says;
  };
  for (const Bad& bad : {
           Bad{"", "{}", "answer: expected a number"},
           Bad{"twelve", "{}", "found \"twelve\""},
           Bad{"1e99999", "{}", "answer: expected a number"},
           Bad{"1/2", R"({"integer_only": true})", "answer: expected a whole number"},
           Bad{"1", R"({"abs": -1})", "verifier_options.abs: expected a number of at least 0, found -1"},
           Bad{"1", R"({"abs": "1"})", "verifier_options.abs"},
           Bad{"1", R"({"rel": true})", "verifier_options.rel"},
           Bad{"1", R"({"rel": 1e400})", "verifier_options"},
           Bad{"1", R"({"decimals": -1})", "verifier_options.decimals"},
           Bad{"1", R"({"decimals": 1.5})", "verifier_options.decimals"},
           Bad{"1", R"({"decimals": 2, "abs": 0.1})", "decimals excludes abs and rel"},
           Bad{"1", R"({"decimals": 2, "integer_only": true})", "integer_only excludes decimals"},
           Bad{"1", R"({"sources": []})", "verifier_options.sources"},
           Bad{"1", R"({"sources": ["box"]})", "\"box\""},
           Bad{"1", R"({"tolerance": 1})", "unknown key \"tolerance\""},
       }) {
    const Verdict verdict = JudgeOne("numeric", "1", bad.answer, bad.options);
    EXPECT_EQ(KindOf(verdict), "error") << bad.answer << " | " << bad.options;
    EXPECT_THAT(verdict.detail, HasSubstr(bad.says)) << bad.answer << " | " << bad.options;
  }
}

TEST(Numeric, AMegabyteOfDigitsIsALimit) {
  std::string product = "\\boxed{2", quotient = "\\boxed{2";
  for (int i = 0; i < 5'000; ++i) {
    product += "\\cdot 10^{9999}";
    quotient += "/10^{9999}";
  }
  EXPECT_EQ(KindOf(JudgeOne("numeric", product + "}", "7")), "limit");
  EXPECT_EQ(KindOf(JudgeOne("numeric", quotient + "}", "7")), "limit");
  EXPECT_EQ(KindOf(JudgeOne("numeric", std::string(1'000'000, '7'), "7")), "limit");
  EXPECT_EQ(KindOf(JudgeOne("numeric", "\\boxed{1e99999999}", "7")), "limit");
  EXPECT_EQ(KindOf(JudgeOne("numeric", "\\boxed{10^{10^{10}}}", "7")), "limit");
  EXPECT_EQ(KindOf(JudgeOne("numeric", "\\boxed{3 \\cdot 10^{99999}}", "7")), "limit");
}

}  // namespace
}  // namespace entrain
