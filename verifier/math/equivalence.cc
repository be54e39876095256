#include "verifier/math/equivalence.h"

#include "verifier/math/answer_comparison.h"

namespace entrain {

Comparison Compare(const Formula& given, const Formula& reference, const EquivalenceOptions& options) {
  if (given.nodes.empty() || reference.nodes.empty()) {
    return {given.nodes.size() == reference.nodes.size() ? Sameness::kSame : Sameness::kDifferent,
            "an empty formula"};
  }
  return AnswerComparison(given, reference, options).Run();
}

}  // namespace entrain
