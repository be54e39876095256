#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "learner/checkpoint.h"
#include "learner/front_desk.h"

namespace entrain {

// Everything that the update of one step was made of, so that it can be made again: the state at its start,
// its groups, and the directive that was used. Rewards, advantages, the old policy's statistics and the
// permutation follow from these and the run's options.
struct RecordedStep {
  Checkpoint start;         // of the start of the step: next_step is the step, one snapshot: its weights
  int64_t attempt = 0;      // whose config.json the options are in
  CollectedStep collected;  // lease ids and names of workers are not kept
  // ln p of every completion token, in order, under the reference model of objective.kl; empty without one.
  std::vector<float> reference_logprobs;
  Directive directive;       // as used, held or not
  std::string digest_after;  // of the weights that the step made
};

// Writes FOLDER/step-NNNNNN with the care of a checkpoint: files beside, synced and renamed, manifest.json
// with their digests last. A record of that step that is there already is replaced; until the new one is
// whole there is none.
absl::Status WriteRecordedStep(const std::string& folder, const RecordedStep& recorded);

// DataLoss names the file that is missing, has another digest, or holds what no run writes.
absl::StatusOr<RecordedStep> ReadRecordedStep(const std::string& path);

// The complete records in FOLDER, in the order of their steps.
struct RecordedStepFolder {
  int64_t step = 0;
  std::string path;
};
std::vector<RecordedStepFolder> ListRecordedSteps(const std::string& folder);

}  // namespace entrain
