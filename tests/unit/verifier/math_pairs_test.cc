// Every row of tests/golden/math_pairs/: written by hand, and confirmed by SymPy where it can judge
// (check_with_sympy.py beside the tables). Zero false verdicts: each row is one.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "common/verdict.h"
#include "tests/unit/verifier/golden_lines.h"

namespace entrain {
namespace {

constexpr char kFolder[] = "tests/golden/math_pairs";

std::vector<std::string> Topics() {
  std::vector<std::string> topics;
  for (const auto& entry :
       std::filesystem::directory_iterator(absl::StrCat(ENTRAIN_SOURCE_DIR, "/", kFolder))) {
    if (entry.path().extension() == ".jsonl") topics.push_back(entry.path().stem().string());
  }
  std::sort(topics.begin(), topics.end());
  return topics;
}

class MathPairs : public ::testing::TestWithParam<std::string> {};

TEST_P(MathPairs, AreJudgedRight) {
  const std::vector<GoldenLine> lines = ReadGoldenLines(absl::StrCat(kFolder, "/", GetParam(), ".jsonl"));
  ASSERT_FALSE(lines.empty());
  std::vector<VerifyItem> items;
  for (const GoldenLine& line : lines) {
    items.push_back({.verifier = "math",
                     .completion = line.row.value("completion", ""),
                     .answer = line.row.value("answer", ""),
                     .options_json = line.row.value("options", nlohmann::json::object()).dump()});
  }
  const std::vector<Verdict> verdicts = JudgeAll(items);
  for (size_t i = 0; i < lines.size(); ++i) {
    const std::string kind(VerdictKindName(verdicts[i].kind));
    EXPECT_EQ(kind, lines[i].row.value("kind", ""))
        << lines[i].place << ": " << lines[i].row.value("why", "")
        << "\n  completion: " << EndOf(items[i].completion) << "\n  answer: " << EndOf(items[i].answer)
        << "\n  extracted: " << EndOf(verdicts[i].extracted) << "\n  detail: " << verdicts[i].detail;
  }
}

INSTANTIATE_TEST_SUITE_P(Topic, MathPairs, ::testing::ValuesIn(Topics()),
                         [](const auto& topic) { return topic.param; });

TEST(MathPairsTable, HoldsEqualAndUnequalPairs) {
  size_t correct = 0, wrong = 0;
  for (const std::string& topic : Topics()) {
    for (const GoldenLine& line : ReadGoldenLines(absl::StrCat(kFolder, "/", topic, ".jsonl"))) {
      correct += line.row.value("kind", "") == "correct";
      wrong += line.row.value("kind", "") == "wrong";
    }
  }
  EXPECT_GE(correct, 700u);
  EXPECT_GE(wrong, 700u);
}

}  // namespace
}  // namespace entrain
