// Math-Verify's own published judgements (tests/golden/math_verify/). Where ours differs, the case is listed
// in disagreements.jsonl with the reason; a case that differs without being listed fails, and so does a
// listed one that no longer differs.
#include <gtest/gtest.h>

#include <map>

#include "common/verdict.h"
#include "tests/unit/verifier/golden_lines.h"

namespace entrain {
namespace {

using Json = nlohmann::json;

// What Math-Verify was told, in our options.
VerifyItem ItemOf(const Json& row) {
  const Json config = row.value("config", Json::object());
  VerifyItem item{.verifier = "math", .completion = row.at("answer"), .answer = row.at("gold")};
  Json options = Json::object();
  for (const auto& [key, value] : config.items()) {
    if (key == "precision") {
      options["decimals"] = value;
    } else if (key == "strict") {
      options["symbol_names"] = value;
    } else if (key == "allow_set_relation_comp") {
      options["inequality_for_set"] = value;
    } else if (key == "boxed_match_priority" && value == -1) {
      options["sources"] = {"phrase", "last_expression"};
    } else if (key == "boxed_match_priority" && value != 0) {
      options["sources"] = {"phrase", "boxed", "last_expression"};
    } else if (key == "match_types" && value == Json{"string"}) {
      item.verifier = "choice";
    }
  }
  item.options_json = options.dump();
  return item;
}

TEST(MathVerifyCases, AgreeUnlessListed) {
  const std::vector<GoldenLine> cases = ReadGoldenLines("tests/golden/math_verify/cases.jsonl");
  ASSERT_EQ(cases.size(), 290u);
  std::map<std::string, GoldenLine> listed;
  for (const GoldenLine& line : ReadGoldenLines("tests/golden/math_verify/disagreements.jsonl")) {
    EXPECT_TRUE(listed.emplace(line.row.value("id", ""), line).second) << line.place << ": listed twice";
    EXPECT_FALSE(line.row.value("reason", "").empty()) << line.place;
    const std::string right = line.row.value("right", "");
    EXPECT_TRUE(right == "entrain" || right == "math-verify" || right == "convention") << line.place;
  }
  std::vector<VerifyItem> items;
  for (const GoldenLine& line : cases) items.push_back(ItemOf(line.row));
  const std::vector<Verdict> verdicts = JudgeAll(items);
  for (size_t i = 0; i < cases.size(); ++i) {
    const Json& row = cases[i].row;
    const std::string kind(VerdictKindName(verdicts[i].kind));
    const bool agrees = (verdicts[i].kind == VerdictKind::kCorrect) == row.at("expected").get<bool>();
    const auto entry = listed.extract(row.at("id").get<std::string>());
    const std::string about = absl::StrCat(
        cases[i].place, " (", row.at("id").get<std::string>(), ", ", row.at("source").get<std::string>(),
        ")\n  gold: ", EndOf(items[i].answer), "\n  answer: ", EndOf(items[i].completion),
        "\n  extracted: ", EndOf(verdicts[i].extracted), "\n  detail: ", verdicts[i].detail);
    if (entry.empty()) {
      EXPECT_TRUE(agrees) << "Math-Verify expects " << row.at("expected") << ", found " << kind << ": "
                          << about;
    } else {
      EXPECT_FALSE(agrees) << entry.mapped().place << ": agrees now, take it off the list: " << about;
      EXPECT_EQ(kind, entry.mapped().row.value("ours", "")) << entry.mapped().place << ": " << about;
    }
  }
  for (const auto& [id, line] : listed) ADD_FAILURE() << line.place << ": no such case: " << id;
}

}  // namespace
}  // namespace entrain
