// All of GSM8K: the solution text is right against its own answer, and wrong against the number after it.
#include <gtest/gtest.h>

#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "common/verdict.h"
#include "tests/unit/verifier/golden_lines.h"

namespace entrain {
namespace {

struct Part {
  const char* name;
  size_t lines;
};

class Gsm8kAnswers : public ::testing::TestWithParam<Part> {};

TEST_P(Gsm8kAnswers, MatchTheirOwnSolutionsAndNoOther) {
  const std::vector<GoldenLine> lines =
      ReadGoldenLines(absl::StrCat("examples/gsm8k/data/", GetParam().name, ".jsonl"));
  ASSERT_EQ(lines.size(), GetParam().lines);
  std::vector<VerifyItem> items;
  for (const GoldenLine& line : lines) {
    const std::string solution = line.row.value("answer", "");
    const size_t marks = solution.rfind("#### ");
    ASSERT_NE(marks, std::string::npos) << line.place;
    const std::string answer = solution.substr(marks + 5);
    // Answers are whole numbers below 10^12, some with thousands separators.
    const long long next = std::stoll(absl::StrReplaceAll(answer, {{",", ""}})) + 1;
    items.push_back({.verifier = "math", .completion = solution, .answer = answer});
    items.push_back({.verifier = "math", .completion = solution, .answer = std::to_string(next)});
  }
  const std::vector<Verdict> verdicts = JudgeAll(items);
  for (size_t i = 0; i < items.size(); ++i) {
    EXPECT_EQ(verdicts[i].kind, i % 2 == 0 ? VerdictKind::kCorrect : VerdictKind::kWrong)
        << lines[i / 2].place << ": " << EndOf(items[i].completion) << "\n  answer: " << items[i].answer
        << "\n  extracted: " << verdicts[i].extracted;
  }
}

INSTANTIATE_TEST_SUITE_P(Data, Gsm8kAnswers, ::testing::Values(Part{"train", 7473}, Part{"test", 1319}),
                         [](const auto& part) { return part.param.name; });

}  // namespace
}  // namespace entrain
