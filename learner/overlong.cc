#include "learner/overlong.h"

namespace entrain {

double OverlongPenalty(int64_t length, const OverlongOptions& options) {
  const int64_t free = options.max - options.cache;
  if (length <= free) return 0.0;
  if (length > options.max) return -1.0;
  return static_cast<double>(free - length) / static_cast<double>(options.cache);
}

}  // namespace entrain
