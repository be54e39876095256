#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "controller/directive.h"
#include "learner/trends.h"
#include "policy/snapshot.h"

namespace entrain {

// Everything a learner needs to go on as if it had never stopped.
struct Checkpoint {
  std::string run_id;
  std::string config_digest;
  uint64_t seed = 0;
  int64_t next_step = 0;     // the step to run first
  int64_t next_ordinal = 0;  // its position in the data order
  int64_t updates = 0;       // optimiser updates done
  std::optional<Directive> last_directive;
  std::map<std::string, double> last_numbers;  // of the step before, for the next observation
  bool evaluation_due = false;                 // that step's evaluation was cut short: it comes first
  Trends::State trends;                        // over all steps of the run so far
  std::vector<std::shared_ptr<const WeightsSnapshot>>
      snapshots;  // the last S + 1 published versions, oldest first; the newest are the weights
  std::vector<float> first_moment, second_moment;
};

// Writes FOLDER/step-NNNNNN: every file beside, synced and renamed, manifest.json last, with the digests of
// the others; then removes the oldest of those before it, so that `keep` ≥ 1 remain with it. Later ones (of a
// run that was resumed from before them, because they were damaged) are left alone and do not count. A crash
// at any write leaves the older ones as they were.
absl::Status WriteCheckpoint(const std::string& folder, const Checkpoint& checkpoint, int32_t keep);

// The newest complete one; broken ones are passed over with a warning. NotFound when there is none.
absl::StatusOr<Checkpoint> ReadNewestCheckpoint(const std::string& folder);
// DataLoss names the file that is missing or has another digest.
absl::StatusOr<Checkpoint> ReadCheckpoint(const std::string& path);

}  // namespace entrain
