// The rows of tests/golden/objectives/golden.json (written by objectives.py beside it) that belong to
// registered objectives: losses to 1e-10; gradients there are central differences, so to 1e-6.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "learner/objective/document.h"
#include "learner/objective/objective.h"

namespace entrain {
namespace {

using Json = nlohmann::json;

const Json& Golden() {
  static const Json* golden = [] {
    std::ifstream file(ENTRAIN_SOURCE_DIR "/tests/golden/objectives/golden.json");
    return new Json(Json::parse(file));
  }();
  return *golden;
}

bool IsRegistered(const std::string& name) {
  const auto infos = RegisteredObjectives();
  return std::ranges::any_of(infos, [&](const ObjectiveInfo& info) { return info.name == name; });
}

void ExpectRow(const std::string& name, const Json& row) {
  Json document = Golden()["inputs"];
  for (const char* key : {"objective", "params", "aggregation", "measured_entropy"}) {
    if (row.contains(key)) document[key] = row[key];
  }
  const absl::StatusOr<std::string> text = EvaluateObjectiveDocument(document.dump());
  ASSERT_TRUE(text.ok()) << name << ": " << text.status();
  const Json result = Json::parse(*text);
  EXPECT_NEAR(result["loss"].get<double>(), row["loss"].get<double>(), 1e-10) << name;
  ASSERT_EQ(result["grad_new_logp"].size(), row["grad_new_logp"].size());
  for (size_t i = 0; i < row["grad_new_logp"].size(); ++i) {
    for (size_t t = 0; t < row["grad_new_logp"][i].size(); ++t) {
      EXPECT_NEAR(result["grad_new_logp"][i][t].get<double>(), row["grad_new_logp"][i][t].get<double>(), 1e-6)
          << name << " [" << i << "][" << t << "]";
    }
  }
}

TEST(GoldenObjectives, EveryRowOfARegisteredObjectiveIsReproduced) {
  int rows = 0;
  for (const auto& [name, row] : Golden()["objectives"].items()) {
    if (!IsRegistered(row["objective"])) continue;
    ExpectRow(name, row);
    ++rows;
  }
  EXPECT_GE(rows, 7) << "ppo_clip, _dual, _seq_mean, clip_low_off, clip_high_off, flex_closed, flex_new";
}

}  // namespace
}  // namespace entrain
