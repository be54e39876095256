#include "services/convert/steering_convert.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "absl/strings/str_cat.h"
#include "common/rng.h"

namespace entrain {
namespace {

using ::testing::HasSubstr;

class Draw {
 public:
  explicit Draw(uint64_t seed) : rng_({.seed = seed, .purpose = RngPurpose::kData}) {}
  int64_t Below(int64_t bound) {
    return static_cast<int64_t>(rng_.Below(static_cast<uint64_t>(bound), at_++));
  }
  double Number() { return rng_.Normal(at_++); }
  bool Coin() { return Below(2) == 0; }
  std::string Text() { return absl::StrCat("t", Below(1000), "ü"); }
  ClipLine Line() { return {.intercept = Number(), .slope = Number()}; }
  ClipSide Side() { return Coin() ? ClipSide{.off = true} : ClipSide{.line = Line()}; }
  std::optional<ClipLine> MaybeLine() { return Coin() ? std::nullopt : std::optional<ClipLine>(Line()); }
  std::optional<double> MaybeNumber() { return Coin() ? std::nullopt : std::optional<double>(Number()); }
  std::map<std::string, double> Numbers() {
    std::map<std::string, double> numbers;
    for (int64_t n = Below(4); n > 0; --n) numbers[absl::StrCat("a/", n)] = Number();
    return numbers;
  }

 private:
  Rng rng_;
  uint64_t at_ = 0;
};

DialSchedule DrawDial(Draw& draw) {
  DialSchedule dial = *DialLawFromName(DialLawNames()[static_cast<size_t>(draw.Below(9))]);
  VisitDialNumbers(dial, [&](const char*, double& number) { number = draw.Number(); });
  if (auto* piecewise = std::get_if<PiecewiseDial>(&dial)) {
    piecewise->by_position = draw.Coin();
    for (int64_t n = draw.Below(4); n > 0; --n) piecewise->points.push_back({draw.Number(), draw.Number()});
  }
  if (auto* epoch = std::get_if<EpochDial>(&dial)) epoch->epochs = draw.Below(9);
  if (auto* aer = std::get_if<AerDial>(&dial)) aer->h_init = draw.MaybeNumber();
  if (auto* pi = std::get_if<PiDial>(&dial)) pi->raises = draw.Coin();
  return dial;
}

Schedule DrawSchedule(Draw& draw) {
  Schedule schedule;
  schedule.clip.law = static_cast<ClipLaw>(draw.Below(6));
  if (draw.Coin()) schedule.clip.total_steps = draw.Below(1000);
  schedule.clip.phase_split = draw.Number();
  schedule.clip.eps_std = draw.Number();
  if (draw.Coin()) schedule.clip.upper = draw.Side();
  if (draw.Coin()) schedule.clip.lower = draw.Side();
  schedule.clip.od_h_init = draw.MaybeNumber();
  schedule.clip.od_h_min_ratio = draw.Number();
  for (int64_t n = draw.Below(4); n > 0; --n)
    schedule.clip.points.push_back({draw.Below(100), draw.Side(), draw.Side()});
  schedule.clip.phase.advance = static_cast<PhaseAdvance>(draw.Below(3));
  if (draw.Coin()) schedule.clip.phase.begin = draw.Below(1000);
  schedule.clip.phase.inflection = {draw.Below(9), draw.Number(), draw.Number(), draw.Below(9),
                                    draw.Below(99)};
  schedule.clip.thermostat = {.target = draw.Number(),
                              .band = draw.Number(),
                              .ema = draw.Number(),
                              .interval = draw.Below(99),
                              .up = {.low = draw.MaybeNumber(), .high = draw.MaybeNumber()},
                              .down = {.low = draw.MaybeNumber(), .high = draw.MaybeNumber()}};
  for (int64_t n = draw.Below(3); n > 0; --n) schedule.dials[absl::StrCat("dial", n)] = DrawDial(draw);
  schedule.guards.max_change_per_step = draw.MaybeNumber();
  schedule.guards.dead_band = draw.Number();
  return schedule;
}

Directive DrawDirective(Draw& draw) {
  return {.id = draw.Below(1000),
          .run_id = draw.Text(),
          .attempt = draw.Below(10),
          .step = draw.Below(1000),
          .revision = draw.Below(10),
          .bounds = {.upper = draw.MaybeLine(), .lower = draw.MaybeLine()},
          .dials = draw.Numbers(),
          .state = draw.Text(),
          .reason = draw.Text(),
          .law_state = std::string("\x00\xff\x80", 3)};
}

template <typename Message>
Message OverTheWire(const Message& message) {
  Message read;
  EXPECT_TRUE(read.ParseFromString(message.SerializeAsString()));
  return read;
}

TEST(SteeringConvertTest, EveryFieldOfAScheduleSurvivesTheWire) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    Draw draw(seed);
    const Schedule schedule = DrawSchedule(draw);
    const absl::StatusOr<Schedule> read =
        ScheduleFromProto("schedule", OverTheWire(ScheduleToProto(schedule)));
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(*read, schedule) << "seed " << seed;
  }
}

TEST(SteeringConvertTest, EveryFieldOfADirectiveSurvivesTheWire) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Draw draw(seed);
    const Directive directive = DrawDirective(draw);
    const absl::StatusOr<Directive> read =
        DirectiveFromProto("directive", OverTheWire(DirectiveToProto(directive)));
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(*read, directive) << "seed " << seed;
  }
}

TEST(SteeringConvertTest, EveryFieldOfAnObservationSurvivesTheWire) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Draw draw(seed);
    Observation observation{.run_id = draw.Text(), .attempt = draw.Below(9), .step = draw.Below(1000)};
    observation.for_step = observation.step + draw.Below(2);
    observation.entropy_nats = draw.MaybeNumber();
    observation.metrics = draw.Numbers();
    observation.applied_directive_id = draw.Below(50);
    if (draw.Coin())
      observation.applied_bounds = ClipBounds{.upper = draw.MaybeLine(), .lower = draw.MaybeLine()};
    observation.applied_dials = draw.Numbers();
    const absl::StatusOr<Observation> read =
        ObservationFromProto("observation", OverTheWire(ObservationToProto(observation)));
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(read->run_id, observation.run_id);
    EXPECT_EQ(read->attempt, observation.attempt);
    EXPECT_EQ(read->step, observation.step);
    EXPECT_EQ(read->for_step, observation.for_step);
    EXPECT_EQ(read->entropy_nats, observation.entropy_nats);
    EXPECT_EQ(read->metrics, observation.metrics);
    EXPECT_EQ(read->applied_directive_id, observation.applied_directive_id);
    EXPECT_EQ(read->applied_bounds, observation.applied_bounds);
    EXPECT_EQ(read->applied_dials, observation.applied_dials);
  }
}

TEST(SteeringConvertTest, EveryFieldOfARegistrationSurvivesTheWire) {
  Draw draw(5);
  const Registration registration{
      .run_id = "r",
      .name = "n",
      .config_digest = "c",
      .total_steps = 77,
      .attempt = 3,
      .schedule = DrawSchedule(draw),
      .apply_schedule = true,
      .capabilities = {.lines = false, .plain_box = true, .dials = {"a", "b"}, .needed_dials = {"b"}},
      .resume_from = 12,
      .last_directive = DrawDirective(draw)};
  const absl::StatusOr<Registration> read =
      RegistrationFromProto(OverTheWire(RegistrationToProto(registration)));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->run_id, registration.run_id);
  EXPECT_EQ(read->name, registration.name);
  EXPECT_EQ(read->config_digest, registration.config_digest);
  EXPECT_EQ(read->total_steps, registration.total_steps);
  EXPECT_EQ(read->attempt, registration.attempt);
  EXPECT_EQ(read->schedule, registration.schedule);
  EXPECT_EQ(read->apply_schedule, registration.apply_schedule);
  EXPECT_EQ(read->capabilities, registration.capabilities);
  EXPECT_EQ(read->resume_from, registration.resume_from);
  EXPECT_EQ(read->last_directive, registration.last_directive);

  const RegistrationReply reply = RegistrationReplyFromProto(
      OverTheWire(RegistrationReplyToProto({.revision = 4, .schedule_differs = true, .schedule_diff = "d"})));
  EXPECT_EQ(reply.revision, 4);
  EXPECT_TRUE(reply.schedule_differs);
  EXPECT_EQ(reply.schedule_diff, "d");
}

// What a person types for grpcurl.
absl::StatusOr<Schedule> FromJson(const std::string& json) {
  controller::v1::Schedule message;
  const auto status = google::protobuf::util::JsonStringToMessage(json, &message);
  EXPECT_TRUE(status.ok()) << status;
  return ScheduleFromProto("schedule", message);
}

TEST(SteeringConvertTest, AShortJsonScheduleMeansTheDefaults) {
  const absl::StatusOr<Schedule> schedule =
      FromJson(R"({"clip": {"law": "CLIP_LAW_STATIC", "eps_std": 0.1}})");
  ASSERT_TRUE(schedule.ok()) << schedule.status();
  Schedule expected;
  expected.clip.eps_std = 0.1;
  EXPECT_EQ(*schedule, expected);
}

TEST(SteeringConvertTest, SidesAreLinesOrOffInJson) {
  const absl::StatusOr<Schedule> schedule = FromJson(
      R"({"clip": {"law": "CLIP_LAW_ID", "upper": {"line": {"intercept": 0.4, "slope": -0.2}}, "lower": {"off": {}}}})");
  ASSERT_TRUE(schedule.ok()) << schedule.status();
  EXPECT_EQ(schedule->clip.upper, (ClipSide{.line = {0.4, -0.2}}));
  EXPECT_EQ(schedule->clip.lower, ClipSide{.off = true});
}

TEST(SteeringConvertTest, AbsoluteRatioBoundsBecomeEpsilons) {
  const absl::StatusOr<Schedule> schedule =
      FromJson(R"({"clip": {"law": "CLIP_LAW_STATIC", "ratio_bounds": {"low": 0.8, "high": 1.28}}})");
  ASSERT_TRUE(schedule.ok()) << schedule.status();
  // eps_minus = 1 − 0.8, eps_plus = 1.28 − 1: the form in which DAPO's numbers are quoted.
  EXPECT_NEAR(schedule->clip.lower->line.intercept, 0.2, 1e-12);
  EXPECT_NEAR(schedule->clip.upper->line.intercept, 0.28, 1e-12);
  EXPECT_EQ(schedule->clip.upper->line.slope, 0);
}

TEST(SteeringConvertTest, AShortJsonDialMeansTheDefaults) {
  const absl::StatusOr<Schedule> schedule = FromJson(
      R"({"clip": {"law": "CLIP_LAW_THERMOSTAT", "thermostat": {"down": {"high": {"epsilon": 0.05}}}},
          "dials": {"positive_advantage_weight": {"stage": {}}, "difficulty_rho": {"pi": {"target_entropy_nats": 0.5, "min": 0.2, "max": 0.9}}}})");
  ASSERT_TRUE(schedule.ok()) << schedule.status();
  Schedule expected{.clip = {.law = ClipLaw::kThermostat}};
  expected.clip.thermostat.down.high = 0.05;
  expected.dials["positive_advantage_weight"] = StageDial{};
  expected.dials["difficulty_rho"] = PiDial{.target = 0.5, .min = 0.2, .max = 0.9, .initial = 0.2};
  EXPECT_EQ(*schedule, expected);
}

struct BadSchedule {
  const char* json;
  const char* expected;
};
class BadScheduleTest : public ::testing::TestWithParam<BadSchedule> {};

TEST_P(BadScheduleTest, IsRefusedByTheNameOfItsField) {
  const absl::Status status = FromJson(GetParam().json).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr(GetParam().expected));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadScheduleTest,
    ::testing::Values(
        BadSchedule{R"({})", "schedule.clip: expected"},
        BadSchedule{R"({"clip": {}})", "schedule.clip.law: expected CLIP_LAW_STATIC"},
        BadSchedule{R"({"clip": {"law": "CLIP_LAW_STATIC", "eps_std": "NaN"}})",
                    "schedule.clip.eps_std: expected a finite number"},
        BadSchedule{R"({"clip": {"law": "CLIP_LAW_ID", "phase_split": "Infinity"}})",
                    "schedule.clip.phase_split: expected"},
        BadSchedule{R"({"clip": {"law": "CLIP_LAW_ID", "upper": {}}})",
                    "schedule.clip.upper: expected a line or off, found neither"},
        BadSchedule{R"({"clip": {"law": "CLIP_LAW_ID", "lower": {"line": {"slope": "NaN"}}}})",
                    "schedule.clip.lower.line.slope: expected"},
        BadSchedule{R"({"clip": {"law": "CLIP_LAW_OD", "od": {"initial_entropy_nats": "-Infinity"}}})",
                    "schedule.clip.od.initial_entropy_nats:"},
        BadSchedule{R"({"clip": {"law": "CLIP_LAW_OD", "od": {"min_entropy_ratio": "NaN"}}})",
                    "schedule.clip.od.min_entropy_ratio:"},
        BadSchedule{
            R"({"clip": {"law": "CLIP_LAW_PIECEWISE", "points": [{"step": 0, "upper": {"off": {}}}]}})",
            "schedule.clip.points[0].lower: expected"},
        BadSchedule{R"({"clip": {"law": "CLIP_LAW_ID", "phase": {}}})",
                    "schedule.clip.phase.advance: expected PHASE_ADVANCE_STEPS"},
        BadSchedule{R"({"clip": {"law": "CLIP_LAW_THERMOSTAT", "thermostat": {"band_nats": "NaN"}}})",
                    "schedule.clip.thermostat.band_nats:"},
        BadSchedule{R"({"clip": {"law": "CLIP_LAW_THERMOSTAT", "thermostat": {"up": {"low": {}}}}})",
                    "schedule.clip.thermostat.up.low: expected an epsilon or off"},
        BadSchedule{R"({"clip": {"law": "CLIP_LAW_STATIC"}, "dials": {"entropy_bonus": {}}})",
                    "schedule.dials.entropy_bonus: expected a law"},
        BadSchedule{R"({"clip": {"law": "CLIP_LAW_STATIC"}, "dials": {"entropy_bonus": {"static": {}}}})",
                    "schedule.dials.entropy_bonus.static.value: expected a number"},
        BadSchedule{R"({"clip": {"law": "CLIP_LAW_STATIC"}, "dials": {"d": {"magic": {"delta": "NaN"}}}})",
                    "schedule.dials.d.magic.delta:"},
        BadSchedule{R"({"clip": {"law": "CLIP_LAW_STATIC"}, "guards": {"dead_band": "NaN"}})",
                    "schedule.guards.dead_band:"},
        BadSchedule{R"({"clip": {"law": "CLIP_LAW_STATIC"}, "guards": {"max_change_per_step": "NaN"}})",
                    "schedule.guards.max_change_per_step:"},
        BadSchedule{R"({"clip": {"law": "CLIP_LAW_STATIC", "ratio_bounds": {"low": 0.2, "high": 0.28}}})",
                    "schedule.clip.ratio_bounds.high: expected a number of at least 1"},
        BadSchedule{R"({"clip": {"law": "CLIP_LAW_STATIC", "ratio_bounds": {"low": 1.2, "high": 1.28}}})",
                    "schedule.clip.ratio_bounds.low:"},
        BadSchedule{
            R"({"clip": {"law": "CLIP_LAW_STATIC", "eps_std": 0.2, "ratio_bounds": {"low": 0.8, "high": 1.28}}})",
            "schedule.clip.ratio_bounds: expected neither upper, lower nor eps_std"},
        BadSchedule{R"({"clip": {"law": "CLIP_LAW_ID", "ratio_bounds": {"low": 0.8, "high": 1.28}}})",
                    "schedule.clip.ratio_bounds: expected law"}));

TEST(SteeringConvertTest, AnObservationWithoutForStepAsksForItsOwnStep) {
  controller::v1::Observation message;
  message.set_run_id("r");
  message.set_step(7);
  const absl::StatusOr<Observation> observation = ObservationFromProto("observation", message);
  ASSERT_TRUE(observation.ok()) << observation.status();
  EXPECT_EQ(observation->for_step, 7);
  EXPECT_FALSE(observation->entropy_nats.has_value());
}

TEST(SteeringConvertTest, BadObservationsAreRefusedByField) {
  const auto error_of = [](const std::function<void(controller::v1::Observation&)>& spoil) {
    controller::v1::Observation message;
    message.set_run_id("r");
    message.set_step(7);
    spoil(message);
    return std::string(ObservationFromProto("observation", message).status().message());
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(error_of([](auto& m) { m.clear_run_id(); }), HasSubstr("observation.run_id: expected"));
  EXPECT_THAT(error_of([](auto& m) { m.set_step(-1); }), HasSubstr("observation.step: expected"));
  EXPECT_THAT(error_of([](auto& m) { m.set_for_step(6); }), HasSubstr("observation.for_step: expected"));
  EXPECT_THAT(error_of([&](auto& m) { m.set_entropy_nats(nan); }),
              HasSubstr("observation.entropy_nats: expected"));
  EXPECT_THAT(error_of([&](auto& m) { (*m.mutable_metrics())["kl/old_new"] = nan; }),
              HasSubstr("observation.metrics[\"kl/old_new\"]: expected"));
  EXPECT_THAT(error_of([](auto& m) { m.mutable_applied_bounds()->mutable_upper()->mutable_off(); }),
              HasSubstr("observation.applied_bounds.lower: expected"));
}

}  // namespace
}  // namespace entrain
