#include "policy/snapshot.h"

#include <utility>

#include "common/digest.h"

namespace entrain {

std::shared_ptr<const WeightsSnapshot> WeightsSnapshot::Make(PolicyVersion version,
                                                             std::vector<float> values) {
  auto snapshot = std::make_shared<WeightsSnapshot>();
  snapshot->version = version;
  snapshot->digest = DigestOf(std::span<const float>(values));
  snapshot->values = std::move(values);
  return snapshot;
}

}  // namespace entrain
