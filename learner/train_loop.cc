#include "learner/train_loop.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/status_macros.h"
#include "learner/batch_metrics.h"
#include "learner/evaluation.h"
#include "learner/train_step.h"

namespace entrain {
namespace {

constexpr size_t kMaxDetailBytes = 500;  // of what a verifier said, in an event

constexpr absl::Duration kRegisterDeadline = absl::Seconds(5);
constexpr absl::Duration kPauseBetweenTries = absl::Milliseconds(100);

bool IsSilence(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) || absl::IsResourceExhausted(status);
}

}  // namespace

TrainLoop::TrainLoop(TrainLoopOptions options, Network& network, FrontDesk& desk, Steering& steering,
                     Clock& clock)
    : options_(std::move(options)),
      network_(network),
      desk_(desk),
      steering_(steering),
      clock_(clock),
      optimizer_(options_.learner.optimizer, TotalUpdates(options_.learner), network.parameters().size()) {
  MutexLock lock(mutex_);
  stats_.total_steps = options_.learner.steps;
}

absl::StatusOr<std::unique_ptr<TrainLoop>> TrainLoop::Create(TrainLoopOptions options,
                                                             std::optional<Checkpoint> resume,
                                                             Network& network, FrontDesk& desk,
                                                             Steering& steering, Clock& clock,
                                                             const std::stop_token& stop) {
  if (options.learner.objective.kl.has_value() &&
      (options.reference == nullptr || options.reference->parameters().size() != network.parameters().size()))
    return absl::FailedPreconditionError("objective.kl needs a reference model of the policy's shape");
  std::unique_ptr<TrainLoop> loop(new TrainLoop(std::move(options), network, desk, steering, clock));
  ENTRAIN_ASSIGN_OR_RETURN(loop->metrics_, LineWriter::Open(loop->options_.folder.MetricsFile()));
  ENTRAIN_ASSIGN_OR_RETURN(loop->events_, LineWriter::Open(loop->options_.folder.EventsFile()));
  if (resume.has_value()) ENTRAIN_RETURN_IF_ERROR(loop->Restore(*std::move(resume)));
  ENTRAIN_RETURN_IF_ERROR(loop->Register(stop));
  if (loop->step_ == 0)
    desk.Publish(WeightsSnapshot::Make(0, {network.parameters().begin(), network.parameters().end()}));
  return loop;
}

absl::Status TrainLoop::Restore(Checkpoint checkpoint) {
  if (checkpoint.run_id != options_.run_id) {
    return absl::FailedPreconditionError(
        absl::StrCat("the checkpoint is of run ", checkpoint.run_id, ", not of ", options_.run_id));
  }
  if (checkpoint.seed != options_.learner.seed) {
    return absl::FailedPreconditionError(
        absl::StrCat("the checkpoint was made with seed ", checkpoint.seed, ", not ", options_.learner.seed));
  }
  const std::vector<float>& weights = checkpoint.snapshots.back()->values;
  if (weights.size() != network_.parameters().size() || checkpoint.first_moment.size() != weights.size() ||
      checkpoint.second_moment.size() != weights.size()) {
    return absl::FailedPreconditionError(absl::StrCat("the checkpoint holds ", weights.size(),
                                                      " parameters, the model has ",
                                                      network_.parameters().size()));
  }
  std::ranges::copy(weights, network_.parameters().begin());
  optimizer_.Restore(checkpoint.updates, std::move(checkpoint.first_moment),
                     std::move(checkpoint.second_moment));
  step_ = checkpoint.next_step;
  next_ordinal_ = checkpoint.next_ordinal;
  last_checkpoint_ = step_;
  directive_ = checkpoint.last_directive;
  previous_ = std::move(checkpoint.last_numbers);
  evaluation_due_ = checkpoint.evaluation_due;
  trends_ = Trends(std::move(checkpoint.trends));
  if (checkpoint.config_digest != options_.config_digest) {
    LogWarning("config_differs",
               {{"checkpoint", checkpoint.config_digest}, {"run file", options_.config_digest}});
    ENTRAIN_RETURN_IF_ERROR(Event("config_differs", {{"checkpoint", checkpoint.config_digest}}));
  }
  for (const auto& snapshot : checkpoint.snapshots) desk_.Publish(snapshot);
  return Event("resumed", {}, {{"step", static_cast<double>(step_)}});
}

template <typename T>
absl::StatusOr<T> TrainLoop::UntilAnswered(const char* what, const std::function<absl::StatusOr<T>()>& call,
                                           const std::function<bool()>& again, const std::stop_token& stop) {
  while (true) {
    absl::StatusOr<T> answer = call();
    if (answer.ok()) ENTRAIN_RETURN_IF_ERROR(Answered());
    if (answer.ok() || !IsSilence(answer.status())) return answer;
    if (stop.stop_requested()) return absl::CancelledError("stopped while waiting for the controller");
    if (!again()) return answer;
    ENTRAIN_RETURN_IF_ERROR(Silent(what, answer.status()));
    clock_.Sleep(kPauseBetweenTries);
  }
}

absl::Status TrainLoop::Silent(const std::string& what, const absl::Status& why) {
  if (silent_) return absl::OkStatus();
  silent_ = true;
  LogWarning("controller_silent", {{"learner", what}, {"why", std::string(why.message())}});
  return Event("controller_silent", {{"learner", what}, {"why", std::string(why.message())}},
               {{"step", static_cast<double>(step_)}});
}

absl::Status TrainLoop::Answered() {
  if (!silent_) return absl::OkStatus();
  silent_ = false;
  return Event("controller_answered", {}, {{"step", static_cast<double>(step_)}});
}

absl::Status TrainLoop::Register(const std::stop_token& stop) {
  const ClipForm form = ClipFormOf(options_.learner.objective);
  const Registration registration{.run_id = options_.run_id,
                                  .name = options_.name,
                                  .config_digest = options_.config_digest,
                                  .total_steps = options_.learner.steps,
                                  .attempt = options_.folder.attempt,
                                  .schedule = options_.schedule,
                                  .apply_schedule = options_.apply_schedule,
                                  .capabilities = {.lines = form == ClipForm::kLines,
                                                   .plain_box = form != ClipForm::kNone,
                                                   .dials = DialsOf(options_.learner.objective),
                                                   .needed_dials = NeededDials(options_.learner.objective)},
                                  .resume_from = step_,
                                  .last_directive = directive_};
  ENTRAIN_ASSIGN_OR_RETURN(
      const RegistrationReply reply,
      UntilAnswered<RegistrationReply>(
          "waits to register its run", [&] { return steering_.Register(registration, kRegisterDeadline); },
          [this] { return options_.learner.on_silence != OnSilence::kStop; }, stop));
  if (!reply.schedule_differs) return absl::OkStatus();
  LogWarning("schedule_differs", {{"revision", reply.revision}, {"diff", reply.schedule_diff}});
  return Event("schedule_differs", {{"diff", reply.schedule_diff}},
               {{"revision", static_cast<double>(reply.revision)}});
}

// Silence never moves a threshold: the last directive is held, or the step waits, or the run stops, as the
// run file says. Without any directive yet there is nothing to hold, and the step waits.
absl::StatusOr<Directive> TrainLoop::Steer(const StepBatch& batch, double entropy,
                                           const std::stop_token& stop) {
  Observation observation{.run_id = options_.run_id,
                          .attempt = options_.folder.attempt,
                          .step = step_,
                          .for_step = step_,
                          .metrics = previous_};
  if (batch.tokens > 0) observation.entropy_nats = entropy;
  if (directive_.has_value()) {
    observation.applied_directive_id = directive_->id;
    observation.applied_bounds = directive_->bounds;
    observation.applied_dials = directive_->dials;
  }
  const absl::Duration wait = absl::Seconds(options_.learner.controller_wait_seconds);
  const auto again = [this] {
    return !directive_.has_value() || options_.learner.on_silence == OnSilence::kWait;
  };
  absl::StatusOr<Directive> answer = UntilAnswered<Directive>(
      "waits for the directive of its step", [&] { return steering_.Steer(observation, wait); }, again, stop);
  held_ = false;
  if (answer.ok()) {
    ENTRAIN_RETURN_IF_ERROR(ValidateBounds(answer->bounds));
    return answer;
  }
  if (!IsSilence(answer.status()) || options_.learner.on_silence == OnSilence::kStop) return answer.status();
  held_ = true;
  ENTRAIN_RETURN_IF_ERROR(Silent("holds the last directive", answer.status()));
  LogWarning(
      "directive_held",
      {{"step", step_}, {"directive", directive_->id}, {"why", std::string(answer.status().message())}});
  return *directive_;
}

void TrainLoop::RecordDirective(const Directive& directive, StepRecord& record) const {
  auto& out = record.numbers;
  out["directive/id"] = static_cast<double>(directive.id);
  out["directive/revision"] = static_cast<double>(directive.revision);
  out["directive/held"] = held_ ? 1 : 0;
  // A side that is off has no line: its numbers are left out.
  if (directive.bounds.upper.has_value()) {
    out["clip/upper_intercept"] = directive.bounds.upper->intercept;
    out["clip/upper_slope"] = directive.bounds.upper->slope;
  }
  if (directive.bounds.lower.has_value()) {
    out["clip/lower_intercept"] = directive.bounds.lower->intercept;
    out["clip/lower_slope"] = directive.bounds.lower->slope;
  }
  for (const auto& [dial, value] : directive.dials) out[absl::StrCat("dial/", dial)] = value;
  record.texts["directive/state"] = directive.state;
}

absl::Status TrainLoop::Step(std::stop_token stop) {
  const absl::Duration start = clock_.Monotonic();
  StepRecord record{.step = step_};
  auto lap = [&, last = start](const char* name) mutable {
    const absl::Duration now = clock_.Monotonic();
    record.numbers[name] = absl::ToDoubleSeconds(now - last);
    last = now;
  };
  ENTRAIN_ASSIGN_OR_RETURN(CollectedStep collected, desk_.CollectStep(step_, stop));
  ENTRAIN_RETURN_IF_ERROR(TellExclusions(collected));
  const int64_t next_ordinal = collected.next_ordinal;
  lap("time/collect_seconds");
  ENTRAIN_ASSIGN_OR_RETURN(StepBatch batch, MakeStepBatch(step_, std::move(collected), options_.learner));
  ENTRAIN_RETURN_IF_ERROR(ScoreOld(network_, options_.learner, batch));
  lap("time/old_logprobs_seconds");
  if (options_.learner.objective.kl.has_value()) {
    ENTRAIN_RETURN_IF_ERROR(ScoreReference(*options_.reference, options_.learner, batch));
    lap("time/reference_logprobs_seconds");
  }
  record.numbers.merge(BatchMetrics(batch));
  ENTRAIN_ASSIGN_OR_RETURN(const Directive directive, Steer(batch, record.numbers["entropy/mean"], stop));
  lap("time/steer_seconds");
  if (stop.stop_requested()) return absl::CancelledError("stopped before the update of the step");
  std::optional<RecordedStep> recorded;
  if (const int64_t every = options_.learner.record_batches_every_steps; every > 0 && step_ % every == 0)
    recorded = StartOfStep(directive);
  updating_ = true;
  auto updates = RunUpdates(network_, optimizer_, options_.learner, directive, step_, batch);
  if (absl::IsAborted(updates.status())) updating_ = false;  // every update was skipped
  ENTRAIN_RETURN_IF_ERROR(updates.status());
  lap("time/update_seconds");
  record.numbers.merge(*updates);
  if (batch.tokens > 0)
    record.numbers.merge(trends_.Add(record.numbers["entropy/mean"], record.numbers["reward/mean"]));
  directive_ = directive;
  next_ordinal_ = next_ordinal;
  record.numbers["policy_version"] = static_cast<double>(step_);
  RecordDirective(directive, record);
  auto snapshot =
      WeightsSnapshot::Make(step_ + 1, {network_.parameters().begin(), network_.parameters().end()});
  record.texts["digest/weights"] = snapshot->digest;
  if (recorded.has_value()) {
    recorded->collected = std::move(batch.collected);
    recorded->reference_logprobs = std::move(batch.reference_logp);
    recorded->digest_after = snapshot->digest;
  }
  ++step_;
  updating_ = false;
  desk_.Publish(std::move(snapshot));
  lap("time/publish_seconds");
  // The update has happened: its record is written even when the evaluation is cut short.
  const absl::Status evaluated = Evaluate(record, stop);
  evaluation_due_ = !evaluated.ok();
  record.numbers["time/step_seconds"] = absl::ToDoubleSeconds(clock_.Monotonic() - start);
  ENTRAIN_RETURN_IF_ERROR(Finish(record, recorded));
  return evaluated;
}

// The batch comes before the checkpoint: a step whose checkpoint is there is never run again.
absl::Status TrainLoop::Finish(const StepRecord& record, const std::optional<RecordedStep>& recorded) {
  ENTRAIN_RETURN_IF_ERROR(metrics_->Write(StepRecordJson(record)));
  Remember(record);
  if (recorded.has_value()) ENTRAIN_RETURN_IF_ERROR(WriteBatch(*recorded));
  if (options_.learner.checkpoint_every_steps > 0 && step_ % options_.learner.checkpoint_every_steps == 0)
    ENTRAIN_RETURN_IF_ERROR(WriteCheckpointNow());
  return absl::OkStatus();
}

absl::Status TrainLoop::Evaluate(StepRecord& record, const std::stop_token& stop) {
  const std::optional<EvalOptions>& eval = options_.learner.eval;
  if (!eval.has_value() || (step_ % eval->every_steps != 0 && !finished())) return absl::OkStatus();
  const absl::Duration start = clock_.Monotonic();
  ENTRAIN_ASSIGN_OR_RETURN(const auto groups,
                           desk_.CollectEval(step_, eval->prompts, eval->completions, stop));
  const EvaluationColumns columns = EvaluatePrompts(groups, eval->k);
  record.numbers.merge(EvaluationMetrics(columns));
  if (columns.prompts > 0) {
    ENTRAIN_ASSIGN_OR_RETURN(
        record.numbers["eval/branching_factor"],
        BranchingFactor(network_, groups, options_.learner.temperature, options_.learner.microbatch_tokens));
  }
  record.numbers["time/eval_seconds"] = absl::ToDoubleSeconds(clock_.Monotonic() - start);
  return absl::OkStatus();
}

// The record of the step is made of what a checkpoint keeps of it.
absl::Status TrainLoop::FinishEvaluation(const std::stop_token& stop) {
  StepRecord record{.step = step_ - 1, .numbers = previous_};
  record.texts["directive/state"] = directive_->state;
  record.texts["digest/weights"] = desk_.Snapshots().back()->digest;
  ENTRAIN_RETURN_IF_ERROR(Evaluate(record, stop));
  evaluation_due_ = false;
  last_checkpoint_ = -1;  // the one of this step says that it is due
  ENTRAIN_RETURN_IF_ERROR(metrics_->Write(StepRecordJson(record)));
  Remember(record);
  return absl::OkStatus();
}

void TrainLoop::Remember(const StepRecord& record) {
  previous_.clear();
  for (const auto& [name, value] : record.numbers) {
    // Times are not for decisions, and would make equal runs differ.
    if (std::isfinite(value) && name.rfind("time/", 0) != 0 && name.rfind("sys/", 0) != 0)
      previous_[name] = value;
  }
  MutexLock lock(mutex_);
  stats_.step = record.step;
  stats_.last = record.numbers;
  stats_.held = held_;
  stats_.steps_held += held_ ? 1 : 0;
}

// Everything of between two steps.
Checkpoint TrainLoop::State() {
  Checkpoint state{.run_id = options_.run_id,
                   .config_digest = options_.config_digest,
                   .seed = options_.learner.seed,
                   .next_step = step_,
                   .next_ordinal = next_ordinal_,
                   .updates = optimizer_.updates(),
                   .last_directive = directive_,
                   .last_numbers = previous_,
                   .evaluation_due = evaluation_due_,
                   .trends = trends_.state(),
                   .snapshots = desk_.Snapshots()};
  state.first_moment.assign(optimizer_.first_moment().begin(), optimizer_.first_moment().end());
  state.second_moment.assign(optimizer_.second_moment().begin(), optimizer_.second_moment().end());
  return state;
}

RecordedStep TrainLoop::StartOfStep(const Directive& directive) {
  RecordedStep out{.start = State(), .attempt = options_.folder.attempt, .directive = directive};
  out.start.snapshots.erase(out.start.snapshots.begin(), out.start.snapshots.end() - 1);
  return out;
}

absl::Status TrainLoop::WriteBatch(const RecordedStep& recorded) {
  const absl::Duration start = clock_.Monotonic();
  ENTRAIN_RETURN_IF_ERROR(WriteRecordedStep(options_.folder.BatchesFolder(), recorded));
  return Event("batch_recorded", {},
               {{"step", static_cast<double>(recorded.start.next_step)},
                {"seconds", absl::ToDoubleSeconds(clock_.Monotonic() - start)}});
}

absl::Status TrainLoop::WriteCheckpointNow() {
  const absl::Duration start = clock_.Monotonic();
  const Checkpoint checkpoint = State();
  ENTRAIN_RETURN_IF_ERROR(
      WriteCheckpoint(options_.folder.CheckpointsFolder(), checkpoint, options_.learner.checkpoint_keep));
  last_checkpoint_ = step_;
  {
    MutexLock lock(mutex_);
    ++stats_.checkpoints;
  }
  return Event(
      "checkpoint", {},
      {{"step", static_cast<double>(step_)}, {"seconds", absl::ToDoubleSeconds(clock_.Monotonic() - start)}});
}

absl::Status TrainLoop::Run(std::stop_token stop) {
  absl::Status status = evaluation_due_ ? FinishEvaluation(stop) : absl::OkStatus();
  while (status.ok() && !finished())
    status = stop.stop_requested() ? absl::CancelledError("stopped between two steps") : Step(stop);
  // A step that failed in the middle of its updates has moved the weights: they are not kept.
  if (last_checkpoint_ != step_ && step_ > 0 && !updating_) {
    const absl::Status written = WriteCheckpointNow();
    if (status.ok()) status = written;
  }
  if (status.ok()) desk_.End();
  return status;
}

absl::Status TrainLoop::TellExclusions(const CollectedStep& collected) {
  const int64_t timeout = collected.completions_excluded_timeout,
                error = collected.completions_excluded_error;
  if (timeout + error == 0) return absl::OkStatus();
  const std::string detail = collected.excluded_detail.substr(0, kMaxDetailBytes);
  LogWarning("completions_excluded", {{"step", step_},
                                      {"verifier", collected.excluded_verifier},
                                      {"timeout", timeout},
                                      {"error", error},
                                      {"detail", detail}});
  return Event("completions_excluded", {{"verifier", collected.excluded_verifier}, {"detail", detail}},
               {{"step", static_cast<double>(step_)},
                {"timeout", static_cast<double>(timeout)},
                {"error", static_cast<double>(error)},
                {"groups", static_cast<double>(collected.groups_excluded)}});
}

absl::Status TrainLoop::Event(const std::string& event, const std::map<std::string, std::string>& texts,
                              const std::map<std::string, double>& numbers) {
  return events_->Write(EventJson(event, texts, numbers));
}

LearnerStats TrainLoop::stats() {
  MutexLock lock(mutex_);
  return stats_;
}

}  // namespace entrain
