// Where a final answer stands, by source: docs/verifier.md, "Where the answer stands".
#include "verifier/math/answer_finder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace entrain {
namespace {

struct Row {
  std::string text, found;  // "": nothing
};

void Expect(AnswerSource source, std::initializer_list<Row> rows) {
  for (const Row& row : rows)
    EXPECT_EQ(FindAnswer(row.text, std::vector<AnswerSource>{source}).value_or(""), row.found) << row.text;
}

std::string Repeat(const std::string& text, size_t times) {
  std::string out;
  for (size_t i = 0; i < times; ++i) out += text;
  return out;
}

TEST(AnswerFinder, Boxed) {
  const std::string near_by(69 - 5, 'x'), far(70 - 5, 'x');
  Expect(AnswerSource::kBoxed, {{"\\boxed{1}", "1"},
                                {"\\boxed {1}", "1"},
                                {"\\fbox{1}", "1"},
                                {"$\\boxed{\\frac{1}{2}}$.", "\\frac{1}{2}"},
                                {"\\boxed{\\{1, 2\\}}", "\\{1, 2\\}"},
                                {"\\\\boxed{1}", "1"},
                                {"\\boxed{\\boxed{1}}", "1"},
                                {"\\boxed{1}. No, it is \\boxed{2}", "2"},
                                {"\\boxed{1} \\boxed{2}", "1, 2"},
                                {"\\boxed{1}xxxxxxxxx\\boxed{2}", "1, 2"},  // 9 bytes between
                                {"\\boxed{1}xxxxxxxxxx\\boxed{2}", "2"},    // 10, and no separator
                                {absl::StrCat("\\boxed{1}, ", near_by, " , \\boxed{2}"), "1, 2"},  // 69 bytes
                                {absl::StrCat("\\boxed{1}, ", far, " , \\boxed{2}"), "2"},         // 70
                                {"\\boxed{1} papers and \\boxed{2} bins", "1, 2"},
                                {"\\boxed{1} sand sand sand \\boxed{2}", "2"},  // "and" must be a word
                                {"\\boxed{7} and so again \\boxed{7}", "7"},
                                {"\\boxed{1} and \\boxed{2} and \\boxed{3}", "1, 2, 3"},
                                {"\\boxed{1} but \\boxed{2", "1"},
                                {"\\boxed{}", ""},
                                {"\\boxed", ""},
                                {"boxed{1}", ""}});
  Expect(AnswerSource::kLastBoxed, {{"\\boxed{1} and \\boxed{2}", "2"}, {"\\boxed{1", ""}});
}

TEST(AnswerFinder, Hash) {
  Expect(AnswerSource::kHash, {{"#### 1", "1"},
                               {"#### 1\n#### 2 apples\nend", "2 apples"},
                               {"### 1", ""},
                               {"##### 1", "1"},
                               {"####", ""}});
}

TEST(AnswerFinder, Phrase) {
  Expect(AnswerSource::kPhrase,
         {{"The answer is 42.", "42"},
          {"ANSWER: 42", "42"},
          {"The answer is 3.5. Done.", "3.5"},
          {"The answers are 1 and 2", "1 and 2"},
          {"The answer to the first part is 42.", "42"},
          {"The answer is $x = 5$, because it is.", "x = 5"},
          {"The answer is $1$ and $2$.", "1, 2"},
          {"**Final Answer:**\n\n\\[ \\frac{1}{2} \\]", "\\frac{1}{2}"},
          {"**Answer: 42**", "42"},
          {"Final Answer: The largest $n$ is 34.", "34"},
          {"Final Answer: Jane started 3 hours ago", "3"},
          {"The answer is that the function is increasing.", "that the function is increasing"},
          {"The answer is 42, since 42 > 41", "42"},
          {"The answer is 1, 2, 3", "1, 2, 3"},
          {"I answered 42", ""},
          {"no answer", ""},
          {"the answer isotope 4", ""}});
}

TEST(AnswerFinder, LastNumberAndLastExpression) {
  for (const AnswerSource source : {AnswerSource::kLastNumber, AnswerSource::kLastExpression}) {
    Expect(source, {{"from 5 to -42 m", "-42"},
                    {"from 5 to −42 m", "-42"},
                    {"the range 5-42 m", "42"},
                    {"it weighs 1,234.5 kg", "1,234.5"},
                    {"about 3/4 of it", "3/4"},
                    {"it is 1.5e-3 m", "1.5e-3"},
                    {"that is 50 percent of it", "50 percent"},
                    {"it costs -$5 or so", "-$5"},
                    {"4 parts of H2O", "4"},
                    {"no number", ""},
                    {"", ""}});
  }
  Expect(AnswerSource::kLastNumber, {{"H2O", ""}});
  Expect(AnswerSource::kLastExpression, {{"it is $x+1$, clearly", "x+1"},
                                         {"it is \\(x\\) but then $y$ again", "y"},
                                         {"so $x=1$, $y=2$ and $z=3$.", "x=1, y=2, z=3"},
                                         {"$x$ in 3 steps", "3"},
                                         {"it is $28$ percent", "28%"},
                                         {"$5 here and $6 there", "6"},
                                         {"$x\n$", ""},
                                         {"$$x\n$$", "x"},
                                         {"1 000", "1 000"},
                                         {"\\frac{10}{9}", "\\frac{10}{9}"}});
  Expect(AnswerSource::kWhole, {{" all of it ", "all of it"}, {" ", ""}});
}

TEST(AnswerFinder, NamesAreThoseOfTheOption) {
  EXPECT_EQ(AnswerSourceFromName("last_expression"), AnswerSource::kLastExpression);
  EXPECT_EQ(AnswerSourceFromName("box"), std::nullopt);
  EXPECT_THAT(AnswerSourceNames(), ::testing::ElementsAre("boxed", "last_boxed", "hash", "phrase",
                                                          "last_number", "last_expression", "whole"));
}

// Hostile texts of a megabyte: nothing is searched again for each of its parts.
TEST(AnswerFinder, LongTextsOfOnePatternComeToAnEnd) {
  for (const char* part : {"\\boxed{",   "\\boxed{1},", "\\boxed{1} and ",
                           "$",          "$ ",          "$x",
                           "\\(",        "\\[x\\]",     "$$",
                           "#",          "# ",          "answer ",
                           "answer to ", "answer is ",  "answer:\n",
                           "{",          "\\",          "a1",
                           "1e5",        "1,234,",      "$1$ and ",
                           "$1$,",       ".",           "\xff"}) {
    const std::string text = Repeat(part, 1'000'000 / std::string(part).size());
    for (const AnswerSource source :
         {AnswerSource::kBoxed, AnswerSource::kHash, AnswerSource::kPhrase, AnswerSource::kLastExpression}) {
      const auto found = FindAnswer(text, std::vector<AnswerSource>{source});
      EXPECT_LE(found.value_or("").size(), text.size()) << part;
    }
  }
}

}  // namespace
}  // namespace entrain
