// Random mini-batches: what UpdateMetrics says of their update, against the entropy law and the regions of
// the reference (update_cases.py). ENTRAIN_TEST_SEED draws others.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "learner/objective/document.h"
#include "learner/update_metrics.h"
#include "tests/integration/objective_reference/reference.h"

namespace entrain {
namespace {

using Json = nlohmann::json;

TokenBatch BatchOf(const Json& document) {
  TokenBatch batch;
  const auto fill = [&](const char* key, std::vector<double>& column) {
    for (const Json& row : document.at(key)) {
      for (const Json& value : row) column.push_back(value.get<double>());
    }
  };
  fill("old_logp", batch.old_logp);
  fill("new_logp", batch.new_logp);
  fill("advantages", batch.advantage);
  fill("mask", batch.mask);
  fill("old_entropy", batch.old_entropy);
  fill("entropy", batch.entropy);
  fill("old_n", batch.old_n);
  fill("new_n", batch.new_n);
  const auto columns = static_cast<int64_t>(document.at("mask").at(0).size());
  for (size_t row = 0; row <= document.at("mask").size(); ++row)
    batch.sequence_begin.push_back(static_cast<int64_t>(row) * columns);
  return batch;
}

std::map<std::string, double> MetricsOf(const Json& document) {
  const auto spec =
      ParseObjective(document.at("objective").get<std::string>(), document.at("params").dump(), "", "");
  EXPECT_TRUE(spec.ok()) << spec.status();
  TokenBatch batch = BatchOf(document);
  EXPECT_TRUE(PrepareBatch(*spec, batch).ok());
  EXPECT_TRUE(PlanMinibatch(*spec, {}, batch).ok());
  const Denominators denominators = CountDenominators(batch);
  const auto result = EvaluateObjective(*spec, batch, denominators);
  EXPECT_TRUE(result.ok()) << result.status();
  UpdateMetrics metrics({});
  metrics.AddPart(batch, *result, denominators);
  metrics.Keep(1);
  return metrics.Result();
}

TEST(UpdateMetricsReference, EntropyChangesAndCutSharesAreThoseOfTheReference) {
  if (!NumPyIsThere()) GTEST_SKIP() << "needs the Debian package python3-numpy";
  const ChildOutput reference =
      RunChild(std::string(kPython) +
               " -B -W ignore " ENTRAIN_SOURCE_DIR
               "/tests/integration/objective_reference/update_cases.py " ENTRAIN_SOURCE_DIR
               "/tests/golden/objectives " +
               std::to_string(Seed()));
  ASSERT_EQ(reference.status, 0);
  const Json cases = Json::parse(reference.text);
  ASSERT_EQ(cases.size(), 3 * 14u);
  for (const Json& one : cases) {
    const auto found = MetricsOf(one.at("document"));
    for (const auto& [name, value] : one.at("expected").items()) {
      ASSERT_TRUE(found.contains(name)) << name;
      // The reference differentiates by central differences with step 1e-6.
      EXPECT_NEAR(found.at(name), value.get<double>(), 1e-6) << one.at("row") << ": " << name;
    }
  }
}

}  // namespace
}  // namespace entrain
