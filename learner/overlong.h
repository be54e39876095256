#pragma once

#include <cstdint>

namespace entrain {

// DAPO's soft overlong punishment, arXiv 2503.14476, eq. 13; docs/methods.md 10.3. Lengths are in tokens and
// count the EOS. 0 < cache < max.
struct OverlongOptions {
  int64_t max = 0;
  int64_t cache = 0;
};

// What is added to the reward of a completion of `length` tokens: 0 up to max − cache, then linear to −1 at
// max, −1 beyond.
double OverlongPenalty(int64_t length, const OverlongOptions& options);

}  // namespace entrain
