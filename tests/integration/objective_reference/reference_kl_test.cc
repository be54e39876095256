// The KL term on random numbers, beside kl_estimators of tests/golden/objectives/objectives.py,
// differentiated there by central differences. ENTRAIN_TEST_SEED draws other numbers.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "common/rng.h"
#include "learner/objective/objective.h"
#include "tests/integration/objective_reference/reference.h"
#include "tests/testing/temporary_folder.h"

namespace entrain {
namespace {

using Json = nlohmann::json;

// FILE → [{"loss", "grad"}, …] of k1 and k3: coef · masked mean over the tokens.
constexpr char kScript[] = R"(
import json, sys
sys.path.insert(0, sys.argv[1])
import numpy as np
import objectives
case = json.load(open(sys.argv[2]))
new, ref, mask = (np.array(case[k]) for k in ("new", "ref", "mask"))
out = []
for which in (0, 2):
    def loss(x):
        return case["coef"] * float((mask * objectives.kl_estimators(x, ref)[which]).sum() / mask.sum())
    grad = []
    for i in range(len(new)):
        up, down = new.copy(), new.copy()
        up[i] += 1e-6
        down[i] -= 1e-6
        grad.append((loss(up) - loss(down)) / 2e-6)
    out.append({"loss": loss(new), "grad": grad})
print(json.dumps(out))
)";

TEST(ReferenceKl, RandomNumbersAreAnsweredLikeTheReference) {
  if (!NumPyIsThere()) GTEST_SKIP() << "needs the Debian package python3-numpy";
  const TemporaryFolder folder;
  std::ofstream(folder / "script.py") << kScript;
  for (uint64_t ordinal = 0; ordinal < 5; ++ordinal) {
    const Rng rng({.seed = Seed(), .purpose = RngPurpose::kData, .ordinal = ordinal});
    uint64_t position = 0;
    TokenBatch batch;
    for (int i = 0; i < 40; ++i) {
      const double now = -5 * rng.Uniform(position++);
      batch.new_logp.push_back(now);
      // Most gaps are within 3 nats; every tenth is beyond a clamp.
      batch.ref_logp.push_back(now + (i % 10 == 9 ? 60 : 6) * (rng.Uniform(position++) - 0.5));
      batch.mask.push_back(rng.Uniform(position++) < 0.2 ? 0 : 1);
    }
    batch.old_logp = batch.new_logp;
    batch.advantage.assign(40, 0.0);  // the surrogate's part is zero
    batch.sequence_begin = {0, 7, 25, 40};
    const double coef = rng.Uniform(position++);
    std::ofstream(folder / "case.json")
        << Json{{"new", batch.new_logp}, {"ref", batch.ref_logp}, {"mask", batch.mask}, {"coef", coef}};
    const ChildOutput answer =
        RunChild(std::string(kPython) + " " + (folder / "script.py") +
                 " " ENTRAIN_SOURCE_DIR "/tests/golden/objectives " + (folder / "case.json"));
    ASSERT_EQ(answer.status, 0);
    const Json expected = Json::parse(answer.text);
    for (const KlEstimator estimator : {KlEstimator::kK1, KlEstimator::kK3}) {
      const Json& wanted = expected[estimator == KlEstimator::kK1 ? 0 : 1];
      const auto found =
          EvaluateObjective({.name = "ppo_clip", .kl = ReferenceKl{.coef = coef, .estimator = estimator}},
                            batch, CountDenominators(batch));
      ASSERT_TRUE(found.ok()) << found.status();
      EXPECT_NEAR(found->loss, wanted["loss"].get<double>(), 1e-10);
      for (size_t i = 0; i < batch.mask.size(); ++i)
        EXPECT_NEAR(found->grad_new_logp[i], wanted["grad"][i].get<double>(), 1e-6) << i;
    }
  }
}

}  // namespace
}  // namespace entrain
