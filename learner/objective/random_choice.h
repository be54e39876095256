#pragma once

#include <vector>

#include "learner/objective/objective.h"

namespace entrain {

// A uniform random subset of `candidates` (positions of a mini-batch) of size min(count, candidates): a pure
// function of the key and the positions.
std::vector<size_t> ChooseAtRandom(const PlanKey& key, const std::vector<size_t>& candidates, size_t count);

}  // namespace entrain
