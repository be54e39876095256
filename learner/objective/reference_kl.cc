#include "learner/objective/reference_kl.h"

#include <algorithm>

#include "learner/objective/kl.h"

namespace entrain {

void AddReferenceKl(const ReferenceKl& kl, const TokenBatch& batch, const Denominators& denominators,
                    const std::vector<double>& weights, ObjectiveResult& result) {
  const bool k3 = kl.estimator == KlEstimator::kK3;
  double k1_sum = 0, k3_sum = 0;
  for (size_t i = 0; i < batch.mask.size(); ++i) {
    if (!(batch.mask[i] > 0)) continue;
    const bool silent = !batch.silent.empty() && batch.silent[i] != 0;  // measured, not trained
    const double now = batch.new_logp[i], reference = batch.ref_logp[i];
    const double k1_here = K1Estimate(now, reference), k3_here = K3Estimate(now, reference);
    k1_sum += batch.mask[i] * k1_here;
    k3_sum += batch.mask[i] * k3_here;
    if (silent) continue;
    result.loss += weights[i] * kl.coef * (k3 ? k3_here : k1_here);
    result.grad_new_logp[i] +=
        weights[i] * kl.coef * (k3 ? K3Gradient(now, reference) : K1Gradient(now, reference));
  }
  const double tokens = std::max(denominators.tokens, 1.0);
  result.stats["kl/ref_k1"] = k1_sum / tokens;
  result.stats["kl/ref_k3"] = k3_sum / tokens;
}

}  // namespace entrain
