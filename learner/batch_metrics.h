#pragma once

#include <map>
#include <string>

#include "learner/step_batch.h"

namespace entrain {

// What a step's batch says before its update: entropy, regions, rewards, lengths, ages, mismatch with the
// policy that generated it. Names and definitions: docs/methods.md 11; means are over response tokens unless
// the name says otherwise.
std::map<std::string, double> BatchMetrics(const StepBatch& batch);

}  // namespace entrain
