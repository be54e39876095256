#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "controller/directive.h"
#include "controller/observation.h"
#include "controller/schedule.h"
#include "controller/steering.h"

namespace entrain {

// What the three services of the controller process need from it: the trainer's side, the people's side, and
// the history. Implementations may block for a disk write, never for another process. Thread-safe. NotFound
// for an unknown run or revision everywhere.
class ControllerPort {
 public:
  struct Revision {
    std::string run_id;
    int64_t revision = 0;
    Schedule schedule;
    std::string etag;
    std::string author;
    std::string reason;
    int64_t effective_step = 0;
    absl::Time create_time;
  };
  // `schedule` for an update, `to_revision` for a roll-back: exactly one.
  struct Edit {
    std::string run_id;
    std::optional<Schedule> schedule;
    std::optional<int64_t> to_revision;
    std::string etag;
    std::string author;
    std::string reason;
    std::optional<int64_t> effective_step;  // absent: the next step without a directive
    bool validate_only = false;
  };
  struct EditResult {
    Revision revision;
    std::string diff;
  };
  struct Point {
    int64_t step = 0;
    ClipBounds bounds;
    std::map<std::string, double> dials;
    std::string state;
    std::string reason;
  };
  struct ReplayedPoint {
    Point replayed;
    std::optional<ClipBounds> recorded;  // absent: no directive was made for the step
    std::map<std::string, double> recorded_dials;
  };
  struct Run {
    std::string run_id;
    std::string name;
    int64_t total_steps = 0;
    int64_t attempt = 0;
    int64_t last_step = -1;
    int64_t revision = 0;
    bool held = false;
    std::optional<double> last_entropy_nats;
    std::optional<Directive> last_directive;
    absl::Time create_time;
    absl::Time update_time;
  };
  struct AuditEntry {
    int64_t id = 0;
    std::string run_id;
    absl::Time time;
    std::string author;
    std::string action;
    std::string reason;
    std::string detail;
  };
  using Event = std::variant<Observation, Directive, Revision, AuditEntry>;

  virtual ~ControllerPort() = default;

  virtual absl::StatusOr<RegistrationReply> Register(const Registration& registration) = 0;
  virtual absl::StatusOr<Directive> ReportStep(const Observation& observation) = 0;

  virtual absl::StatusOr<Revision> GetSchedule(const std::string& run_id,
                                               std::optional<int64_t> revision) = 0;
  // Aborted when the etag is not the newest.
  virtual absl::StatusOr<EditResult> EditSchedule(const Edit& edit) = 0;
  virtual absl::StatusOr<std::vector<Revision>> ListRevisions(const std::string& run_id,
                                                              int32_t max) = 0;  // newest first; max 0: all
  virtual absl::StatusOr<std::string> Diff(const std::string& run_id, int64_t from, int64_t to) = 0;
  virtual absl::StatusOr<std::vector<Point>> Preview(const Schedule& schedule, int64_t steps,
                                                     int64_t total_steps,
                                                     const std::map<int64_t, double>& entropy_nats) = 0;
  virtual absl::StatusOr<std::vector<ReplayedPoint>> Replay(const std::string& run_id,
                                                            const Schedule& schedule) = 0;
  virtual absl::Status Hold(const std::string& run_id, const std::string& author,
                            const std::string& reason) = 0;
  virtual absl::Status Release(const std::string& run_id, const std::string& author,
                               const std::string& reason) = 0;

  virtual absl::StatusOr<std::vector<Run>> ListRuns() = 0;  // the most recently active first
  virtual absl::StatusOr<Run> GetRun(const std::string& run_id) = 0;
  virtual absl::StatusOr<std::vector<Observation>> ListObservations(const std::string& run_id,
                                                                    int64_t from_step, int32_t max) = 0;
  virtual absl::StatusOr<std::vector<Directive>> ListDirectives(const std::string& run_id, int64_t from_step,
                                                                int32_t max) = 0;
  virtual absl::StatusOr<std::vector<AuditEntry>> ListAudit(const std::string& run_id) = 0;
  // Calls `event` for everything that happens to the run from now on, in order, on any thread, once it is in
  // the history; it must not block. Answers a number for Unwatch, after which `event` is not called any more;
  // Unwatch is not called from `event`.
  virtual absl::StatusOr<int64_t> Watch(const std::string& run_id,
                                        std::function<void(const Event&)> event) = 0;
  virtual void Unwatch(int64_t watch) = 0;
};

}  // namespace entrain
