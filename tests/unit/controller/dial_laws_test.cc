// Truth tables of the laws of dials. Formulas: docs/methods.md 4.2, 5, 10.9, 10.10; numbers by hand.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "common/rng.h"
#include "controller/decision.h"
#include "controller/dials.h"
#include "controller/laws/dial_law.h"
#include "controller/preview.h"

namespace entrain {
namespace {

// A dial and its state over steps 0, 1, 2, ….
class Running {
 public:
  explicit Running(DialSchedule dial, int64_t total_steps = 100)
      : dial_(std::move(dial)), total_steps_(total_steps) {}
  double At(int64_t step, std::optional<double> entropy = std::nullopt) {
    if (!h_init_.has_value()) h_init_ = MeasuredEntropy(entropy);
    const DialOutput output =
        ApplyDialLaw(dial_, state_,
                     {.step = step, .total_steps = total_steps_, .entropy_nats = entropy, .h_init = h_init_});
    state_ = output.next;
    return output.value;
  }
  double Next(std::optional<double> entropy) { return At(step_++, entropy); }
  const DialState& state() const { return state_; }
  std::optional<double> h_init() const { return h_init_; }
  void Edit(DialSchedule dial) { dial_ = std::move(dial); }

 private:
  DialSchedule dial_;
  const int64_t total_steps_;
  DialState state_;
  std::optional<double> h_init_;
  int64_t step_ = 0;
};

TEST(DialLaws, StaticIsItsValue) {
  Running dial(StaticDial{.value = 0.3});
  EXPECT_EQ(dial.At(0, 1.0), 0.3);
  EXPECT_EQ(dial.At(1'000'000), 0.3);
}

TEST(DialLaws, PiecewiseIsLinearBetweenPointsOverStepsOrPositions) {
  Running steps(PiecewiseDial{.points = {{.at = 10, .value = 0.25}, {.at = 20, .value = 0.75}}});
  EXPECT_EQ(steps.At(0), 0.25);
  EXPECT_EQ(steps.At(10), 0.25);
  EXPECT_EQ(steps.At(15), 0.5);
  EXPECT_EQ(steps.At(20), 0.75);
  EXPECT_EQ(steps.At(99), 0.75);
  Running position(
      PiecewiseDial{.by_position = true, .points = {{.at = 0.25, .value = 1}, {.at = 0.75, .value = 0}}}, 8);
  EXPECT_EQ(position.At(1), 1);
  EXPECT_EQ(position.At(2), 1);
  EXPECT_EQ(position.At(3), 0.75);
  EXPECT_EQ(position.At(4), 0.5);
  EXPECT_EQ(position.At(6), 0);
  EXPECT_EQ(position.At(800), 0);
}

TEST(DialLaws, StageIsNothingInTheFirstHalfAndARampInTheSecond) {
  Running even(StageDial{}, 8);
  EXPECT_EQ(even.At(0), 0);
  EXPECT_EQ(even.At(3), 0);
  EXPECT_EQ(even.At(4), 0);  // 2·4/8 − 1
  EXPECT_EQ(even.At(5), 0.25);
  EXPECT_EQ(even.At(7), 0.75);
  EXPECT_EQ(even.At(8), 1);
  EXPECT_EQ(even.At(1000), 1);
  Running odd(StageDial{}, 5);
  EXPECT_EQ(odd.At(2), 0);  // 2 < 2.5
  EXPECT_NEAR(odd.At(3), 0.2, 1e-15);
}

TEST(DialLaws, EpochIsAStair) {
  Running dial(EpochDial{.epochs = 3}, 9);  // e = ⌊k/3⌋ + 1
  EXPECT_EQ(dial.At(0), 0);
  EXPECT_EQ(dial.At(2), 0);
  EXPECT_EQ(dial.At(3), 0.5);
  EXPECT_EQ(dial.At(5), 0.5);
  EXPECT_EQ(dial.At(6), 1);
  EXPECT_EQ(dial.At(9), 1);
  EXPECT_EQ(dial.At(90), 1);
  EXPECT_EQ(Running(EpochDial{.epochs = 1}).At(0), 1);
}

TEST(DialLaws, EntropyGuidedFallsBelowItsTargetAndRisesAtAndAboveIt) {
  Running dial(EntropyGuidedDial{.target = 0.25, .delta = 0.375, .initial = 0.5});
  EXPECT_EQ(dial.Next(std::nextafter(0.25, 0)), 0.125);
  EXPECT_EQ(dial.Next(0.1), 0);  // 0.125 − 0.375 is clipped
  EXPECT_EQ(dial.Next(0.25), 0.375);
  EXPECT_EQ(dial.Next(std::nullopt), 0.375);
  EXPECT_EQ(dial.Next(9), 0.75);
  EXPECT_EQ(dial.Next(9), 1);
}

// alpha ← clip(alpha + 0.5 · (0.5 · H_0 − H_k), 0, 0.5).
TEST(DialLaws, AerIntegratesTheErrorToItsAnchor) {
  Running dial(AerDial{.tau = 0.5, .rate = 0.5, .max = 0.5, .initial = 0.125});
  EXPECT_EQ(dial.Next(std::nullopt), 0.125);
  EXPECT_EQ(dial.Next(1.0), 0);  // H_0 = 1: 0.125 + 0.5 · (0.5 − 1) is clipped
  EXPECT_EQ(dial.Next(0.25), 0.125);
  EXPECT_EQ(dial.Next(0.5), 0.125);  // the error is 0
  EXPECT_EQ(dial.Next(NAN), 0.125);
  EXPECT_EQ(dial.Next(0.0), 0.375);
  EXPECT_EQ(dial.Next(0.0), 0.5);  // clipped
  EXPECT_EQ(dial.Next(std::nullopt), 0.5);
  Running anchored(AerDial{.tau = 0.5, .rate = 0.5, .max = 0.5, .h_init = 2.0});
  EXPECT_EQ(anchored.Next(0.5), 0.25);  // 0.5 · (1 − 0.5)
}

// c ← clip(c ± 0.25, 0, 0.375).
TEST(DialLaws, MagicRisesBelowItsTargetAndFallsAtAndAboveIt) {
  Running dial(MagicDial{.target = 0.5, .delta = 0.25, .min = 0.0, .max = 0.375, .initial = 0.125});
  EXPECT_EQ(dial.Next(std::nextafter(0.5, 0)), 0.375);
  EXPECT_EQ(dial.Next(0.5), 0.125);
  EXPECT_EQ(dial.Next(std::nullopt), 0.125);
  EXPECT_EQ(dial.Next(0.1), 0.375);
  EXPECT_EQ(dial.Next(0.1), 0.375);  // clipped
  EXPECT_EQ(dial.Next(2.0), 0.125);
  EXPECT_EQ(dial.Next(2.0), 0.0);
}

// e = H − 0.5; alpha = clip(0.5 · e + 0.25 · Σe, −1, 1).
TEST(DialLaws, EntropicSumsTheErrorOnceAStepAndIsClipped) {
  Running dial(EntropicDial{.target = 0.5, .kp = 0.5, .ki = 0.25});
  EXPECT_EQ(dial.Next(std::nullopt), 0);
  EXPECT_EQ(dial.Next(1.0), 0.375);  // 0.25 + 0.125
  EXPECT_EQ(dial.Next(1.0), 0.5);    // 0.25 + 0.25 · 1
  EXPECT_EQ(dial.Next(std::nullopt), 0.5);
  EXPECT_EQ(dial.state().integral, 1.0);
  EXPECT_EQ(dial.Next(0.5), 0.25);
  EXPECT_EQ(dial.Next(9.0), 1);
  EXPECT_EQ(dial.state().integral, 9.5);
}

TEST(DialLaws, TheSumOfErrorsStartsAgainWhenAnEditMovesTheTargetByMoreThanAFifth) {
  for (const auto& [target, integral] : {std::pair(0.6, 1.0), {0.4, 1.0}, {0.625, 0.0}, {0.375, 0.0}}) {
    Running dial(EntropicDial{.target = 0.5, .kp = 0.5, .ki = 0.25});
    dial.Next(1.5);
    ASSERT_EQ(dial.state().integral, 1.0);
    dial.Edit(EntropicDial{.target = target, .kp = 0.5, .ki = 0.25});
    dial.Next(target);
    EXPECT_EQ(dial.state().integral, integral) << target;
  }
}

TEST(DialLaws, PiPushesTheWayItsDialWorksAndItsSumStopsAtTheEnds) {
  const PiDial raises{.target = 0.5, .kp = 0.5, .ki = 0.25, .min = 0, .max = 1, .initial = 0.25};
  Running up(raises);
  EXPECT_EQ(up.Next(std::nullopt), 0.25);
  EXPECT_EQ(up.Next(0.5), 0.25);
  EXPECT_EQ(up.Next(0.0), 0.625);  // 0.25 + 0.5 · 0.5 + 0.25 · 0.5
  EXPECT_EQ(up.Next(0.0), 0.75);
  EXPECT_EQ(up.Next(2.5), 0);  // e = −2: below the end, and the error pushes further: the sum stays at 1
  EXPECT_EQ(up.state().integral, 1.0);
  PiDial lowers = raises;
  lowers.raises = false;
  Running down(lowers);
  EXPECT_EQ(down.Next(1.0), 0.625);
  EXPECT_EQ(down.Next(0.0), 0);  // 0.25 − 0.25 + 0.25 · (0.5 − 0.5)
}

std::vector<DialSchedule> ClosedLoops() {
  return {EntropyGuidedDial{}, AerDial{}, EntropicDial{}, MagicDial{},
          PiDial{.target = 0.3, .min = 0.1, .max = 0.9, .initial = 0.5}};
}

TEST(DialLaws, SilenceAndWhatIsNoEntropyMoveNothing) {
  for (const DialSchedule& dial : ClosedLoops()) {
    Running running(dial);
    for (const double entropy : {0.9, 0.1, 0.1, 0.2}) running.Next(entropy);
    const double held = running.Next(std::nullopt);
    const DialState state = running.state();
    for (const double entropy :
         {-0.1, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
      EXPECT_EQ(running.Next(entropy), held) << DialLawName(dial);
      EXPECT_EQ(running.state(), state) << DialLawName(dial);
    }
  }
}

TEST(DialLaws, AnEntropyTooLargeToCountWithLeavesAFiniteValue) {
  for (const DialSchedule& dial : ClosedLoops()) {
    Running running(dial);
    for (int i = 0; i < 5; ++i) {
      EXPECT_TRUE(std::isfinite(running.Next(1.7e308))) << DialLawName(dial);
      EXPECT_TRUE(std::isfinite(running.state().integral)) << DialLawName(dial);
    }
  }
}

// Whatever a trainer brings as the state of a law, the value stays where the law keeps it.
TEST(DialLaws, AStateFromElsewhereDoesNotMoveALawOutOfItsBounds) {
  const std::pair<double, double> bounds[] = {{0, 1}, {0, 0.05}, {-1, 1}, {0, 5e-3}, {0.1, 0.9}};
  for (size_t i = 0; i < ClosedLoops().size(); ++i) {
    const DialSchedule dial = ClosedLoops()[i];
    for (const double value : {-7.0, 7.0}) {
      const DialState state{.law = DialLawName(dial), .value = value};
      for (const std::optional<double> entropy : {std::optional<double>(), std::optional(0.3)}) {
        const double got = ApplyDialLaw(dial, state, {.entropy_nats = entropy, .h_init = entropy}).value;
        EXPECT_GE(got, bounds[i].first) << DialLawName(dial);
        EXPECT_LE(got, bounds[i].second) << DialLawName(dial);
      }
    }
  }
}

// e = 0.5 − H sums to 0.5 on the first step. Turned round, e = H − 0.5: the old sum has the wrong sign.
TEST(DialLaws, TheSumOfErrorsStartsAgainWhenAnEditTurnsTheDirection) {
  PiDial law{.target = 0.5, .kp = 0.5, .ki = 0.25, .min = 0, .max = 1, .initial = 0.25};
  Running dial(law);
  dial.Next(0.0);
  ASSERT_EQ(dial.state().integral, 0.5);
  law.raises = false;
  dial.Edit(law);
  EXPECT_EQ(dial.Next(1.0), 0.625);  // 0.25 + 0.5 · 0.5 + 0.25 · 0.5
  EXPECT_EQ(dial.state().integral, 0.5);
}

// The anchor is the run's first measured entropy, whatever the schedule said then.
TEST(DialLaws, MeasuredIsTheFirstStepsEntropyWhateverWasInForceThen) {
  Schedule schedule;
  LawState state;
  const auto decide = [&](double h) {
    const LawOutput output = DecideStep(schedule, state, {.total_steps = 9, .entropy_nats = h}, 1);
    state = output.next;
    return output;
  };
  decide(1.0);  // no dial yet
  const AerDial law{.tau = 0.5, .rate = 0.5, .max = 0.5};
  schedule.dials["entropy_bonus"] = law;
  EXPECT_EQ(decide(0.25).dials.at("entropy_bonus"), 0.125);  // 0.5 · (0.5 · 1 − 0.25)
  AerDial given = law;
  given.h_init = 4.0;
  schedule.dials["entropy_bonus"] = given;
  EXPECT_EQ(decide(1.5).dials.at("entropy_bonus"), 0.375);  // 0.125 + 0.5 · (0.5 · 4 − 1.5)
  schedule.dials["entropy_bonus"] = law;
  EXPECT_EQ(decide(0.5).dials.at("entropy_bonus"), 0.375);  // measured again: the error to 0.5 · 1 is 0
  schedule.dials.clear();
  schedule.clip.law = ClipLaw::kOd;
  EXPECT_EQ(decide(0.2).state, "raise");  // 0.2 · 1
}

TEST(DialLaws, AnotherLawStartsAfresh) {
  Running running(EntropyGuidedDial{.initial = 0.5});
  running.Next(1.0);
  running.Edit(MagicDial{.initial = 0.002});
  EXPECT_EQ(running.Next(std::nullopt), 0.002);
}

TEST(DialLaws, StayWithinTheirBoundsAndRespondTheRightWayToRandomEntropies) {
  const Rng rng({.seed = 11, .purpose = RngPurpose::kData});
  uint64_t position = 0;
  const std::pair<double, double> bounds[] = {{0, 1}, {0, 0.05}, {-1, 1}, {0, 5e-3}, {0.1, 0.9}};
  const bool falls[] = {false, true, false, true, true};  // whether more entropy means a smaller value
  for (size_t i = 0; i < ClosedLoops().size(); ++i) {
    const DialSchedule dial = ClosedLoops()[i];
    Running running(dial);
    for (int step = 0; step < 300; ++step) {
      const double entropy = rng.Uniform(position++);
      const auto after = [&](double h) {
        const DialOutput seen = ApplyDialLaw(
            dial, running.state(), {.total_steps = 100, .entropy_nats = h, .h_init = running.h_init()});
        return seen.value;
      };
      if (step > 0) {  // aer is anchored at the first
        const double low = after(0.5 * entropy), high = after(entropy);
        EXPECT_TRUE(falls[i] ? low >= high : low <= high) << DialLawName(dial) << " at " << entropy;
      }
      const double value = running.Next(entropy);
      EXPECT_GE(value, bounds[i].first) << DialLawName(dial);
      EXPECT_LE(value, bounds[i].second) << DialLawName(dial);
    }
  }
}

TEST(DialLaws, ADialThatIsTakenAwayIsForgotten) {
  Schedule schedule;
  schedule.dials["entropy_bonus"] = MagicDial{.delta = 0.001, .initial = 0.001};
  const LawOutput first = DecideStep(schedule, {}, {.total_steps = 9, .entropy_nats = 0.1}, 1);
  EXPECT_EQ(first.dials, (std::map<std::string, double>{{"entropy_bonus", 0.002}}));
  const LawOutput without = DecideStep(Schedule{}, first.next, {.step = 1, .total_steps = 9}, 2);
  EXPECT_TRUE(without.dials.empty());
  EXPECT_TRUE(without.next.dials.empty());
}

// --- What a schedule may say. ---

std::string ProblemsOf(const std::string& name, const DialSchedule& dial) {
  Schedule schedule;
  schedule.dials[name] = dial;
  return std::string(schedule.Validate().message());
}

TEST(DialSchedules, AnUnknownDialIsNamedWithTheNearestName) {
  const std::string problems = ProblemsOf("entropie_bonus", StaticDial{});
  EXPECT_NE(problems.find("dials.entropie_bonus: unknown dial"), std::string::npos) << problems;
  EXPECT_NE(problems.find("did you mean \"entropy_bonus\""), std::string::npos) << problems;
}

TEST(DialSchedules, ALawThatMayLeaveTheLegalRangeIsRefused) {
  struct Case {
    const char* dial;
    DialSchedule law;
    const char* field;  // nullptr: legal
  };
  const Case cases[] = {
      {"positive_advantage_weight", StaticDial{1}, nullptr},
      {"positive_advantage_weight", StaticDial{1.1}, "dials.positive_advantage_weight.value"},
      {"entropy_bonus", StaticDial{-1e-9}, "dials.entropy_bonus.value"},
      {"dual_c", StaticDial{1}, "dials.dual_c.value"},
      {"dual_c", StaticDial{std::nextafter(1.0, 2)}, nullptr},
      {"difficulty_rho", EntropyGuidedDial{}, "dials.difficulty_rho.law"},
      {"positive_advantage_weight", EntropicDial{}, "dials.positive_advantage_weight.law"},
      {"entropic_alpha", EntropicDial{}, nullptr},
      {"positive_advantage_weight", PiDial{.target = 1, .min = 0, .max = 1.5},
       "dials.positive_advantage_weight.max"},
      {"positive_advantage_weight", PiecewiseDial{.points = {{0, 0.5}, {5, 2}}},
       "dials.positive_advantage_weight.points[1].value"},
      {"positive_advantage_weight", PiecewiseDial{.points = {{5, 0.5}, {5, 1}}},
       "dials.positive_advantage_weight.points[1].step"},
      {"positive_advantage_weight", PiecewiseDial{.by_position = true, .points = {{0.5, 0.5}, {1.5, 1}}},
       "dials.positive_advantage_weight.points[1].position"},
      {"positive_advantage_weight", PiecewiseDial{}, "dials.positive_advantage_weight.points"},
      {"positive_advantage_weight", EpochDial{.epochs = 0}, "dials.positive_advantage_weight.epochs"},
      {"positive_advantage_weight", EntropyGuidedDial{.delta = 0}, "dials.positive_advantage_weight.delta"},
      {"entropy_bonus", AerDial{.tau = 1}, "dials.entropy_bonus.tau"},
      {"entropy_bonus", AerDial{.h_init = 0.0}, "dials.entropy_bonus.h_init"},
      {"entropy_bonus", MagicDial{.initial = 1}, "dials.entropy_bonus.initial"},
      {"entropy_bonus", MagicDial{.target = NAN}, "dials.entropy_bonus.target"},
  };
  for (const Case& one : cases) {
    const std::string problems = ProblemsOf(one.dial, one.law);
    if (one.field == nullptr) {
      EXPECT_EQ(problems, "") << one.dial;
    } else {
      EXPECT_EQ(problems.find(std::string(one.field) + ":"), 0u) << problems << "\nexpected " << one.field;
    }
  }
}

TEST(DialSchedules, ANameIsShownShortAndPrintable) {
  const std::string problems = ProblemsOf("\x1b[2J" + std::string(5000, 'x'), StaticDial{});
  EXPECT_EQ(problems.find("dials.\\033[2Jxxx"), 0u) << problems;
  EXPECT_LT(problems.size(), 2000u);
}

TEST(DialSchedules, MoreDialsThanThereAreIsOneProblem) {
  Schedule schedule;
  for (int i = 0; i < 10'000; ++i) schedule.dials[absl::StrCat("dial", i)] = StaticDial{};
  EXPECT_EQ(schedule.Validate().message(),
            absl::StrCat("dials: expected at most ", Dials().size(), ", all that there are, found 10000"));
}

TEST(DialSchedules, OneClosedLoopAtMost) {
  Schedule schedule{.clip = {.law = ClipLaw::kOd}};
  schedule.dials["positive_advantage_weight"] = StageDial{};
  EXPECT_TRUE(schedule.Validate().ok());
  schedule.dials["positive_advantage_weight"] = EntropyGuidedDial{};
  EXPECT_NE(schedule.Validate().message().find("clip.law (od), dials.positive_advantage_weight"),
            absl::string_view::npos)
      << schedule.Validate();
  schedule.clip.law = ClipLaw::kId;
  EXPECT_TRUE(schedule.Validate().ok());
  schedule.dials["entropy_bonus"] = MagicDial{};
  EXPECT_FALSE(schedule.Validate().ok());
}

TEST(DialSchedules, EveryDialIsListedOnceAndSaysWhatItIs) {
  std::string before;
  for (const DialInfo& dial : Dials()) {
    EXPECT_LT(before, dial.name);
    EXPECT_FALSE(dial.meaning.empty()) << dial.name;
    before = dial.name;
  }
}

}  // namespace
}  // namespace entrain
