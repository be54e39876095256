#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/verifier/judge_one.h"

namespace entrain {
namespace {

using ::testing::HasSubstr;

struct Row {
  const char *completion, *answer, *options, *kind;
};

constexpr const char* kFour = R"({"count": 4})";
constexpr const char* kTexts = R"({"choices": ["40", "42", "A few", "A lot"]})";

TEST(Choice, AcceptsAndRefuses) {
  for (const Row& row : {
           // A letter, in all its clothes.
           Row{"B", "B", kFour, "correct"},
           Row{"b", "B", kFour, "correct"},
           Row{"B", "b", kFour, "correct"},
           Row{"(B)", "B", kFour, "correct"},
           Row{"[B]", "(B)", kFour, "correct"},
           Row{"B.", "B", kFour, "correct"},
           Row{"B)", "B.", kFour, "correct"},
           Row{"**B**", "B", kFour, "correct"},
           Row{"`B`", "B", kFour, "correct"},
           Row{"$\\text{(B)}$", "B", kFour, "correct"},
           Row{"（B）", "B", kFour, "correct"},
           Row{"Option B", "B", kFour, "correct"},
           Row{"C", "B", kFour, "wrong"},
           Row{"(c)", "B", kFour, "wrong"},
           // In a box.
           Row{"\\boxed{B}", "B", kFour, "correct"},
           Row{"so \\boxed{\\text{B}}.", "B", kFour, "correct"},
           Row{"\\boxed{\\textbf{(B)}\\ 42}", "B", kFour, "correct"},
           Row{"\\boxed{\\mathrm{(C)}~42}", "B", kFour, "wrong"},
           Row{"\\boxed{A} no, \\boxed{B}", "B", kFour, "correct"},
           Row{"\\boxed{B}. The answer is C", "B", kFour, "correct"},
           Row{"\\boxed{17}\nThe answer is B", "B", kFour, "correct"},  // the box names no choice
           // In a phrase.
           Row{"The answer is B", "B", kFour, "correct"},
           Row{"The answer is B.", "B", kFour, "correct"},
           Row{"The correct answer is (B).", "B", kFour, "correct"},
           Row{"Answer: b) 42", "B", kFour, "correct"},
           Row{"Answer: B. 42 is the sum", "B", kFour, "correct"},
           Row{"**Answer:** B", "B", kFour, "correct"},
           Row{"**Answer**: B", "B", kFour, "correct"},
           Row{"Answer:\nB", "B", kFour, "correct"},
           Row{"The answer is option B because C is too small", "B", kFour, "correct"},
           Row{"the correct option is: D", "D", kFour, "correct"},
           Row{"The answer is B, because C is too small.", "B", kFour, "correct"},
           Row{"The answer is B. C is too small.", "B", kFour, "correct"},
           Row{"The answer is A. No: the answer is B", "B", kFour, "correct"},
           Row{"The answer is A because it is", "A", kFour, "correct"},
           Row{"The answer is C", "B", kFour, "wrong"},
           // In the last line, alone.
           Row{"Let me think.\n\nB", "B", kFour, "correct"},
           Row{"Let me think.\n(B)\n", "B", kFour, "correct"},
           Row{"Let me think.\nC\n", "B", kFour, "wrong"},
           Row{"It is 40 + 2.\nD. 42", "D", kFour, "unparsable"},  // the choices repeated are no answer
           Row{"A train leaves", "A", kFour, "unparsable"},
           // Hedging.
           Row{"A or B", "B", kFour, "wrong"},
           Row{"A or B", "A", kFour, "wrong"},
           Row{"\\boxed{A, B}", "A", kFour, "wrong"},
           Row{"\\boxed{A/B/C/D}", "A", kFour, "wrong"},
           Row{"The answer is (A) or (B).", "A", kFour, "wrong"},
           Row{"The answer is either A or B because", "A", kFour, "wrong"},
           Row{"The answer is A and B.", "A", kFour, "wrong"},
           Row{"The answer is B or B", "B", kFour, "correct"},
           // No choice.
           Row{"", "B", kFour, "unparsable"},
           Row{"I do not know", "B", kFour, "unparsable"},
           Row{"E", "B", kFour, "unparsable"},  // there is no fifth
           Row{"E", "E", "{}", "correct"},
           Row{"The answer is a number", "A", kFour, "unparsable"},
           Row{"The answer is not B", "B", kFour, "unparsable"},
           Row{"The answer is Bill", "B", kFour, "unparsable"},
           Row{"The answer is B12", "B", kFour, "unparsable"},
           Row{"The answer is b = 3", "B", kFour, "unparsable"},
           Row{"42", "B", kFour, "unparsable"},
           // The texts of the choices.
           Row{"42", "B", kTexts, "correct"},
           Row{"\\boxed{42}", "B", kTexts, "correct"},
           Row{"\\boxed{40}", "B", kTexts, "wrong"},
           Row{"The answer is 42.", "42", kTexts, "correct"},
           Row{"B", "42", kTexts, "correct"},
           Row{"\\boxed{a few}", "C", kTexts, "correct"},
           Row{"\\boxed{A lot}", "D", kTexts, "correct"},
           Row{"\\boxed{A lot}", "A", kTexts, "wrong"},
           Row{"\\boxed{A}", "A", kTexts, "correct"},
           Row{"\\boxed{43}", "B", kTexts, "unparsable"},
           // Numbered references.
           Row{"B", "1", R"({"count": 4, "index_from": 0})", "correct"},
           Row{"B", "2", R"({"count": 4, "index_from": 1})", "correct"},
           Row{"B", "1", R"({"count": 4, "index_from": 1})", "wrong"},
           Row{"B", "2", R"({"choices": ["2", "3"], "index_from": 1})", "correct"},
           // Sources.
           Row{"\\boxed{A}\nB", "B", R"({"sources": ["last_line"]})", "correct"},
           Row{"\\boxed{A}\nB", "B", R"({"sources": ["boxed"]})", "wrong"},
           Row{"B", "B", R"({"sources": ["boxed", "phrase"]})", "unparsable"},
       }) {
    const Verdict verdict = JudgeOne("choice", row.completion, row.answer, row.options);
    EXPECT_EQ(KindOf(verdict), row.kind)
        << row.completion << " | " << row.answer << " | " << row.options << " | " << verdict.detail;
    EXPECT_EQ(verdict.score, std::string(row.kind) == "correct" ? 1.0 : 0.0);
  }
}

TEST(Choice, NamesWhatItHedges) {
  EXPECT_THAT(JudgeOne("choice", "The answer is A or B", "B").detail,
              HasSubstr("more than one choice: A, B"));
}

TEST(Choice, AReferenceThatIsNoChoiceIsOurError) {
  struct Bad {
    const char *answer, *options, *says;
  };
  for (const Bad& bad : {
           Bad{"E", kFour, "answer: expected a letter from A to D, found \"E\""},
           Bad{"", kFour, "answer: expected a letter"},
           Bad{"Bill", kFour, "answer: expected a letter"},
           Bad{"43", kTexts, "or the text of one of the choices"},
           Bad{"1", kFour, "answer: expected a letter"},  // is that A or B? index_from says
           Bad{"4", R"({"count": 4, "index_from": 0})", "a whole number from 0 to 3"},
           Bad{"0", R"({"count": 4, "index_from": 1})", "a whole number from 1 to 4"},
           Bad{"A", R"({"count": 4, "index_from": 1})", "a whole number from 1 to 4"},
           Bad{"A", R"({"count": 1})", "verifier_options.count"},
           Bad{"A", R"({"choices": ["x"]})", "verifier_options.choices: expected 2 to 26"},
           Bad{"A", R"({"choices": ["x", "X."]})", "expected different texts"},
           Bad{"A", R"({"choices": ["x", 3]})", "verifier_options.choices"},
           Bad{"A", R"({"choices": ["x", "y"], "count": 2})", "choices excludes count"},
           Bad{"A", R"({"sources": ["hash"]})", "found \"hash\""},
           Bad{"A", R"({"sources": []})", "verifier_options.sources"},
           Bad{"A", R"({"letters": "AB"})", "unknown key \"letters\""},
       }) {
    const Verdict verdict = JudgeOne("choice", "A", bad.answer, bad.options);
    EXPECT_EQ(KindOf(verdict), "error") << bad.answer << " | " << bad.options;
    EXPECT_THAT(verdict.detail, HasSubstr(bad.says)) << bad.answer << " | " << bad.options;
  }
}

}  // namespace
}  // namespace entrain
