// Random documents, answered by this program and by the project's executable definition of `entrain
// objective` (tests/golden/objectives/objectives.py --eval, NumPy, float64). ENTRAIN_TEST_SEED draws other
// documents.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/rng.h"
#include "learner/objective/document.h"
#include "tests/testing/temporary_folder.h"

namespace entrain {
namespace {

using Json = nlohmann::json;

// Debian's interpreter, which python3-numpy belongs to.
constexpr char kPython[] = "/usr/bin/python3";

struct ChildOutput {
  int status = -1;
  std::string text;
};

ChildOutput RunChild(const std::string& command) {
  ChildOutput output;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return output;
  std::array<char, 4096> buffer{};
  for (size_t count = 0; (count = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
    output.text.append(buffer.data(), count);
  output.status = pclose(pipe);
  return output;
}

uint64_t Seed() {
  const char* seed = std::getenv("ENTRAIN_TEST_SEED");
  return seed == nullptr ? 20260210 : std::strtoull(seed, nullptr, 10);
}

// A source of choices.
class Draw {
 public:
  explicit Draw(uint64_t ordinal)
      : rng_({.seed = Seed(), .purpose = RngPurpose::kData, .ordinal = ordinal}) {}
  double Uniform(double low, double high) { return low + (high - low) * rng_.Uniform(position_++); }
  size_t Below(size_t bound) { return static_cast<size_t>(rng_.Below(bound, position_++)); }
  bool Chance(double share) { return rng_.Uniform(position_++) < share; }

 private:
  Rng rng_;
  uint64_t position_ = 0;
};

Json Matrix(size_t rows, size_t columns) { return Json(rows, Json(columns, 0.0)); }

Json RandomParams(Draw& draw, const std::string& objective) {
  Json params = Json::object();
  if (objective == "ppo_clip") {
    params["eps_low"] = draw.Chance(0.2) ? 1.0 : draw.Uniform(0.01, 0.5);
    params["eps_high"] = draw.Chance(0.2) ? Json("inf") : Json(draw.Uniform(0.01, 0.5));
  } else {
    const double u0 = draw.Uniform(0.05, 0.6), l0 = draw.Uniform(0.05, 0.6);
    params["upper"] = {u0, draw.Uniform(-u0, 0.5)};
    params["lower"] = {l0, draw.Uniform(-l0, 0.3)};
    const char* sources[] = {"closed", "new", "old"};
    params["p_source"] = sources[draw.Below(3)];
    if (draw.Chance(0.4)) {
      params["eps_min"] = draw.Uniform(0.0, 0.1);
      params["eps_max"] = draw.Uniform(0.2, 0.5);
    }
  }
  if (draw.Chance(0.4)) params["dual_c"] = draw.Uniform(1.1, 2.0);
  return params;
}

Json RandomDocument(uint64_t ordinal) {
  Draw draw(ordinal);
  const std::string objective = ordinal % 2 == 0 ? "flex_clip" : "ppo_clip";
  Json document = {{"objective", objective}, {"params", RandomParams(draw, objective)}, {"seed", 0}};
  const std::array<const char*, 5> modes = {"token-mean", "seq-mean-token-mean", "seq-mean-token-sum",
                                            "seq-mean-token-sum-norm", "token-sum"};
  if (ordinal != 0) document["aggregation"] = modes[ordinal % modes.size()];
  if (draw.Chance(0.5)) document["params"]["horizon"] = draw.Uniform(4, 40);
  const size_t rows = 2 + draw.Below(4), columns = 1 + draw.Below(8);
  for (const char* key : {"old_logp", "new_logp", "advantages", "mask", "rollout_logp"})
    document[key] = Matrix(rows, columns);
  for (size_t i = 0; i < rows; ++i) {
    const size_t length = draw.Below(columns + 1);  // a row may have no trained token at all
    for (size_t t = 0; t < columns; ++t) {
      const double old_logp = draw.Uniform(-5, -0.01);
      document["old_logp"][i][t] = old_logp;
      document["new_logp"][i][t] = old_logp + draw.Uniform(-0.9, 0.9);
      document["advantages"][i][t] = draw.Chance(0.1) ? 0.0 : draw.Uniform(-2, 2);
      document["rollout_logp"][i][t] = old_logp + draw.Uniform(-1.5, 1.5);
      document["mask"][i][t] = t < length ? 1.0 : 0.0;
      if (t >= length && draw.Chance(0.3)) document["old_logp"][i][t] = nullptr;
    }
  }
  if (draw.Chance(0.6)) {
    document["tis"] = {{"level", draw.Chance(0.5) ? "token" : "sequence"},
                       {"mode", draw.Chance(0.5) ? "truncate" : "mask"},
                       {"cap", draw.Uniform(1.1, 3.0)}};
    if (draw.Chance(0.5)) document["tis"]["lo"] = draw.Uniform(0.1, 0.9);
  }
  return document;
}

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

TEST(ObjectiveReference, RandomDocumentsAreAnsweredAlike) {
  if (RunChild(std::string(kPython) + " -c 'import numpy' 2>/dev/null").status != 0)
    GTEST_SKIP() << "needs the Debian package python3-numpy";
  const TemporaryFolder folder;
  const std::string file = folder / "document.json";
  for (uint64_t ordinal = 0; ordinal < 15; ++ordinal) {
    const std::string document = RandomDocument(ordinal).dump();
    std::ofstream(file) << document;
    const ChildOutput reference =
        RunChild(std::string(kPython) +
                 " " ENTRAIN_SOURCE_DIR "/tests/golden/objectives/objectives.py --eval " + file);
    ASSERT_EQ(reference.status, 0) << document;
    const auto found = EvaluateObjectiveDocument(document);
    ASSERT_TRUE(found.ok()) << found.status() << "\n" << document;
    ExpectSame(Json::parse(*found), Json::parse(reference.text), document);
  }
}

}  // namespace
}  // namespace entrain
