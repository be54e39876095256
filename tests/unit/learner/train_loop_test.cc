#include "learner/train_loop.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <latch>
#include <nlohmann/json.hpp>
#include <set>

#include "absl/strings/str_cat.h"
#include "learner/counterfactual.h"
#include "tests/testing/in_process_worker.h"
#include "tests/testing/manual_clock.h"
#include "tests/testing/scripted_steering.h"
#include "tests/testing/temporary_folder.h"
#include "tests/unit/learner/documented_names.h"

namespace entrain {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr int32_t kVocab = 5;
constexpr int32_t kMaxTokens = 4;

std::string FreshFolder(const std::string& name) {
  static const TemporaryFolder root;
  fs::remove_all(root / name);
  return root / name;
}

std::vector<Prompt> Prompts(int32_t count) {
  std::vector<Prompt> prompts;
  for (int32_t i = 0; i < count; ++i)
    prompts.push_back(
        {.id = std::to_string(i), .tokens = {static_cast<TokenId>(i % kVocab)}, .verifier = "exact"});
  return prompts;
}

// Right is a completion that begins with the token after the prompt's.
Verdict Judge(const Lease& lease, const Completion& completion) {
  const bool right = completion.tokens[0] == (lease.prompt.tokens[0] + 1) % kVocab;
  return {.kind = right ? VerdictKind::kCorrect : VerdictKind::kWrong, .score = right ? 1.0 : 0.0};
}

absl::StatusOr<Directive> Static(const Observation& observation) {
  return ScriptedSteering::Box(observation, 0.2, 0.2);
}

struct Settings {
  std::string root;
  int64_t attempt = 1;
  int64_t steps = 6;
  int64_t staleness = 0;
  int64_t checkpoint_every = 0;
  int workers = 1;
  int64_t record_every = 0;
  RewardKind reward = RewardKind::kVerifier;
  bool eval = false;
  OnSilence on_silence = OnSilence::kHold;
  ScriptedSteering::Answer answer = Static;
  absl::Status registering;
  InProcessWorker::Judge judge = Judge;
  bool resume = false;
  std::optional<ReferenceKl> kl;  // to the uniform policy that every run begins with
};

// A learner with everything around it, in one process: real front desk, fake network, workers, controller.
class Rig {
 public:
  explicit Rig(const Settings& settings) : steering(settings.answer), network(kVocab), reference_(kVocab) {
    steering.registering = settings.registering;
    folder_ = {.root = settings.root, .attempt = settings.attempt};
    fs::create_directories(folder_.AttemptFolder());
    std::optional<Checkpoint> resume;
    if (settings.resume) resume = *ReadNewestCheckpoint(folder_.CheckpointsFolder());
    MakeDesk(settings, resume);
    for (int i = 0; i < settings.workers; ++i) {
      workers_.push_back(
          std::make_unique<InProcessWorker>(*desk_, std::to_string(i), 11, kMaxTokens, settings.judge));
    }
    TrainLoopOptions options{.folder = folder_, .run_id = "run", .name = "test", .config_digest = "c"};
    options.learner = {.seed = 11,
                       .steps = settings.steps,
                       .prompts_per_step = 4,
                       .completions_per_prompt = 6,
                       .minibatches = 2,
                       .epochs = 2,
                       .microbatch_tokens = 40,
                       .reward = settings.reward,
                       .checkpoint_every_steps = settings.checkpoint_every,
                       .record_batches_every_steps = settings.record_every,
                       .on_silence = settings.on_silence,
                       .max_staleness = settings.staleness};
    options.learner.optimizer.lr = 0.05;
    options.learner.objective.name = "ppo_clip";
    options.learner.objective.kl = settings.kl;
    options.reference = &reference_;
    if (settings.eval) options.learner.eval = EvalOptions{.every_steps = 2, .completions = 8};
    learner_options = options.learner;
    auto made =
        TrainLoop::Create(options, std::move(resume), network, *desk_, steering, clock_, stop.get_token());
    created = made.status();
    if (made.ok()) loop = *std::move(made);
  }
  ~Rig() { desk_->Close(); }

  // The lines of this attempt's metrics.jsonl without what may differ between equal runs.
  std::vector<std::string> Lines() const {
    std::vector<std::string> out;
    for (const Json& record : Records()) {
      Json kept;
      for (const auto& [name, value] : record.items()) {
        if (name.rfind("time/", 0) != 0 && name.rfind("sys/", 0) != 0) kept[name] = value;
      }
      out.push_back(kept.dump());
    }
    return out;
  }
  std::vector<Json> Records() const { return Lines(folder_.MetricsFile()); }
  std::vector<Json> Events() const { return Lines(folder_.EventsFile()); }
  absl::StatusOr<Checkpoint> NewestCheckpoint() const {
    return ReadNewestCheckpoint(folder_.CheckpointsFolder());
  }
  absl::Status Run() { return loop->Run(stop.get_token()); }
  absl::Status Step() { return loop->Step(stop.get_token()); }

  ScriptedSteering steering;
  BigramNetwork network;
  LearnerOptions learner_options;
  std::stop_source stop;
  absl::Status created;
  std::unique_ptr<TrainLoop> loop;

 private:
  static std::vector<Json> Lines(const std::string& path) {
    std::vector<Json> out;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) out.push_back(Json::parse(line));
    return out;
  }
  void MakeDesk(const Settings& settings, const std::optional<Checkpoint>& resume) {
    FrontDeskOptions options{.prompts_per_step = 4,
                             .completions_per_prompt = 6,
                             .total_steps = settings.steps,
                             .max_staleness = settings.staleness,
                             .vocab_size = kVocab,
                             .first_step = resume.has_value() ? resume->next_step : 0,
                             .first_ordinal = resume.has_value() ? resume->next_ordinal : 0};
    options.join.incarnation = std::to_string(settings.attempt);
    options.join.train_sampling.max_tokens = kMaxTokens;
    options.join.eval_sampling.max_tokens = kMaxTokens;
    desk_ = FrontDesk::Create(options, std::make_shared<DataOrder>(Prompts(13), 11, true),
                              settings.eval ? std::make_shared<DataOrder>(Prompts(5), 0, false) : nullptr,
                              clock_);
  }

  RunFolder folder_;
  BigramNetwork reference_;
  ManualClock clock_;
  std::unique_ptr<FrontDesk> desk_;
  std::vector<std::unique_ptr<InProcessWorker>> workers_;  // gone before the desk is
};

// A law that reads everything a trainer reports: any difference between two runs would show.
absl::StatusOr<Directive> ClosedLoop(const Observation& observation) {
  double sum = *observation.entropy_nats;
  for (const auto& [name, value] : observation.metrics) sum += std::abs(value);
  const double wobble = sum - std::floor(sum);
  return ScriptedSteering::Box(observation, 0.05 + 0.1 * wobble, 0.1 + 0.1 * wobble);
}

TEST(TrainLoop, LearnsWhatIsRewarded) {
  Rig rig({.root = FreshFolder("learns"), .steps = 40});
  ASSERT_TRUE(rig.created.ok()) << rig.created;
  ASSERT_TRUE(rig.Run().ok());
  const auto records = rig.Records();
  ASSERT_EQ(records.size(), 40u);
  EXPECT_LT(records.front()["reward/mean"].get<double>(), 0.5);
  EXPECT_GT(records.back()["reward/mean"].get<double>(), 0.8);
  EXPECT_LT(records.back()["entropy/mean"].get<double>(), records.front()["entropy/mean"].get<double>());
}

TEST(TrainLoop, ALargeKlCoefficientKeepsThePolicyNearTheReference) {
  Rig free({.root = FreshFolder("kl_free"), .steps = 30, .kl = ReferenceKl{.coef = 0}});
  ASSERT_TRUE(free.created.ok()) << free.created;
  ASSERT_TRUE(free.Run().ok());
  Rig held({.root = FreshFolder("kl_held"), .steps = 30, .kl = ReferenceKl{.coef = 20}});
  ASSERT_TRUE(held.Run().ok());
  const Json far = free.Records().back(), near = held.Records().back();
  EXPECT_GT(far["reward/mean"].get<double>(), 0.8);
  EXPECT_LT(near["reward/mean"].get<double>(), 0.5);  // 0.2 at the reference
  EXPECT_GT(far["kl/ref_k3"].get<double>(), 0.5);
  EXPECT_LT(near["kl/ref_k3"].get<double>(), 0.05);
  EXPECT_EQ(near["kl/ref_coef"], 20);
  for (const std::string& name : DocumentedNames("The reference model"))
    EXPECT_TRUE(near.contains(name)) << name;
  EXPECT_EQ(held.steering.registrations[0].capabilities.dials,
            (std::vector<std::string>{"dual_c", "kl_coef"}));
}

TEST(TrainLoop, MeasuringTheKlChangesNothing) {
  Rig plain({.root = FreshFolder("kl_none")});
  ASSERT_TRUE(plain.Run().ok());
  Rig measured({.root = FreshFolder("kl_zero"), .kl = ReferenceKl{.coef = 0}});
  ASSERT_TRUE(measured.Run().ok());
  EXPECT_EQ(measured.Records().back()["digest/weights"], plain.Records().back()["digest/weights"]);
}

TEST(TrainLoop, AKlTermNeedsAReferenceOfThePolicysSize) {
  BigramNetwork network(kVocab), smaller(kVocab - 1);
  TrainLoopOptions options;
  options.learner.objective = {.name = "ppo_clip", .kl = ReferenceKl{}};
  ManualClock clock;
  ScriptedSteering steering(Static);
  const auto desk = FrontDesk::Create({}, std::make_shared<DataOrder>(Prompts(1), 0, false), nullptr, clock);
  for (Network* const reference : {static_cast<Network*>(nullptr), static_cast<Network*>(&smaller)}) {
    options.reference = reference;
    const auto loop = TrainLoop::Create(options, std::nullopt, network, *desk, steering, clock, {});
    EXPECT_TRUE(absl::IsFailedPrecondition(loop.status())) << loop.status();
  }
}

TEST(TrainLoop, RecordsEveryNameThatTheFormatPromises) {
  Rig rig({.root = FreshFolder("names"), .steps = 2, .eval = true});
  ASSERT_TRUE(rig.Run().ok());
  const Json record = rig.Records().back();
  for (const char* name : {"step",
                           "policy_version",
                           "reward/mean",
                           "entropy/mean",
                           "region/e1_share",
                           "region/e4_share",
                           "region_exact/e1_share",
                           "region_exact/e4_share",
                           "clip/high_frac",
                           "clip/low_frac",
                           "clip/upper_intercept",
                           "clip/upper_slope",
                           "clip/lower_intercept",
                           "clip/lower_slope",
                           "directive/id",
                           "directive/revision",
                           "directive/held",
                           "kl/old_new",
                           "grad/norm",
                           "age/max",
                           "tokens/generated",
                           "tokens/trained",
                           "completions/truncated_frac",
                           "groups/filtered",
                           "groups/excluded",
                           "excluded/timeout",
                           "excluded/error",
                           "digest/weights",
                           "eval/avg_at_1",
                           "eval/pass_at_1",
                           "eval/pass_at_8"}) {
    EXPECT_TRUE(record.contains(name)) << name;
  }
  EXPECT_EQ(
      record["digest/weights"],
      WeightsSnapshot::Make(0, {rig.network.parameters().begin(), rig.network.parameters().end()})->digest);
}

TEST(TrainLoop, WritesEveryDocumentedNameAndNoOther) {
  Rig rig({.root = FreshFolder("documented"), .steps = 4, .eval = true});
  ASSERT_TRUE(rig.Run().ok());
  std::set<std::string> written, documented = DocumentedNames();
  const Json record = rig.Records().back();
  for (const auto& [name, value] : record.items()) written.insert(AsDocumented(name));
  for (const char* section : {"Method state", "The reference model"})
    for (const std::string& name : DocumentedNames(section)) documented.erase(name);
  EXPECT_EQ(written, documented);
}

TEST(TrainLoop, TheRealisedChangeOfAStepIsInTheNextRecord) {
  Rig rig({.root = FreshFolder("realised"), .steps = 3});
  ASSERT_TRUE(rig.Run().ok());
  const auto records = rig.Records();
  EXPECT_FALSE(records[0].contains("entropy/realised_change"));
  for (size_t step = 1; step < 3; ++step) {
    EXPECT_EQ(records[step]["entropy/realised_change"].get<double>(),
              records[step]["entropy/mean"].get<double>() - records[step - 1]["entropy/mean"].get<double>());
  }
}

class EveryStaleness : public testing::TestWithParam<int64_t> {};

TEST_P(EveryStaleness, EqualRunsWriteEqualMetricsWhateverTheNumberOfWorkers) {
  Settings settings{
      .root = FreshFolder("equal_a"), .staleness = GetParam(), .eval = true, .answer = ClosedLoop};
  Rig one(settings);
  ASSERT_TRUE(one.Run().ok());
  settings.root = FreshFolder("equal_b");
  settings.workers = 4;
  Rig four(settings);
  ASSERT_TRUE(four.Run().ok());
  ASSERT_EQ(one.Lines().size(), 6u);
  EXPECT_EQ(one.Lines(), four.Lines());
}

TEST_P(EveryStaleness, AResumedRunEqualsTheUninterruptedOneByteForByte) {
  Settings settings{
      .root = FreshFolder("whole"), .steps = 10, .staleness = GetParam(), .eval = true, .answer = ClosedLoop};
  settings.kl = ReferenceKl{.coef = 0.1};
  Rig whole(settings);
  ASSERT_TRUE(whole.Run().ok());

  settings.root = FreshFolder("parts");
  settings.checkpoint_every = 5;
  std::vector<std::string> lines;
  {
    Rig first(settings);
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(first.Step().ok());
    lines = first.Lines();
  }
  settings.attempt = 2;
  settings.resume = true;
  Rig second(settings);
  ASSERT_TRUE(second.created.ok()) << second.created;
  ASSERT_TRUE(second.Run().ok());
  EXPECT_EQ(second.steering.registrations.front().resume_from, 5);
  EXPECT_EQ(second.steering.registrations.front().last_directive->step, 4);
  for (const std::string& line : second.Lines()) lines.push_back(line);
  EXPECT_EQ(lines, whole.Lines());
  EXPECT_TRUE(second.Records().front().contains("fit/a")) << "goes on with the steps of the first attempt";
  EXPECT_TRUE(std::ranges::equal(second.network.parameters(), whole.network.parameters()));
}

INSTANTIATE_TEST_SUITE_P(TrainLoop, EveryStaleness, testing::Values(0, 1, 2));

TEST(TrainLoop, TrainsOnGroupsOfAgeUpToTheStaleness) {
  Rig rig({.root = FreshFolder("age"), .staleness = 2});
  ASSERT_TRUE(rig.Run().ok());
  std::vector<int> ages;
  for (const Json& record : rig.Records()) ages.push_back(record["age/max"].get<int>());
  EXPECT_EQ(ages, (std::vector<int>{0, 1, 2, 2, 2, 2}));  // version max(0, k − 2)
}

TEST(TrainLoop, AppliesADirectiveToItsStepAndToNoOther) {
  // Even steps: nothing is ever clipped. Odd steps: a box of width zero, so that whatever moves is clipped.
  Rig rig({.root = FreshFolder("applies"), .answer = [](const Observation& observation) {
             Directive directive = ScriptedSteering::Box(observation, 0, 0);
             if (observation.for_step % 2 == 0) directive.bounds = {};
             return directive;
           }});
  ASSERT_TRUE(rig.Run().ok());
  const auto records = rig.Records();
  ASSERT_EQ(records.size(), 6u);
  for (size_t step = 0; step < records.size(); ++step) {
    const double clipped =
        records[step]["clip/high_frac"].get<double>() + records[step]["clip/low_frac"].get<double>();
    if (step % 2 == 0) {
      EXPECT_EQ(clipped, 0) << step;
      EXPECT_FALSE(records[step].contains("clip/upper_intercept"));
    } else {
      EXPECT_GT(clipped, 0) << step;
      EXPECT_EQ(records[step]["clip/upper_intercept"], 0);
    }
    EXPECT_EQ(records[step]["directive/id"], step + 1);
  }
}

TEST(TrainLoop, ReportsWhatItAppliedAndWhatHappenedInTheStepBefore) {
  Rig rig({.root = FreshFolder("reports"), .answer = ClosedLoop});
  ASSERT_TRUE(rig.Run().ok());
  const auto records = rig.Records();
  const auto& observations = rig.steering.observations;
  ASSERT_EQ(observations.size(), 6u);
  EXPECT_EQ(observations[0].applied_directive_id, 0);
  EXPECT_TRUE(observations[0].metrics.empty());
  for (size_t step = 0; step < observations.size(); ++step) {
    EXPECT_EQ(observations[step].for_step, static_cast<int64_t>(step));
    EXPECT_EQ(*observations[step].entropy_nats, records[step]["entropy/mean"].get<double>());
    if (step == 0) continue;
    EXPECT_EQ(observations[step].applied_directive_id, static_cast<int64_t>(step));
    EXPECT_EQ(observations[step].applied_bounds->upper->intercept,
              records[step - 1]["clip/upper_intercept"].get<double>());
    EXPECT_EQ(observations[step].metrics.at("clip/high_frac"),
              records[step - 1]["clip/high_frac"].get<double>());
    for (const auto& [name, value] : observations[step].metrics) EXPECT_NE(name.rfind("time/", 0), 0u);
  }
}

TEST(TrainLoop, HoldsTheLastDirectiveWhileTheControllerIsSilent) {
  Rig rig({.root = FreshFolder("holds"),
           .answer = [](const Observation& observation) -> absl::StatusOr<Directive> {
             if (observation.step == 2 || observation.step == 3) return absl::UnavailableError("gone");
             return ScriptedSteering::Box(observation, 0.1, 0.1 + 0.01 * observation.step);
           }});
  ASSERT_TRUE(rig.Run().ok());
  std::vector<int> held, ids;
  std::vector<double> upper;
  for (const Json& record : rig.Records()) {
    held.push_back(record["directive/held"].get<int>());
    ids.push_back(record["directive/id"].get<int>());
    upper.push_back(record["clip/upper_intercept"].get<double>());
  }
  EXPECT_EQ(held, (std::vector<int>{0, 0, 1, 1, 0, 0}));
  EXPECT_EQ(ids, (std::vector<int>{1, 2, 2, 2, 5, 6}));
  EXPECT_EQ(upper, (std::vector<double>{0.1, 0.11, 0.11, 0.11, 0.1 + 0.01 * 4, 0.1 + 0.01 * 5}));
  EXPECT_EQ(rig.loop->stats().steps_held, 2);
}

TEST(TrainLoop, WaitsForItsFirstDirectiveEvenIfItMayHold) {
  int tries = 0;
  Rig rig({.root = FreshFolder("first"),
           .steps = 1,
           .answer = [&](const Observation& observation) -> absl::StatusOr<Directive> {
             if (++tries < 4) return absl::DeadlineExceededError("not yet");
             return Static(observation);
           }});
  ASSERT_TRUE(rig.Run().ok());
  EXPECT_EQ(tries, 4);
  EXPECT_EQ(rig.Records()[0]["directive/held"], 0);
}

TEST(TrainLoop, WaitsWhenToldToAndLosesNothing) {
  int tries = 0;
  Settings settings{.root = FreshFolder("waits"),
                    .on_silence = OnSilence::kWait,
                    .answer = [&](const Observation& observation) -> absl::StatusOr<Directive> {
                      if (++tries % 3 != 0) return absl::UnavailableError("gone");
                      return Static(observation);
                    }};
  Rig silent(settings);
  ASSERT_TRUE(silent.Run().ok());
  settings.root = FreshFolder("talks");
  settings.answer = Static;
  Rig talking(settings);
  ASSERT_TRUE(talking.Run().ok());
  EXPECT_EQ(silent.Lines(), talking.Lines());
}

TEST(TrainLoop, StopsOnSilenceWhenToldToWithItsStepsSaved) {
  Rig rig({.root = FreshFolder("stops"),
           .on_silence = OnSilence::kStop,
           .answer = [](const Observation& observation) -> absl::StatusOr<Directive> {
             if (observation.step == 3) return absl::UnavailableError("gone");
             return Static(observation);
           }});
  EXPECT_TRUE(absl::IsUnavailable(rig.Run()));
  ASSERT_TRUE(rig.NewestCheckpoint().ok());
  EXPECT_EQ(rig.NewestCheckpoint()->next_step, 3);
  EXPECT_EQ(rig.Lines().size(), 3u);
}

// A controller that was never there is silence too: "stop" must not wait for it for ever.
TEST(TrainLoop, StopsWhenNoControllerAnswersTheRegistrationAndToldToStopOnSilence) {
  const Rig rig({.root = FreshFolder("unregistered"),
                 .on_silence = OnSilence::kStop,
                 .registering = absl::UnavailableError("nobody listens")});
  EXPECT_TRUE(absl::IsUnavailable(rig.created)) << rig.created;
  EXPECT_EQ(rig.steering.registrations.size(), 1u);
}

TEST(TrainLoop, AStopDuringAStepAbandonsItAndSavesTheOnesBefore) {
  Rig* here = nullptr;
  Rig rig({.root = FreshFolder("cancelled"), .answer = [&](const Observation& observation) {
             if (observation.step == 3) here->stop.request_stop();
             return Static(observation);
           }});
  here = &rig;
  EXPECT_TRUE(absl::IsCancelled(rig.Run()));
  const auto saved = rig.NewestCheckpoint();
  ASSERT_TRUE(saved.ok()) << saved.status();
  EXPECT_EQ(saved->next_step, 3);
  EXPECT_TRUE(std::ranges::equal(saved->snapshots.back()->values, rig.network.parameters()));
  EXPECT_EQ(rig.Records().back()["digest/weights"], saved->snapshots.back()->digest);
}

TEST(TrainLoop, AStopDuringAnEvaluationKeepsTheRecordOfTheStep) {
  Rig* here = nullptr;
  Settings settings{.root = FreshFolder("cut_eval"), .eval = true};
  settings.judge = [&](const Lease& lease, const Completion& completion) {
    if (lease.purpose == Purpose::kEval) here->stop.request_stop();
    return Judge(lease, completion);
  };
  Rig rig(settings);
  here = &rig;
  EXPECT_TRUE(absl::IsCancelled(rig.Run()));
  EXPECT_EQ(rig.Lines().size(), 2u);  // evaluation comes after every second step
  EXPECT_EQ(rig.NewestCheckpoint()->next_step, 2);
}

// Also when it was the last step's, with nothing left to train.
TEST(TrainLoop, AnEvaluationThatAStopCutShortIsMadeWhenTheRunGoesOn) {
  Settings settings{.root = FreshFolder("whole_eval"), .eval = true, .answer = ClosedLoop};
  Rig whole(settings);
  ASSERT_TRUE(whole.Run().ok());
  for (const int64_t cut_after : {2, 6}) {
    Rig* here = nullptr;
    settings.root = FreshFolder("half_eval");
    settings.attempt = 1;
    settings.resume = false;
    std::latch stopped(1);  // the worker answers only when the learner has given up
    settings.judge = [&](const Lease& lease, const Completion& completion) {
      if (lease.purpose == Purpose::kEval && lease.step == cut_after) {
        here->stop.request_stop();
        stopped.wait();
      }
      return Judge(lease, completion);
    };
    std::vector<std::string> lines;
    {
      Rig first(settings);
      here = &first;
      EXPECT_TRUE(absl::IsCancelled(first.Run()));
      stopped.count_down();
      lines = first.Lines();
    }
    ASSERT_EQ(lines.size(), static_cast<size_t>(cut_after));
    lines.pop_back();  // the last attempt counts
    settings.attempt = 2;
    settings.resume = true;
    settings.judge = Judge;
    Rig second(settings);
    ASSERT_TRUE(second.created.ok()) << second.created;
    ASSERT_TRUE(second.Run().ok());
    for (const std::string& line : second.Lines()) lines.push_back(line);
    EXPECT_EQ(lines, whole.Lines()) << "cut after step " << cut_after;
    EXPECT_FALSE(second.NewestCheckpoint()->evaluation_due);
  }
}

TEST(TrainLoop, AStepWithoutAFiniteUpdateEndsTheRunWithTheStepsBeforeSaved) {
  Rig rig({.root = FreshFolder("not_finite")});
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(rig.Step().ok());
  rig.network.SpoilGradients([](int64_t) { return true; });
  const absl::Status status = rig.Run();
  EXPECT_TRUE(absl::IsAborted(status)) << status;
  EXPECT_EQ(rig.NewestCheckpoint()->next_step, 2);
  for (const float weight : rig.network.parameters()) EXPECT_TRUE(std::isfinite(weight));
}

TEST(TrainLoop, OurOwnFailuresNeverBecomeRewards) {
  // Completion 0 of every group has no verdict; at ordinal 2 only one has, so that the group is replaced.
  Rig rig({.root = FreshFolder("excluded"),
           .steps = 1,
           .judge = [](const Lease& lease, const Completion& completion) -> Verdict {
             if (lease.ordinal == 2 && completion.index > 0)
               return {.kind = VerdictKind::kError, .detail = "the sandbox broke"};
             if (lease.ordinal != 2 && completion.index == 0)
               return {.kind = VerdictKind::kTimeout, .detail = absl::StrCat("late at ", lease.ordinal)};
             return {.kind = VerdictKind::kCorrect, .score = 1.0};
           }});
  ASSERT_TRUE(rig.Run().ok());
  const Json record = rig.Records()[0];
  EXPECT_EQ(record["reward/mean"], 1);
  EXPECT_EQ(record["completions/trained"], 4 * 5);
  EXPECT_EQ(record["groups/excluded"], 1);
  EXPECT_EQ(record["excluded/timeout"], 4);
  EXPECT_EQ(record["excluded/error"], 5);
  EXPECT_EQ(rig.NewestCheckpoint()->next_ordinal, 5);  // the fifth prompt took the place of the third
  // The run's events say which verifier, and what it said last, in prompt order.
  Json told;
  for (const Json& event : rig.Events()) {
    if (event["event"] == "completions_excluded") told = event;
  }
  EXPECT_EQ(nlohmann::json(told),  // whatever the order of the keys
            nlohmann::json::parse(R"({"event": "completions_excluded", "step": 0, "verifier": "exact",
                                      "timeout": 4, "error": 5, "groups": 1, "detail": "late at 4"})"));
}

std::vector<int64_t> RecordedIn(const std::string& root) {
  std::vector<int64_t> steps;
  for (const RecordedStepFolder& folder : ListRecordedSteps(root + "/batches")) steps.push_back(folder.step);
  return steps;
}

// Repeats every recorded step in a fresh network: the weights must be those that metrics.jsonl names.
void ExpectRepeatable(const Rig& rig, const std::string& root, const std::vector<Json>& records) {
  for (const RecordedStepFolder& folder : ListRecordedSteps(root + "/batches")) {
    const auto recorded = ReadRecordedStep(folder.path);
    ASSERT_TRUE(recorded.ok()) << recorded.status();
    BigramNetwork network(kVocab);
    const auto repeated = RunCounterfactual(*recorded, network, rig.learner_options, {}, {});
    ASSERT_TRUE(repeated.ok()) << repeated.status();
    EXPECT_TRUE(repeated->Repeated()) << folder.path;
    const Json& record = records[static_cast<size_t>(folder.step)];
    EXPECT_EQ(repeated->outcomes[0].digest_after, record["digest/weights"].get<std::string>());
    EXPECT_EQ(repeated->entropy_before, record["entropy/mean"].get<double>());
    for (int region = 1; region <= 4; ++region) {
      EXPECT_NEAR(repeated->region_share[static_cast<size_t>(region)],
                  record["region_exact/e" + std::to_string(region) + "_share"].get<double>(), 1e-12);
    }
  }
}

class EveryReward : public testing::TestWithParam<std::tuple<RewardKind, int64_t>> {};

TEST_P(EveryReward, ARecordedStepRepeatedGivesTheSameBytes) {
  const auto [reward, staleness] = GetParam();
  Settings settings{.root = FreshFolder("records"),
                    .steps = 7,
                    .staleness = staleness,
                    .record_every = 3,
                    .reward = reward,
                    .answer = ClosedLoop};
  Rig rig(settings);
  ASSERT_TRUE(rig.Run().ok());
  EXPECT_EQ(RecordedIn(settings.root), (std::vector<int64_t>{0, 3, 6}));
  ExpectRepeatable(rig, settings.root, rig.Records());
}

INSTANTIATE_TEST_SUITE_P(TrainLoop, EveryReward,
                         testing::Combine(testing::Values(RewardKind::kVerifier, RewardKind::kRandom),
                                          testing::Values(0, 2)));

TEST(TrainLoop, ARecordedStepWithAKlTermRepeatedGivesTheSameBytes) {
  Settings settings{.root = FreshFolder("records_kl"), .steps = 4, .staleness = 1, .record_every = 3};
  settings.kl = ReferenceKl{.coef = 0.5};
  Rig rig(settings);
  ASSERT_TRUE(rig.Run().ok());
  EXPECT_EQ(RecordedIn(settings.root), (std::vector<int64_t>{0, 3}));
  ExpectRepeatable(rig, settings.root, rig.Records());

  auto recorded = ReadRecordedStep(settings.root + "/batches/step-000003");
  ASSERT_TRUE(recorded.ok()) << recorded.status();
  recorded->reference_logprobs.clear();
  BigramNetwork network(kVocab);
  const absl::Status status = RunCounterfactual(*recorded, network, rig.learner_options, {}, {}).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
}

TEST(TrainLoop, RecordingChangesNothingElse) {
  Settings settings{.root = FreshFolder("without"), .answer = ClosedLoop};
  Rig without(settings);
  ASSERT_TRUE(without.Run().ok());
  EXPECT_FALSE(fs::exists(settings.root + "/batches"));
  settings.root = FreshFolder("with");
  settings.record_every = 1;
  Rig with(settings);
  ASSERT_TRUE(with.Run().ok());
  EXPECT_EQ(with.Lines(), without.Lines());
}

TEST(TrainLoop, OfAStepThatTwoAttemptsRecordedTheLastCounts) {
  Settings settings{.root = FreshFolder("twice"), .steps = 6, .checkpoint_every = 2, .record_every = 3};
  {
    Rig first(settings);
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(first.Step().ok());  // the newest checkpoint is that of step 4
  }
  fs::remove_all(settings.root + "/checkpoints/step-000004");
  settings.attempt = 2;
  settings.resume = true;
  Rig second(settings);
  ASSERT_TRUE(second.Run().ok());
  EXPECT_EQ(RecordedIn(settings.root), (std::vector<int64_t>{0, 3}));
  EXPECT_EQ(ReadRecordedStep(settings.root + "/batches/step-000000")->attempt, 1);
  EXPECT_EQ(ReadRecordedStep(settings.root + "/batches/step-000003")->attempt, 2);
}

TEST(TrainLoop, RefusesTheCheckpointOfAnotherRun) {
  Settings settings{.root = FreshFolder("other_run"), .steps = 1};
  {
    Rig rig(settings);
    ASSERT_TRUE(rig.Run().ok());
  }
  Checkpoint checkpoint = *ReadNewestCheckpoint(settings.root + "/checkpoints");
  checkpoint.run_id = "another";
  ASSERT_TRUE(WriteCheckpoint(settings.root + "/checkpoints", checkpoint, 1).ok());
  settings.resume = true;
  EXPECT_TRUE(absl::IsFailedPrecondition(Rig(settings).created));
}

}  // namespace
}  // namespace entrain
