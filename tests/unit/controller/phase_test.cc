// How the laws id and did come to their second phase, and the thermostat. Formulas: docs/methods.md 1.4, 3.3,
// 7.3; numbers by hand.
#include <gtest/gtest.h>

#include <cmath>

#include "controller/decision.h"
#include "controller/preview.h"

namespace entrain {
namespace {

Schedule Phased(ClipLaw law, PhaseSchedule phase) { return {.clip = {.law = law, .phase = phase}}; }

std::vector<ControllerPort::Point> Previewed(const Schedule& schedule, int64_t steps, int64_t total,
                                             const std::map<int64_t, double>& entropy = {}) {
  auto points = PreviewSchedule(schedule, steps, total, entropy);
  EXPECT_TRUE(points.ok()) << points.status();
  return points.value_or(std::vector<ControllerPort::Point>(static_cast<size_t>(steps)));
}

// K = 16, split 0.5: the first phase is planned to end at 8 and fades E+ from 0.5 − 0.25p to 0.2.
TEST(PhaseByHand, StaysAtTheEndOfTheFirstPhaseUntilAPersonBeginsTheSecond) {
  const auto points = Previewed(Phased(ClipLaw::kId, {.advance = PhaseAdvance::kHand}), 32, 16);
  EXPECT_EQ(points[0].bounds.upper, (ClipLine{0.5, -0.25}));
  EXPECT_NEAR(points[4].bounds.upper->intercept, 0.35, 1e-15);
  for (const size_t k : {8, 9, 16, 31}) {
    EXPECT_EQ(points[k].bounds.upper, (ClipLine{0.2, 0})) << k;
    EXPECT_EQ(points[k].bounds.lower, (ClipLine{0.2, 0})) << k;
    EXPECT_EQ(points[k].state, "raise");
  }
}

// Begun at s = 4: remaining = 1 − (k − 4)/12, and E− fades from 0.3 − 0.13p to 0.2.
TEST(PhaseByHand, TheSecondPhaseTakesWhatIsLeftOfTheRun) {
  const auto points = Previewed(Phased(ClipLaw::kId, {.advance = PhaseAdvance::kHand, .begin = 4}), 20, 16);
  EXPECT_EQ(points[3].state, "raise");
  EXPECT_EQ(points[4].state, "lower");
  EXPECT_EQ(points[4].bounds.lower, (ClipLine{0.3, -0.13}));
  EXPECT_EQ(points[4].bounds.upper, (ClipLine{0.2, 0}));
  EXPECT_NEAR(points[10].bounds.lower->intercept, 0.25, 1e-15);
  EXPECT_NEAR(points[10].bounds.lower->slope, -0.065, 1e-15);
  EXPECT_EQ(points[16].bounds.lower, (ClipLine{0.2, 0}));
  EXPECT_EQ(points[19].bounds.lower, (ClipLine{0.2, 0}));
}

TEST(PhaseByHand, SaysWhenTheSecondPhaseBegins) {
  const auto open = Previewed(Phased(ClipLaw::kId, {.advance = PhaseAdvance::kHand}), 5, 16);
  EXPECT_NE(open[3].reason.find("until a person begins the second"), std::string::npos) << open[3].reason;
  const auto set = Previewed(Phased(ClipLaw::kId, {.advance = PhaseAdvance::kHand, .begin = 4}), 5, 16);
  EXPECT_NE(set[3].reason.find("the second begins at step 4"), std::string::npos) << set[3].reason;
  EXPECT_NE(set[4].reason.find("begun at step 4"), std::string::npos) << set[4].reason;
}

TEST(PhaseByHand, ASecondPhaseBeyondTheRunIsAtItsEnd) {
  for (const int64_t begin : {16, 18}) {
    const auto points =
        Previewed(Phased(ClipLaw::kDid, {.advance = PhaseAdvance::kHand, .begin = begin}), 20, 16);
    EXPECT_EQ(points[15].bounds.upper, (ClipLine{0.5, -0.25}));
    EXPECT_EQ(points[15].bounds.lower, (ClipLine{0.2, 0}));
    EXPECT_EQ(points[18].bounds.lower, (ClipLine{0.2, 0}));
    EXPECT_EQ(points[18].state, "lower");
  }
}

// Entropies whose growth falls from 1 to 0.5 with sample 4 (see inflection_test.cc).
const std::map<int64_t, double> kBends = {{0, 0.0}, {1, 1.0}, {2, 2.0}, {5, 3.0}, {6, 3.5}, {7, 9.0}};

TEST(PhaseByInflection, TheSecondPhaseBeginsWhereTheEntropyBends) {
  const Schedule schedule =
      Phased(ClipLaw::kId, {.advance = PhaseAdvance::kInflection, .inflection = {.ema = 1, .hits = 1}});
  const auto points = Previewed(schedule, 17, 16, kBends);
  EXPECT_EQ(points[5].state, "raise");
  EXPECT_EQ(points[6].state, "lower");  // steps 3 and 4 were not measured and do not count
  EXPECT_EQ(points[6].bounds.lower, (ClipLine{0.3, -0.13}));
  EXPECT_NEAR(points[11].bounds.lower->intercept, 0.25, 1e-15);  // 1 − 5/10
  EXPECT_EQ(points[16].bounds.lower, (ClipLine{0.2, 0}));
  EXPECT_NE(points[12].reason.find("bent at step 6"), std::string::npos) << points[12].reason;
}

TEST(PhaseByInflection, SilenceAndWhatIsNoEntropyDoNotSwitch) {
  const Schedule schedule =
      Phased(ClipLaw::kId, {.advance = PhaseAdvance::kInflection, .inflection = {.ema = 1, .hits = 1}});
  for (const auto& point : Previewed(schedule, 40, 16)) EXPECT_EQ(point.state, "raise") << point.step;
  const std::map<int64_t, double> nothing = {{0, NAN}, {1, -1.0}, {2, INFINITY}, {3, -2.0}, {4, -9.0}};
  for (const auto& point : Previewed(schedule, 40, 16, nothing)) EXPECT_EQ(point.state, "raise");
}

TEST(PhaseByInflection, ItsStateComesBackFromItsTextAndIsForgottenByAnotherLaw) {
  const Schedule schedule =
      Phased(ClipLaw::kId, {.advance = PhaseAdvance::kInflection, .inflection = {.ema = 1, .hits = 1}});
  LawState state;
  for (const double h : {0.0, 1.0, 2.0, 3.0, 3.5}) {
    state = DecideStep(schedule, state, {.step = 3, .total_steps = 16, .entropy_nats = h}, 1).next;
    const auto read = ReadLawState(WriteLawState(state));
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(*read, state);
  }
  EXPECT_EQ(state.phase_begin, 3);
  const LawState other = DecideStep(Schedule{}, state, {.step = 4, .total_steps = 16}, 2).next;
  EXPECT_FALSE(other.phase_begin.has_value());
  EXPECT_FALSE(other.inflection.has_value());
}

TEST(PhaseSchedules, SayWhatIsWrong) {
  const auto problems = [](const Schedule& schedule) { return std::string(schedule.Validate().message()); };
  EXPECT_EQ(problems(Phased(ClipLaw::kDid, {.advance = PhaseAdvance::kHand, .begin = 0})), "");
  EXPECT_NE(
      problems(Phased(ClipLaw::kOd, {.advance = PhaseAdvance::kHand})).find("clip.phase: only with law"),
      std::string::npos);
  EXPECT_NE(problems(Phased(ClipLaw::kId, {.begin = 3})).find("clip.phase.begin: only with advance: hand"),
            std::string::npos);
  EXPECT_NE(problems(Phased(ClipLaw::kId, {.advance = PhaseAdvance::kHand, .begin = -1}))
                .find("clip.phase.begin: expected a step"),
            std::string::npos);
  const std::string all = problems(Phased(
      ClipLaw::kId, {.advance = PhaseAdvance::kInflection,
                     .inflection = {.n_base = 0, .margin = 0, .ema = 1.5, .hits = 0, .refractory = -1}}));
  for (const char* field : {"n_base", "margin", "ema", "hits", "refractory"})
    EXPECT_NE(all.find(std::string("clip.phase.inflection.") + field), std::string::npos) << all;
}

// --- thermostat: target 1, band 0.25, no smoothing, a decision at every second measured step. ---

Schedule Thermostat() {
  Schedule schedule{.clip = {.law = ClipLaw::kThermostat}};
  schedule.clip.thermostat = {.target = 1, .band = 0.25, .ema = 1, .interval = 2};
  return schedule;
}

TEST(Thermostat, GoesUpBelowItsBandDownAboveItAndBackAtTheTarget) {
  const Schedule schedule = Thermostat();
  LawState state;
  const auto twice = [&](double entropy) {
    for (int i = 0; i < 2; ++i)
      state = ApplyLaw(schedule.clip, state, {.total_steps = 9, .entropy_nats = entropy}).next;
    return ApplyLaw(schedule.clip, state, {.total_steps = 9}).state;
  };
  EXPECT_EQ(twice(0.75), "hold");  // at the edge of the band, not below
  EXPECT_EQ(twice(std::nextafter(0.75, 0)), "raise");
  EXPECT_EQ(twice(std::nextafter(1, 0)), "raise");  // in the band: on until the target
  EXPECT_EQ(twice(1.0), "hold");
  EXPECT_EQ(twice(1.25), "hold");
  EXPECT_EQ(twice(std::nextafter(1.25, 2)), "lower");
  EXPECT_EQ(twice(std::nextafter(1, 2)), "lower");
  EXPECT_EQ(twice(1.0), "hold");
  EXPECT_EQ(twice(0.1), "raise");
  EXPECT_EQ(twice(9.0), "lower");  // across the whole band at once
}

TEST(Thermostat, DecidesAtEveryIntervalOfMeasuredStepsAndSmoothsBetween) {
  Schedule schedule = Thermostat();
  schedule.clip.thermostat.ema = 0.5;
  schedule.clip.thermostat.interval = 3;
  // Smoothed: 1, (step 1 not measured), 0.5, 0.25: the third measured step is step 3.
  const auto points = Previewed(schedule, 5, 9, {{0, 1.0}, {2, 0.0}, {3, 0.0}, {4, 9.0}});
  EXPECT_EQ(points[2].state, "hold");
  EXPECT_EQ(points[3].state, "raise");
  EXPECT_EQ(points[4].state, "raise");
  EXPECT_EQ(points[2].bounds, (ClipBounds{.upper = ClipLine{0.2, 0}, .lower = ClipLine{0.2, 0}}));
  EXPECT_EQ(points[3].bounds, (ClipBounds{.upper = std::nullopt, .lower = ClipLine{0.05, 0}}));
}

TEST(Thermostat, ItsDownBoxIsOffBelow) {
  const auto points = Previewed(Thermostat(), 2, 9, {{0, 5.0}, {1, 5.0}});
  EXPECT_EQ(points[1].bounds, (ClipBounds{.upper = ClipLine{0.1, 0}, .lower = std::nullopt}));
}

TEST(Thermostat, ItsStateComesBackFromItsText) {
  const LawState state{.thermostat = ThermostatState{ThermostatState::Mode::kDown, 0.1 + 0.2, 17}};
  EXPECT_EQ(*ReadLawState(WriteLawState(state)), state);
  EXPECT_FALSE(ReadLawState(R"({"od_raise": 0, "revision": 1, "catching_up": false,
                                "thermostat": {"mode": "sideways", "ema": 1, "count": 1}})")
                   .ok());
}

TEST(Thermostat, IsAClosedLoopOfPlainBoxesAndSaysWhatIsWrong) {
  Schedule schedule = Thermostat();
  EXPECT_TRUE(schedule.Validate().ok()) << schedule.Validate();
  EXPECT_FALSE(schedule.NeedsLines());
  schedule.dials["positive_advantage_weight"] = EntropyGuidedDial{};
  EXPECT_NE(schedule.Validate().message().find("at most one law"), absl::string_view::npos);
  schedule = Thermostat();
  schedule.clip.upper = ClipSide{.line = {0.2, 0}};
  schedule.clip.thermostat = {.target = 0, .band = -1, .ema = 0, .interval = 0, .up = {.low = 1.5}};
  const std::string problems(schedule.Validate().message());
  for (const char* field : {"clip.upper", "thermostat.target", "thermostat.band", "thermostat.ema",
                            "thermostat.interval", "thermostat.up.low"})
    EXPECT_NE(problems.find(field), std::string::npos) << problems;
  Schedule other{.clip = {.law = ClipLaw::kId}};
  other.clip.thermostat.target = 2;
  EXPECT_FALSE(other.Validate().ok());
}

}  // namespace
}  // namespace entrain
