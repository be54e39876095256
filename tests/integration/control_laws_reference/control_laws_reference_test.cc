// Random schedules over random entropies, decided by `preview` and by the laws of
// tests/golden/objectives/objectives.py (reference.py loops over steps). Equal bit for bit: the arithmetic is
// the same. ENTRAIN_TEST_SEED draws other series.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "common/rng.h"
#include "controller/preview.h"
#include "controller/schedule_json.h"
#include "tests/testing/temporary_folder.h"

namespace entrain {
namespace {

using Json = nlohmann::json;

// Debian's interpreter, which python3-numpy belongs to.
constexpr char kPython[] = "/usr/bin/python3";

class Draw {
 public:
  explicit Draw(uint64_t ordinal)
      : rng_({.seed = Seed(), .purpose = RngPurpose::kData, .ordinal = ordinal}) {}
  double Uniform(double low, double high) { return low + (high - low) * rng_.Uniform(position_++); }
  int64_t Below(uint64_t bound) { return static_cast<int64_t>(rng_.Below(bound, position_++)); }
  bool Chance(double share) { return rng_.Uniform(position_++) < share; }

 private:
  static uint64_t Seed() {
    const char* seed = std::getenv("ENTRAIN_TEST_SEED");
    return seed == nullptr ? 20260211 : std::strtoull(seed, nullptr, 10);
  }
  Rng rng_;
  uint64_t position_ = 0;
};

constexpr std::array<const char*, 8> kLaws = {"entropy_guided", "aer",   "magic",      "entropic",
                                              "stage",          "epoch", "thermostat", "inflection"};

// Settings around those of the papers; the target is where the series goes.
Json SettingsOf(const std::string& law, Draw& draw) {
  const double target = draw.Uniform(0.3, 0.9);
  if (law == "entropy_guided")
    return {{"target", target}, {"delta", draw.Uniform(0.01, 0.4)}, {"initial", draw.Uniform(0, 1)}};
  if (law == "aer") {
    Json out = {
        {"tau", draw.Uniform(0.2, 0.8)}, {"rate", draw.Uniform(1e-3, 0.1)}, {"max", 0.05}, {"initial", 0.01}};
    if (draw.Chance(0.5)) out["h_init"] = draw.Uniform(0.5, 2);
    return out;
  }
  if (law == "magic")
    return {{"target", target},
            {"delta", draw.Uniform(1e-4, 2e-3)},
            {"min", 0.0},
            {"max", 5e-3},
            {"initial", 1e-3}};
  if (law == "entropic")
    return {{"target", target}, {"kp", draw.Uniform(0, 2)}, {"ki", draw.Uniform(0, 0.2)}};
  if (law == "epoch") return {{"epochs", 1 + draw.Below(7)}};
  if (law == "thermostat")
    return {{"target", target},
            {"band", draw.Uniform(0, 0.3)},
            {"ema", draw.Uniform(0.1, 1)},
            {"interval", 1 + draw.Below(5)}};
  if (law == "inflection") return {{"n_base", 1 + draw.Below(6)}, {"margin", draw.Uniform(0.5, 1.5)}};
  return Json::object();
}

// A case of reference.py: a random walk with gaps.
Json CaseOf(const std::string& law, uint64_t ordinal) {
  Draw draw(ordinal);
  const int64_t total = 1 + draw.Below(60), steps = total + draw.Below(10);
  Json entropy = Json::array();
  double h = draw.Uniform(0.2, 1.2);
  for (int64_t k = 0; k < steps; ++k) {
    h = std::abs(h + draw.Uniform(-0.2, 0.2));
    entropy.push_back(draw.Chance(0.1) ? Json(nullptr) : Json(h));
  }
  return {{"law", law},
          {"settings", SettingsOf(law, draw)},
          {"steps", steps},
          {"total_steps", total},
          {"entropy", entropy}};
}

std::vector<ControllerPort::Point> PreviewOf(const Json& document, const Json& schedule) {
  const auto read = ReadScheduleJson(schedule.dump());
  EXPECT_TRUE(read.ok()) << read.status() << schedule;
  if (!read.ok()) return {};
  std::map<int64_t, double> entropy;
  for (size_t k = 0; k < document["entropy"].size(); ++k) {
    if (!document["entropy"][k].is_null())
      entropy[static_cast<int64_t>(k)] = document["entropy"][k].get<double>();
  }
  const auto points = PreviewSchedule(*read, document["steps"].get<int64_t>(),
                                      document["total_steps"].get<int64_t>(), entropy);
  EXPECT_TRUE(points.ok()) << points.status() << schedule;
  return points.value_or(std::vector<ControllerPort::Point>{});
}

// In the form of reference.py.
Json AnswerOf(const Json& document) {
  const std::string law = document["law"].get<std::string>();
  Json answer = Json::array();
  if (law == "thermostat") {
    for (const auto& point :
         PreviewOf(document, {{"clip", {{"law", law}, {"thermostat", document["settings"]}}}})) {
      const auto& [upper, lower] = point.bounds;
      // A lower side that is off is eps_minus 1 there.
      answer.push_back({lower ? lower->intercept : 1.0, upper ? Json(upper->intercept) : Json(nullptr)});
    }
  } else if (law == "inflection") {
    Json settings = document["settings"];
    settings["ema"] = 1;
    settings["hits"] = 1;
    const Json phase = {{"advance", "inflection"}, {"inflection", settings}};
    for (const auto& point : PreviewOf(document, {{"clip", {{"law", "id"}, {"phase", phase}}}})) {
      if (point.state == "lower" && answer.empty()) answer.push_back(point.step);
    }
    if (answer.empty()) answer.push_back(nullptr);
  } else {
    Json dial = document["settings"];
    dial["law"] = law;
    const char* const name = law == "entropic"                ? "entropic_alpha"
                             : law == "aer" || law == "magic" ? "entropy_bonus"
                                                              : "positive_advantage_weight";
    for (const auto& point : PreviewOf(document, {{"dials", {{name, dial}}}}))
      answer.push_back(point.dials.at(name));
  }
  return answer;
}

Json ReferenceOf(const Json& documents) {
  const TemporaryFolder folder;
  std::ofstream(folder / "cases.json") << documents;
  const std::string command = std::string(kPython) +
                              " " ENTRAIN_SOURCE_DIR
                              "/tests/integration/control_laws_reference/reference.py " ENTRAIN_SOURCE_DIR
                              "/tests/golden/objectives < " +
                              (folder / "cases.json");
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return nullptr;
  std::string text;
  std::array<char, 4096> buffer{};
  for (size_t count = 0; (count = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
    text.append(buffer.data(), count);
  return pclose(pipe) == 0 ? Json::parse(text) : Json(nullptr);
}

TEST(ControlLawsReference, EveryLawDecidesLikeTheReference) {
  if (std::system((std::string(kPython) + " -c 'import numpy' 2>/dev/null").c_str()) != 0)
    GTEST_SKIP() << "needs the Debian package python3-numpy";
  Json documents = Json::array();
  for (uint64_t ordinal = 0; ordinal < 40 * kLaws.size(); ++ordinal)
    documents.push_back(CaseOf(kLaws[ordinal % kLaws.size()], ordinal));
  const Json reference = ReferenceOf(documents);
  ASSERT_EQ(reference.size(), documents.size());
  std::map<std::string, int> moved;
  for (size_t i = 0; i < documents.size(); ++i) {
    const Json answer = AnswerOf(documents[i]);
    ASSERT_EQ(answer, reference[i]) << documents[i];
    moved[documents[i]["law"].get<std::string>()] +=
        answer.size() > 1 ? answer.front() != answer.back() : !answer[0].is_null();
  }
  for (const char* law : kLaws) EXPECT_GT(moved[law], 3) << law;  // the series do ask for something
}

}  // namespace
}  // namespace entrain
