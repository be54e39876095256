#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/unit/verifier/judge_one.h"

namespace entrain {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

struct Row {
  const char *answer, *reference;
};

std::string Boxed(const std::string& answer) { return "So we get \\boxed{" + answer + "}."; }

TEST(Math, AcceptsEqualNumbersHoweverTheyAreWritten) {
  for (const Row& row : {
           Row{"42", "42"},
           Row{"42.", "42"},
           Row{"+42", "42"},
           Row{"042", "42"},
           Row{"42.0", "42"},
           Row{"-7", "-7"},
           Row{"−7", "-7"},
           Row{"- 7", "-7"},
           Row{".5", "0.5"},
           Row{"-.5", "-1/2"},
           Row{"\\frac12", "0.5"},
           Row{"\\frac{1}{2}", "0.5"},
           Row{"\\dfrac{1}{2}", "\\tfrac12"},
           Row{"-\\frac{1}{2}", "-0.5"},
           Row{"\\frac{-1}{2}", "-0.5"},
           Row{"\\frac{1}{-2}", "-0.5"},
           Row{"\\frac{\\frac{1}{2}}{2}", "0.25"},
           Row{"1\\frac{1}{2}", "1.5"},
           Row{"1 1/2", "3/2"},
           Row{"-1 1/2", "-3/2"},
           Row{"2/4", "1/2"},
           Row{"1/3", "2/6"},
           Row{"1,234,567", "1234567"},
           Row{"1{,}234", "1234"},
           Row{"1,234.50", "1234.5"},
           Row{"$1,000", "1000"},
           Row{"\\$5", "5"},
           Row{"-$5", "-5"},
           Row{"$-5", "-5"},
           Row{"$5$", "5"},
           Row{"50%", "0.5"},
           Row{"50\\%", "1/2"},
           Row{"12.5 %", "1/8"},
           Row{"1.5e3", "1500"},
           Row{"1.5 \\times 10^{3}", "1500"},
           Row{"1.5 \\cdot 10^3", "1500"},
           Row{"2 \\cdot 10^-3", "0.002"},
           Row{"€5", "5"},
           Row{"\\(5\\)", "5"},
           Row{"2e-3", "0.002"},
           Row{"2E+3", "2000"},
           Row{"\\text{42}", "42"},
           Row{"\\left(42\\right)", "(42)"},
           Row{"**42**", "42"},
           Row{"123456789012345678901234567890", "123456789012345678901234567890.0"},
           Row{"0.1", "0.10000"},
           Row{"x = 3", "3"},
           Row{"x=\\frac12", "1/2"},
           Row{"the answer: 3", "3"},
           Row{"exactly 3", "3"},
           Row{"3 dollars", "3"},
           Row{"3 \\text{ cm}^2", "3"},
           Row{"60 km/h", "60"},
           Row{"30^\\circ", "30"},
           Row{"30°", "30"},
           Row{"1,000 \\text{ square feet}", "1000"},
           Row{"1/2/3", "1/6"},
           Row{"--5", "5"},
           Row{"10 - 5", "5"},
           Row{"|5|", "5"},
           Row{"5 million", "5000000"},
           Row{"1,22", "1.22"},
           Row{"1 000", "1000"},
           Row{"0.333333", "1/3"},  // six decimals, as Math-Verify
       }) {
    const Verdict verdict = JudgeOne("math", Boxed(row.answer), row.reference);
    EXPECT_EQ(KindOf(verdict), "correct") << row.answer << " | " << row.reference << " | " << verdict.detail;
    EXPECT_EQ(verdict.score, 1.0);
    EXPECT_EQ(verdict.extracted, row.answer);
  }
}

TEST(Math, RefusesWhatIsAnotherNumberOrOnlyHoldsTheNumber) {
  for (const Row& row : {
           Row{"41", "42"},
           Row{"-42", "42"},
           Row{"123456789012345678901234567891", "123456789012345678901234567890"},
           Row{"1/0", "0"},
           Row{"\\frac{1}{0}", "0"},
           Row{"50", "0.5"},
           Row{"0.33", "1/3"},
           Row{"12,34", "1234"},
           Row{"1,2,3", "3"},
           Row{"1.2.3", "1.2"},
           Row{"\\frac{1}{2", "0.5"},
           Row{"4 5", "45"},
           Row{"\\sqrt{5}", "5"},
           Row{"5x", "5"},
           Row{"5 x", "5"},
           Row{"5\\pi", "5"},
           Row{"5 pi", "5"},
           Row{"a-5", "5"},
           Row{"4 or 5", "5"},
           Row{"4 \\text{ or } 5", "5"},
           Row{"5 or more", "5"},
           Row{"not 5", "5"},
           Row{"minus 5", "5"},
           Row{"5 million", "5"},
           Row{"5!", "5"},
           Row{"0x5", "5"},
           Row{"5e", "5"},
           Row{"five", "5"},
           Row{"inf", "5"},
           Row{"nan", "5"},
       }) {
    const Verdict verdict = JudgeOne("math", Boxed(row.answer), row.reference);
    EXPECT_EQ(KindOf(verdict), "wrong") << row.answer << " | " << row.reference;
    EXPECT_EQ(verdict.score, 0.0);
  }
}

TEST(Math, DecimalsCanBeComparedExactly) {
  for (const Row& row : {Row{"0.3333333333333333", "1/3"},  // a double would round them together
                         Row{"0.1000000000000000000001", "0.1"}}) {
    EXPECT_EQ(KindOf(JudgeOne("math", Boxed(row.answer), row.reference)), "correct") << row.answer;
    EXPECT_EQ(KindOf(JudgeOne("math", Boxed(row.answer), row.reference, R"({"decimals": -1})")), "wrong")
        << row.answer;
  }
}

// A tolerance is the decimal that it is written as, and what lies on its edge is within.
TEST(Math, TolerancesAreExactAndTheLargerCounts) {
  struct Tolerance {
    const char *answer, *reference, *options, *kind;
  };
  for (const Tolerance& row : {Tolerance{"303", "300", R"({"rel": 0.01})", "correct"},
                               Tolerance{"304", "300", R"({"rel": 0.01})", "wrong"},
                               Tolerance{"-297", "-300", R"({"rel": 0.01})", "correct"},
                               Tolerance{"3.14", "3.13", R"({"abs": 0.01})", "correct"},
                               Tolerance{"3.14", "3.13", R"({"abs": 0.009})", "wrong"},
                               Tolerance{"303", "300", R"({"abs": 3, "rel": 0.001})", "correct"},
                               Tolerance{"306", "300", R"({"abs": 3, "rel": 0.01})", "wrong"},
                               Tolerance{"\\sqrt{2}", "1.4", R"({"abs": 0.015})", "correct"},
                               Tolerance{"\\sqrt{2}", "1.4", R"({"abs": 0.014})", "wrong"}}) {
    EXPECT_EQ(KindOf(JudgeOne("math", Boxed(row.answer), row.reference, row.options)), row.kind)
        << row.answer << " | " << row.options;
  }
}

TEST(Math, ComparesFormulasAndTexts) {
  for (const Row& row :
       {Row{"\\text{blue}", "blue"}, Row{"Blue", "blue"}, Row{"(1, 2)", "(1,2)"}, Row{"x + 1", "x+1"},
        Row{"1+x", "x+1"}, Row{"\\frac{x}{2}", "\\dfrac{x}{2}"}, Row{"\\foo{x} y", "\\foo{x}y"},
        Row{"\\text{No Solution}", "no solution"}, Row{"3\\sqrt{13}", "\\sqrt{117}"},
        Row{"100, 200, 300", "100,200,300"}, Row{"300, 100, 200", "100,200,300"}, Row{"1,234", "1, 234"},
        Row{"(100,200, 300)", "(100, 200, 300)"}, Row{"1000", "\\text{1,000}"},
        Row{"$12$ and $13$", "12 \\text{ and } 13"}}) {
    EXPECT_EQ(KindOf(JudgeOne("math", Boxed(row.answer), row.reference)), "correct") << row.answer;
  }
  for (const Row& row :
       {Row{"blue", "red"}, Row{"(2,1)", "(1,2)"}, Row{"3", "x"}, Row{"\\foo x", "\\foo y"},
        Row{"32, 349", "32348"}, Row{"\\{0,1\\}", "1,000"}, Row{"0,1", "1,000"}, Row{"\\{1\\}", "1,001"},
        Row{"\\{0,1\\}", "\\text{1,000}"}, Row{"3\\sqrt{13}", "\\sqrt{116}"}})
    EXPECT_EQ(KindOf(JudgeOne("math", Boxed(row.answer), row.reference)), "wrong") << row.answer;
}

struct Found {
  const char *completion, *extracted;
};

TEST(Math, FindsTheAnswerWhereItStands) {
  for (const Found& row : {
           Found{"First \\boxed{1}. That was wrong, it is \\boxed{42}", "42"},
           Found{"\\boxed{\\frac{84}{2}}, done", "\\frac{84}{2}"},
           Found{"\\boxed{42} but \\boxed{unclosed", "42"}, Found{"\\fbox{42}", "42"},
           Found{"\\boxed {42}", "42"}, Found{"41 #### 42", "42"}, Found{"#### 41\n#### 42\nend 7", "42"},
           Found{"The answer is 42.", "42"}, Found{"the Answer is: 42 apples. Others say 7", "42 apples"},
           Found{"Answer: 42", "42"}, Found{"first 7, at last 42 of them", "42"}, Found{"so it is 42.", "42"},
           Found{"9 + 33 = 42", "9 + 33 = 42"},
           Found{"The answer is 7. \\boxed{42}", "42"},  // a box goes before everything else
       }) {
    const Verdict verdict = JudgeOne("math", row.completion, "42");
    EXPECT_EQ(KindOf(verdict), "correct") << row.completion << " | " << verdict.detail;
    EXPECT_EQ(verdict.extracted, row.extracted) << row.completion;
  }
  EXPECT_EQ(JudgeOne("math", "it went from 5 to -42", "-42").extracted, "-42");
  EXPECT_EQ(JudgeOne("math", "it went from 5 to −42", "-42").extracted, "-42");
  EXPECT_EQ(JudgeOne("math", "the range 5-42", "42").extracted, "42");
}

TEST(Math, SourcesCanBeChosenAndOrdered) {
  const char* text = "The answer is 7. #### 8";
  EXPECT_EQ(JudgeOne("math", text, "8").extracted, "8");
  EXPECT_EQ(JudgeOne("math", text, "8", R"({"sources": ["phrase", "hash"]})").extracted, "7");
  EXPECT_EQ(KindOf(JudgeOne("math", text, "8", R"({"sources": ["boxed"]})")), "unparsable");
  EXPECT_THAT(JudgeOne("math", text, "8", R"({"sources": ["box"]})").detail,
              AllOf(HasSubstr("sources"), HasSubstr("\"box\"")));
  EXPECT_EQ(KindOf(JudgeOne("math", text, "8", R"({"sources": []})")), "error");
  EXPECT_EQ(JudgeOne("math", text, "8", R"({"sources": ["whole"]})").extracted, text);
}

// Two boxes of one sentence are one answer: whoever boxes two candidates has not answered.
TEST(Math, BoxesThatStandTogetherAreOneAnswer) {
  for (const Found& row : {Found{"\\boxed{1} and \\boxed{2}", "1, 2"}, Found{"\\boxed{1},\\boxed{2}", "1, 2"},
                           Found{"$\\boxed{2}$ or $\\boxed{1}$", "2, 1"}}) {
    const Verdict verdict = JudgeOne("math", row.completion, "\\{1, 2\\}");
    EXPECT_EQ(KindOf(verdict), "correct") << row.completion << " | " << verdict.detail;
    EXPECT_EQ(verdict.extracted, row.extracted);
    EXPECT_EQ(KindOf(JudgeOne("math", row.completion, "2")), "wrong");
  }
  EXPECT_EQ(JudgeOne("math", "\\boxed{1} and \\boxed{2}", "2", R"({"sources": ["last_boxed"]})").extracted,
            "2");
  EXPECT_EQ(JudgeOne("math", "\\boxed{7}. Again: \\boxed{7}", "7").extracted, "7") << "said twice";
}

TEST(Math, FindsTheLastExpressionWhenNothingMarksTheAnswer) {
  for (const Found& row : {
           Found{"Thus it is $\\frac{84}{2}$.", "\\frac{84}{2}"},
           Found{"Thus \\( 42 \\)", "42"},
           Found{"so\n\\[ 6 \\cdot 7 \\]\nas claimed", "6 \\cdot 7"},
           Found{"$$\n42\n$$", "42"},
           Found{"It costs $5 in March and $42 in May.", "42"},
           Found{"from $x = 1$ to 42", "42"},
           Found{"The answer is $x = 42$, because $x > 0$.", "x = 42"},
           Found{"**Answer:**\n\n42", "42"},
           Found{"The final answer is: $42$. I hope it is correct.", "42"},
           Found{"The answer is 42, which is even", "42"},
           Found{"The answer to this question is 42.", "42"},
       }) {
    const Verdict verdict = JudgeOne("math", row.completion, "42");
    EXPECT_EQ(KindOf(verdict), "correct") << row.completion << " | " << verdict.detail;
    EXPECT_EQ(verdict.extracted, row.extracted) << row.completion;
  }
  EXPECT_EQ(JudgeOne("math", "the roots are $1$, $2$ and $3$", "1, 2, 3").extracted, "1, 2, 3");
  EXPECT_EQ(JudgeOne("math", "it is $28$ percent", "28\\%").extracted, "28%");
}

TEST(Math, AChoiceIsItsLetterWithOrWithoutItsText) {
  for (const Row& row :
       {Row{"(B)", "B"}, Row{"B.", "B"}, Row{"\\text{B}", "B"}, Row{"\\textbf{(B)}", "B"}, Row{"B. 42", "B"},
        Row{"(B) blue", "B"}, Row{"**B**", "B"}, Row{"B", "(B)"}, Row{"B", "B) blue"}})
    EXPECT_EQ(KindOf(JudgeOne("math", Boxed(row.answer), row.reference)), "correct") << row.answer;
  for (const Row& row : {Row{"(C)", "B"}, Row{"b", "B"}, Row{"B = 42", "B"}, Row{"BC", "B"},
                         Row{"B or C", "B"}, Row{"B, C", "B"}, Row{"42", "B"}})
    EXPECT_EQ(KindOf(JudgeOne("math", Boxed(row.answer), row.reference)), "wrong") << row.answer;
}

TEST(Math, AnAnswerThatNamesAnotherChoiceTooIsWrong) {
  for (const char* answer :
       {"(B) and (C)", "B. or C.", "B) C)", "B. C. D.", "B: or C", "B. A", "B. A C D", "(B), (C)"})
    EXPECT_EQ(KindOf(JudgeOne("math", Boxed(answer), "B")), "wrong") << answer;
  for (const char* answer :
       {"B. A = 3", "(B) Vitamin C", "\\textbf{(B)}\\ 42", "\\text{(B)}~\\frac12", "(B)\\quad 7"})
    EXPECT_EQ(KindOf(JudgeOne("math", Boxed(answer), "B")), "correct") << answer;
}

TEST(Math, ASentenceThatGoesOnWithAnotherAnswerIsNotItsFirst) {
  for (const char* text :
       {"The answer is $17$, or maybe $18$.", "The answer is $17$ if $x>0$ and $18$ otherwise.",
        "The answer is $17$, possibly $18$."})
    EXPECT_EQ(KindOf(JudgeOne("math", text, "17")), "wrong") << text;
  for (const char* text : {"The answer is $17$, or seventeen.", "The answer is 17 because 3 + 14 = 17.",
                           "The answer is $17$ (not $18$)."})
    EXPECT_EQ(KindOf(JudgeOne("math", text, "17")), "correct") << text;
}

// ∞ − ∞, ∞/∞, 1^∞, ∞^0, 1/0 − 1/0 and ln 0 − ln 0 have no value, so they are not the one that cancelling
// gives.
TEST(Math, WhatIsNoNumberDoesNotCancel) {
  for (const Row& row : {Row{"\\infty-\\infty", "0"}, Row{"\\frac{\\infty}{\\infty}", "1"},
                         Row{"1^{\\infty}", "1"}, Row{"\\infty^0", "1"}, Row{"42+\\frac10-\\frac10", "42"},
                         Row{"x+\\ln 0-\\ln 0", "x"}, Row{"0\\cdot\\infty", "0"}})
    EXPECT_EQ(KindOf(JudgeOne("math", Boxed(row.answer), row.reference)), "wrong") << row.answer;
  for (const Row& row : {Row{"+\\infty", "\\infty"}, Row{"-\\infty", "-\\infty"}})
    EXPECT_EQ(KindOf(JudgeOne("math", Boxed(row.answer), row.reference)), "correct") << row.answer;
}

// An equation says its value only where it is true; √51 is 7.1414…, so 7.14 is rounded right.
TEST(Math, WhatAnEquationSaysMustBeTrue) {
  for (const Row& row : {Row{"43=42", "42"}, Row{"x=6=7", "7"}, Row{"41\\approx 42", "41"},
                         Row{"\\sqrt{51}\\approx 8.14", "\\sqrt{51}"}})
    EXPECT_EQ(KindOf(JudgeOne("math", Boxed(row.answer), row.reference)), "wrong") << row.answer;
  for (const Row& row : {Row{"6\\cdot7=42", "42"}, Row{"\\sqrt{51}\\approx 7.14", "\\sqrt{51}"},
                         Row{"\\sqrt{51}\\approx 7.14", "7.14"}})
    EXPECT_EQ(KindOf(JudgeOne("math", Boxed(row.answer), row.reference)), "correct") << row.answer;
}

TEST(Math, AReferenceMayBeAWorkedSolution) {
  EXPECT_EQ(KindOf(JudgeOne("math", "\\boxed{42}", "6 * 7 is\n#### 42")), "correct");
  EXPECT_EQ(KindOf(JudgeOne("math", "\\boxed{42}", "It is $\\boxed{42}$.")), "correct");
}

TEST(Math, ACompletionWithoutAnAnswerIsUnparsable) {
  for (const char* text : {"", "   ", "I do not know", "\\boxed{}", "####", "\\boxed"}) {
    const Verdict verdict = JudgeOne("math", text, "42");
    EXPECT_EQ(KindOf(verdict), "unparsable") << text;
    EXPECT_EQ(verdict.score, 0.0);
  }
}

TEST(Math, AReferenceThatCannotBeReadIsOurErrorWhateverTheCompletionIs) {
  for (const std::string& reference :
       {std::string(""), std::string("  $ $ "), std::string("1e10001"),
        "\\frac{" + std::string(20'000, '7') + "}{2}", std::string(100'001, 'x')}) {
    for (const char* completion : {"\\boxed{42}", ""}) {
      const Verdict verdict = JudgeOne("math", completion, reference);
      EXPECT_EQ(KindOf(verdict), "error") << reference.substr(0, 10);
      EXPECT_FALSE(verdict.score.has_value());
      EXPECT_THAT(verdict.detail, HasSubstr("answer"));
    }
  }
}

// Numbers written as digits are compared as digits, however many there are.
TEST(Math, AMegabyteOfDigitsIsEqualOrNot) {
  const std::string digits(1'000'000, '7');
  std::string other = digits;
  other.back() = '8';
  EXPECT_EQ(KindOf(JudgeOne("math", Boxed(digits), digits)), "correct");
  EXPECT_EQ(KindOf(JudgeOne("math", Boxed(absl::StrCat("+", digits, ".00")), absl::StrCat("0", digits))),
            "correct");
  EXPECT_EQ(KindOf(JudgeOne("math", Boxed(digits), other)), "wrong");
  EXPECT_EQ(KindOf(JudgeOne("math", Boxed(absl::StrCat("0.", digits)), absl::StrCat("0.", other))), "wrong");
  EXPECT_EQ(KindOf(JudgeOne("math", Boxed(digits), "42")), "wrong");
  EXPECT_EQ(KindOf(JudgeOne("math", Boxed("x + 1"), digits)), "wrong");
}

// The limits count work: they say the same on every machine.
TEST(Math, LimitsAreNamedAndCountWork) {
  const auto judge = [](const std::string& answer) { return JudgeOne("math", Boxed(answer), "42"); };
  EXPECT_EQ(KindOf(judge("x + " + std::string(10'000, '7'))), "wrong") << "10,000 digits are read";
  const Verdict digits = judge("x + " + std::string(10'001, '7'));
  EXPECT_EQ(KindOf(digits), "limit");
  EXPECT_EQ(digits.score, 0.0);
  EXPECT_THAT(digits.detail, HasSubstr("digits: more than 10000"));
  EXPECT_EQ(KindOf(judge("1e10000")), "wrong");
  EXPECT_THAT(judge("1e10001").detail, HasSubstr("exponent: more than 10000"));
  EXPECT_EQ(KindOf(judge("1e99999999999999999999")), "limit");
  EXPECT_EQ(KindOf(judge("1e-99999999999999999999")), "limit");
  std::string many = "1e9000";
  for (int i = 0; i < 11; ++i) many += " + 1e9000";
  EXPECT_THAT(judge(many).detail, HasSubstr("digits: more than 100000 in all"));
  std::string parts = "x";
  for (int i = 0; i < 20'000; ++i) parts += "+x";
  EXPECT_THAT(judge(parts).detail, HasSubstr("formula: more than 20000 parts"));
  EXPECT_THAT(judge(std::string(100'001, 'a')).detail, HasSubstr("formula: more than 100000 bytes"));
  EXPECT_THAT(JudgeOne("math", std::string((8u << 20) + 1, 'a'), "42").detail,
              HasSubstr("completion: more than"));
}

std::string Repeat(const std::string& text, size_t times) {
  std::string out;
  for (size_t i = 0; i < times; ++i) out += text;
  return out;
}

TEST(Math, NestingHasNoLimit) {
  for (const auto& [open, close] : std::initializer_list<std::pair<const char*, const char*>>{
           {"(", ")"}, {"\\left(", "\\right)"}, {"{", "}"}, {"[", "]"}, {"\\text{", "}"}, {"-(-", ")"}}) {
    EXPECT_EQ(KindOf(JudgeOne("math", Boxed(Repeat(open, 5'000) + "42" + Repeat(close, 5'000)), "42")),
              "correct")
        << open;
    EXPECT_EQ(KindOf(JudgeOne("math", Boxed(Repeat(open, 5'000) + "43" + Repeat(close, 5'000)), "42")),
              "wrong")
        << open;
  }
}

}  // namespace
}  // namespace entrain
