#include "controller/controller.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/digest.h"
#include "common/status_macros.h"
#include "controller/decision.h"
#include "controller/dials.h"
#include "controller/preview.h"
#include "controller/schedule_json.h"

namespace entrain {
namespace {

// Of a revision: changes with everything that an editor may have looked at.
std::string EtagOf(const ControllerPort::Revision& revision) {
  return DigestOf(absl::StrCat(revision.run_id, "\n", revision.revision, "\n",
                               WriteScheduleJson(revision.schedule)))
      .substr(0, 16);
}

// Numbers of steps, directives and revisions: exact in JSON and in doubles, and with room to count on.
constexpr int64_t kMaxNumber = int64_t{1} << 53;

// More would take a controller's memory and time.
constexpr int64_t kMaxReplaySteps = 1'000'000;

absl::Status CheckNumber(const char* field, int64_t number) {
  if (number >= 0 && number <= kMaxNumber) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(field, ": expected 0 to 2^53, found ", number));
}

absl::Status CheckFinite(const char* field, const std::map<std::string, double>& numbers) {
  for (const auto& [name, value] : numbers) {
    if (!std::isfinite(value)) {
      return absl::InvalidArgumentError(
          absl::StrCat(field, "[\"", name, "\"]: expected a finite number, found ", value));
    }
  }
  return absl::OkStatus();
}

// What the trainer brings from its checkpoint, as far as this controller goes on from it.
absl::Status CheckLastDirective(const Directive& directive) {
  ENTRAIN_RETURN_IF_ERROR(CheckNumber("last_directive.directive_id", directive.id));
  ENTRAIN_RETURN_IF_ERROR(CheckNumber("last_directive.step", directive.step));
  ENTRAIN_RETURN_IF_ERROR(CheckNumber("last_directive.revision", directive.revision));
  ENTRAIN_RETURN_IF_ERROR(CheckFinite("last_directive.dials", directive.dials));
  for (const auto& [name, value] : directive.dials) {
    const DialInfo* const dial = FindDial(name);
    if (dial == nullptr || dial->Legal(value)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("last_directive.dials[\"", name, "\"]: expected ", dial->Range(), ", found ", value));
  }
  ENTRAIN_RETURN_IF_ERROR(ReadLawState(directive.law_state).status());
  return ValidateBounds(directive.bounds);
}

absl::Status CheckObservation(const Observation& observation) {
  ENTRAIN_RETURN_IF_ERROR(CheckNumber("step", observation.step));
  if (observation.for_step < observation.step || observation.for_step > observation.step + 1) {
    return absl::InvalidArgumentError(absl::StrCat("for_step: expected ", observation.step, " or ",
                                                   observation.step + 1, ", found ", observation.for_step));
  }
  ENTRAIN_RETURN_IF_ERROR(CheckFinite("metrics", observation.metrics));
  ENTRAIN_RETURN_IF_ERROR(CheckFinite("applied_dials", observation.applied_dials));
  if (!observation.applied_bounds.has_value()) return absl::OkStatus();
  for (const auto& line : {observation.applied_bounds->upper, observation.applied_bounds->lower}) {
    if (line.has_value() && !(std::isfinite(line->intercept) && std::isfinite(line->slope))) {
      return absl::InvalidArgumentError(absl::StrCat("applied_bounds: expected finite lines, found ",
                                                     line->intercept, " and ", line->slope));
    }
  }
  return absl::OkStatus();
}

// A trainer with neither capability ignores thresholds: it takes whatever comes.
bool TakesLines(const TrainerCapabilities& trainer) { return trainer.lines || !trainer.plain_box; }

bool TakesDial(const TrainerCapabilities& trainer, const std::string& dial) {
  return std::ranges::find(trainer.dials, dial) != trainer.dials.end();
}

bool Sloped(const ClipBounds& bounds) {
  return (bounds.upper.has_value() && bounds.upper->slope != 0) ||
         (bounds.lower.has_value() && bounds.lower->slope != 0);
}

absl::Status CheckCapabilities(const TrainerCapabilities& trainer, const ControllerPort::Revision& revision) {
  const std::string which =
      absl::StrCat("revision ", revision.revision, ", in force from step ", revision.effective_step, ", ");
  std::vector<std::string> problems;
  if (!TakesLines(trainer) && revision.schedule.NeedsLines())
    problems.push_back(
        absl::StrCat("this trainer's objective takes a plain box: ", which, "has sloped lines"));
  for (const auto& [dial, law] : revision.schedule.dials) {
    if (TakesDial(trainer, dial)) continue;
    problems.push_back(absl::StrCat(
        "this trainer's objective takes ",
        trainer.dials.empty() ? "no dial" : absl::StrCat("the dials ", absl::StrJoin(trainer.dials, ", ")),
        ": ", which, "has the dial ", dial));
  }
  for (const std::string& dial : trainer.needed_dials) {
    if (revision.schedule.dials.contains(dial)) continue;
    problems.push_back(
        absl::StrCat("this trainer's objective needs the dial ", dial, ": ", which, "does not have it"));
  }
  if (problems.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrJoin(problems, "\n"));
}

// Of every revision that is in force at `step` or can come into force later: a newer one hides the older ones
// from its own step on.
absl::Status CheckCapabilities(const TrainerCapabilities& trainer,
                               const std::vector<ControllerPort::Revision>& revisions, int64_t step) {
  int64_t hidden_from = INT64_MAX;
  for (auto revision = revisions.rbegin(); revision != revisions.rend() && hidden_from > step; ++revision) {
    if (revision->effective_step >= hidden_from) continue;
    ENTRAIN_RETURN_IF_ERROR(CheckCapabilities(trainer, *revision));
    hidden_from = revision->effective_step;
  }
  return absl::OkStatus();
}

// What a trainer uses, for people.
std::string NumbersText(const std::optional<ClipBounds>& bounds, const std::map<std::string, double>& dials) {
  std::vector<std::string> parts;
  if (bounds.has_value()) parts.push_back(WriteBoundsJson(*bounds));
  for (const auto& [dial, value] : dials) parts.push_back(absl::StrCat(dial, " ", value));
  return absl::StrJoin(parts, ", ");
}

// Why an edit was refused, as a label of /metrics.
const char* RefusalOf(const absl::Status& status) {
  if (absl::IsAborted(status)) return "conflict";
  if (absl::IsNotFound(status)) return "not_found";
  return absl::IsFailedPrecondition(status) ? "not_applicable" : "illegal";
}

const ControllerPort::Revision& InForce(const std::vector<ControllerPort::Revision>& revisions,
                                        int64_t step) {
  for (auto revision = revisions.rbegin(); revision != revisions.rend(); ++revision) {
    if (revision->effective_step <= step) return *revision;
  }
  return revisions.front();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Controller>> Controller::Create(const std::string& path, Clock& clock) {
  ENTRAIN_ASSIGN_OR_RETURN(std::unique_ptr<EventLog> log, EventLog::Open(path));
  std::unique_ptr<Controller> controller(new Controller(std::move(log), clock));
  MutexLock lock(controller->mutex_);
  ENTRAIN_RETURN_IF_ERROR(WithWayOut(path, controller->Load()));
  return controller;
}

absl::Status Controller::Load() {
  ENTRAIN_ASSIGN_OR_RETURN(const std::vector<RunRecord> records, log_->Runs());
  for (const RunRecord& record : records) {
    RunState run{.record = record};
    if (const absl::Status loaded = LoadRun(run); !loaded.ok())
      return absl::Status(loaded.code(), absl::StrCat("run ", record.run_id, ": ", loaded.message()));
    runs_.emplace(record.run_id, std::move(run));
  }
  return absl::OkStatus();
}

absl::Status Controller::LoadRun(RunState& run) {
  ENTRAIN_ASSIGN_OR_RETURN(run.revisions, log_->Revisions(run.record.run_id));
  if (run.revisions.empty()) return absl::DataLossError("no revision");
  ENTRAIN_ASSIGN_OR_RETURN(run.highest_id, log_->HighestDirectiveId(run.record.run_id));
  return LoadNewest(run);
}

absl::Status Controller::LoadNewest(RunState& run) {
  ENTRAIN_ASSIGN_OR_RETURN(run.last, log_->LastDirective(run.record.run_id, std::nullopt));
  ENTRAIN_ASSIGN_OR_RETURN(run.last_entropy_nats, log_->LastEntropy(run.record.run_id));
  return absl::OkStatus();
}

absl::Status Controller::Commit(bool durable, const std::function<absl::Status()>& body) {
  const auto untold = static_cast<std::ptrdiff_t>(untold_.size());
  const absl::Status status = log_->Commit(durable, body);
  if (!status.ok()) untold_.erase(untold_.begin() + untold, untold_.end());  // it did not happen
  return status;
}

absl::StatusOr<Controller::RunState*> Controller::Find(const std::string& run_id) {
  const auto run = runs_.find(run_id);
  if (run == runs_.end())
    return absl::NotFoundError(absl::StrCat("run \"", run_id.substr(0, 80), "\" is not registered here"));
  return &run->second;
}

void Controller::Tell(const std::string& run_id, const Event& event) {
  for (const auto& [id, watcher] : watchers_) {
    if (watcher.run_id == run_id) untold_.emplace_back(id, event);
  }
}

void Controller::TellWatchers() {
  mutex_.Lock();
  // One thread at a time, so that they hear things in order; it tells what others leave here meanwhile, too.
  while (telling_ == 0 && !untold_.empty()) {
    const auto [watch, event] = std::move(untold_.front());
    untold_.pop_front();
    const auto watcher = watchers_.find(watch);
    if (watcher == watchers_.end()) continue;
    const std::function<void(const Event&)> tell = watcher->second.event;
    telling_ = watch;
    mutex_.Unlock();
    tell(event);
    mutex_.Lock();
    telling_ = 0;
    told_.NotifyAll();
  }
  mutex_.Unlock();
}

absl::Status Controller::Note(const std::string& run_id, const std::string& author, const std::string& action,
                              const std::string& reason, const std::string& detail) {
  AuditEntry entry{.run_id = run_id,
                   .time = clock_.Now(),
                   .author = author,
                   .action = action,
                   .reason = reason,
                   .detail = detail};
  ENTRAIN_ASSIGN_OR_RETURN(entry.id, log_->AddAudit(entry));
  Tell(run_id, entry);
  return absl::OkStatus();
}

absl::Status Controller::AddRevision(RunState& run, Revision revision) {
  ENTRAIN_RETURN_IF_ERROR(log_->AddRevision(revision));
  Tell(run.record.run_id, revision);
  run.revisions.push_back(std::move(revision));
  return absl::OkStatus();
}

absl::StatusOr<Controller::RunState> Controller::NewRun(const Registration& registration) {
  RunState run;
  run.record = {.run_id = registration.run_id, .create_time = clock_.Now()};
  Revision first{.run_id = registration.run_id,
                 .revision = 1,
                 .schedule = registration.schedule,
                 .author = "trainer",
                 .reason = "the run file",
                 .create_time = clock_.Now()};
  first.etag = EtagOf(first);
  ENTRAIN_RETURN_IF_ERROR(AddRevision(run, std::move(first)));
  return run;
}

// A new launch decides the steps from `resume_from` on again.
absl::Status Controller::Rewind(RunState& run, const Registration& registration) {
  if (!run.last.has_value() || run.last->step < registration.resume_from) return absl::OkStatus();
  ENTRAIN_RETURN_IF_ERROR(log_->Supersede(registration.run_id, registration.resume_from));
  ENTRAIN_RETURN_IF_ERROR(Note(registration.run_id, "trainer", "resume",
                               absl::StrCat("attempt ", registration.attempt),
                               absl::StrCat("decisions of steps ", registration.resume_from, " to ",
                                            run.last->step, " are superseded")));
  return LoadNewest(run);
}

// A controller that is behind its trainer (a restored backup, a lost file) goes on from what the trainer
// really used, and gives no number again that the trainer has seen.
absl::Status Controller::Adopt(RunState& run, const Directive& last) {
  if (last.id <= run.highest_id) return absl::OkStatus();
  ENTRAIN_RETURN_IF_ERROR(CheckLastDirective(last));
  const std::string& run_id = run.record.run_id;
  Directive adopted = last;
  adopted.run_id = run_id;
  // What this history says of later steps was rewound where the trainer came from.
  ENTRAIN_RETURN_IF_ERROR(log_->Supersede(run_id, adopted.step));
  ENTRAIN_RETURN_IF_ERROR(log_->AddDirective(adopted, clock_.Now()));
  std::string unknown = absl::StrCat("directives ", run.highest_id + 1, " to ", adopted.id);
  const Revision& newest = run.revisions.back();
  if (adopted.revision > newest.revision) {
    absl::StrAppend(&unknown, " and revisions ", newest.revision + 1, " to ", adopted.revision);
    Revision again = newest;
    again.revision = adopted.revision + 1;
    again.author = "controller";
    again.reason = absl::StrCat("the trainer knows revision ", adopted.revision, "; this is revision ",
                                newest.revision, ", the newest in this controller's history");
    again.effective_step = std::max(newest.effective_step, adopted.step + 1);
    again.create_time = clock_.Now();
    again.etag = EtagOf(again);
    ENTRAIN_RETURN_IF_ERROR(AddRevision(run, std::move(again)));
  }
  ENTRAIN_RETURN_IF_ERROR(Note(run_id, "controller", "adopt",
                               "the trainer is ahead of this controller's history",
                               absl::StrCat(unknown, " are not known here")));
  run.highest_id = adopted.id;
  return LoadNewest(run);
}

// The run file's schedule as a new revision, when the trainer asks for that.
absl::Status Controller::ApplyRunFile(RunState& run, const Registration& registration) {
  ENTRAIN_ASSIGN_OR_RETURN(Revision revision,
                           BuildRevision(run, {.run_id = registration.run_id,
                                               .schedule = registration.schedule,
                                               .etag = run.revisions.back().etag,
                                               .author = "trainer",
                                               .reason = "the run file, applied at a restart"}));
  return AddRevision(run, std::move(revision));
}

absl::StatusOr<RegistrationReply> Controller::Register(const Registration& registration) {
  if (registration.run_id.empty()) return absl::InvalidArgumentError("run_id: expected an id, found nothing");
  if (registration.total_steps < 1)
    return absl::InvalidArgumentError(
        absl::StrCat("total_steps: expected at least 1, found ", registration.total_steps));
  ENTRAIN_RETURN_IF_ERROR(registration.schedule.Validate());
  const absl::Cleanup tell = [this] { TellWatchers(); };
  MutexLock lock(mutex_);
  const auto known = runs_.find(registration.run_id);
  if (known != runs_.end() && registration.attempt < known->second.record.attempt) {
    return absl::FailedPreconditionError(absl::StrCat("attempt ", known->second.record.attempt,
                                                      " of this run is registered; attempt ",
                                                      registration.attempt, " is over"));
  }
  RegistrationReply reply;
  RunState run;
  ENTRAIN_RETURN_IF_ERROR(
      Commit(/*durable=*/true, [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) -> absl::Status {
        if (known == runs_.end()) {
          ENTRAIN_ASSIGN_OR_RETURN(run, NewRun(registration));
        } else {
          run = known->second;
        }
        const bool launched = registration.attempt > run.record.attempt;
        run.record.name = registration.name;
        run.record.config_digest = registration.config_digest;
        run.record.total_steps = registration.total_steps;
        run.record.attempt = registration.attempt;
        run.record.trainer = registration.capabilities;
        run.record.update_time = clock_.Now();
        if (launched) ENTRAIN_RETURN_IF_ERROR(Rewind(run, registration));
        if (registration.last_directive.has_value())
          ENTRAIN_RETURN_IF_ERROR(Adopt(run, *registration.last_directive));
        reply.schedule_diff = DiffSchedules(run.revisions.back().schedule, registration.schedule);
        reply.schedule_differs = !reply.schedule_diff.empty();
        if (reply.schedule_differs && registration.apply_schedule)
          ENTRAIN_RETURN_IF_ERROR(ApplyRunFile(run, registration));
        ENTRAIN_RETURN_IF_ERROR(CheckCapabilities(run.record.trainer, run.revisions, NextStep(run)));
        return log_->PutRun(run.record);
      }));
  reply.revision = run.revisions.back().revision;
  runs_.insert_or_assign(registration.run_id, std::move(run));
  return reply;
}

absl::Status Controller::CheckDrift(const RunState& run, const Observation& observation) {
  // A trainer may say nothing of what it used, or, without thresholds, name its dials alone.
  const bool told = observation.applied_bounds.has_value() || !observation.applied_dials.empty();
  if (observation.applied_directive_id == 0 || !told) return absl::OkStatus();
  ENTRAIN_ASSIGN_OR_RETURN(const std::optional<Directive> acknowledged,
                           log_->DirectiveById(run.record.run_id, observation.applied_directive_id));
  if (!acknowledged.has_value() ||
      (observation.applied_bounds.value_or(acknowledged->bounds) == acknowledged->bounds &&
       acknowledged->dials == observation.applied_dials)) {
    return absl::OkStatus();
  }
  ++stats_.drifts;
  return Note(
      run.record.run_id, "trainer", "drift",
      absl::StrCat("step ", observation.step, " reports other numbers than directive ", acknowledged->id),
      absl::StrCat("directive: ", NumbersText(acknowledged->bounds, acknowledged->dials),
                   "; used: ", NumbersText(observation.applied_bounds, observation.applied_dials)));
}

absl::StatusOr<Directive> Controller::Decide(const RunState& run, const Observation& observation) {
  const int64_t step = observation.for_step;
  const Revision& revision = InForce(run.revisions, step);
  Directive directive{.id = run.highest_id + 1,
                      .run_id = run.record.run_id,
                      .attempt = observation.attempt,
                      .step = step,
                      .revision = revision.revision};
  if (run.record.held && run.last.has_value()) {
    if (Sloped(run.last->bounds) && !TakesLines(run.record.trainer)) {
      return absl::FailedPreconditionError(
          "the run is held at sloped lines, and this trainer's objective takes a plain box: release it");
    }
    for (const auto& [dial, value] : run.last->dials) {
      if (!TakesDial(run.record.trainer, dial)) {
        return absl::FailedPreconditionError(
            absl::StrCat("the run is held with the dial ", dial,
                         ", which this trainer's objective does not take: release it"));
      }
    }
    for (const std::string& dial : run.record.trainer.needed_dials) {
      if (!run.last->dials.contains(dial)) {
        return absl::FailedPreconditionError(absl::StrCat(
            "the run is held without the dial ", dial, ", which this trainer's objective needs: release it"));
      }
    }
    directive.bounds = run.last->bounds;
    directive.dials = run.last->dials;
    directive.state = run.last->state;
    directive.law_state = run.last->law_state;
    directive.reason = "held by a person";
    return directive;
  }
  ENTRAIN_ASSIGN_OR_RETURN(LawState before, ReadLawState(run.last.has_value() ? run.last->law_state : ""));
  // The guards cannot start from what this trainer cannot apply.
  if (before.bounds.has_value() && Sloped(*before.bounds) && !TakesLines(run.record.trainer))
    before.bounds.reset();
  const LawInput input{.step = step,
                       .total_steps = revision.schedule.clip.total_steps.value_or(run.record.total_steps),
                       .entropy_nats = observation.entropy_nats};
  LawOutput output = DecideStep(revision.schedule, before, input, revision.revision);
  directive.bounds = output.bounds;
  directive.dials = std::move(output.dials);
  directive.state = std::move(output.state);
  directive.reason = std::move(output.reason);
  directive.law_state = WriteLawState(output.next);
  return directive;
}

absl::StatusOr<Directive> Controller::ReportStep(const Observation& given) {
  ENTRAIN_RETURN_IF_ERROR(CheckObservation(given));
  Observation observation = given;
  observation.entropy_nats = MeasuredEntropy(given.entropy_nats);
  const absl::Cleanup tell = [this] { TellWatchers(); };
  MutexLock lock(mutex_);
  ENTRAIN_ASSIGN_OR_RETURN(RunState* const run, Find(observation.run_id));
  if (observation.attempt < run->record.attempt) {
    return absl::FailedPreconditionError(absl::StrCat(
        "attempt ", run->record.attempt, " of this run is registered, not ", observation.attempt));
  }
  // A trainer that is ahead of this history (a restored backup) answers NotFound by registering with its
  // newest directive, and Adopt goes on from there.
  if (observation.attempt > run->record.attempt) {
    return absl::NotFoundError(
        absl::StrCat("attempt ", observation.attempt, " of this run is not registered here: register it"));
  }
  if (observation.applied_directive_id > run->highest_id) {
    return absl::NotFoundError(absl::StrCat("applied_directive_id: directive ",
                                            observation.applied_directive_id, " is not known here, where ",
                                            run->highest_id, " is the newest: register again with it"));
  }
  ENTRAIN_ASSIGN_OR_RETURN(const std::optional<Directive> decided,
                           log_->DirectiveOfStep(observation.run_id, observation.for_step));
  if (decided.has_value()) {
    ++stats_.duplicates;
    return *decided;
  }
  if (run->last.has_value() && observation.for_step <= run->last->step) {
    return absl::FailedPreconditionError(absl::StrCat("step ", observation.for_step, " is behind step ",
                                                      run->last->step, ", which is decided"));
  }
  ENTRAIN_ASSIGN_OR_RETURN(const Directive directive, Decide(*run, observation));
  RunRecord record = run->record;
  record.update_time = clock_.Now();
  ENTRAIN_RETURN_IF_ERROR(
      Commit(/*durable=*/false, [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) -> absl::Status {
        ENTRAIN_RETURN_IF_ERROR(CheckDrift(*run, observation));
        ENTRAIN_RETURN_IF_ERROR(log_->AddObservation(observation, record.update_time));
        ENTRAIN_RETURN_IF_ERROR(log_->AddDirective(directive, record.update_time));
        return log_->PutRun(record);
      }));
  run->record = record;
  run->last = directive;
  run->highest_id = directive.id;
  if (observation.entropy_nats.has_value()) run->last_entropy_nats = observation.entropy_nats;
  ++stats_.observations;
  ++stats_.directives;
  Tell(observation.run_id, observation);
  Tell(observation.run_id, directive);
  return directive;
}

absl::StatusOr<ControllerPort::Revision> Controller::GetSchedule(const std::string& run_id,
                                                                 std::optional<int64_t> revision) {
  MutexLock lock(mutex_);
  ENTRAIN_ASSIGN_OR_RETURN(const RunState* const run, Find(run_id));
  if (!revision.has_value()) return run->revisions.back();
  const auto found = std::ranges::find(run->revisions, *revision, &Revision::revision);
  if (found == run->revisions.end())
    return absl::NotFoundError(absl::StrCat("run ", run_id, " has no revision ", *revision));
  return *found;
}

// The revision that an edit would make; Aborted when its etag is not the newest.
absl::StatusOr<ControllerPort::Revision> Controller::BuildRevision(const RunState& run, const Edit& edit) {
  const Revision& current = run.revisions.back();
  if (edit.etag != current.etag) {
    return absl::AbortedError(absl::StrCat("somebody else was faster: the current revision is ",
                                           current.revision, " (etag ", current.etag, ", by ", current.author,
                                           ": ", current.reason, ")"));
  }
  if (edit.reason.empty()) return absl::InvalidArgumentError("reason: expected why, found nothing");
  Revision revision{.run_id = run.record.run_id.empty() ? edit.run_id : run.record.run_id,
                    .revision = current.revision + 1,
                    .author = edit.author,
                    .reason = edit.reason,
                    .create_time = clock_.Now()};
  if (edit.to_revision.has_value() && edit.schedule.has_value()) {
    return absl::InvalidArgumentError(
        "edit: expected either a schedule or a revision to go back to, found both");
  }
  if (edit.to_revision.has_value()) {
    const auto source = std::ranges::find(run.revisions, *edit.to_revision, &Revision::revision);
    if (source == run.revisions.end())
      return absl::NotFoundError(absl::StrCat("to_revision: there is no revision ", *edit.to_revision));
    revision.schedule = source->schedule;
  } else if (edit.schedule.has_value()) {
    revision.schedule = *edit.schedule;
  } else {
    return absl::InvalidArgumentError("schedule: expected a schedule, found none");
  }
  ENTRAIN_RETURN_IF_ERROR(revision.schedule.Validate());
  const int64_t next_step = NextStep(run);
  revision.effective_step = edit.effective_step.value_or(next_step);
  ENTRAIN_RETURN_IF_ERROR(CheckCapabilities(run.record.trainer, revision));
  if (revision.effective_step < next_step) {
    return absl::InvalidArgumentError(absl::StrCat("effective_step: expected ", next_step,
                                                   " or later, since step ", next_step - 1,
                                                   " is decided; found ", revision.effective_step));
  }
  revision.etag = EtagOf(revision);
  return revision;
}

absl::StatusOr<ControllerPort::EditResult> Controller::EditSchedule(const Edit& edit) {
  const absl::Cleanup tell = [this] { TellWatchers(); };
  MutexLock lock(mutex_);
  const absl::StatusOr<RunState*> found = Find(edit.run_id);
  const absl::StatusOr<Revision> revision = found.ok() ? BuildRevision(**found, edit) : found.status();
  if (!revision.ok()) {
    ++stats_.edits_refused[RefusalOf(revision.status())];
    return revision.status();
  }
  RunState* const run = *found;
  EditResult result{.revision = *revision,
                    .diff = DiffSchedules(run->revisions.back().schedule, revision->schedule)};
  if (edit.validate_only) return result;
  RunState changed = *run;
  ENTRAIN_RETURN_IF_ERROR(
      Commit(/*durable=*/true, [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) -> absl::Status {
        ENTRAIN_RETURN_IF_ERROR(Note(edit.run_id, edit.author,
                                     edit.to_revision.has_value() ? "rollback" : "edit", edit.reason,
                                     result.diff));
        return AddRevision(changed, *revision);
      }));
  *run = std::move(changed);
  ++stats_.edits;
  return result;
}

absl::StatusOr<std::vector<ControllerPort::Revision>> Controller::ListRevisions(const std::string& run_id,
                                                                                int32_t max) {
  MutexLock lock(mutex_);
  ENTRAIN_ASSIGN_OR_RETURN(const RunState* const run, Find(run_id));
  std::vector<Revision> revisions(run->revisions.rbegin(), run->revisions.rend());
  if (max > 0 && revisions.size() > static_cast<size_t>(max)) revisions.resize(static_cast<size_t>(max));
  return revisions;
}

absl::StatusOr<std::string> Controller::Diff(const std::string& run_id, int64_t from, int64_t to) {
  ENTRAIN_ASSIGN_OR_RETURN(const Revision a, GetSchedule(run_id, from));
  ENTRAIN_ASSIGN_OR_RETURN(const Revision b, GetSchedule(run_id, to));
  return DiffSchedules(a.schedule, b.schedule);
}

absl::StatusOr<std::vector<ControllerPort::Point>> Controller::Preview(
    const Schedule& schedule, int64_t steps, int64_t total_steps,
    const std::map<int64_t, double>& entropy_nats) {
  return PreviewSchedule(schedule, steps, total_steps, entropy_nats);
}

absl::StatusOr<std::vector<ControllerPort::ReplayedPoint>> Controller::Replay(const std::string& run_id,
                                                                              const Schedule& schedule) {
  std::vector<Observation> observations;
  std::vector<Directive> directives;
  int64_t total_steps = 0;
  {
    MutexLock lock(mutex_);
    ENTRAIN_ASSIGN_OR_RETURN(const RunState* const run, Find(run_id));
    total_steps = run->record.total_steps;
    ENTRAIN_ASSIGN_OR_RETURN(observations, log_->Observations(run_id, 0, 0));
    ENTRAIN_ASSIGN_OR_RETURN(directives, log_->Directives(run_id, 0, 0));
  }
  std::map<int64_t, double> entropy;
  for (const Observation& observation : observations) {
    if (observation.entropy_nats.has_value()) entropy[observation.for_step] = *observation.entropy_nats;
  }
  const int64_t steps = directives.empty() ? 0 : directives.back().step + 1;
  if (steps > kMaxReplaySteps) {
    return absl::FailedPreconditionError(absl::StrCat(
        "a replay decides every step from 0 on: expected at most ", kMaxReplaySteps, ", found ", steps));
  }
  ENTRAIN_ASSIGN_OR_RETURN(const std::vector<Point> points,
                           PreviewSchedule(schedule, steps, total_steps, entropy));
  std::map<int64_t, const Directive*> recorded;
  for (const Directive& directive : directives) recorded[directive.step] = &directive;
  std::vector<ReplayedPoint> out;
  for (const Point& point : points) {
    ReplayedPoint& added = out.emplace_back(ReplayedPoint{.replayed = point});
    if (const auto found = recorded.find(point.step); found != recorded.end()) {
      added.recorded = found->second->bounds;
      added.recorded_dials = found->second->dials;
    }
  }
  return out;
}

absl::Status Controller::SetHeld(const std::string& run_id, bool held, const std::string& author,
                                 const std::string& reason) {
  const absl::Cleanup tell = [this] { TellWatchers(); };
  MutexLock lock(mutex_);
  ENTRAIN_ASSIGN_OR_RETURN(RunState* const run, Find(run_id));
  RunRecord record = run->record;
  record.held = held;
  ENTRAIN_RETURN_IF_ERROR(
      Commit(/*durable=*/true, [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) -> absl::Status {
        ENTRAIN_RETURN_IF_ERROR(log_->PutRun(record));
        return Note(run_id, author, held ? "hold" : "release", reason, "");
      }));
  run->record = record;
  return absl::OkStatus();
}

absl::Status Controller::Hold(const std::string& run_id, const std::string& author,
                              const std::string& reason) {
  return SetHeld(run_id, true, author, reason);
}

absl::Status Controller::Release(const std::string& run_id, const std::string& author,
                                 const std::string& reason) {
  return SetHeld(run_id, false, author, reason);
}

ControllerPort::Run Controller::Summary(const RunState& run) {
  return {.run_id = run.record.run_id,
          .name = run.record.name,
          .total_steps = run.record.total_steps,
          .attempt = run.record.attempt,
          .last_step = run.last.has_value() ? run.last->step : -1,
          .revision = run.revisions.back().revision,
          .held = run.record.held,
          .last_entropy_nats = run.last_entropy_nats,
          .last_directive = run.last,
          .create_time = run.record.create_time,
          .update_time = run.record.update_time};
}

absl::StatusOr<std::vector<ControllerPort::Run>> Controller::ListRuns() {
  MutexLock lock(mutex_);
  std::vector<Run> runs;
  for (const auto& [id, run] : runs_) runs.push_back(Summary(run));
  std::ranges::stable_sort(runs, [](const Run& a, const Run& b) { return a.update_time > b.update_time; });
  return runs;
}

absl::StatusOr<ControllerPort::Run> Controller::GetRun(const std::string& run_id) {
  MutexLock lock(mutex_);
  ENTRAIN_ASSIGN_OR_RETURN(const RunState* const run, Find(run_id));
  return Summary(*run);
}

absl::StatusOr<std::vector<Observation>> Controller::ListObservations(const std::string& run_id,
                                                                      int64_t from_step, int32_t max) {
  MutexLock lock(mutex_);
  ENTRAIN_RETURN_IF_ERROR(Find(run_id).status());
  return log_->Observations(run_id, from_step, max);
}

absl::StatusOr<std::vector<Directive>> Controller::ListDirectives(const std::string& run_id,
                                                                  int64_t from_step, int32_t max) {
  MutexLock lock(mutex_);
  ENTRAIN_RETURN_IF_ERROR(Find(run_id).status());
  return log_->Directives(run_id, from_step, max);
}

absl::StatusOr<std::vector<ControllerPort::AuditEntry>> Controller::ListAudit(const std::string& run_id) {
  MutexLock lock(mutex_);
  ENTRAIN_RETURN_IF_ERROR(Find(run_id).status());
  return log_->Audit(run_id);
}

absl::StatusOr<int64_t> Controller::Watch(const std::string& run_id,
                                          std::function<void(const Event&)> event) {
  MutexLock lock(mutex_);
  ENTRAIN_RETURN_IF_ERROR(Find(run_id).status());
  watchers_[next_watch_] = {.run_id = run_id, .event = std::move(event)};
  return next_watch_++;
}

void Controller::Unwatch(int64_t watch) {
  MutexLock lock(mutex_);
  watchers_.erase(watch);
  while (telling_ == watch) told_.Wait(mutex_);
}

ControllerStats Controller::stats() {
  MutexLock lock(mutex_);
  ControllerStats stats = stats_;
  stats.runs = static_cast<int64_t>(runs_.size());
  stats.runs_held = std::ranges::count_if(runs_, [](const auto& run) { return run.second.record.held; });
  return stats;
}

}  // namespace entrain
