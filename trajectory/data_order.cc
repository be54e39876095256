#include "trajectory/data_order.h"

#include <utility>

#include "common/rng.h"

namespace entrain {

DataOrder::DataOrder(std::vector<Prompt> prompts, uint64_t seed, bool shuffle)
    : prompts_(std::move(prompts)), seed_(seed), shuffle_(shuffle) {}

const Prompt& DataOrder::At(int64_t ordinal) const {
  const int64_t epoch = ordinal / size(), index = ordinal % size();
  return prompts_[static_cast<size_t>(shuffle_ ? Permute(epoch, index) : index)];
}

// A four-round Feistel network over the smallest even number of bits that holds size − 1, walked until the
// result is inside (Black & Rogaway 2002, cycle walking). Each round's function is one Philox number keyed by
// (seed, epoch, round).
int64_t DataOrder::Permute(int64_t epoch, int64_t index) const {
  if (size() == 1) return 0;
  int half = 1;
  while ((int64_t{1} << (2 * half)) < size()) ++half;
  const uint64_t mask = (uint64_t{1} << half) - 1;
  auto value = static_cast<uint64_t>(index);
  do {
    uint64_t left = value >> half, right = value & mask;
    for (uint64_t round = 0; round < 4; ++round) {
      const Rng rng({.seed = seed_,
                     .purpose = RngPurpose::kShuffle,
                     .step = static_cast<uint64_t>(epoch),
                     .ordinal = round});
      const uint64_t next = left ^ (rng.Bits(right) & mask);
      left = right;
      right = next;
    }
    value = left << half | right;
  } while (value >= static_cast<uint64_t>(size()));
  return static_cast<int64_t>(value);
}

}  // namespace entrain
