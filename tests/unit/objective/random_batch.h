#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/rng.h"
#include "learner/objective/objective.h"

namespace entrain {

// A mini-batch of uneven sequences with ratios on both sides of every usual bound; about one token in five is
// masked. Same `seed`, same batch.
inline TokenBatch RandomBatch(uint64_t seed, int sequences = 9, int longest = 12) {
  const Rng rng({.seed = seed, .purpose = RngPurpose::kData});
  uint64_t position = 0;
  const auto uniform = [&](double low, double high) { return low + (high - low) * rng.Uniform(position++); };
  TokenBatch batch;
  batch.sequence_begin.push_back(0);
  for (int i = 0; i < sequences; ++i) {
    const double advantage = i % 4 == 3 ? 0.0 : uniform(-2, 2);
    const uint64_t length = 1 + rng.Below(static_cast<uint64_t>(longest), position++);
    for (uint64_t t = 0; t < length; ++t) {
      const double old_logp = uniform(-4, -0.01);
      batch.old_logp.push_back(old_logp);
      batch.new_logp.push_back(std::min(-1e-4, old_logp + uniform(-0.9, 0.9)));
      batch.rollout_logp.push_back(old_logp + uniform(-1.5, 1.5));
      batch.advantage.push_back(advantage);
      batch.mask.push_back(uniform(0, 1) < 0.2 ? 0.0 : 1.0);
    }
    batch.sequence_begin.push_back(static_cast<int64_t>(batch.mask.size()));
  }
  return batch;
}

// The sequences `first` … `last` − 1 as a batch of their own.
inline TokenBatch Part(const TokenBatch& whole, size_t first, size_t last) {
  const auto begin = static_cast<std::ptrdiff_t>(whole.sequence_begin[first]),
             end = static_cast<std::ptrdiff_t>(whole.sequence_begin[last]);
  const auto cut = [begin, end](const std::vector<double>& column) {
    return column.empty() ? column : std::vector<double>(column.begin() + begin, column.begin() + end);
  };
  TokenBatch part{.old_logp = cut(whole.old_logp),
                  .new_logp = cut(whole.new_logp),
                  .advantage = cut(whole.advantage),
                  .mask = cut(whole.mask),
                  .rollout_logp = cut(whole.rollout_logp)};
  for (size_t i = first; i <= last; ++i) part.sequence_begin.push_back(whole.sequence_begin[i] - begin);
  return part;
}

// One token with everything given.
inline TokenBatch OneToken(double old_logp, double new_logp, double advantage) {
  return {.old_logp = {old_logp},
          .new_logp = {new_logp},
          .advantage = {advantage},
          .mask = {1.0},
          .sequence_begin = {0, 1}};
}

}  // namespace entrain
