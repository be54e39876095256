#pragma once

#include <cstdint>
#include <vector>

#include "trajectory/group.h"

namespace entrain {

// The endless sequence of prompts that a run trains on: epoch after epoch, each shuffled by (seed, epoch) or
// in file order. A pure function of the ordinal. Immutable after construction; thread-safe.
class DataOrder {
 public:
  // `prompts` must not be empty.
  DataOrder(std::vector<Prompt> prompts, uint64_t seed, bool shuffle);
  // The prompt at position `ordinal` ≥ 0.
  const Prompt& At(int64_t ordinal) const;
  int64_t size() const { return static_cast<int64_t>(prompts_.size()); }  // prompts in one epoch

 private:
  // Position inside an epoch by a keyed bijection of {0, …, size−1}, so that no permutation is stored and no
  // lock is needed.
  int64_t Permute(int64_t epoch, int64_t index) const;

  std::vector<Prompt> prompts_;
  uint64_t seed_;
  bool shuffle_;
};

}  // namespace entrain
