// Whole runs with everything but a model, a wire and a processor's time: invariants 1, 2, 5, 7 and 8 of
// docs/architecture.md, section 10. What must hold inside a run (2, 5) is checked in sim_world.cc at every
// step.

#include <gtest/gtest.h>

#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/testing/sim_world.h"

namespace entrain {
namespace {

const SimFaults kBadNetwork{
    .drop_request = 0.05, .drop_reply = 0.05, .duplicate = 0.05, .late = 0.05, .kill = 0.02};

// Invariant 1: steps follow each other in the data order without a gap, nothing is trained twice, and what is
// left out is counted.
void ExpectEveryPromptOnce(const std::vector<TrainedStep>& log) {
  int64_t next = 0;
  for (const TrainedStep& step : log) {
    EXPECT_EQ(step.begin, next);
    int64_t last = step.begin - 1;
    for (const TrainedGroup& group : step.groups) {
      EXPECT_GT(group.ordinal, last);
      EXPECT_LT(group.ordinal, step.end);
      last = group.ordinal;
    }
    EXPECT_EQ(last, step.end - 1);  // the prefix is the shortest: its last prompt is trained
    EXPECT_EQ(step.end - step.begin,
              static_cast<int64_t>(step.groups.size()) + step.excluded + step.filtered);
    next = step.end;
  }
}

struct Kind {
  const char* name;
  WorldOptions run;
};
void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }

class WholeLoopTest : public ::testing::TestWithParam<Kind> {};

INSTANTIATE_TEST_SUITE_P(
    Runs, WholeLoopTest,
    ::testing::Values(Kind{"OnPolicy", {}}, Kind{"OneVersionStale", {.max_staleness = 1}},
                      Kind{"TwoVersionsStale", {.max_staleness = 2}},
                      Kind{"Exclusions", {.max_staleness = 1, .poisoned = 2}},
                      Kind{"DynamicSampling", {.max_staleness = 1, .dynamic_sampling = true, .poisoned = 4}}),
    [](const auto& kind) { return std::string(kind.param.name); });

TEST_P(WholeLoopTest, CollectsTheSameTokensWithAnyNumberOfWorkersAndAnyPatternOfFailures) {
  World calm(GetParam().run);
  calm.Run();
  ASSERT_EQ(calm.log().size(), 6u);
  ExpectEveryPromptOnce(calm.log());
  int64_t killed = 0, restarted = 0, retried = 0, expired = 0, duplicates = 0;
  for (const int workers : {1, 2, 4}) {
    for (uint64_t seed = 0; seed < 12; ++seed) {
      SCOPED_TRACE(absl::StrCat(workers, " workers, seed ", seed));
      WorldOptions options = GetParam().run;
      options.workers = workers;
      options.fault_seed = seed;
      if (seed > 0) {  // seed 0: only the interleaving differs
        options.faults = kBadNetwork;
        options.transient_verdicts = 0.1;
        options.learner_restarts = static_cast<int64_t>(seed % 3);
      }
      World world(options);
      world.Run();
      ASSERT_EQ(world.log(), calm.log());
      ASSERT_EQ(world.final_digest(), calm.final_digest());
      ExpectEveryPromptOnce(world.log());
      EXPECT_EQ(world.stats().leases_active, 0);
      EXPECT_EQ(world.stats().groups_waiting, 0);
      EXPECT_EQ(world.stats().groups_refused, 0);
      killed += world.workers_killed();
      restarted += world.learner_restarts();
      retried += world.verdicts_retried();
      expired += world.stats().leases_expired + world.stats().groups_expired;
      duplicates += world.stats().groups_duplicate;
    }
  }
  // The failures did happen.
  EXPECT_GT(killed, 20);
  EXPECT_GT(restarted, 10);
  EXPECT_GT(retried, 20);
  EXPECT_GT(expired, 20);
  EXPECT_GT(duplicates, 20);
}

TEST(WholeLoopWithoutExactStalenessTest, KeepsEveryOtherPromise) {
  bool ages_differ = false;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    World world({.workers = 3,
                 .fault_seed = seed,
                 .faults = kBadNetwork,
                 .transient_verdicts = 0.1,
                 .learner_restarts = 1,
                 .max_staleness = 2,
                 .exact_staleness = false});
    world.Run();
    ASSERT_EQ(world.log().size(), 6u);
    ExpectEveryPromptOnce(world.log());
    for (const TrainedStep& step : world.log()) {
      for (const TrainedGroup& group : step.groups)
        ages_differ = ages_differ || group.policy_version != step.groups[0].policy_version;
    }
  }
  EXPECT_TRUE(ages_differ);  // the mode does what it is for
}

TEST(WholeLoopExclusionTest, ExclusionsAndFiltersDoOccur) {
  World excluding({.poisoned = 2}), filtering({.dynamic_sampling = true});
  excluding.Run();
  filtering.Run();
  int64_t excluded = 0, filtered = 0, without_timeout = 0, without_error = 0;
  for (const TrainedStep& step : excluding.log()) {
    excluded += step.excluded;
    without_timeout += step.without_timeout;
    without_error += step.without_error;
  }
  for (const TrainedStep& step : filtering.log()) filtered += step.filtered;
  EXPECT_GT(excluded, 0);
  EXPECT_GT(filtered, 0);
  EXPECT_GT(without_timeout, 0);
  EXPECT_GT(without_error, 0);
}

// --- Real threads and real time: what ThreadSanitizer looks at. ---

class ThreadedRun {
 public:
  explicit ThreadedRun(const WorldOptions& options)
      : options_(options),
        network_(options.fault_seed, options.faults),
        desk_(Desk(options)),
        desk_link_([this] { return desk_; }, /*waiting=*/true),
        link_(network_, desk_link_),
        healthy_(FakeVerifier::Each(
            [poisoned = options.poisoned](const VerifyItem& item) { return Judge(item, poisoned); })),
        verifier_(network_, healthy_),
        ticker_([this](std::stop_token stop) {
          while (!stop.stop_requested()) {
            desk_->Tick();
            Clock::Real().Sleep(absl::Milliseconds(2));
          }
        }) {
    for (int i = 0; i < options.workers; ++i) {
      workers_.emplace_back([this, i](std::stop_token stop) {
        RolloutLoop loop({.name = absl::StrCat("w", i),
                          .lease_wait = absl::Milliseconds(20),
                          .first_pause = absl::Milliseconds(1),
                          .longest_pause = absl::Milliseconds(4)},
                         link_, verifier_, WorldModel(), Clock::Real());
        const absl::Status status = loop.Run(stop);
        EXPECT_TRUE(status.ok() || absl::IsCancelled(status)) << status;
      });
    }
  }
  ~ThreadedRun() { desk_->Close(); }

  void TrainSteps(int64_t count) {
    for (int64_t k = 0; k < count; ++k) {
      const auto step = static_cast<int64_t>(log_.size());
      const absl::StatusOr<CollectedStep> collected = desk_->CollectStep(step, {});
      ASSERT_TRUE(collected.ok()) << collected.status();
      log_.push_back(Record(options_, step, log_.empty() ? 0 : log_.back().end, *collected));
      newest_ = Train(*newest_, log_.back());
      desk_->Publish(newest_);
    }
  }
  void End() {
    desk_->End();
    for (std::jthread& worker : workers_) worker.join();
    workers_.clear();
  }
  void StopWorkers() {
    for (std::jthread& worker : workers_) worker.request_stop();
    for (std::jthread& worker : workers_) worker.join();
    workers_.clear();
  }
  const std::vector<TrainedStep>& log() const { return log_; }
  FrontDeskStats stats() { return desk_->Stats(); }

 private:
  std::shared_ptr<FrontDesk> Desk(const WorldOptions& options) {
    FrontDeskOptions desk_options = DeskOptions(options);
    desk_options.join.incarnation = "threads";
    desk_options.lease_seconds = 0.3;  // lost leases come back soon, and the renewal threads have work
    std::shared_ptr<FrontDesk> desk = FrontDesk::Create(desk_options, WorldData(), nullptr, Clock::Real());
    desk->Publish(newest_);
    return desk;
  }

  const WorldOptions options_;
  std::shared_ptr<const WeightsSnapshot> newest_ = WeightsSnapshot::Make(0, {1, 2, 3, 4});
  std::vector<TrainedStep> log_;
  SimNetwork network_;
  const std::shared_ptr<FrontDesk> desk_;
  DeskLink desk_link_;
  SimLink link_;
  FakeVerifier healthy_;
  SimVerifier verifier_;
  std::jthread ticker_;  // the threads last: they use the others
  std::vector<std::jthread> workers_;
};

TEST(WholeLoopInThreadsTest, CollectsTheSameTokensAsOneThread) {
  const WorldOptions run{.max_staleness = 1, .dynamic_sampling = true};
  World calm(run);
  calm.Run();
  for (const int workers : {1, 4}) {
    WorldOptions options = run;
    options.workers = workers;
    options.fault_seed = static_cast<uint64_t>(workers);
    options.faults = {.drop_request = 0.02, .duplicate = 0.05, .late = 0.02};
    ThreadedRun threads(options);
    threads.TrainSteps(6);
    threads.End();
    EXPECT_EQ(threads.log(), calm.log());
    EXPECT_EQ(threads.stats().leases_active, 0);
  }
}

TEST(WholeLoopInThreadsTest, WorkersThatAreStoppedLeaveNoLeaseBehind) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    ThreadedRun threads({.workers = 4, .fault_seed = seed, .steps = 100});
    threads.TrainSteps(static_cast<int64_t>(seed % 3));
    threads.StopWorkers();
    EXPECT_EQ(threads.stats().leases_active, 0) << "seed " << seed;
  }
}

TEST(WholeLoopInThreadsTest, ADeskThatClosesWakesEveryWorker) {
  const WorldOptions options{.workers = 4, .steps = 100};
  ThreadedRun threads(options);
  threads.TrainSteps(1);
  // The destructor closes the desk and joins the workers, which were asked to stop: it returns.
}

}  // namespace
}  // namespace entrain
