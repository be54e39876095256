#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "common/mutex.h"
#include "verifier/verifier.h"

namespace entrain {

// A verifier that says "correct" when the completion is the answer, and that can be made to wait, to see what
// those around it do meanwhile. Thread-safe.
class ScriptedVerifier final : public Verifier {
 public:
  absl::StatusOr<std::vector<Verdict>> Verify(std::span<const VerifyItem> items,
                                              const VerifyCall& call) override {
    const std::stop_callback wake(call.stop, [this] {
      MutexLock lock(mutex_);
      changed_.NotifyAll();
    });
    MutexLock lock(mutex_);
    last_deadline_ = call.deadline;
    for (const VerifyItem& item : items) begun_.push_back(item.completion);
    changed_.NotifyAll();
    while (held_ && !(heeds_stop_ && call.stop.stop_requested())) changed_.Wait(mutex_);
    if (call.stop.stop_requested()) ++stopped_;
    changed_.NotifyAll();
    std::vector<Verdict> verdicts;
    for (const VerifyItem& item : items) {
      const bool right = item.completion == item.answer;
      verdicts.push_back({.kind = right ? VerdictKind::kCorrect : VerdictKind::kWrong,
                          .score = right ? 1.0 : 0.0,
                          .extracted = item.completion});
    }
    return verdicts;
  }
  // Calls wait from now on, until Release or until they are asked to stop.
  void Hold() {
    MutexLock lock(mutex_);
    held_ = true;
  }
  // As Hold, but deaf to requests to stop.
  void HoldDeaf() {
    MutexLock lock(mutex_);
    held_ = true;
    heeds_stop_ = false;
  }
  void Release() {
    MutexLock lock(mutex_);
    held_ = false;
    changed_.NotifyAll();
  }
  // Until that many items have begun.
  void AwaitBegun(size_t count) {
    MutexLock lock(mutex_);
    while (begun_.size() < count) changed_.Wait(mutex_);
  }
  // Until that many calls have ended although, or because, they were asked to stop.
  void AwaitStopped(int count) {
    MutexLock lock(mutex_);
    while (stopped_ < count) changed_.Wait(mutex_);
  }
  int stopped() {
    MutexLock lock(mutex_);
    return stopped_;
  }
  // Completions, in the order in which judging began.
  std::vector<std::string> begun() {
    MutexLock lock(mutex_);
    return begun_;
  }
  absl::Duration last_deadline() {
    MutexLock lock(mutex_);
    return last_deadline_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool held_ ABSL_GUARDED_BY(mutex_) = false;
  bool heeds_stop_ ABSL_GUARDED_BY(mutex_) = true;
  std::vector<std::string> begun_ ABSL_GUARDED_BY(mutex_);
  int stopped_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Duration last_deadline_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace entrain
