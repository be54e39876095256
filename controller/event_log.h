#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "controller/controller_port.h"

namespace entrain {

// What the controller remembers of a run beside its history.
struct RunRecord {
  std::string run_id;
  std::string name;
  std::string config_digest;
  int64_t total_steps = 0;
  int64_t attempt = 0;
  TrainerCapabilities trainer;  // what it can apply
  bool held = false;
  absl::Time create_time, update_time;
};

// Adds to what is wrong with a history its file and, when it is damaged, the way out.
absl::Status WithWayOut(const std::string& path, const absl::Status& status);

// The controller's history in one SQLite file (WAL). What Commit has acknowledged survives kill -9; with
// `durable`, a power loss too (full sync). Numbers of revisions and directives have neither gap nor repeat.
// Thread-compatible: the controller's lock guards it.
class EventLog {
 public:
  virtual ~EventLog() = default;
  // ":memory:" keeps nothing. FailedPrecondition for a file of a newer version of entrain or of another
  // program, DataLoss for a damaged one; all say the way out, and not a byte of the file is changed then.
  static absl::StatusOr<std::unique_ptr<EventLog>> Open(const std::string& path);

  // Everything that `body` writes, or nothing.
  virtual absl::Status Commit(bool durable, const std::function<absl::Status()>& body) = 0;

  virtual absl::Status PutRun(const RunRecord& run) = 0;
  virtual absl::Status AddRevision(const ControllerPort::Revision& revision) = 0;
  virtual absl::Status AddObservation(const Observation& observation, absl::Time now) = 0;
  virtual absl::Status AddDirective(const Directive& directive, absl::Time now) = 0;
  // Decisions of a run at or after `step` no longer count; they stay in the file.
  virtual absl::Status Supersede(const std::string& run_id, int64_t step) = 0;
  // Answers the entry's id.
  virtual absl::StatusOr<int64_t> AddAudit(const ControllerPort::AuditEntry& entry) = 0;

  virtual absl::StatusOr<std::vector<RunRecord>> Runs() = 0;
  virtual absl::StatusOr<std::vector<ControllerPort::Revision>> Revisions(
      const std::string& run_id) = 0;  // oldest first; DataLoss names the one whose schedule cannot be used
  // In the order of steps; superseded ones are left out. max 0: all.
  virtual absl::StatusOr<std::vector<Observation>> Observations(const std::string& run_id, int64_t from_step,
                                                                int32_t max) = 0;
  virtual absl::StatusOr<std::vector<Directive>> Directives(const std::string& run_id, int64_t from_step,
                                                            int32_t max) = 0;
  // The newest directive before `step` that counts; without `step` the newest of all.
  virtual absl::StatusOr<std::optional<Directive>> LastDirective(const std::string& run_id,
                                                                 std::optional<int64_t> before_step) = 0;
  virtual absl::StatusOr<std::optional<Directive>> DirectiveOfStep(const std::string& run_id,
                                                                   int64_t step) = 0;
  virtual absl::StatusOr<std::optional<Directive>> DirectiveById(const std::string& run_id, int64_t id) = 0;
  // Of the newest observation that has one.
  virtual absl::StatusOr<std::optional<double>> LastEntropy(const std::string& run_id) = 0;
  // The highest number ever given, superseded ones included; 0: none.
  virtual absl::StatusOr<int64_t> HighestDirectiveId(const std::string& run_id) = 0;
  virtual absl::StatusOr<std::vector<ControllerPort::AuditEntry>> Audit(const std::string& run_id) = 0;
};

}  // namespace entrain
