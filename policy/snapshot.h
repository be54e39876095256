#pragma once

#include <memory>
#include <string>
#include <vector>

#include "trajectory/group.h"

namespace entrain {

// All parameters of one policy version, flat, in the order of ParameterLayout (policy/parameters.h).
// Immutable and shared: one copy per published version, none per worker connection.
struct WeightsSnapshot {
  PolicyVersion version = 0;
  std::vector<float> values;
  std::string digest;  // SHA-256 over the little-endian float32 values, hexadecimal

  // Computes the digest.
  static std::shared_ptr<const WeightsSnapshot> Make(PolicyVersion version, std::vector<float> values);
};

}  // namespace entrain
