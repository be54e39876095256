// Every row of tests/golden/objectives/golden.json (written by objectives.py beside it): losses to 1e-10;
// gradients there are central differences, so to 1e-6.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "learner/objective/document.h"

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

TEST(GoldenObjectives, EveryRowIsReproduced) {
  for (const auto& [name, row] : Golden()["objectives"].items()) ExpectRow(name, row);
  EXPECT_EQ(Golden()["objectives"].size(), 29u);
}

}  // namespace
}  // namespace entrain
