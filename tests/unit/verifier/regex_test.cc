#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/unit/verifier/judge_one.h"

namespace entrain {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

struct Row {
  const char *completion, *pattern, *options, *kind;
};

TEST(Regex, AcceptsAndRefuses) {
  for (const Row& row : {
           // From end to end.
           Row{"abc", "abc", "{}", "correct"},
           Row{"abcd", "abc", "{}", "wrong"},
           Row{"xabc", "abc", "{}", "wrong"},
           Row{"ab", "a|ab", "{}", "correct"},  // the shorter alternative first must not decide
           Row{"aab", "a*?b|a", "{}", "correct"},
           Row{"", "", "{}", "correct"},
           Row{"", "a*", "{}", "correct"},
           Row{"a", "", "{}", "wrong"},
           Row{"42", "\\d+", "{}", "correct"},
           Row{"-42", "\\d+", "{}", "wrong"},
           Row{"abab", "(ab)\\1", "{}", "correct"},
           Row{"a\nb", "a.b", "{}", "wrong"},
           Row{"a\nb", "(?s)a.b", "{}", "correct"},
           Row{"abc\n", "abc$", R"({"trim": false})",
               "wrong"},  // $ before the last line break is not the end
           // UTF-8: one character is one dot and one member of a class.
           Row{"\xe4\xb8\x80", ".", "{}", "correct"},
           Row{"\xe4\xb8\x80\xe4\xb8\x81", "[\xe4\xb8\x80-\xe4\xb8\x82]{2}", "{}", "correct"},
           Row{"\xe4\xb8\x80", "...", "{}", "wrong"},
           Row{"\xff", ".", "{}", "unparsable"},
           Row{"a\xe4\xb8", "a.*", "{}", "unparsable"},
           // trim
           Row{" abc\n", "abc", "{}", "correct"},
           Row{" abc\n", "abc", R"({"trim": false})", "wrong"},
           Row{" abc\n", "\\sabc\\s", R"({"trim": false})", "correct"},
           // search
           Row{"so it is 42.", "\\d+", R"({"search": true})", "correct"},
           Row{"so it is.", "\\d+", R"({"search": true})", "wrong"},
           Row{"x = 42", "^\\d+", R"({"search": true})", "wrong"},
           Row{"", "(?=a)", R"({"search": true})", "wrong"},
           Row{"a", "", R"({"search": true})", "correct"},  // nothing is found anywhere
           // Look-around, named groups, conditions and recursion are PCRE2's.
           Row{"price: 42", "(?<=: )\\d+", R"({"search": true})", "correct"},
           Row{"abba", "(?<x>a)(b)\\2\\k<x>", "{}", "correct"},
           Row{"(a(b)c)", "(\\((?:[^()]|(?1))*\\))", "{}", "correct"},
           Row{"(a(b)c", "(\\((?:[^()]|(?1))*\\))", "{}", "wrong"},
           Row{"ab\ncd", "(?m)^cd$", R"({"search": true})", "correct"},
           // Classes know ASCII unless they are told.
           Row{"\u0664", "\\d", "{}", "wrong"},
           Row{"\u0664", "(*UCP)\\d", "{}", "correct"},
           Row{"a\\b", "a\\\\b", "{}", "correct"},
           Row{"a.b", "\\Qa.b\\E", "{}", "correct"},
           Row{"axb", "\\Qa.b\\E", "{}", "wrong"},
           // ignore_case
           Row{"ABC", "abc", "{}", "wrong"},
           Row{"ABC", "abc", R"({"ignore_case": true})", "correct"},
           Row{"\xc3\x84", "\xc3\xa4", R"({"ignore_case": true})", "correct"},
       }) {
    const Verdict verdict = JudgeOne("regex", row.completion, row.pattern, row.options);
    EXPECT_EQ(KindOf(verdict), row.kind)
        << row.completion << " | " << row.pattern << " | " << row.options << " | " << verdict.detail;
    EXPECT_EQ(verdict.score, std::string(row.kind) == "correct" ? 1.0 : 0.0);
  }
}

TEST(Regex, ShowsThePartThatMatched) {
  EXPECT_EQ(JudgeOne("regex", "it is 42 or 43", "4\\d", R"({"search": true})").extracted, "42");
  EXPECT_EQ(JudgeOne("regex", "nothing", "4\\d").extracted, "nothing");
}

TEST(Regex, ABadPatternIsOurErrorAndNamesThePlace) {
  for (const char* pattern : {"(", "a)", "[b-a]", "*", "a{2,1}", "\\C", "(?<n>a)(?<n>b)", "\xff", "\\"}) {
    const Verdict verdict = JudgeOne("regex", "a", pattern);
    EXPECT_EQ(KindOf(verdict), "error") << pattern;
    EXPECT_FALSE(verdict.score.has_value());
    EXPECT_THAT(verdict.detail,
                AllOf(HasSubstr("answer: expected a regular expression"), HasSubstr("at byte")));
  }
  EXPECT_THAT(JudgeOne("regex", "a", "ab(c").detail, HasSubstr("at byte 4"));
  EXPECT_EQ(KindOf(JudgeOne("regex", "a", std::string(70'000, 'a'))), "error");
  EXPECT_THAT(JudgeOne("regex", "a", "a", R"({"serch": true})").detail, HasSubstr("did you mean \"search\""));
}

// Work is bounded, whatever pattern and completion are; the time is generous, as a hang would be minutes.
TEST(Regex, PatternsThatNeedTooMuchWorkAreALimit) {
  const std::string many = std::string(2'000, 'a') + "b", longest(128 << 10, 'a'),
                    opened = std::string(50'000, '(') + "x)";
  struct Case {
    std::string completion, pattern;
  };
  // [cd] instead of a letter: a letter that the completion lacks is found before any matching.
  for (const Case& each :
       {Case{many, "(a+)+[cd]"}, Case{many, "(a|aa)+[cd]"}, Case{many, "(a|a?)+[cd]"},
        Case{many, "(.*)(.*)(.*)(.*)(.*)[cd]"}, Case{many, "(?:(a+)+)+\\1\\1[cd]"},
        Case{longest, "(?:a|b)*[cd]"}, Case{longest, "(a(?1)?)[cd]"}, Case{opened, "(\\((?1)*\\))"},
        Case{longest, "(?:a?){200}(?:a?){200}[cd]"}, Case{longest, "(?:(?=a*+b)|(?=a*+[cd])|a)*[cd]"}}) {
    for (const char* options : {"{}", R"({"search": true})"}) {
      const auto begin = std::chrono::steady_clock::now();
      const Verdict verdict = JudgeOne("regex", each.completion, each.pattern, options);
      EXPECT_EQ(KindOf(verdict), "limit") << each.pattern << " " << options << " " << verdict.detail;
      EXPECT_EQ(verdict.score, 0.0);
      EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10)) << each.pattern;
      EXPECT_EQ(JudgeOne("regex", each.completion, each.pattern, options).detail, verdict.detail);
    }
  }
  EXPECT_THAT(JudgeOne("regex", longest + "a", "a*").detail, HasSubstr("131072 bytes"));
}

// Nested repeats that would expand to gigabytes are refused when they are compiled.
TEST(Regex, PatternsThatGrowAreOurError) {
  const auto begin = std::chrono::steady_clock::now();
  for (const std::string& pattern :
       {std::string("(((a{1,1000}){1,1000}){1,1000}){1,1000}"),
        std::string(1'000, '(') + std::string(1'000, ')'), std::string("(?:[a-z]{1000}){60000}")}) {
    EXPECT_EQ(KindOf(JudgeOne("regex", "aaaa", pattern)), "error") << pattern.substr(0, 50);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
}

}  // namespace
}  // namespace entrain
