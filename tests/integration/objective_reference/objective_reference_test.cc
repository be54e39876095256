// Random documents, answered by this program and by the project's executable definition of `entrain
// objective` (tests/golden/objectives/objectives.py --eval, NumPy, float64).
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "learner/objective/document.h"
#include "tests/integration/objective_reference/random_documents.h"
#include "tests/integration/objective_reference/reference.h"
#include "tests/testing/temporary_folder.h"

namespace entrain {
namespace {

void ExpectSame(const Json& found, const Json& expected, const std::string& document) {
  const double loss = expected["loss"].get<double>();
  EXPECT_NEAR(found["loss"].get<double>(), loss, 1e-10 * std::max(1.0, std::abs(loss))) << document;
  for (size_t i = 0; i < expected["grad_new_logp"].size(); ++i) {
    for (size_t t = 0; t < expected["grad_new_logp"][i].size(); ++t) {
      // Central differences with step 1e-6 there.
      EXPECT_NEAR(found["grad_new_logp"][i][t].get<double>(), expected["grad_new_logp"][i][t].get<double>(),
                  1e-6)
          << "[" << i << "][" << t << "] of " << document;
    }
  }
}

void ExpectAnsweredAlike(const Json& document) {
  const TemporaryFolder folder;
  const std::string file = folder / "document.json";
  std::ofstream(file) << document;
  const ChildOutput reference =
      RunChild(std::string(kPython) +
               " -W ignore " ENTRAIN_SOURCE_DIR "/tests/golden/objectives/objectives.py --eval " + file);
  ASSERT_EQ(reference.status, 0) << document;
  const auto found = EvaluateObjectiveDocument(document.dump());
  ASSERT_TRUE(found.ok()) << found.status() << "\n" << document;
  ExpectSame(Json::parse(*found), Json::parse(reference.text), document.dump());
}

TEST(ObjectiveReference, RandomDocumentsAreAnsweredAlike) {
  if (!NumPyIsThere()) GTEST_SKIP() << "needs the Debian package python3-numpy";
  for (uint64_t ordinal = 0; ordinal < 15; ++ordinal) ExpectAnsweredAlike(RandomDocument(ordinal));
}

class EveryOtherObjective : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(ObjectiveReference, EveryOtherObjective, ::testing::ValuesIn(kOthers),
                         [](const auto& one) { return std::string(one.param); });

TEST_P(EveryOtherObjective, AnswersRandomDocumentsLikeTheReference) {
  if (!NumPyIsThere()) GTEST_SKIP() << "needs the Debian package python3-numpy";
  for (uint64_t ordinal = 0; ordinal < 4; ++ordinal) ExpectAnsweredAlike(OtherDocument(ordinal, GetParam()));
}

}  // namespace
}  // namespace entrain
