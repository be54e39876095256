#include "controller/controller.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <thread>

#include "controller/decision.h"
#include "controller/local_steering.h"
#include "controller/preview.h"
#include "tests/testing/manual_clock.h"

namespace entrain {
namespace {

namespace fs = std::filesystem;

class ControllerTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/entrain-controller-XXXXXX";
    folder_ = mkdtemp(name);
    Open();
  }
  void TearDown() override {
    controller_.reset();
    fs::remove_all(folder_);
  }
  std::string File() const { return folder_ + "/controller.sqlite"; }
  void Open() {
    controller_.reset();
    auto controller = Controller::Create(File(), clock_);
    ASSERT_TRUE(controller.ok()) << controller.status();
    controller_ = *std::move(controller);
  }
  static Registration RunOf(ClipLaw law, int64_t attempt = 1, int64_t resume_from = 0) {
    return {.run_id = "r",
            .name = "run",
            .total_steps = 100,
            .attempt = attempt,
            .schedule = {.clip = {.law = law}},
            .resume_from = resume_from};
  }
  static Observation At(int64_t step, std::optional<double> entropy, int64_t attempt = 1) {
    return {.run_id = "r", .attempt = attempt, .step = step, .for_step = step, .entropy_nats = entropy};
  }
  Directive Report(int64_t step, std::optional<double> entropy, int64_t attempt = 1) {
    const auto directive = controller_->ReportStep(At(step, entropy, attempt));
    EXPECT_TRUE(directive.ok()) << directive.status();
    return directive.ok() ? *directive : Directive{};
  }
  absl::StatusOr<ControllerPort::EditResult> Edit(double eps, const std::string& etag,
                                                  std::optional<int64_t> step = std::nullopt) {
    ControllerPort::Edit edit{
        .run_id = "r", .etag = etag, .author = "me", .reason = "a test", .effective_step = step};
    edit.schedule = Schedule{.clip = {.law = ClipLaw::kStatic, .eps_std = eps}};
    return controller_->EditSchedule(edit);
  }
  // A copy of the file as a person makes one, with the controller stopped.
  void Backup() {
    controller_.reset();
    fs::copy_file(File(), File() + ".backup");
    Open();
  }
  void Restore() {
    controller_.reset();
    fs::copy_file(File() + ".backup", File(), fs::copy_options::overwrite_existing);
    Open();
  }
  static std::string BytesOf(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // Something else than the controller writes to a file.
  static void Sql(const std::string& path, const std::string& statements) {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(db, statements.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(db);
    sqlite3_close(db);
  }
  std::string Etag() { return controller_->GetSchedule("r", std::nullopt)->etag; }

  std::string folder_;
  ManualClock clock_;
  std::unique_ptr<Controller> controller_;
};

TEST_F(ControllerTest, AnswersTheSameDirectiveForTheSameStep) {
  ASSERT_TRUE(controller_->Register(RunOf(ClipLaw::kOd)).ok());
  const Directive first = Report(0, 1.0);
  EXPECT_EQ(first.id, 1);
  EXPECT_EQ(Report(0, 0.01), first);  // a repeat with other numbers changes nothing
  EXPECT_EQ(Report(1, 0.9).id, 2);
}

TEST_F(ControllerTest, ARestartGoesOnWithTheSameDecisions) {
  const double entropy[] = {1.0, 0.9, 0.15, 0.5, 0.5, 0.95, 0.5, 0.1, 0.3};
  ASSERT_TRUE(controller_->Register(RunOf(ClipLaw::kOd)).ok());
  std::vector<Directive> whole;
  for (int64_t step = 0; step < 9; ++step) whole.push_back(Report(step, entropy[step]));
  controller_.reset();
  fs::remove(File());
  fs::remove(File() + "-wal");
  fs::remove(File() + "-shm");
  Open();
  ASSERT_TRUE(controller_->Register(RunOf(ClipLaw::kOd)).ok());
  for (int64_t step = 0; step < 9; ++step) {
    Open();  // a new process before every step
    EXPECT_EQ(Report(step, entropy[step]), whole[static_cast<size_t>(step)]);
  }
}

TEST_F(ControllerTest, MissingAndNonFiniteEntropyMoveNothing) {
  ASSERT_TRUE(controller_->Register(RunOf(ClipLaw::kOd)).ok());
  Report(0, 1.0);
  EXPECT_EQ(Report(1, 0.1).state, "raise");
  EXPECT_EQ(Report(2, std::nullopt).state, "raise");
  EXPECT_EQ(Report(3, std::numeric_limits<double>::quiet_NaN()).state, "raise");
  EXPECT_EQ(Report(4, -1.0).state, "raise");
}

TEST_F(ControllerTest, NumbersThatAreNotFiniteAreRefusedAndDoNotSpoilTheHistory) {
  LocalSteering steering(*controller_);
  ASSERT_TRUE(steering.Register(RunOf(ClipLaw::kOd), absl::Seconds(1)).ok());
  Observation metric = At(0, 1.0);
  metric.metrics["kl/old_new"] = NAN;
  const absl::Status refused = steering.Steer(metric, absl::Seconds(1)).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(refused.message().find("metrics[\"kl/old_new\"]"), absl::string_view::npos) << refused;
  Observation bounds = At(0, 1.0);
  bounds.applied_bounds = ClipBounds{.lower = ClipLine{0.2, INFINITY}};
  EXPECT_EQ(steering.Steer(bounds, absl::Seconds(1)).status().code(), absl::StatusCode::kInvalidArgument);
  Observation endless = At(INT64_MAX, 1.0);
  EXPECT_EQ(steering.Steer(endless, absl::Seconds(1)).status().code(), absl::StatusCode::kInvalidArgument);
  Report(0, 1.0);
  EXPECT_EQ(controller_->ListObservations("r", 0, 0)->size(), 1u);
  EXPECT_TRUE(controller_->Replay("r", {.clip = {.law = ClipLaw::kOd}}).ok());
}

TEST_F(ControllerTest, TheNewestMeasuredEntropyIsShownAlsoAfterARestart) {
  ASSERT_TRUE(controller_->Register(RunOf(ClipLaw::kOd)).ok());
  Report(0, 1.0);
  Report(1, 0.75);
  Report(2, std::nullopt);
  EXPECT_EQ(controller_->GetRun("r")->last_entropy_nats, 0.75);
  Open();
  EXPECT_EQ(controller_->GetRun("r")->last_entropy_nats, 0.75);
  ASSERT_TRUE(controller_->Register(RunOf(ClipLaw::kOd, 2, 1)).ok());  // step 1 does not count any more
  EXPECT_EQ(controller_->GetRun("r")->last_entropy_nats, 1.0);
}

TEST_F(ControllerTest, AnEditTakesEffectAtTheNextUndecidedStep) {
  ASSERT_TRUE(controller_->Register(RunOf(ClipLaw::kStatic)).ok());
  Report(0, 1.0);
  const auto edited = Edit(0.3, Etag());
  ASSERT_TRUE(edited.ok()) << edited.status();
  EXPECT_EQ(edited->revision.revision, 2);
  EXPECT_EQ(edited->revision.effective_step, 1);
  EXPECT_EQ(Report(0, 1.0).bounds.upper->intercept, 0.2);  // a directive that was given never changes
  EXPECT_EQ(Report(1, 1.0).bounds.upper->intercept, 0.3);
  EXPECT_EQ(Report(2, 1.0).revision, 2);
}

TEST_F(ControllerTest, AFutureEditWaitsForItsStep) {
  ASSERT_TRUE(controller_->Register(RunOf(ClipLaw::kStatic)).ok());
  ASSERT_TRUE(Edit(0.3, Etag(), 2).ok());
  EXPECT_EQ(Report(0, 1.0).bounds.upper->intercept, 0.2);
  EXPECT_EQ(Report(1, 1.0).bounds.upper->intercept, 0.2);
  EXPECT_EQ(Report(2, 1.0).bounds.upper->intercept, 0.3);
  EXPECT_EQ(Edit(0.4, Etag(), 1).status().code(),
            absl::StatusCode::kInvalidArgument);  // that step is decided
}

TEST_F(ControllerTest, OfTwoConcurrentEditsExactlyOneWins) {
  ASSERT_TRUE(controller_->Register(RunOf(ClipLaw::kStatic)).ok());
  for (int round = 0; round < 20; ++round) {
    const std::string etag = Etag();
    absl::Status results[2];
    std::thread other([&] { results[1] = Edit(0.31, etag).status(); });
    results[0] = Edit(0.32, etag).status();
    other.join();
    EXPECT_NE(results[0].ok(), results[1].ok());
    const absl::Status& lost = results[0].ok() ? results[1] : results[0];
    EXPECT_EQ(lost.code(), absl::StatusCode::kAborted);
    EXPECT_NE(lost.message().find("the current revision is " + std::to_string(round + 2)),
              absl::string_view::npos)
        << lost;
  }
}

TEST_F(ControllerTest, ARollbackIsANewRevisionWithTheOldValues) {
  ASSERT_TRUE(controller_->Register(RunOf(ClipLaw::kDid)).ok());
  ASSERT_TRUE(Edit(0.3, Etag()).ok());
  const auto back = controller_->EditSchedule(
      {.run_id = "r", .to_revision = 1, .etag = Etag(), .author = "me", .reason = "back"});
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->revision.revision, 3);
  EXPECT_EQ(back->revision.schedule, controller_->GetSchedule("r", 1)->schedule);
  EXPECT_EQ(controller_->ListRevisions("r", 0)->size(), 3u);
}

TEST_F(ControllerTest, AnEditNeedsAReasonAndALegalSchedule) {
  ASSERT_TRUE(controller_->Register(RunOf(ClipLaw::kStatic)).ok());
  EXPECT_EQ(Edit(1.5, Etag()).status().code(), absl::StatusCode::kInvalidArgument);
  ControllerPort::Edit edit{.run_id = "r", .schedule = Schedule{}, .etag = Etag(), .author = "me"};
  EXPECT_NE(controller_->EditSchedule(edit).status().message().find("reason"), absl::string_view::npos);
  EXPECT_EQ(controller_->ListRevisions("r", 0)->size(), 1u);
}

TEST_F(ControllerTest, AnEditIsEitherAScheduleOrARollback) {
  ASSERT_TRUE(controller_->Register(RunOf(ClipLaw::kStatic)).ok());
  const absl::Status both = controller_
                                ->EditSchedule({.run_id = "r",
                                                .schedule = Schedule{},
                                                .to_revision = 1,
                                                .etag = Etag(),
                                                .author = "me",
                                                .reason = "both"})
                                .status();
  EXPECT_EQ(both.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(both.message().find("found both"), absl::string_view::npos) << both;
}

TEST_F(ControllerTest, NobodyEditsADecidedStepWhateverTheirName) {
  ASSERT_TRUE(controller_->Register(RunOf(ClipLaw::kStatic)).ok());
  for (int64_t step = 0; step < 5; ++step) Report(step, 1.0);
  ControllerPort::Edit edit{
      .run_id = "r", .etag = Etag(), .author = "trainer", .reason = "late", .effective_step = 1};
  edit.schedule = Schedule{.clip = {.eps_std = 0.3}};
  EXPECT_EQ(controller_->EditSchedule(edit).status().code(), absl::StatusCode::kInvalidArgument);
  // A trainer that applies its run file does so from where it resumes, or from the first undecided step.
  Registration resumed = RunOf(ClipLaw::kId, 2, 3);
  resumed.apply_schedule = true;
  ASSERT_TRUE(controller_->Register(resumed).ok());
  EXPECT_EQ(controller_->GetSchedule("r", std::nullopt)->effective_step, 3);
}

TEST_F(ControllerTest, RefusedEditsAreCountedByReasonAndHeldRunsAreCounted) {
  Registration box = RunOf(ClipLaw::kStatic);
  box.capabilities = {.lines = false, .plain_box = true, .dials = {}};
  ASSERT_TRUE(controller_->Register(box).ok());
  EXPECT_FALSE(Edit(0.3, "stale").ok());
  EXPECT_FALSE(Edit(1.5, Etag()).ok());
  EXPECT_FALSE(Edit(0.3, Etag(), -1).ok());
  ControllerPort::Edit lines{.run_id = "r", .etag = Etag(), .author = "me", .reason = "lines"};
  lines.schedule = Schedule{.clip = {.law = ClipLaw::kId}};
  EXPECT_FALSE(controller_->EditSchedule(lines).ok());
  lines.run_id = "unknown";
  EXPECT_FALSE(controller_->EditSchedule(lines).ok());
  EXPECT_EQ(controller_->stats().edits_refused,
            (std::map<std::string, int64_t>{
                {"conflict", 1}, {"illegal", 2}, {"not_applicable", 1}, {"not_found", 1}}));
  EXPECT_EQ(controller_->stats().edits, 0);
  ASSERT_TRUE(controller_->Hold("r", "me", "look").ok());
  EXPECT_EQ(controller_->stats().runs_held, 1);
  Open();
  EXPECT_EQ(controller_->stats().runs_held, 1);
  ASSERT_TRUE(controller_->Release("r", "me", "seen").ok());
  EXPECT_EQ(controller_->stats().runs_held, 0);
}

TEST_F(ControllerTest, ATrainerOfPlainBoxesIsNotGivenLines) {
  Registration box = RunOf(ClipLaw::kId);
  box.capabilities = {.lines = false, .plain_box = true, .dials = {}};
  EXPECT_EQ(controller_->Register(box).status().code(), absl::StatusCode::kFailedPrecondition);
  box.schedule = {};
  ASSERT_TRUE(controller_->Register(box).ok());
  ControllerPort::Edit edit{.run_id = "r",
                            .schedule = Schedule{.clip = {.law = ClipLaw::kId}},
                            .etag = Etag(),
                            .author = "me",
                            .reason = "lines"};
  EXPECT_EQ(controller_->EditSchedule(edit).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(ControllerTest, EveryRevisionThatCanComeIntoForceMustSuitTheTrainer) {
  ASSERT_TRUE(controller_->Register(RunOf(ClipLaw::kId)).ok());
  ASSERT_TRUE(Edit(0.3, Etag(), 50).ok());  // a box, but only from step 50 on
  Registration box = RunOf(ClipLaw::kId, 2);
  box.capabilities = {.lines = false, .plain_box = true, .dials = {}};
  const absl::Status refused = controller_->Register(box).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(refused.message().find("revision 1, in force from step 0"), absl::string_view::npos) << refused;
  EXPECT_EQ(controller_->GetRun("r")->attempt, 1);
  ASSERT_TRUE(Edit(0.3, Etag(), 0).ok());  // now a box hides the lines at every step
  EXPECT_TRUE(controller_->Register(box).ok());
}

TEST_F(ControllerTest, AnAppliedRunFileMustSuitTheTrainerThatAppliesIt) {
  Registration box = RunOf(ClipLaw::kStatic);
  box.capabilities = {.lines = false, .plain_box = true, .dials = {}};
  ASSERT_TRUE(controller_->Register(box).ok());
  Registration lines = RunOf(ClipLaw::kId, 2);
  lines.apply_schedule = true;
  EXPECT_TRUE(controller_->Register(lines).ok());  // what attempt 1 could apply does not matter
  Registration other = RunOf(ClipLaw::kDid, 3);
  other.apply_schedule = true;
  other.capabilities = box.capabilities;
  EXPECT_EQ(controller_->Register(other).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(controller_->ListRevisions("r", 0)->size(), 2u);
}

TEST_F(ControllerTest, ABoxTrainerGetsNoLinesFromTheStepsBeforeIt) {
  Registration registration = RunOf(ClipLaw::kId);
  registration.schedule.guards.max_change_per_step = 0.01;
  ASSERT_TRUE(controller_->Register(registration).ok());
  EXPECT_NE(Report(0, 1.0).bounds.upper->slope, 0);
  registration.schedule.clip.law = ClipLaw::kStatic;
  registration.apply_schedule = true;
  registration.attempt = 2;
  registration.resume_from = 1;
  registration.capabilities = {.lines = false, .plain_box = true, .dials = {}};
  ASSERT_TRUE(controller_->Register(registration).ok());
  ASSERT_TRUE(controller_->Hold("r", "me", "keep it").ok());
  const absl::Status held = controller_->ReportStep(At(1, 1.0, 2)).status();
  EXPECT_EQ(held.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(held.message().find("release it"), absl::string_view::npos) << held;
  ASSERT_TRUE(controller_->Release("r", "me", "cannot be").ok());
  EXPECT_EQ(Report(1, 1.0, 2).bounds.upper, (ClipLine{0.2, 0}));
}

// --- Dials. ---

Registration Weighing(DialSchedule law, int64_t attempt = 1, int64_t resume_from = 0) {
  Registration registration{
      .run_id = "r", .total_steps = 100, .attempt = attempt, .resume_from = resume_from};
  registration.capabilities.dials = {"positive_advantage_weight"};
  registration.schedule.dials["positive_advantage_weight"] = std::move(law);
  return registration;
}

TEST_F(ControllerTest, ADirectiveCarriesTheDialsOfItsStep) {
  ASSERT_TRUE(
      controller_->Register(Weighing(EntropyGuidedDial{.target = 0.5, .delta = 0.25, .initial = 0.5})).ok());
  EXPECT_EQ(Report(0, 0.1).dials, (std::map<std::string, double>{{"positive_advantage_weight", 0.25}}));
  EXPECT_EQ(Report(1, std::nullopt).dials.at("positive_advantage_weight"), 0.25);
  EXPECT_EQ(Report(1, 0.9).dials.at("positive_advantage_weight"), 0.25);  // asked again
  EXPECT_EQ(Report(2, 0.5).dials.at("positive_advantage_weight"), 0.5);
}

TEST_F(ControllerTest, ADialGoesOnAfterARestartAndAResume) {
  const EntropyGuidedDial law{.target = 0.5, .delta = 0.125};
  ASSERT_TRUE(controller_->Register(Weighing(law)).ok());
  for (int64_t step = 0; step < 3; ++step) Report(step, 0.9);
  Open();
  EXPECT_EQ(Report(3, 0.9).dials.at("positive_advantage_weight"), 0.5);
  ASSERT_TRUE(controller_->Register(Weighing(law, 2, 2)).ok());
  EXPECT_EQ(Report(2, 0.1, 2).dials.at("positive_advantage_weight"), 0.125);
}

TEST_F(ControllerTest, ADialThatTheTrainerDoesNotTakeIsRefusedWithWhatItTakes) {
  Registration registration = Weighing(StageDial{});
  registration.capabilities.dials = {"ce_gppo_beta1", "dual_c"};
  const absl::Status refused = controller_->Register(registration).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(refused.message().find("takes the dials ce_gppo_beta1, dual_c"), absl::string_view::npos)
      << refused;
  EXPECT_NE(refused.message().find("has the dial positive_advantage_weight"), absl::string_view::npos)
      << refused;
  ASSERT_TRUE(controller_->Register(Weighing(StageDial{})).ok());
  Open();  // what the trainer takes is in the file
  ControllerPort::Edit edit{.run_id = "r",
                            .schedule = Schedule{},
                            .etag = controller_->GetSchedule("r", std::nullopt)->etag,
                            .author = "me",
                            .reason = "a test"};
  edit.schedule->dials["dual_c"] = StaticDial{3};
  EXPECT_EQ(controller_->EditSchedule(edit).status().code(), absl::StatusCode::kFailedPrecondition);
  edit.schedule->dials = {{"positive_advantage_weight", StaticDial{0.5}}};
  EXPECT_TRUE(controller_->EditSchedule(edit).ok());
  EXPECT_EQ(Report(0, 0.5).dials.at("positive_advantage_weight"), 0.5);
}

TEST_F(ControllerTest, AScheduleWithoutADialThatTheTrainerNeedsIsRefused) {
  Registration registration = Weighing(StageDial{});
  registration.capabilities.needed_dials = {"positive_advantage_weight"};
  ASSERT_TRUE(controller_->Register(registration).ok());
  Open();
  const auto edited = Edit(0.3, controller_->GetSchedule("r", std::nullopt)->etag);
  EXPECT_EQ(edited.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(edited.status().message().find("needs the dial positive_advantage_weight"),
            absl::string_view::npos);
}

TEST_F(ControllerTest, HoldKeepsDialsAndTheStateOfTheirLaws) {
  ASSERT_TRUE(controller_->Register(Weighing(EntropyGuidedDial{.target = 0.5, .delta = 0.125})).ok());
  Report(0, 0.9);
  ASSERT_TRUE(controller_->Hold("r", "me", "look at it").ok());
  EXPECT_EQ(Report(1, 0.9).dials.at("positive_advantage_weight"), 0.125);
  EXPECT_EQ(Report(2, 0.9).dials.at("positive_advantage_weight"), 0.125);
  ASSERT_TRUE(controller_->Release("r", "me", "go on").ok());
  EXPECT_EQ(Report(3, 0.9).dials.at("positive_advantage_weight"), 0.25);
}

TEST_F(ControllerTest, ADialThatWasNotAppliedIsADrift) {
  ASSERT_TRUE(controller_->Register(Weighing(StaticDial{0.25})).ok());
  const Directive directive = Report(0, 0.5);
  Observation next = At(1, 0.5);
  next.applied_directive_id = directive.id;
  next.applied_bounds = directive.bounds;
  next.applied_dials = directive.dials;
  ASSERT_TRUE(controller_->ReportStep(next).ok());
  EXPECT_EQ(controller_->stats().drifts, 0);
  next.step = next.for_step = 2;
  next.applied_dials["positive_advantage_weight"] = 1;
  ASSERT_TRUE(controller_->ReportStep(next).ok());
  EXPECT_EQ(controller_->stats().drifts, 1);
  EXPECT_NE(controller_->ListAudit("r")->back().detail.find("used: "), std::string::npos);
  EXPECT_EQ(controller_->ListObservations("r", 2, 0)->front().applied_dials, next.applied_dials);
  next.step = next.for_step = 3;
  next.applied_dials["positive_advantage_weight"] = NAN;
  EXPECT_EQ(controller_->ReportStep(next).status().code(), absl::StatusCode::kInvalidArgument);
}

// A trainer whose objective has no thresholds reports its dials alone.
TEST_F(ControllerTest, ADialThatWasNotAppliedIsADriftAlsoWithoutThresholds) {
  Registration registration = Weighing(StaticDial{0.25});
  registration.capabilities.lines = registration.capabilities.plain_box = false;
  ASSERT_TRUE(controller_->Register(registration).ok());
  Observation next = At(1, 0.5);
  next.applied_directive_id = Report(0, 0.5).id;
  ASSERT_TRUE(controller_->ReportStep(next).ok());  // says nothing of what it used
  next.step = next.for_step = 2;
  next.applied_dials = {{"positive_advantage_weight", 0.25}};
  ASSERT_TRUE(controller_->ReportStep(next).ok());
  EXPECT_EQ(controller_->stats().drifts, 0);
  next.step = next.for_step = 3;
  next.applied_dials = {{"positive_advantage_weight", 1}};
  ASSERT_TRUE(controller_->ReportStep(next).ok());
  EXPECT_EQ(controller_->stats().drifts, 1);
  EXPECT_NE(controller_->ListAudit("r")->back().detail.find("used: positive_advantage_weight 1"),
            std::string::npos)
      << controller_->ListAudit("r")->back().detail;
}

TEST_F(ControllerTest, AnAdoptedDialOutOfItsRangeIsRefused) {
  Registration registration = Weighing(StaticDial{0.25}, 1, 8);
  registration.last_directive = Directive{.id = 40,
                                          .step = 7,
                                          .revision = 1,
                                          .bounds = {.upper = ClipLine{0.2, 0}, .lower = ClipLine{0.2, 0}},
                                          .dials = {{"positive_advantage_weight", -3}}};
  const absl::Status refused = controller_->Register(registration).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(refused.message().find("last_directive.dials[\"positive_advantage_weight\"]: expected at least 0 "
                                   "and at most 1, found -3"),
            absl::string_view::npos)
      << refused;
  registration.last_directive->dials = {{"positive_advantage_weight", 0.75}};
  ASSERT_TRUE(controller_->Register(registration).ok());
  ASSERT_TRUE(controller_->Hold("r", "me", "as it was").ok());
  EXPECT_EQ(Report(8, 0.5).dials.at("positive_advantage_weight"), 0.75);
}

TEST_F(ControllerTest, AReplayOverStepsWithoutEndIsRefused) {
  Registration registration = RunOf(ClipLaw::kStatic, 1, 8);
  registration.last_directive = Directive{.id = 40,
                                          .step = int64_t{1} << 53,
                                          .revision = 1,
                                          .bounds = {.upper = ClipLine{0.2, 0}, .lower = ClipLine{0.2, 0}}};
  ASSERT_TRUE(controller_->Register(registration).ok());
  const absl::Status refused = controller_->Replay("r", {}).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition) << refused;
}

// The history of a run with dials, decided again by DecideStep from what the history says alone, through
// silence, edits, a rollback, a restart and a resume: the same directives bit for bit.
TEST_F(ControllerTest, AHistoryDecidedAgainGivesItsDirectivesExactly) {
  const auto schedule = [](DialSchedule law, ClipLaw clip) {
    Schedule out{.clip = {.law = clip}, .guards = {.max_change_per_step = 0.02, .dead_band = 0.001}};
    out.clip.phase.advance =
        clip == ClipLaw::kId || clip == ClipLaw::kDid ? PhaseAdvance::kInflection : PhaseAdvance::kSteps;
    out.dials["positive_advantage_weight"] = std::move(law);
    return out;
  };
  const PiDial pi{.target = 0.31, .kp = 0.7, .ki = 0.03, .min = 0.1, .max = 0.9, .initial = 0.4};
  PiDial turned = pi;
  turned.raises = false;
  const Schedule edits[] = {
      schedule(pi, ClipLaw::kId),
      schedule(turned, ClipLaw::kDid),
      schedule(EntropyGuidedDial{}, ClipLaw::kId),
      schedule(StageDial{}, ClipLaw::kOd),
      schedule(AerDial{.rate = 0.3, .max = 0.7}, ClipLaw::kPiecewise),
      schedule(PiecewiseDial{.by_position = true, .points = {{0.1, 0.3}, {0.9, 0.8}}}, ClipLaw::kThermostat)};
  Registration registration = Weighing(StaticDial{0.3});
  registration.schedule = edits[0];
  ASSERT_TRUE(controller_->Register(registration).ok());
  const auto entropy = [](int64_t step) -> std::optional<double> {
    if (step % 11 == 5) return std::nullopt;
    return 0.4 + 0.3 * std::sin(0.37 * static_cast<double>(step));
  };
  const auto edit = [&](std::optional<Schedule> to, std::optional<int64_t> back, int64_t step) {
    if (to.has_value() && to->clip.law == ClipLaw::kPiecewise) {
      to->clip.points = {{.step = 2, .upper = {.line = {0.2, 0}}, .lower = {.line = {0.3, -0.1}}},
                         {.step = 70, .upper = {.line = {0.4, -0.2}}, .lower = {.line = {0.1, 0.1}}}};
    }
    const auto made = controller_->EditSchedule({.run_id = "r",
                                                 .schedule = std::move(to),
                                                 .to_revision = back,
                                                 .etag = Etag(),
                                                 .author = "me",
                                                 .reason = "a test",
                                                 .effective_step = step});
    EXPECT_TRUE(made.ok()) << made.status();
  };
  int64_t attempt = 1;
  for (int64_t step = 0; step < 70; ++step) {
    if (step % 10 == 4 && step < 54) edit(edits[1 + step / 10], std::nullopt, step + 2);
    if (step == 58) edit(std::nullopt, 1, 60);
    if (step == 23) Open();
    if (step == 40 && attempt == 1) {
      registration.attempt = attempt = 2;
      registration.resume_from = step = 33;
      ASSERT_TRUE(controller_->Register(registration).ok());
    }
    Report(step, attempt == 1 ? entropy(step) : entropy(3 * step), attempt);
  }
  const auto revisions = controller_->ListRevisions("r", 0);
  const auto directives = controller_->ListDirectives("r", 0, 0);
  const auto observations = controller_->ListObservations("r", 0, 0);
  std::map<int64_t, std::optional<double>> measured;
  for (const Observation& one : *observations) measured[one.for_step] = one.entropy_nats;
  ASSERT_EQ(directives->size(), 70u);
  LawState state;
  for (const Directive& recorded : *directives) {
    const auto revision =
        std::ranges::find(*revisions, recorded.revision, &ControllerPort::Revision::revision);
    ASSERT_NE(revision, revisions->end());
    const LawOutput again =
        DecideStep(revision->schedule, state,
                   {.step = recorded.step, .total_steps = 100, .entropy_nats = measured.at(recorded.step)},
                   recorded.revision);
    state = again.next;
    EXPECT_EQ(again.bounds, recorded.bounds) << recorded.step;
    EXPECT_EQ(again.dials, recorded.dials) << recorded.step;
    EXPECT_EQ(again.state, recorded.state) << recorded.step;
    EXPECT_EQ(again.reason, recorded.reason) << recorded.step;
    EXPECT_EQ(WriteLawState(again.next), recorded.law_state) << recorded.step;
  }
}

TEST_F(ControllerTest, ReplayAndPreviewHaveTheDials) {
  const Registration registration = Weighing(EntropyGuidedDial{.target = 0.5, .delta = 0.125});
  ASSERT_TRUE(controller_->Register(registration).ok());
  std::vector<double> live;
  std::map<int64_t, double> entropy;
  for (int64_t step = 0; step < 20; ++step) {
    entropy[step] = step % 3 == 0 ? 0.2 : 0.8;
    live.push_back(Report(step, entropy[step]).dials.at("positive_advantage_weight"));
  }
  const auto preview = PreviewSchedule(registration.schedule, 20, 100, entropy);
  const auto replay = controller_->Replay("r", registration.schedule);
  ASSERT_TRUE(preview.ok() && replay.ok());
  for (size_t k = 0; k < live.size(); ++k) {
    EXPECT_EQ((*preview)[k].dials.at("positive_advantage_weight"), live[k]);
    EXPECT_EQ((*replay)[k].replayed.dials.at("positive_advantage_weight"), live[k]);
    EXPECT_EQ((*replay)[k].recorded_dials.at("positive_advantage_weight"), live[k]);
  }
  EXPECT_NE(PointJson((*preview)[0]).find("\"dials\":{\"positive_advantage_weight\":0.0}"), std::string::npos)
      << PointJson((*preview)[0]);
}

// A file as the version before dials wrote it.
TEST_F(ControllerTest, AFileOfSchemaOneIsBroughtUpToDateAndGoesOn) {
  ASSERT_TRUE(controller_->Register(RunOf(ClipLaw::kOd)).ok());
  Report(0, 1.0);
  controller_.reset();
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(File().c_str(), &db), SQLITE_OK);
  for (const char* sql : {"ALTER TABLE runs DROP COLUMN dials", "ALTER TABLE runs DROP COLUMN needed_dials",
                          "PRAGMA user_version = 1"})
    ASSERT_EQ(sqlite3_exec(db, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sql;
  sqlite3_close(db);
  Open();
  EXPECT_EQ(Report(1, 0.1).state, "raise");
  ASSERT_TRUE(controller_->Register(Weighing(StageDial{}, 2, 2)).ok());
  Open();
  EXPECT_EQ(controller_->ListRuns()->size(), 1u);
}

// Written out as the version before dials had it, with rows in every table.
TEST_F(ControllerTest, EveryTableOfSchemaOneComesThrough) {
  controller_.reset();
  fs::remove(File());
  Sql(File(), R"(
CREATE TABLE runs(run_id TEXT PRIMARY KEY, name TEXT NOT NULL, config_digest TEXT NOT NULL, total_steps INTEGER NOT NULL, attempt INTEGER NOT NULL,
  lines INTEGER NOT NULL, plain_box INTEGER NOT NULL, held INTEGER NOT NULL, create_time INTEGER NOT NULL, update_time INTEGER NOT NULL);
CREATE TABLE revisions(run_id TEXT NOT NULL, revision INTEGER NOT NULL, schedule TEXT NOT NULL, etag TEXT NOT NULL, author TEXT NOT NULL,
  reason TEXT NOT NULL, effective_step INTEGER NOT NULL, create_time INTEGER NOT NULL, PRIMARY KEY(run_id, revision));
CREATE TABLE observations(run_id TEXT NOT NULL, attempt INTEGER NOT NULL, step INTEGER NOT NULL, record TEXT NOT NULL, create_time INTEGER NOT NULL,
  superseded INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(run_id, attempt, step));
CREATE TABLE directives(run_id TEXT NOT NULL, id INTEGER NOT NULL, attempt INTEGER NOT NULL, step INTEGER NOT NULL, record TEXT NOT NULL,
  create_time INTEGER NOT NULL, superseded INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(run_id, id));
CREATE INDEX directives_by_step ON directives(run_id, step);
CREATE TABLE audit(id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL, time INTEGER NOT NULL, author TEXT NOT NULL, action TEXT NOT NULL,
  reason TEXT NOT NULL, detail TEXT NOT NULL);
INSERT INTO runs VALUES('r','name','digest',100,2,1,1,0,1000000,2000000), ('s','other','digest',7,1,0,1,1,1000000,3000000);
INSERT INTO revisions VALUES
 ('r',1,'{"clip":{"law":"od","total_steps":null,"phase_split":0.5,"eps_std":0.2,"od":{"h_init":"measured","h_min_ratio":0.2}},"guards":{"max_change_per_step":null,"dead_band":0.0}}','e1','trainer','the run file',0,1000000),
 ('r',2,'{"clip":{"law":"od","eps_std":0.25},"guards":{}}','e2','unverified:me','wider',1,1500000),
 ('s',1,'{"clip":{"law":"static"},"guards":{}}','e3','trainer','the run file',0,1000000);
INSERT INTO observations VALUES
 ('r',1,0,'{"run_id":"r","attempt":1,"step":0,"for_step":0,"entropy_nats":1.0,"metrics":{"reward/mean":0.5},"applied_directive_id":0}',1000000,0),
 ('r',1,1,'{"run_id":"r","attempt":1,"step":1,"for_step":1,"entropy_nats":0.9,"metrics":{},"applied_directive_id":1}',1100000,1);
INSERT INTO directives VALUES
 ('r',1,1,0,'{"id":1,"run_id":"r","attempt":1,"step":0,"revision":1,"bounds":{"upper":[0.2,0.0],"lower":[0.3,-0.13]},"dials":{},"state":"lower","reason":"od","law_state":"{\"od_h_init\":1.0,\"od_raise\":0,\"revision\":1,\"catching_up\":false,\"bounds\":{\"upper\":[0.2,0.0],\"lower\":[0.3,-0.13]}}"}',1000000,0),
 ('r',2,1,1,'{"id":2,"run_id":"r","attempt":1,"step":1,"revision":1,"bounds":{"upper":[0.2,0.0],"lower":[0.3,-0.13]},"dials":{},"state":"lower","reason":"od","law_state":""}',1100000,1);
INSERT INTO audit VALUES(4,'r',1500000,'unverified:me','edit','wider','clip.eps_std: 0.2 → 0.25');
PRAGMA user_version = 1;
)");
  Open();
  EXPECT_EQ(controller_->ListRuns()->size(), 2u);
  EXPECT_TRUE(controller_->GetRun("s")->held);
  EXPECT_EQ(controller_->GetRun("r")->last_entropy_nats, 1.0);
  EXPECT_EQ(controller_->ListRevisions("r", 0)->front().etag, "e2");
  EXPECT_EQ(controller_->ListObservations("r", 0, 0)->front().metrics.at("reward/mean"), 0.5);
  EXPECT_EQ(controller_->ListDirectives("r", 0, 0)->size(), 1u);
  EXPECT_EQ(controller_->ListAudit("r")->front().detail, "clip.eps_std: 0.2 → 0.25");
  const Directive next = Report(1, 0.2, 2);  // at 0.2 · H_0 of the old state
  EXPECT_EQ(next.state, "raise");
  EXPECT_EQ(next.id, 3);
  EXPECT_EQ(next.revision, 2);
  ASSERT_TRUE(controller_->Hold("r", "me", "look").ok());
  EXPECT_EQ(controller_->ListAudit("r")->back().id, 5);
  Open();
  EXPECT_EQ(Report(1, 0.9, 2), next);
}

TEST_F(ControllerTest, ATrainerThatIgnoresThresholdsRegistersWithAnySchedule) {
  Registration none = RunOf(ClipLaw::kId);
  none.capabilities = {.lines = false, .plain_box = false, .dials = {}};
  EXPECT_TRUE(controller_->Register(none).ok());
  Report(0, 1.0);
}

TEST_F(ControllerTest, AResumeSupersedesLaterDecisionsRestoresTheStateAndNumbersOn) {
  ASSERT_TRUE(controller_->Register(RunOf(ClipLaw::kOd)).ok());
  Report(0, 1.0);
  const Directive raise = Report(1, 0.1);
  EXPECT_EQ(raise.state, "raise");
  EXPECT_EQ(Report(2, 0.99).state, "lower");
  ASSERT_TRUE(Edit(0.3, Etag(), 5).ok());  // a person's edit stays at its step
  ASSERT_TRUE(controller_->Register(RunOf(ClipLaw::kOd, /*attempt=*/2, /*resume_from=*/2)).ok());
  EXPECT_EQ(controller_->ReportStep(At(2, 0.5, 1)).status().code(),
            absl::StatusCode::kFailedPrecondition);  // the old attempt
  const Directive again = Report(2, 0.5, 2);
  EXPECT_EQ(again.state, "raise");  // as of step 1
  EXPECT_EQ(again.id, 4);
  for (int64_t step = 3; step < 5; ++step) EXPECT_EQ(Report(step, 0.5, 2).revision, 1);
  EXPECT_EQ(Report(5, 0.5, 2).revision, 2);
  EXPECT_EQ(controller_->Register(RunOf(ClipLaw::kOd, 1)).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(ControllerTest, AControllerThatLostItsFileAdoptsTheTrainersDirective) {
  Registration registration = RunOf(ClipLaw::kOd, 1, 8);
  registration.last_directive =
      Directive{.id = 40,
                .run_id = "r",
                .attempt = 1,
                .step = 7,
                .revision = 3,
                .bounds = {.upper = ClipLine{0.5, -0.25}, .lower = ClipLine{0.2, 0}},
                .state = "raise",
                .law_state = R"({"od_h_init": 1.0, "od_raise": 1, "revision": 3, "catching_up": false})"};
  ASSERT_TRUE(controller_->Register(registration).ok());
  const Directive next = Report(8, 0.5);
  EXPECT_EQ(next.id, 41);
  EXPECT_EQ(next.state, "raise");
  EXPECT_EQ(next.revision, 4);  // what revisions 2 and 3 said is lost: their numbers are not given again
  EXPECT_EQ(controller_->ListAudit("r")->front().action, "adopt");
}

TEST_F(ControllerTest, ARestoredBackupGoesOnFromTheTrainersDirectiveAndRepeatsNoNumber) {
  ASSERT_TRUE(controller_->Register(RunOf(ClipLaw::kOd)).ok());
  for (int64_t step = 0; step < 3; ++step) Report(step, 1.0);
  Backup();
  Report(3, 1.0);
  for (const double eps : {0.25, 0.3}) {
    ASSERT_TRUE(controller_
                    ->EditSchedule({.run_id = "r",
                                    .schedule = Schedule{.clip = {.law = ClipLaw::kOd, .eps_std = eps}},
                                    .etag = Etag(),
                                    .author = "me",
                                    .reason = "lost later"})
                    .ok());
  }
  const Directive used = Report(4, 0.1);
  EXPECT_EQ(used.id, 5);
  EXPECT_EQ(used.revision, 3);
  EXPECT_EQ(used.state, "raise");
  Restore();
  Observation ahead = At(5, 0.5);
  ahead.applied_directive_id = used.id;
  ahead.applied_bounds = used.bounds;
  const absl::Status asked = controller_->ReportStep(ahead).status();
  EXPECT_EQ(asked.code(), absl::StatusCode::kNotFound);
  EXPECT_NE(asked.message().find("directive 5 is not known here, where 3 is the newest"),
            absl::string_view::npos)
      << asked;
  Registration again = RunOf(ClipLaw::kOd, 1, 5);
  again.last_directive = used;
  ASSERT_TRUE(controller_->Register(again).ok());
  const auto next = controller_->ReportStep(ahead);
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_EQ(next->id, 6);
  EXPECT_EQ(next->revision, 4);
  EXPECT_EQ(next->state, "raise");  // the trainer's state, not the backup's
  EXPECT_EQ(Edit(0.3, Etag())->revision.revision, 5);
  const auto audit = controller_->ListAudit("r");
  EXPECT_EQ(audit->front().action, "adopt");
  EXPECT_EQ(audit->front().detail, "directives 4 to 5 and revisions 2 to 3 are not known here");
}

TEST_F(ControllerTest, ARestoredBackupKeepsAnEditOfALaterStep) {
  ASSERT_TRUE(controller_->Register(RunOf(ClipLaw::kStatic)).ok());
  ASSERT_TRUE(Edit(0.3, Etag(), 8).ok());
  Report(0, 1.0);
  Backup();
  ASSERT_TRUE(Edit(0.4, Etag()).ok());
  Registration again = RunOf(ClipLaw::kStatic, 1, 2);
  again.last_directive = Report(1, 1.0);
  EXPECT_EQ(again.last_directive->revision, 3);
  Restore();
  ASSERT_TRUE(controller_->Register(again).ok());
  EXPECT_EQ(Report(2, 1.0).bounds.upper->intercept, 0.2);  // revision 1: the newest known for this step
  EXPECT_EQ(Report(8, 1.0).bounds.upper->intercept, 0.3);
}

TEST_F(ControllerTest, ARestoredBackupForgetsWhatTheTrainerHasRewound) {
  ASSERT_TRUE(controller_->Register(RunOf(ClipLaw::kStatic)).ok());
  for (int64_t step = 0; step < 5; ++step) Report(step, 1.0);
  Backup();
  ASSERT_TRUE(controller_->Register(RunOf(ClipLaw::kStatic, 2, 2)).ok());
  const Directive used = Report(2, 1.0, 2);
  EXPECT_EQ(used.id, 6);
  Restore();
  // It knows attempt 1 only, and a decision of step 3 that does not count any more.
  EXPECT_EQ(controller_->ReportStep(At(3, 1.0, 2)).status().code(), absl::StatusCode::kNotFound);
  Registration again = RunOf(ClipLaw::kStatic, 2, 3);
  again.last_directive = used;
  ASSERT_TRUE(controller_->Register(again).ok());
  EXPECT_EQ(Report(3, 1.0, 2).id, 7);
  EXPECT_EQ(Report(4, 1.0, 2).id, 8);
  EXPECT_EQ(controller_->ListDirectives("r", 0, 0)->size(), 5u);
}

TEST_F(ControllerTest, AnAdoptedDirectiveWithAnImpossibleNumberIsRefused) {
  Registration registration = RunOf(ClipLaw::kStatic, 1, 8);
  const Directive good{
      .id = 40, .step = 7, .revision = 1, .bounds = {.upper = ClipLine{0.2, 0}, .lower = ClipLine{0.2, 0}}};
  for (int64_t Directive::*number : {&Directive::id, &Directive::step, &Directive::revision}) {
    registration.last_directive = good;
    (*registration.last_directive).*number = INT64_MAX;
    EXPECT_EQ(controller_->Register(registration).status().code(), absl::StatusCode::kInvalidArgument);
  }
  registration.last_directive = good;
  EXPECT_TRUE(controller_->Register(registration).ok());
}

TEST_F(ControllerTest, HoldKeepsTheThresholdsUntilRelease) {
  ASSERT_TRUE(controller_->Register(RunOf(ClipLaw::kId)).ok());
  const Directive before = Report(0, 1.0);
  ASSERT_TRUE(controller_->Hold("r", "me", "look first").ok());
  EXPECT_EQ(Report(1, 1.0).bounds, before.bounds);
  Open();
  EXPECT_EQ(Report(2, 1.0).bounds, before.bounds);
  ASSERT_TRUE(controller_->Release("r", "me", "go on").ok());
  EXPECT_NE(Report(3, 1.0).bounds, before.bounds);
}

TEST_F(ControllerTest, DriftIsCountedAndNoted) {
  ASSERT_TRUE(controller_->Register(RunOf(ClipLaw::kStatic)).ok());
  const Directive used = Report(0, 1.0);
  Observation honest = At(1, 1.0);
  honest.applied_directive_id = used.id;
  honest.applied_bounds = used.bounds;
  ASSERT_TRUE(controller_->ReportStep(honest).ok());
  EXPECT_EQ(controller_->stats().drifts, 0);
  Observation drifted = At(2, 1.0);
  drifted.applied_directive_id = used.id;
  drifted.applied_bounds = ClipBounds{.upper = ClipLine{0.9, 0}};
  ASSERT_TRUE(controller_->ReportStep(drifted).ok());
  EXPECT_EQ(controller_->stats().drifts, 1);
  EXPECT_EQ(controller_->ListAudit("r")->back().action, "drift");
}

TEST_F(ControllerTest, ReplayOfItsOwnScheduleIsWhatWasRecorded) {
  ASSERT_TRUE(controller_->Register(RunOf(ClipLaw::kOd)).ok());
  for (int64_t step = 0; step < 30; ++step) Report(step, 1.0 - 0.03 * static_cast<double>(step));
  const auto points = controller_->Replay("r", {.clip = {.law = ClipLaw::kOd}});
  ASSERT_EQ(points->size(), 30u);
  for (const auto& point : *points) EXPECT_EQ(point.replayed.bounds, point.recorded);
}

TEST_F(ControllerTest, APreviewIsWhatTheLiveControllerDecidesForTheSameMetrics) {
  const std::optional<double> entropy[] = {1.0, 0.9, 0.15, 0.5,  std::nullopt, 0.95, -1.0,
                                           0.5, 0.1, NAN,  0.99, 0.7,          0.2,  0.3};
  std::map<int64_t, double> measured;
  for (size_t step = 0; step < std::size(entropy); ++step) {
    if (entropy[step].has_value()) measured[static_cast<int64_t>(step)] = *entropy[step];
  }
  int run = 0;
  for (const ClipLaw law :
       {ClipLaw::kStatic, ClipLaw::kId, ClipLaw::kDid, ClipLaw::kOd, ClipLaw::kPiecewise}) {
    Registration registration = RunOf(law);
    registration.run_id = std::to_string(++run);
    registration.total_steps = 10;  // the end is passed, too
    registration.schedule.guards = {.max_change_per_step = 0.05, .dead_band = 0.001};
    if (law == ClipLaw::kPiecewise) {
      registration.schedule.clip.points = {
          {.step = 2, .upper = {.line = {0.2, 0}}, .lower = {.off = true}},
          {.step = 9, .upper = {.line = {0.4, -0.2}}, .lower = {.off = true}}};
    }
    ASSERT_TRUE(controller_->Register(registration).ok());
    const auto points = controller_->Preview(registration.schedule, std::size(entropy), 10, measured);
    ASSERT_TRUE(points.ok()) << points.status();
    for (size_t step = 0; step < std::size(entropy); ++step) {
      Observation observation = At(static_cast<int64_t>(step), entropy[step]);
      observation.run_id = registration.run_id;
      const auto directive = controller_->ReportStep(observation);
      ASSERT_TRUE(directive.ok()) << directive.status();
      EXPECT_EQ((*points)[step].bounds, directive->bounds) << "law " << run << " step " << step;
      EXPECT_EQ((*points)[step].state, directive->state) << "law " << run << " step " << step;
      EXPECT_EQ((*points)[step].reason, directive->reason) << "law " << run << " step " << step;
    }
  }
}

TEST_F(ControllerTest, AWatcherIsToldOutsideTheLock) {
  ASSERT_TRUE(controller_->Register(RunOf(ClipLaw::kStatic)).ok());
  std::promise<int64_t> read;
  std::thread reader;
  bool answered = false;
  const auto watch = controller_->Watch("r", [&](const ControllerPort::Event& event) {
    if (!std::holds_alternative<Observation>(event)) return;
    reader = std::thread([&] { read.set_value(controller_->GetRun("r")->last_step); });
    answered = read.get_future().wait_for(std::chrono::seconds(5)) == std::future_status::ready;
  });
  Report(0, 1.0);
  reader.join();
  EXPECT_TRUE(answered);
  controller_->Unwatch(*watch);
}

TEST_F(ControllerTest, AWatcherIsNotToldWhatWasNotCommitted) {
  ASSERT_TRUE(controller_->Register(RunOf(ClipLaw::kId)).ok());
  Report(0, 1.0);
  int events = 0;
  const auto watch = controller_->Watch("r", [&](const ControllerPort::Event&) { ++events; });
  Registration box = RunOf(ClipLaw::kId, 2);  // notes the resume, and is refused after that
  box.capabilities = {.lines = false, .plain_box = true, .dials = {}};
  EXPECT_FALSE(controller_->Register(box).ok());
  EXPECT_EQ(events, 0);
  EXPECT_TRUE(controller_->ListAudit("r")->empty());
  box.capabilities.lines = true;
  EXPECT_TRUE(controller_->Register(box).ok());
  EXPECT_EQ(events, 1);
  controller_->Unwatch(*watch);
}

TEST_F(ControllerTest, AWatcherIsNotCalledAfterUnwatch) {
  ASSERT_TRUE(controller_->Register(RunOf(ClipLaw::kStatic)).ok());
  std::atomic<bool> stop = false;
  std::jthread reports([&] {
    for (int64_t step = 0; !stop; ++step) ASSERT_TRUE(controller_->ReportStep(At(step, 1.0)).ok());
  });
  for (int round = 0; round < 5; ++round) {
    auto alive = std::make_unique<std::atomic<int>>(0);
    const auto watch = controller_->Watch("r", [&seen = *alive](const ControllerPort::Event&) { ++seen; });
    while (*alive == 0) std::this_thread::yield();
    controller_->Unwatch(*watch);
    alive.reset();  // AddressSanitizer and ThreadSanitizer see a call that comes later
  }
  stop = true;
}

TEST_F(ControllerTest, AWatcherSeesWhatHappensInOrder) {
  ASSERT_TRUE(controller_->Register(RunOf(ClipLaw::kStatic)).ok());
  std::vector<size_t> kinds;
  const auto watch =
      controller_->Watch("r", [&](const ControllerPort::Event& event) { kinds.push_back(event.index()); });
  Report(0, 1.0);
  ASSERT_TRUE(Edit(0.3, Etag()).ok());
  EXPECT_EQ(kinds, (std::vector<size_t>{0, 1, 3, 2}));  // observation, directive, audit entry, revision
  controller_->Unwatch(*watch);
  Report(1, 1.0);
  EXPECT_EQ(kinds.size(), 4u);
}

TEST_F(ControllerTest, AnUnknownRunIsNotFound) {
  EXPECT_EQ(controller_->ReportStep(At(0, 1.0)).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(controller_->GetSchedule("x", std::nullopt).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(ControllerTest, ADamagedOrForeignFileIsRefusedWithAWayOutAndLeftAsItWas) {
  controller_.reset();
  const std::string path = folder_ + "/other.sqlite";
  std::ofstream(path) << std::string(8192, 'x');
  const auto controller = Controller::Create(path, clock_);
  EXPECT_EQ(controller.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_NE(controller.status().message().find("Restore a backup"), absl::string_view::npos)
      << controller.status();
  EXPECT_EQ(fs::file_size(path), 8192u);
}

TEST_F(ControllerTest, AFileOfAnotherProgramOrOfANewerEntrainIsRefusedAndLeftByteForByte) {
  controller_.reset();
  const std::string newer = folder_ + "/newer", foreign = folder_ + "/foreign", same = folder_ + "/same";
  const std::string wal = folder_ + "/wal";
  fs::copy_file(File(), newer);
  Sql(newer, "PRAGMA journal_mode=DELETE; PRAGMA user_version=3;");
  Sql(foreign, "CREATE TABLE mine(a); INSERT INTO mine VALUES(1);");
  Sql(same, "CREATE TABLE runs(a); PRAGMA user_version=1;");
  Sql(wal, "PRAGMA journal_mode=WAL; CREATE TABLE mine(a);");
  for (const std::string& path : {newer, foreign, same, wal}) {
    const std::string before = BytesOf(path);
    const absl::Status refused = Controller::Create(path, clock_).status();
    EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition) << refused;
    EXPECT_NE(refused.message().find("start with another file"), absl::string_view::npos) << refused;
    EXPECT_EQ(BytesOf(path), before) << path;
  }
}

TEST_F(ControllerTest, AStoredScheduleThatCannotBeUsedIsNamedWithAWayOut) {
  ASSERT_TRUE(controller_->Register(RunOf(ClipLaw::kStatic)).ok());
  ASSERT_TRUE(Edit(0.3, Etag()).ok());
  for (const std::string schedule : {R"({"clp": 1})", R"({"clip": {"law": "piecewise"}})"}) {
    controller_.reset();
    Sql(File(), "UPDATE revisions SET schedule='" + schedule + "' WHERE revision=2;");
    const auto controller = Controller::Create(File(), clock_);
    EXPECT_EQ(controller.status().code(), absl::StatusCode::kDataLoss);
    for (const char* expected : {"run r", "revision 2", "Restore a backup"}) {
      EXPECT_NE(controller.status().message().find(expected), absl::string_view::npos) << controller.status();
    }
  }
}

// A child acknowledges edits and directives on a pipe and is killed in the middle; whatever it acknowledged
// is there, and the numbers have no gap.
TEST_F(ControllerTest, WhatWasAcknowledgedSurvivesKill9) {
  ASSERT_TRUE(controller_->Register(RunOf(ClipLaw::kStatic)).ok());
  int64_t step = 0;
  for (int round = 0; round < 5; ++round) {
    controller_.reset();
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
      auto controller = Controller::Create(File(), clock_);
      for (int64_t i = step; controller.ok(); ++i) {
        const auto directive = (*controller)->ReportStep(At(i, 1.0));
        const auto current = (*controller)->GetSchedule("r", std::nullopt);
        const auto edit = (*controller)
                              ->EditSchedule({.run_id = "r",
                                              .schedule = Schedule{},
                                              .etag = current->etag,
                                              .author = "a",
                                              .reason = "b"});
        const int64_t acknowledged[2] = {directive->id, edit->revision.revision};
        if (!directive.ok() || !edit.ok() ||
            write(ends[1], acknowledged, sizeof(acknowledged)) != sizeof(acknowledged))
          _exit(1);
      }
      _exit(1);
    }
    close(ends[1]);
    int64_t acknowledged[2] = {0, 0}, last[2] = {0, 0};
    for (int reads = 0;
         reads < 3 + 4 * round && read(ends[0], acknowledged, sizeof(acknowledged)) == sizeof(acknowledged);
         ++reads)
      std::copy_n(acknowledged, 2, last);
    kill(child, SIGKILL);
    while (read(ends[0], acknowledged, sizeof(acknowledged)) == sizeof(acknowledged))
      std::copy_n(acknowledged, 2, last);
    close(ends[0]);
    waitpid(child, nullptr, 0);
    Open();
    const auto directives = controller_->ListDirectives("r", 0, 0);
    const auto revisions = controller_->ListRevisions("r", 0);
    ASSERT_GE(static_cast<int64_t>(directives->size()), last[0]);
    ASSERT_GE(static_cast<int64_t>(revisions->size()), last[1]);
    for (size_t i = 0; i < directives->size(); ++i)
      EXPECT_EQ((*directives)[i].id, static_cast<int64_t>(i) + 1);
    for (size_t i = 0; i < revisions->size(); ++i)
      EXPECT_EQ((*revisions)[i].revision, static_cast<int64_t>(revisions->size() - i));
    step = directives->back().step + 1;
  }
}

}  // namespace
}  // namespace entrain
