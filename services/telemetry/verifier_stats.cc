#include "services/telemetry/verifier_stats.h"

namespace entrain {

CountingVerifier::CountingVerifier(Verifier& inner) : inner_(inner) {
  for (const VerdictKind kind : {VerdictKind::kCorrect, VerdictKind::kWrong, VerdictKind::kUnparsable,
                                 VerdictKind::kLimit, VerdictKind::kTimeout, VerdictKind::kError}) {
    stats_.verdicts[kind] = 0;
  }
}

absl::StatusOr<std::vector<Verdict>> CountingVerifier::Verify(std::span<const VerifyItem> items,
                                                              const VerifyCall& call) {
  absl::StatusOr<std::vector<Verdict>> verdicts = inner_.Verify(items, call);
  MutexLock lock(mutex_);
  ++stats_.calls;
  if (!verdicts.ok()) {
    ++stats_.call_errors;
    return verdicts;
  }
  for (const Verdict& verdict : *verdicts) {
    ++stats_.verdicts[verdict.kind];
    stats_.judging_seconds += verdict.seconds;
  }
  return verdicts;
}

VerifierStats CountingVerifier::Stats() const {
  MutexLock lock(mutex_);
  return stats_;
}

}  // namespace entrain
