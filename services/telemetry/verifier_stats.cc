#include "services/telemetry/verifier_stats.h"

namespace entrain {
namespace {

constexpr char kUnknown[] = "unknown";

// Powers of ten with 2.5 and 5 between: exact numbers cost microseconds, programs seconds.
const std::vector<double>& Bounds() {
  static const auto* bounds =
      new std::vector<double>{1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2,
                              5e-2, 0.1,    0.25, 0.5,  1,      2.5,  5,    10,     30,   60};
  return *bounds;
}

}  // namespace

VerdictMeter::VerdictMeter(const std::vector<std::string>& verifiers)
    : known_(verifiers.begin(), verifiers.end()) {
  std::set<std::string> names = known_;
  names.insert(kUnknown);
  MutexLock lock(mutex_);
  for (const std::string& name : names) {
    for (const VerdictKind kind : {VerdictKind::kCorrect, VerdictKind::kWrong, VerdictKind::kUnparsable,
                                   VerdictKind::kLimit, VerdictKind::kTimeout, VerdictKind::kError}) {
      stats_.emplace(std::pair(name, kind), VerdictStats{.judging_seconds = Distribution(Bounds())});
    }
  }
}

void VerdictMeter::Count(std::span<const VerifyItem> items, std::span<const Verdict> verdicts) {
  MutexLock lock(mutex_);
  for (size_t i = 0; i < items.size(); ++i) {
    const std::string& name = items[i].verifier;
    VerdictStats& stats = stats_.at({known_.contains(name) ? name : kUnknown, verdicts[i].kind});
    ++stats.count;
    stats.judging_seconds.Observe(verdicts[i].seconds);
  }
}

VerdictMeter::Stats VerdictMeter::Read() const {
  MutexLock lock(mutex_);
  return stats_;
}

}  // namespace entrain
