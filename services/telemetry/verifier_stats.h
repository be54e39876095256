#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "common/mutex.h"
#include "common/verdict.h"
#include "verifier/verifier.h"

namespace entrain {

// Cumulative since the start of the process.
struct VerifierStats {
  std::map<VerdictKind, int64_t> verdicts;  // every kind is there
  int64_t calls = 0;
  int64_t call_errors = 0;
  double judging_seconds = 0;
  int64_t batches_waiting = 0;  // now; filled in by the owner of the pool
};

// A verifier that counts what another one answers. Thread-safe.
class CountingVerifier final : public Verifier {
 public:
  explicit CountingVerifier(Verifier& inner);
  absl::StatusOr<std::vector<Verdict>> Verify(std::span<const VerifyItem> items,
                                              const VerifyCall& call) override;
  VerifierStats Stats() const;

 private:
  Verifier& inner_;
  mutable Mutex mutex_;
  VerifierStats stats_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace entrain
