#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "controller/directive.h"
#include "controller/observation.h"
#include "controller/schedule.h"

namespace entrain {

// What the trainer's objective can apply.
struct TrainerCapabilities {
  bool lines = true;                      // thresholds that depend on the token's probability
  bool plain_box = true;                  // constant thresholds
  std::vector<std::string> dials;         // names of the dials that it takes
  std::vector<std::string> needed_dials;  // those of them that it cannot do without
  friend bool operator==(const TrainerCapabilities&, const TrainerCapabilities&) = default;
};

struct Registration {
  std::string run_id;
  std::string name;             // of the run, for people
  std::string config_digest;    // of the effective configuration
  int64_t total_steps = 0;      // K of the run
  int64_t attempt = 1;          // launch number, from 1
  Schedule schedule;            // revision 1 at creation; afterwards only compared
  bool apply_schedule = false;  // make `schedule` a new revision when it differs from the one in force
  TrainerCapabilities capabilities;
  // The step the trainer will run first. Decisions of later steps are superseded, the law's state is restored
  // as of this step.
  int64_t resume_from = 0;
  // The directive the trainer used last and still knows (from its checkpoint), so that a controller that lost
  // its memory can go on.
  std::optional<Directive> last_directive;
};

struct RegistrationReply {
  int64_t revision = 0;  // in force
  bool schedule_differs = false;
  std::string schedule_diff;  // for people; empty when equal
};

// A trainer's way to its controller. Thread-compatible.
class Steering {
 public:
  virtual ~Steering() = default;
  // Idempotent. FailedPrecondition when another live trainer holds the run or the trainer cannot apply the
  // schedule.
  virtual absl::StatusOr<RegistrationReply> Register(const Registration& registration,
                                                     absl::Duration deadline) = 0;
  // The directive for observation.for_step. Asking again for the same (run, attempt, step) gives the same
  // directive. Unavailable or DeadlineExceeded: the controller is silent; the caller holds, waits or stops,
  // as its configuration says.
  virtual absl::StatusOr<Directive> Steer(const Observation& observation, absl::Duration deadline) = 0;
};

}  // namespace entrain
