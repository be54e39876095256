#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "learner/front_desk.h"
#include "rollout_worker/rollout_loop.h"
#include "tests/testing/desk_link.h"
#include "tests/testing/fake_verifier.h"
#include "tests/testing/manual_clock.h"
#include "tests/testing/sim_network.h"

namespace entrain {

// What a simulated run looks like, and what goes wrong in it.
struct WorldOptions {
  int workers = 1;
  uint64_t fault_seed = 0;
  SimFaults faults;
  double transient_verdicts =
      0;  // share of verdicts that are first our failure and come right when asked again
  int64_t learner_restarts = 0;
  // The run itself: equal values must give equal results, whatever is above.
  int64_t steps = 6;
  int64_t max_staleness = 0;
  bool exact_staleness = true;
  bool dynamic_sampling = false;
  uint64_t poisoned = 0;  // one in so many completions can never be judged; 0: none
};

struct TrainedGroup {
  int64_t ordinal = 0;
  PolicyVersion policy_version = 0;
  std::string digest;  // of tokens, log-probs and verdicts
  bool operator==(const TrainedGroup&) const = default;
};
struct TrainedStep {
  int64_t begin = 0, end = 0;  // of its prefix of the data order
  std::vector<TrainedGroup> groups;
  int64_t excluded = 0, filtered = 0;              // groups
  int64_t without_timeout = 0, without_error = 0;  // completions left out, by the verdict that they got
  // How often, and not how, a verdict failed is the run's own: the last try decides the kind.
  bool operator==(const TrainedStep& other) const {
    return begin == other.begin && end == other.end && groups == other.groups && excluded == other.excluded &&
           filtered == other.filtered &&
           without_timeout + without_error == other.without_timeout + other.without_error;
  }
};

// Settings of the run; the same in every world of these options.
FrontDeskOptions DeskOptions(const WorldOptions& options);
// What a healthy verifier says. Pure.
Verdict Judge(const VerifyItem& item, uint64_t poisoned);
std::shared_ptr<const DataOrder> WorldData();
WorkerModelFactory WorldModel();
// The next version: a function of the one before and of what was trained, so that one deviating token changes
// every later digest.
std::shared_ptr<const WeightsSnapshot> Train(const WeightsSnapshot& before, const TrainedStep& step);
// Checks what the desk hands out, and every reward against Judge; invariants 2 and 5.
TrainedStep Record(const WorldOptions& options, int64_t step, int64_t begin, const CollectedStep& collected);

// A whole run in one thread and in simulated time: a front desk, a train loop with checkpoints, rollout loops
// over a network with mishaps. While a message of one worker travels, other workers, the train loop and the
// clock go on.
class World {
 public:
  explicit World(const WorldOptions& options);

  // Until every worker has left. Fails the test instead of running for ever.
  void Run();

  const std::vector<TrainedStep>& log() const { return log_; }
  std::string final_digest() const { return newest_->digest; }
  int64_t workers_killed() const { return workers_killed_; }
  int64_t learner_restarts() const { return learner_restarts_; }
  FrontDeskStats stats() const { return desk_->Stats(); }
  int64_t verdicts_retried() const { return verdicts_retried_; }

 private:
  struct Worker {
    std::unique_ptr<RolloutLoop> loop;
    bool busy = false;  // inside a call
    bool left = false;  // was told that the run has ended
  };
  struct Checkpoint {
    int64_t step = 0, ordinal = 0;
    std::vector<std::shared_ptr<const WeightsSnapshot>> snapshots;
  };

  void StartWorker(size_t i);
  void StepWorker(size_t i);
  void LearnerTurn();
  void StartLearner();
  void KillLearner();
  void Meanwhile();
  absl::StatusOr<std::vector<Verdict>> Verify(std::span<const VerifyItem> items);

  const WorldOptions options_;
  ManualClock clock_;
  std::shared_ptr<FrontDesk> desk_;  // null while the learner is down
  SimNetwork network_;
  DeskLink desk_link_;
  SimLink link_;
  FakeVerifier healthy_;
  SimVerifier verifier_;
  std::vector<Worker> workers_;
  std::map<std::string, int> failed_verdicts_;  // by item
  // The train loop.
  int64_t next_step_ = 0, next_ordinal_ = 0, incarnation_ = 0;
  bool updating_ = false;  // collected, not yet published
  bool ended_ = false;
  int64_t down_turns_ = 0;
  std::shared_ptr<const WeightsSnapshot> newest_;
  Checkpoint checkpoint_;
  std::vector<TrainedStep> log_;
  int64_t workers_killed_ = 0, learner_restarts_ = 0, verdicts_retried_ = 0;
};

}  // namespace entrain
