#include "learner/objective/aggregation.h"

#include <algorithm>
#include <utility>

namespace entrain {
namespace {

constexpr std::pair<Aggregation, const char*> kNames[] = {
    {Aggregation::kTokenMean, "token-mean"},
    {Aggregation::kSeqMeanTokenMean, "seq-mean-token-mean"},
    {Aggregation::kSeqMeanTokenSum, "seq-mean-token-sum"},
    {Aggregation::kSeqMeanTokenSumNorm, "seq-mean-token-sum-norm"},
    {Aggregation::kTokenSum, "token-sum"}};

double SequenceLength(const TokenBatch& batch, size_t sequence) {
  double length = 0;
  for (int64_t i = batch.sequence_begin[sequence]; i < batch.sequence_begin[sequence + 1]; ++i)
    length += std::max(0.0, batch.mask[static_cast<size_t>(i)]);
  return length;
}

double WeightOf(Aggregation aggregation, double length, const Denominators& denominators, double horizon) {
  const double sequences = std::max(denominators.sequences, 1.0);
  switch (aggregation) {
    case Aggregation::kTokenMean:
      return 1.0 / std::max(denominators.tokens, 1.0);
    case Aggregation::kTokenSum:
      return 1.0;
    case Aggregation::kSeqMeanTokenSum:
      return 1.0 / sequences;
    case Aggregation::kSeqMeanTokenSumNorm:
      return 1.0 / sequences / horizon;
    case Aggregation::kSeqMeanTokenMean:
      return 1.0 / (length + 1e-8) / sequences;
  }
  return 0;
}

}  // namespace

absl::string_view AggregationName(Aggregation aggregation) {
  for (const auto& [value, name] : kNames) {
    if (value == aggregation) return name;
  }
  return "";
}

std::optional<Aggregation> AggregationFromName(absl::string_view name) {
  for (const auto& [value, text] : kNames) {
    if (name == text) return value;
  }
  return std::nullopt;
}

std::vector<double> AggregationWeights(Aggregation aggregation, const TokenBatch& batch,
                                       const Denominators& denominators, double horizon) {
  std::vector<double> weights(batch.mask.size(), 0.0);
  for (size_t sequence = 0; sequence + 1 < batch.sequence_begin.size(); ++sequence) {
    const double weight = WeightOf(aggregation, SequenceLength(batch, sequence), denominators, horizon);
    for (int64_t i = batch.sequence_begin[sequence]; i < batch.sequence_begin[sequence + 1]; ++i) {
      const double mask = batch.mask[static_cast<size_t>(i)];
      if (mask > 0) weights[static_cast<size_t>(i)] = weight * mask;
    }
  }
  return weights;
}

Denominators CountDenominators(const TokenBatch& batch) {
  Denominators out;
  for (size_t sequence = 0; sequence + 1 < batch.sequence_begin.size(); ++sequence) {
    const double length = SequenceLength(batch, sequence);
    out.tokens += length;
    if (length > 0) ++out.sequences;
  }
  return out;
}

}  // namespace entrain
