#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "common/rng.h"
#include "controller/guards.h"
#include "controller/laws/law.h"
#include "controller/preview.h"
#include "controller/schedule_json.h"

namespace entrain {
namespace {

Schedule Of(ClipLaw law) { return {.clip = {.law = law}}; }

ClipLine LineOf(const nlohmann::json& pair) {
  return {.intercept = pair[0].get<double>(), .slope = pair[1].get<double>()};
}

// Schedules of the reference in float64 (tests/golden/objectives/objectives.py, flex_id and flex_did).
TEST(Laws, IdAndDidReproduceTheReferenceBitForBit) {
  const auto golden = nlohmann::json::parse(
      std::ifstream(std::string(ENTRAIN_SOURCE_DIR) + "/tests/golden/objectives/golden.json"));
  const auto& rows = golden.at("schedules");
  ASSERT_GT(rows.size(), 10u);
  for (const auto& row : rows) {
    const LawInput input{.step = row["step"].get<int64_t>(),
                         .total_steps = row["total_steps"].get<int64_t>()};
    for (const auto& [law, name] : {std::pair(ClipLaw::kId, "id"), {ClipLaw::kDid, "did"}}) {
      const LawOutput output = ApplyLaw(Of(law).clip, {}, input);
      EXPECT_EQ(output.bounds.upper, LineOf(row[name][0])) << name << " step " << input.step;
      EXPECT_EQ(output.bounds.lower, LineOf(row[name][1])) << name << " step " << input.step;
    }
  }
}

// docs/methods.md 1.4, by hand: H_init = 1, ratio 0.2, K = 100. tau_high(50) = 0.2 + 0.8 · 0.5 = 0.6.
TEST(Laws, OdSwitchesAtItsBoundsAndKeepsItsStateBetween) {
  const ClipSchedule clip = Of(ClipLaw::kOd).clip;
  LawState state;
  const auto at = [&](int64_t step, std::optional<double> entropy) {
    const LawOutput output =
        ApplyLaw(clip, state, {.step = step, .total_steps = 100, .entropy_nats = entropy});
    state = output.next;
    return output.state;
  };
  EXPECT_EQ(at(0, 1.0), "lower");  // H_init = tau_high(0): neither condition fires, the first state is lower
  EXPECT_EQ(state.h_init, 1.0);
  EXPECT_EQ(at(50, 0.5), "lower");
  EXPECT_EQ(at(51, 0.2), "raise");  // at tau_low
  EXPECT_EQ(at(52, 0.5), "raise");  // between: as before
  EXPECT_EQ(at(53, std::nullopt), "raise");
  EXPECT_EQ(at(50, 0.6), "raise");  // at tau_high, not above
  EXPECT_EQ(at(50, 0.6000001), "lower");
  EXPECT_EQ(at(500, 0.2), "raise");  // past K the bounds coincide at tau_low
  EXPECT_EQ(at(500, 0.21), "lower");
}

TEST(Laws, OdUsesHInRaiseAndMInLower) {
  LawState state{.h_init = 1.0, .od_raise = 1};
  const LawOutput raise = ApplyLaw(Of(ClipLaw::kOd).clip, state, {.step = 1, .total_steps = 10});
  EXPECT_EQ(raise.bounds.upper, (ClipLine{0.5, -0.25}));
  EXPECT_EQ(raise.bounds.lower, (ClipLine{0.2, 0}));
  state.od_raise = 0;
  const LawOutput lower = ApplyLaw(Of(ClipLaw::kOd).clip, state, {.step = 1, .total_steps = 10});
  EXPECT_EQ(lower.bounds.upper, (ClipLine{0.2, 0}));
  EXPECT_EQ(lower.bounds.lower, (ClipLine{0.3, -0.13}));
}

TEST(Laws, PiecewiseIsLinearBetweenPointsAndConstantOutside) {
  ClipSchedule clip{.law = ClipLaw::kPiecewise};
  clip.points = {{.step = 10, .upper = {.line = {0.2, 0}}, .lower = {.off = true}},
                 {.step = 20, .upper = {.line = {0.4, -0.2}}, .lower = {.off = true}}};
  const auto upper = [&](int64_t step) {
    return *ApplyLaw(clip, {}, {.step = step, .total_steps = 100}).bounds.upper;
  };
  EXPECT_EQ(upper(0), (ClipLine{0.2, 0}));
  EXPECT_EQ(upper(10), (ClipLine{0.2, 0}));
  EXPECT_NEAR(upper(15).intercept, 0.3, 1e-15);
  EXPECT_NEAR(upper(15).slope, -0.1, 1e-15);
  EXPECT_EQ(upper(20), (ClipLine{0.4, -0.2}));
  EXPECT_EQ(upper(99), (ClipLine{0.4, -0.2}));
  EXPECT_FALSE(ApplyLaw(clip, {}, {.step = 15, .total_steps = 100}).bounds.lower.has_value());
}

TEST(Laws, AtAndPastTheEndALawStaysAtItsEnd) {
  for (const ClipLaw law : {ClipLaw::kId, ClipLaw::kDid}) {
    const ClipBounds end = ApplyLaw(Of(law).clip, {}, {.step = 100, .total_steps = 100}).bounds;
    EXPECT_EQ(ApplyLaw(Of(law).clip, {}, {.step = 1'000'000, .total_steps = 100}).bounds, end);
    EXPECT_EQ(end.lower, (ClipLine{0.2, 0}));
  }
}

TEST(Laws, StayInTheLegalRangeForRandomValidSchedules) {
  const Rng rng({.seed = 5, .purpose = RngPurpose::kData});
  uint64_t position = 0;
  const auto uniform = [&](double low, double high) { return low + (high - low) * rng.Uniform(position++); };
  int tried = 0;
  for (int i = 0; i < 3000; ++i) {
    Schedule schedule;
    schedule.clip.law = static_cast<ClipLaw>(rng.Below(6, position++));
    schedule.clip.phase_split = uniform(0.01, 0.99);
    schedule.clip.eps_std = uniform(0, 1);
    schedule.clip.upper = ClipSide{.line = {uniform(0, 2), uniform(-2, 1)}};
    schedule.clip.lower = ClipSide{.line = {uniform(0, 1), uniform(-1, 1)}};
    if (schedule.clip.law == ClipLaw::kThermostat) {
      schedule.clip.upper = schedule.clip.lower = std::nullopt;
      schedule.clip.thermostat = {
          .target = uniform(0, 1), .band = uniform(0, 1), .ema = uniform(0, 1), .interval = 1};
    }
    if (schedule.clip.law == ClipLaw::kPiecewise) {
      schedule.clip.points = {{.step = 5, .upper = *schedule.clip.upper, .lower = *schedule.clip.lower},
                              {.step = 9, .upper = {.line = {0.2, 0}}, .lower = {.line = {0.2, 0}}}};
      schedule.clip.upper = schedule.clip.lower = std::nullopt;
    }
    if (schedule.clip.law == ClipLaw::kId || schedule.clip.law == ClipLaw::kDid)
      schedule.clip.phase.advance = static_cast<PhaseAdvance>(rng.Below(3, position++));
    if (!schedule.Validate().ok()) continue;
    ++tried;
    const auto points = PreviewSchedule(schedule, 30, 20, {{0, 1.0}, {3, 0.1}, {9, 0.7}});
    ASSERT_TRUE(points.ok());
    for (const auto& point : *points)
      EXPECT_TRUE(ValidateBounds(point.bounds).ok()) << WriteScheduleJson(schedule) << " step " << point.step;
  }
  EXPECT_GT(tried, 500);
}

TEST(Laws, AnEntropyThatIsNegativeOrNotFiniteMovesNothingInAPreview) {
  const auto points = PreviewSchedule(Of(ClipLaw::kOd), 4, 100, {{0, 1.0}, {1, -1.0}, {2, NAN}, {3, 0.1}});
  ASSERT_TRUE(points.ok()) << points.status();
  EXPECT_EQ((*points)[1].state, "lower");
  EXPECT_EQ((*points)[2].state, "lower");
  EXPECT_EQ((*points)[3].state, "raise");
}

TEST(Laws, ASlopeOfMinusZeroIsWrittenAsZero) {
  Schedule schedule;
  schedule.clip.upper = ClipSide{.line = {0.2, -0.0}};
  const auto points = PreviewSchedule(schedule, 1, 1, {});
  EXPECT_NE(PointJson(points->front()).find("\"upper\":[0.2,0.0]"), std::string::npos)
      << PointJson(points->front());
}

TEST(Guards, AnEditIsApproachedAtTheAllowedRate) {
  Schedule schedule;
  schedule.guards.max_change_per_step = 0.05;
  LawState state = ApplyGuards(schedule, {}, ApplyLaw(schedule.clip, {}, {}), 1).next;
  schedule.clip.eps_std = 0.32;
  std::vector<double> seen;
  for (int i = 0; i < 4; ++i) {
    const LawOutput output = ApplyGuards(schedule, state, ApplyLaw(schedule.clip, state, {}), 2);
    seen.push_back(output.bounds.upper->intercept);
    state = output.next;
  }
  EXPECT_NEAR(seen[0], 0.25, 1e-12);
  EXPECT_NEAR(seen[1], 0.30, 1e-12);
  EXPECT_EQ(seen[2], 0.32);
  EXPECT_EQ(seen[3], 0.32);
}

TEST(Guards, AnOpenLoopScheduleMayJump) {
  Schedule schedule = Of(ClipLaw::kId);
  schedule.guards.max_change_per_step = 0.01;
  const auto points = PreviewSchedule(schedule, 100, 100, {});
  EXPECT_EQ((*points)[50].bounds.lower, (ClipLine{0.2, 0}));
  EXPECT_GT((*points)[51].bounds.lower->intercept, 0.29);
}

TEST(Guards, AChangeInsideTheDeadBandIsNotMade) {
  Schedule schedule;
  schedule.guards.dead_band = 0.1;
  const LawState state = ApplyGuards(schedule, {}, ApplyLaw(schedule.clip, {}, {}), 1).next;
  schedule.clip.eps_std = 0.25;
  EXPECT_EQ(ApplyGuards(schedule, state, ApplyLaw(schedule.clip, state, {}), 2).bounds.upper->intercept, 0.2);
  schedule.clip.eps_std = 0.31;
  EXPECT_EQ(ApplyGuards(schedule, state, ApplyLaw(schedule.clip, state, {}), 2).bounds.upper->intercept,
            0.31);
}

TEST(LawState, TheLargestEntropyLeavesAStateThatCanBeRead) {
  for (const ClipLaw law : {ClipLaw::kOd, ClipLaw::kThermostat, ClipLaw::kId}) {
    Schedule schedule = Of(law);
    if (law == ClipLaw::kId) schedule.clip.phase.advance = PhaseAdvance::kInflection;
    for (const double weight : {0.1, 0.2, 0.3, 0.7, 0.9}) {
      schedule.clip.thermostat.ema = schedule.clip.phase.inflection.ema = weight;
      LawState state;
      for (int i = 0; i < 60; ++i) {
        const double h = i % 7 == 3 ? 0.0 : std::numeric_limits<double>::max();
        state = ApplyLaw(schedule.clip, state, {.step = i, .total_steps = 100, .entropy_nats = h}).next;
        ASSERT_TRUE(ReadLawState(WriteLawState(state)).ok()) << WriteLawState(state);
      }
    }
  }
}

TEST(LawState, ComesBackFromItsText) {
  const LawState state{.h_init = 0.1 + 0.2,
                       .od_raise = 1,
                       .revision = 7,
                       .catching_up = true,
                       .bounds = ClipBounds{.upper = ClipLine{1.0 / 3, -0.25}}};
  EXPECT_EQ(*ReadLawState(WriteLawState(state)), state);
  EXPECT_EQ(*ReadLawState(""), LawState{});
  EXPECT_FALSE(ReadLawState("{}").ok());
  EXPECT_FALSE(ReadLawState("nonsense").ok());
  EXPECT_FALSE(ReadLawState(R"({"od_raise": 0, "revision": 1, "catching_up": false, "bounds": )" +
                            std::string(300000, '[') + std::string(300000, ']') + "}")
                   .ok());
}

TEST(ScheduleJson, ComesBackAndNamesWhatIsWrong) {
  Schedule schedule = Of(ClipLaw::kOd);
  schedule.clip.upper = ClipSide{.off = true};
  schedule.clip.od_h_init = 0.7;
  schedule.guards.max_change_per_step = 0.02;
  EXPECT_EQ(*ReadScheduleJson(WriteScheduleJson(schedule)), schedule);
  const auto bad = ReadScheduleJson(R"({"clip": {"law": "ID", "eps_sdt": 0.2, "phase_split": "half"}})");
  for (const char* expected : {"clip.law", "eps_sdt", "did you mean \"eps_std\"", "phase_split"}) {
    EXPECT_NE(bad.status().message().find(expected), absl::string_view::npos) << bad.status();
  }
}

TEST(LawState, AStateOfAnOlderVersionIsRead) {
  const auto state = ReadLawState(
      R"({"od_h_init":0.5,"od_raise":1,"revision":3,"catching_up":false,"bounds":{"upper":[0.5,-0.25],"lower":[0.2,0.0]}})");
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_EQ(*state,
            (LawState{.h_init = 0.5,
                      .od_raise = 1,
                      .revision = 3,
                      .bounds = ClipBounds{.upper = ClipLine{0.5, -0.25}, .lower = ClipLine{0.2, 0}}}));
}

TEST(LawState, WhatIsNoStateOfADialIsRefused) {
  const std::string rest = R"("od_raise": 0, "revision": 1, "catching_up": false})";
  EXPECT_TRUE(ReadLawState(R"({"dials": {"a": {"law": "magic", "value": 0.1}}, )" + rest).ok());
  for (const char* dials : {"[]", R"({"a": 1})", R"({"a": {}})", R"({"a": {"law": "aer", "value": "x"}})"})
    EXPECT_FALSE(ReadLawState(absl::StrCat("{\"dials\": ", dials, ", ", rest)).ok()) << dials;
}

TEST(LawState, NumbersThatNoDecisionMadeAreRefused) {
  const auto text = [](const char* raise, const char* revision, const char* more) {
    return absl::StrCat("{\"od_raise\": ", raise, ", \"revision\": ", revision, ", \"catching_up\": false",
                        more, "}");
  };
  EXPECT_TRUE(ReadLawState(text("1", "3", R"(, "bounds": {"upper": [0.2, 0], "lower": null})")).ok());
  EXPECT_FALSE(ReadLawState(text("4294967296", "3", "")).ok());
  EXPECT_FALSE(ReadLawState(text("1", "-3", "")).ok());
  EXPECT_FALSE(ReadLawState(text("1", "18446744073709551615", "")).ok());
  EXPECT_FALSE(ReadLawState(text("1", "3", R"(, "h_init": -1)")).ok());
  EXPECT_FALSE(ReadLawState(text("1", "3", R"(, "bounds": {"upper": [0.2, 0], "lower": [7, 0]})")).ok());
  EXPECT_FALSE(ReadLawState(text("1", "3", R"(, "bounds": {"upper": [-1e300, 0], "lower": null})")).ok());
}

// Every law and setting, most of them away from their defaults.
Schedule Everything() {
  Schedule schedule = Of(ClipLaw::kDid);
  schedule.clip.phase = {.advance = PhaseAdvance::kHand,
                         .begin = 12,
                         .inflection = {.n_base = 3, .margin = 0.9, .ema = 0.5, .hits = 3, .refractory = 5}};
  schedule.dials = {
      {"abc_e1", StaticDial{0.1 + 0.2}},
      {"abc_e2", PiecewiseDial{.points = {{3, 0.5}, {8, 1}}}},
      {"abc_e3", PiecewiseDial{.by_position = true, .points = {{0.25, 0.5}, {1, 0.75}}}},
      {"abc_e4", StageDial{}},
      {"ppl_alpha", EpochDial{.epochs = 3}},
      {"positive_advantage_weight", EntropyGuidedDial{.target = 0.3, .delta = 0.1, .initial = 1}},
      {"entropy_bonus", AerDial{.tau = 0.3, .rate = 0.01, .max = 0.1, .initial = 0.05, .h_init = 0.7}},
      {"kl_cov_coef", AerDial{}},
      {"entropic_alpha", EntropicDial{.target = 0.2, .kp = 2, .ki = 0}},
      {"ce_gppo_beta1", MagicDial{.target = 0.1, .delta = 0.01, .min = 0.1, .max = 0.2, .initial = 0.15}},
      {"ce_gppo_beta2",
       PiDial{.target = 0.4, .kp = 3, .ki = 0.5, .min = 0.1, .max = 2, .initial = 1, .raises = false}}};
  return schedule;
}

TEST(ScheduleJson, EveryLawOfADialComesBack) {
  const auto read = ReadScheduleJson(WriteScheduleJson(Everything()));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, Everything());
  Schedule thermostat = Of(ClipLaw::kThermostat);
  thermostat.clip.thermostat = {.target = 0.5,
                                .band = 0.1,
                                .ema = 0.3,
                                .interval = 4,
                                .up = {.low = 0.1, .high = 0.5},
                                .down = {.low = std::nullopt, .high = 0.2}};
  EXPECT_EQ(*ReadScheduleJson(WriteScheduleJson(thermostat)), thermostat);
}

TEST(ScheduleJson, ShortDialsMeanTheDefaults) {
  const auto schedule = ReadScheduleJson(
      R"({"clip": {"law": "thermostat", "thermostat": {"down": {"high": 0.05}, "up": {"low": "off"}}},
          "dials": {"entropy_bonus": {"law": "aer", "h_init": "measured"}, "abc_e1": null,
                    "ce_gppo_beta2": {"law": "pi", "target": 0.4, "min": 0.5, "max": 2, "direction": "raises"}}})");
  ASSERT_TRUE(schedule.ok()) << schedule.status();
  EXPECT_EQ(schedule->clip.thermostat.down, (EpsilonBox{.low = std::nullopt, .high = 0.05}));
  EXPECT_EQ(schedule->clip.thermostat.up, EpsilonBox{});
  EXPECT_EQ(schedule->dials,
            (std::map<std::string, DialSchedule>{
                {"entropy_bonus", AerDial{}},
                {"ce_gppo_beta2", PiDial{.target = 0.4, .min = 0.5, .max = 2, .initial = 0.5}}}));
}

TEST(ScheduleJson, EveryProblemOfADialIsNamedAtOnce) {
  const auto bad = ReadScheduleJson(
      R"({"clip": {"phase": {"advance": "later", "begin": 1.5}}, "dials": {
          "a": 1, "b": {}, "c": {"law": "magick"}, "d": {"law": "static"}, "e": {"law": "magic", "detla": 1},
          "f": {"law": "pi", "target": "x"}, "g": {"law": "piecewise", "points": [{"step": 1}]},
          "h": {"law": "epoch", "epochs": 2.5}, "i": {"law": "stage", "value": 1}}})");
  for (const char* expected :
       {"clip.phase.advance: expected steps, hand or inflection", "clip.phase.begin: expected a whole number",
        "dials.a: expected an object", "dials.b.law is missing", "dials.c.law: expected static, piecewise",
        "dials.d.value is missing", "dials.e.detla: unknown key; did you mean \"delta\"",
        "dials.f.target: expected a number", "dials.f.min is missing", "dials.f.max is missing",
        "dials.g.points[0].value is missing", "dials.h.epochs: expected a whole number",
        "dials.i.value: unknown key"}) {
    EXPECT_NE(bad.status().message().find(expected), absl::string_view::npos) << bad.status() << expected;
  }
}

TEST(ScheduleJson, ADifferenceNamesTheDial) {
  Schedule from, to;
  from.dials["entropy_bonus"] = MagicDial{};
  to.dials["entropy_bonus"] = MagicDial{.target = 0.25};
  EXPECT_EQ(DiffSchedules(from, to), "dials.entropy_bonus.target: 0.2 → 0.25");
}

TEST(ScheduleJson, AKeyThatStandsTwiceIsRefused) {
  const auto twice = ReadScheduleJson(R"({"clip": {"eps_std": 0.3, "eps_std": 0.1}})");
  EXPECT_EQ(twice.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(twice.status().message().find("\"eps_std\" stands twice"), absl::string_view::npos)
      << twice.status();
  EXPECT_TRUE(
      ReadScheduleJson(R"({"clip": {"upper": {"intercept": 0.3}, "lower": {"intercept": 0.2}}})").ok());
}

TEST(ScheduleJson, DeepNestingIsRefusedAndDoesNotUseUpTheStack) {
  const std::string deep = std::string(300000, '[') + std::string(300000, ']');
  EXPECT_EQ(ReadScheduleJson("{\"clip\": " + deep + "}").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(ParseObservations("f", "{\"step\": 0, \"entropy\": " + deep + "}").ok());
}

TEST(ScheduleJson, RatioBoundsAreTheBoxTheyMean) {
  const auto schedule =
      ReadScheduleJson(R"({"clip": {"law": "static", "ratio_bounds": {"low": 0.75, "high": 1.25}}})");
  ASSERT_TRUE(schedule.ok()) << schedule.status();
  EXPECT_EQ(schedule->clip.upper->line, (ClipLine{0.25, 0}));
  EXPECT_EQ(schedule->clip.lower->line, (ClipLine{0.25, 0}));
  EXPECT_FALSE(
      ReadScheduleJson(R"({"clip": {"law": "id", "ratio_bounds": {"low": 0.8, "high": 1.2}}})").ok());
  EXPECT_FALSE(ReadScheduleJson(R"({"clip": {"ratio_bounds": {"low": 0.2, "high": 0.28}}})").ok());
  const auto both =
      ReadScheduleJson(R"({"clip": {"eps_std": 0.3, "ratio_bounds": {"low": 0.8, "high": 1.2}}})");
  EXPECT_NE(both.status().message().find("without eps_std"), absl::string_view::npos) << both.status();
}

// docs/methods.md 12 limits l0 and the sum from below only: lo = (1 − l0) / (1 + l1·q) stays in [0, 1].
TEST(Schedule, ALowerLineMayRiseAboveOne) {
  Schedule schedule;
  schedule.clip.lower = ClipSide{.line = {0.5, 0.6}};
  EXPECT_TRUE(schedule.Validate().ok()) << schedule.Validate();
  schedule.clip.lower->line = {0.5, -0.6};
  EXPECT_FALSE(schedule.Validate().ok());
}

TEST(Schedule, AnEpsilonThatLooksLikeARatioIsRefusedWithBothSpellings) {
  Schedule schedule;
  schedule.clip.eps_std = 1.28;
  EXPECT_NE(schedule.Validate().message().find("ratio_bounds"), absl::string_view::npos);
}

}  // namespace
}  // namespace entrain
