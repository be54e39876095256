#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "absl/status/statusor.h"
#include "common/clock.h"
#include "common/mutex.h"
#include "controller/steering.h"
#include "learner/checkpoint.h"
#include "learner/front_desk.h"
#include "learner/learner_options.h"
#include "learner/metrics_writer.h"
#include "learner/optimizer.h"
#include "learner/recorded_step.h"
#include "learner/run_folder.h"
#include "learner/step_batch.h"
#include "learner/trends.h"
#include "policy/network.h"

namespace entrain {

// What the loop needs to know of its run.
struct TrainLoopOptions {
  LearnerOptions learner;
  RunFolder folder;
  std::string run_id;
  std::string name;
  std::string config_digest;
  Schedule schedule;  // of the run file
  bool apply_schedule = false;
  Network* reference = nullptr;  // the reference model of objective.kl, with its weights; outlives the loop
};

// For /metrics and for people.
struct LearnerStats {
  int64_t step = -1;  // last completed
  int64_t total_steps = 0;
  std::map<std::string, double> last;  // the newest record's numbers
  bool held = false;
  int64_t steps_held = 0;  // cumulative
  int64_t checkpoints = 0;
};

// The learner: collects a step, measures it, asks the controller, updates, records, publishes
// (docs/architecture.md 3, stops 6–12). One thread runs it; stats() is safe from any.
class TrainLoop {
 public:
  // `network` holds the weights to begin with; with a checkpoint they are replaced by its. Publishes the
  // versions that the first step needs and registers with the controller; while it is silent, waits for it.
  // FailedPrecondition when the objective has a KL term and there is no reference model of the same size.
  static absl::StatusOr<std::unique_ptr<TrainLoop>> Create(TrainLoopOptions options,
                                                           std::optional<Checkpoint> resume, Network& network,
                                                           FrontDesk& desk, Steering& steering, Clock& clock,
                                                           const std::stop_token& stop);

  // One step: all of it, or (an error, or Cancelled at a stop while it waits for somebody) nothing of it.
  absl::Status Step(std::stop_token stop);
  // To the end of the run, to a stop (Cancelled) or to an error. However it ends, a checkpoint of the last
  // whole step is written. An evaluation that a stop cut short is made first when the run goes on, and its
  // step's record is written again, whole.
  absl::Status Run(std::stop_token stop);
  bool finished() const { return step_ >= options_.learner.steps; }
  LearnerStats stats();

 private:
  TrainLoop(TrainLoopOptions options, Network& network, FrontDesk& desk, Steering& steering, Clock& clock);

  absl::Status Restore(Checkpoint checkpoint);
  absl::Status Register(const std::stop_token& stop);
  // A call that is asked again while the controller is silent and `again` says so.
  template <typename T>
  absl::StatusOr<T> UntilAnswered(const char* what, const std::function<absl::StatusOr<T>()>& call,
                                  const std::function<bool()>& again, const std::stop_token& stop);
  // Begin and end of the controller's silence, as events; `what` says what the learner does meanwhile.
  absl::Status Silent(const std::string& what, const absl::Status& why);
  absl::Status Answered();
  absl::StatusOr<Directive> Steer(const StepBatch& batch, double entropy, const std::stop_token& stop);
  absl::Status Evaluate(StepRecord& record, const std::stop_token& stop);
  absl::Status FinishEvaluation(const std::stop_token& stop);
  absl::Status Finish(const StepRecord& record, const std::optional<RecordedStep>& recorded);
  Checkpoint State();
  RecordedStep StartOfStep(const Directive& directive);
  absl::Status WriteBatch(const RecordedStep& recorded);
  absl::Status WriteCheckpointNow();
  void RecordDirective(const Directive& directive, StepRecord& record) const;
  void Remember(const StepRecord& record);
  absl::Status TellExclusions(const CollectedStep& collected);
  absl::Status Event(const std::string& event, const std::map<std::string, std::string>& texts,
                     const std::map<std::string, double>& numbers = {});

  const TrainLoopOptions options_;
  Network& network_;
  FrontDesk& desk_;
  Steering& steering_;
  Clock& clock_;
  Optimizer optimizer_;
  std::unique_ptr<LineWriter> metrics_, events_;
  int64_t step_ = 0;  // to be run next
  int64_t next_ordinal_ = 0;
  int64_t last_checkpoint_ = -1;
  bool updating_ = false;                   // the weights are between the versions of two steps
  bool evaluation_due_ = false;             // the last step's was cut short
  std::optional<Directive> directive_;      // newest used
  bool held_ = false;                       // it was not for this step
  bool silent_ = false;                     // the controller did not answer when it was asked last
  std::map<std::string, double> previous_;  // numbers of the step before, for the next observation
  Trends trends_;
  Mutex mutex_;
  LearnerStats stats_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace entrain
