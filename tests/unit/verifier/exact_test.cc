#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/verifier/judge_one.h"

namespace entrain {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

struct Row {
  const char *completion, *answer, *options, *kind;
};

TEST(Exact, AcceptsAndRefusesByItsOptions) {
  for (const Row& row : {
           Row{"yes", "yes", "{}", "correct"}, Row{"yes ", "\n yes", "{}", "correct"},
           Row{"yes", "no", "{}", "wrong"}, Row{"Yes", "yes", "{}", "wrong"}, Row{"", "", "{}", "correct"},
           Row{"", "yes", "{}", "wrong"}, Row{"yes.", "yes", "{}", "wrong"},
           Row{"yes ", "yes", R"({"trim": false})", "wrong"},
           Row{"Yes", "yES", R"({"ignore_case": true})", "correct"}, Row{"a  b\n c", "a b c", "{}", "wrong"},
           Row{"a  b\n c", "a b c", R"({"collapse_whitespace": true})", "correct"},
           Row{"ab c", "a b c", R"({"collapse_whitespace": true})", "wrong"},
           Row{"\xff\xfe", "\xff\xfe", "{}", "correct"}, Row{"\xff\xfe", "\xff\xff", "{}", "wrong"},
           // Bytes, not characters: an umlaut has two spellings, a capital and a wide space, and none is
           // another.
           Row{"\u00e4", "a\u0308", "{}", "wrong"},
           Row{"\u00c4", "\u00e4", R"({"ignore_case": true})", "wrong"},
           Row{"\u00a0yes", "yes", "{}", "wrong"}, Row{"\u2212 1", "-1", "{}", "wrong"},
           Row{"42.0", "42", "{}", "wrong"}, Row{"\r\nyes\t", "yes", "{}", "correct"},
           Row{"yes\nno", "yes", "{}", "wrong"},
           // Options together.
           Row{"  A\t B ", "a b", R"({"ignore_case": true, "collapse_whitespace": true})", "correct"},
           Row{" a b", "a b", R"({"trim": false, "collapse_whitespace": true})",
               "correct"},  // none at the ends
       }) {
    const Verdict verdict = JudgeOne("exact", row.completion, row.answer, row.options);
    EXPECT_EQ(KindOf(verdict), row.kind) << row.completion << " | " << row.answer << " | " << row.options;
    EXPECT_EQ(verdict.score, std::string(row.kind) == "correct" ? 1.0 : 0.0);
  }
}

TEST(Exact, AnOptionThatNobodyKnowsIsOurErrorAndNamesTheKey) {
  const Verdict verdict = JudgeOne("exact", "a", "a", R"({"ignorecase": true})");
  EXPECT_EQ(KindOf(verdict), "error");
  EXPECT_FALSE(verdict.score.has_value());
  EXPECT_THAT(verdict.detail, AllOf(HasSubstr("\"ignorecase\""), HasSubstr("did you mean \"ignore_case\"")));
  EXPECT_THAT(JudgeOne("exact", "a", "a", R"({"trim": 1})").detail,
              AllOf(HasSubstr("trim"), HasSubstr("true or false"), HasSubstr("found 1")));
}

}  // namespace
}  // namespace entrain
