#pragma once

#include <string>
#include <vector>

#include "common/mutex.h"
#include "verifier/verifier.h"

namespace entrain {

// A verifier that says "correct" when the completion is the answer, and that can be made to wait, to see what
// the network layer does meanwhile. Thread-safe.
class ScriptedVerifier final : public Verifier {
 public:
  absl::StatusOr<std::vector<Verdict>> Verify(std::span<const VerifyItem> items,
                                              const VerifyCall& call) override {
    MutexLock lock(mutex_);
    ++calls_;
    last_deadline_ = call.deadline;
    changed_.NotifyAll();
    while (held_) changed_.Wait(mutex_);
    std::vector<Verdict> verdicts;
    for (const VerifyItem& item : items) {
      const bool right = item.completion == item.answer;
      verdicts.push_back({.kind = right ? VerdictKind::kCorrect : VerdictKind::kWrong,
                          .score = right ? 1.0 : 0.0,
                          .extracted = item.completion});
    }
    return verdicts;
  }
  void Hold() {
    MutexLock lock(mutex_);
    held_ = true;
  }
  void Release() {
    MutexLock lock(mutex_);
    held_ = false;
    changed_.NotifyAll();
  }
  // Until `count` calls have begun.
  void AwaitCalls(int count) {
    MutexLock lock(mutex_);
    while (calls_ < count) changed_.Wait(mutex_);
  }
  int calls() {
    MutexLock lock(mutex_);
    return calls_;
  }
  absl::Duration last_deadline() {
    MutexLock lock(mutex_);
    return last_deadline_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool held_ ABSL_GUARDED_BY(mutex_) = false;
  int calls_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Duration last_deadline_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace entrain
