// The controller knows every dial of every objective, with the range of the parameter that it moves.
#include "controller/dials.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "absl/strings/str_cat.h"
#include "learner/objective/objective.h"

namespace entrain {
namespace {

// Values at, beside and far from both ends of a range.
std::vector<double> Probes(const DialInfo& dial) {
  std::vector<double> probes = {-1e9, -2, -1, -0.5, 0, 0.25, 0.5, 0.75, 1, 1.25, 2, 1e9};
  for (const double end : {dial.low, dial.high}) {
    if (!std::isfinite(end)) continue;
    for (const double value : {end, std::nextafter(end, -1e300), std::nextafter(end, 1e300)})
      probes.push_back(value);
  }
  return probes;
}

// Whether the objective takes `value`, given the others of its parameters that leave room for it.
bool Takes(const std::string& objective, const std::string& dial, double value) {
  ObjectiveSpec spec{.name = objective};
  if (dial == "steer_w_min") spec.numbers["w_max"] = 1e10;
  if (dial == "steer_w_max") spec.numbers["w_min"] = std::numeric_limits<double>::denorm_min();
  spec.numbers[DialParameter(spec, dial)] = value;
  return ValidateObjective(spec).ok();
}

TEST(Dials, HaveTheRangesOfTheParametersThatTheyMove) {
  std::set<std::string> moved;
  for (const ObjectiveInfo& info : RegisteredObjectives()) {
    for (const std::string& name : DialsOf({.name = info.name})) {
      moved.insert(name);
      const DialInfo* const dial = FindDial(name);
      ASSERT_NE(dial, nullptr) << name << " of " << info.name << " is not in controller/dials.cc";
      for (const double value : Probes(*dial)) {
        EXPECT_EQ(dial->Legal(value), Takes(info.name, name, value))
            << name << " = " << value << ", objective " << info.name << ", here " << dial->Range();
      }
    }
  }
  for (const DialInfo& dial : Dials()) {
    // The coefficient of the KL term goes with every objective that has one (objective.kl).
    if (dial.name != "kl_coef") {
      EXPECT_TRUE(moved.contains(dial.name)) << dial.name << " moves nothing";
    }
  }
}

TEST(Dials, NeededAreThoseOfParametersWithoutADefaultThatAreNotGiven) {
  EXPECT_EQ(NeededDials({.name = "aer"}), (std::vector<std::string>{"entropy_bonus"}));
  EXPECT_TRUE(NeededDials({.name = "aer", .numbers = {{"alpha", 0.01}}}).empty());
  EXPECT_EQ(NeededDials({.name = "entropic"}), (std::vector<std::string>{"entropic_alpha"}));
  EXPECT_TRUE(NeededDials({.name = "ppo_clip"}).empty());
}

}  // namespace
}  // namespace entrain
