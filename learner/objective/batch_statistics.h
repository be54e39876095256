#pragma once

#include <functional>
#include <vector>

#include "learner/objective/objective.h"

namespace entrain {

// Sum of mask · value over positions with mask > 0; other positions are not looked at.
double MaskedSum(const TokenBatch& batch, const std::function<double(size_t)>& value);

// Mean and population standard deviation over the mask (docs/methods.md 2.1).
struct Spread {
  double mean = 0;
  double deviation = 0;
};
Spread MaskedSpread(const TokenBatch& batch, const std::function<double(size_t)>& value);

// Calls visit(sequence, first, last) for every sequence.
void ForEachSequence(const TokenBatch& batch, const std::function<void(size_t, size_t, size_t)>& visit);

}  // namespace entrain
