#pragma once

#include <optional>
#include <vector>

#include "absl/strings/string_view.h"
#include "learner/objective/objective.h"

namespace entrain {

// "token-mean", "seq-mean-token-mean", "seq-mean-token-sum", "seq-mean-token-sum-norm", "token-sum".
absl::string_view AggregationName(Aggregation aggregation);
std::optional<Aggregation> AggregationFromName(absl::string_view name);

// The weight of every token's loss in the aggregated loss (docs/methods.md 0.2): loss = sum_it weight_it ·
// l_it. Zero where the mask is. Denominators are those of the whole mini-batch; a token's weight depends on
// them and its own sequence alone, so parts add up. `horizon` > 0 for kSeqMeanTokenSumNorm.
std::vector<double> AggregationWeights(Aggregation aggregation, const TokenBatch& batch,
                                       const Denominators& denominators, double horizon);

}  // namespace entrain
