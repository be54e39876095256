#include "learner/objective/region_mask.h"

#include <cmath>

#include "learner/regions.h"

namespace entrain {

void SilenceRegions(const RegionMask& mask, TokenBatch& batch) {
  if (!mask.Any()) return;
  batch.silent.assign(batch.mask.size(), 0);
  for (size_t i = 0; i < batch.mask.size(); ++i) {
    if (!(batch.mask[i] > 0)) continue;
    const double logp = batch.old_logp[i], entropy = batch.old_entropy[i];
    const int region =
        mask.rule == RegionMask::Rule::kExact
            ? RegionByScore(std::exp(logp) * (logp + entropy), batch.old_n[i], batch.advantage[i])
            : RegionBySurprisal(logp, entropy, batch.advantage[i]);
    batch.silent[i] = region > 0 && mask.masked[static_cast<size_t>(region)] ? 1 : 0;
  }
}

}  // namespace entrain
