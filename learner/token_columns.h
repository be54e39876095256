#pragma once

#include <vector>

#include "learner/step_batch.h"

namespace entrain {

// A step as the objective's columns: all items in their order, advantages shaped and masks edited over the
// whole step (PrepareBatch). Columns of the policy being optimised are empty. Needs ScoreOld.
absl::StatusOr<TokenBatch> PrepareColumns(const ObjectiveSpec& spec, const StepBatch& batch);

// The columns of some of `whole`'s sequences, in the order given.
TokenBatch CutColumns(const TokenBatch& whole, const std::vector<size_t>& sequences);

// Fills new_logp, entropy and new_n, which come in the order of the columns.
void SetCurrent(const TokenStats& now, TokenBatch& columns);

}  // namespace entrain
