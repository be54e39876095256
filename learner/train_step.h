#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "controller/directive.h"
#include "learner/learner_options.h"
#include "learner/optimizer.h"
#include "learner/step_batch.h"
#include "policy/network.h"

namespace entrain {

// An objective with the thresholds and dials of one directive. FailedPrecondition when the objective takes a
// plain box and the bounds are sloped, or takes no such dial, or the dial is outside its parameter's range.
absl::StatusOr<ObjectiveSpec> ApplyDirective(const ObjectiveSpec& objective, const Directive& directive);

// All updates of one step: E epochs of M mini-batches, each a fresh permutation of the completions keyed by
// (seed, step, epoch), split into micro-batches that share the mini-batch's denominators. The same thresholds
// and dials for every one of them. A mini-batch whose loss or gradient is not finite is skipped and counted;
// Aborted when every one was; the weights are then as they were. An objective with a constant horizon and
// none given has options.max_tokens. With objective.kl, batch.reference_logp must be there. Answers the
// update metrics of docs/methods.md 11: token-weighted over all updates. A step is one piece: nothing stops
// it half-way, because its weights would belong to no version.
absl::StatusOr<std::map<std::string, double>> RunUpdates(Network& network, Optimizer& optimizer,
                                                         const LearnerOptions& options,
                                                         const Directive& directive, int64_t step,
                                                         const StepBatch& batch);

}  // namespace entrain
