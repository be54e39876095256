#include "learner/regions.h"

namespace entrain {
namespace {

// `below`: the token's surprisal is below the entropy, that is, the token is probable.
int RegionOf(bool below, bool above, double advantage) {
  if (advantage > 0) return below ? 1 : above ? 2 : 0;
  if (advantage < 0) return below ? 3 : above ? 4 : 0;
  return 0;
}

}  // namespace

int RegionBySurprisal(double logprob, double entropy, double advantage) {
  const double surprisal = -logprob;
  const bool below = surprisal<entropy, above = surprisal> entropy;
  return RegionOf(below, above, advantage);
}

int RegionByScore(double s, double n, double advantage) { return RegionOf(s > n, s < n, advantage); }

}  // namespace entrain
