#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/mutex.h"
#include "common/verdict.h"
#include "services/telemetry/distribution.h"
#include "verifier/verifier.h"

namespace entrain {

// Verdicts of one verifier and one kind, cumulative since the start of the process.
struct VerdictStats {
  int64_t count = 0;
  Distribution judging_seconds;
};

// Counts verdicts by verifier and kind. Names that are not registered share the verifier "unknown", so that
// callers cannot make up labels. Thread-safe.
class VerdictMeter {
 public:
  using Stats = std::map<std::pair<std::string, VerdictKind>, VerdictStats>;

  // `verifiers`: the registered names. Each starts with every kind at 0, so that a rate sees the first one.
  explicit VerdictMeter(const std::vector<std::string>& verifiers);
  void Count(std::span<const VerifyItem> items, std::span<const Verdict> verdicts);
  Stats Read() const;

 private:
  const std::set<std::string> known_;
  mutable Mutex mutex_;
  Stats stats_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace entrain
