#include "learner/objective/random_choice.h"

#include <algorithm>
#include <utility>

#include "common/rng.h"

namespace entrain {

std::vector<size_t> ChooseAtRandom(const PlanKey& key, const std::vector<size_t>& candidates, size_t count) {
  const Rng rng({.seed = key.seed,
                 .purpose = RngPurpose::kMask,
                 .step = static_cast<uint64_t>(key.step),
                 .ordinal = static_cast<uint64_t>(key.update)});
  std::vector<std::pair<uint64_t, size_t>> drawn;
  for (const size_t candidate : candidates) drawn.emplace_back(rng.Bits(candidate), candidate);
  count = std::min(count, drawn.size());
  std::ranges::partial_sort(drawn, drawn.begin() + static_cast<std::ptrdiff_t>(count));
  std::vector<size_t> chosen;
  for (size_t i = 0; i < count; ++i) chosen.push_back(drawn[i].second);
  return chosen;
}

}  // namespace entrain
