#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "common/clock.h"
#include "common/mutex.h"
#include "controller/controller_port.h"
#include "controller/event_log.h"

namespace entrain {

// Cumulative; for /metrics.
struct ControllerStats {
  int64_t observations = 0, directives = 0, duplicates = 0;
  int64_t edits = 0;
  // By reason: the etag was not the newest; the request is wrong; the trainer cannot apply it; no such run or
  // revision.
  std::map<std::string, int64_t> edits_refused = {
      {"conflict", 0}, {"illegal", 0}, {"not_applicable", 0}, {"not_found", 0}};
  int64_t drifts = 0;               // a trainer applied other numbers than it acknowledged
  int64_t runs = 0, runs_held = 0;  // now
};

// Observation in, directive out, for any number of runs, with the whole history in an EventLog. A decision is
// a function of (revision, law state, observation), so a controller that restarts goes on with the same
// sequence. Decisions are keyed (run, attempt, step): asking twice gives the same directive. Thread-safe; one
// lock, held over a disk write, never over another process nor while a watcher is told. A trainer that has
// applied a directive this history does not know is answered NotFound until it registers with it.
class Controller final : public ControllerPort {
 public:
  // `path` of the SQLite file; ":memory:" in tests.
  static absl::StatusOr<std::unique_ptr<Controller>> Create(const std::string& path, Clock& clock);

  absl::StatusOr<RegistrationReply> Register(const Registration& registration) override;
  absl::StatusOr<Directive> ReportStep(const Observation& observation) override;
  absl::StatusOr<Revision> GetSchedule(const std::string& run_id, std::optional<int64_t> revision) override;
  absl::StatusOr<EditResult> EditSchedule(const Edit& edit) override;
  absl::StatusOr<std::vector<Revision>> ListRevisions(const std::string& run_id, int32_t max) override;
  absl::StatusOr<std::string> Diff(const std::string& run_id, int64_t from, int64_t to) override;
  absl::StatusOr<std::vector<Point>> Preview(const Schedule& schedule, int64_t steps, int64_t total_steps,
                                             const std::map<int64_t, double>& entropy_nats) override;
  absl::StatusOr<std::vector<ReplayedPoint>> Replay(const std::string& run_id,
                                                    const Schedule& schedule) override;
  absl::Status Hold(const std::string& run_id, const std::string& author, const std::string& reason) override;
  absl::Status Release(const std::string& run_id, const std::string& author,
                       const std::string& reason) override;
  absl::StatusOr<std::vector<Run>> ListRuns() override;
  absl::StatusOr<Run> GetRun(const std::string& run_id) override;
  absl::StatusOr<std::vector<Observation>> ListObservations(const std::string& run_id, int64_t from_step,
                                                            int32_t max) override;
  absl::StatusOr<std::vector<Directive>> ListDirectives(const std::string& run_id, int64_t from_step,
                                                        int32_t max) override;
  absl::StatusOr<std::vector<AuditEntry>> ListAudit(const std::string& run_id) override;
  absl::StatusOr<int64_t> Watch(const std::string& run_id, std::function<void(const Event&)> event) override;
  void Unwatch(int64_t watch) override;

  ControllerStats stats();

 private:
  // A run as the log has it, kept ready.
  struct RunState {
    RunRecord record;
    std::vector<Revision> revisions;  // oldest first, never empty
    std::optional<Directive> last;    // newest that counts
    int64_t highest_id = 0;           // of any directive ever given
    std::optional<double> last_entropy_nats;
  };
  struct Watcher {
    std::string run_id;
    std::function<void(const Event&)> event;
  };

  Controller(std::unique_ptr<EventLog> log, Clock& clock) : clock_(clock), log_(std::move(log)) {}

  absl::Status Load() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status LoadRun(RunState& run) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The newest of what counts.
  absl::Status LoadNewest(RunState& run) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // EventLog::Commit; what `body` tells is forgotten when it fails.
  absl::Status Commit(bool durable, const std::function<absl::Status()>& body)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<RunState*> Find(const std::string& run_id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<RunState> NewRun(const Registration& registration) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Rewind(RunState& run, const Registration& registration) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Adopt(RunState& run, const Directive& last) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status ApplyRunFile(RunState& run, const Registration& registration)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status AddRevision(RunState& run, Revision revision) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<Revision> BuildRevision(const RunState& run, const Edit& edit)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<Directive> Decide(const RunState& run, const Observation& observation)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status CheckDrift(const RunState& run, const Observation& observation)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status SetHeld(const std::string& run_id, bool held, const std::string& author,
                       const std::string& reason);
  absl::Status Note(const std::string& run_id, const std::string& author, const std::string& action,
                    const std::string& reason, const std::string& detail)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Puts `event` in line for the watchers of a run; TellWatchers, after the lock is free, tells them.
  void Tell(const std::string& run_id, const Event& event) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TellWatchers() ABSL_LOCKS_EXCLUDED(mutex_);
  // The first step without a decision.
  static int64_t NextStep(const RunState& run) { return run.last.has_value() ? run.last->step + 1 : 0; }
  static Run Summary(const RunState& run);

  Clock& clock_;
  Mutex mutex_;
  std::unique_ptr<EventLog> log_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, RunState> runs_ ABSL_GUARDED_BY(mutex_);
  std::map<int64_t, Watcher> watchers_ ABSL_GUARDED_BY(mutex_);
  int64_t next_watch_ ABSL_GUARDED_BY(mutex_) = 1;
  std::deque<std::pair<int64_t, Event>> untold_ ABSL_GUARDED_BY(mutex_);  // by watch, in order
  int64_t telling_ ABSL_GUARDED_BY(mutex_) = 0;                           // the watch being told; 0: none
  CondVar told_;
  ControllerStats stats_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace entrain
