#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "absl/time/time.h"
#include "common/clock.h"
#include "common/mutex.h"

namespace entrain {

// In which order to ask replicas that all give the same answers. They take turns; but
//   - one that did not answer rests: it is asked after those that do not rest, for 1 s, doubled with every
//     failure in a row up to 30 s;
//   - one that failed at a question is asked it again after those that have not. Asking again takes
//     no turn, so that calls with failures do not always begin with the same replica.
// A question is a number; two that share one only share where they are asked. Thread-safe.
class ReplicaChoice {
 public:
  // At least one replica.
  explicit ReplicaChoice(size_t replicas, Clock& clock = Clock::Real());

  // All replicas, the one to ask first before the others.
  std::vector<size_t> Order(std::span<const uint64_t> questions);
  // It answered the call, whatever it said; or it did not.
  void Answered(size_t replica);
  void Away(size_t replica);
  // It could not judge the question; or somebody did.
  void Failed(size_t replica, uint64_t question);
  void Judged(uint64_t question);

 private:
  struct Replica {
    int failures = 0;  // in a row
    absl::Duration rests_until = -absl::InfiniteDuration();
  };

  Clock& clock_;
  Mutex mutex_;
  size_t turn_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<Replica> replicas_ ABSL_GUARDED_BY(mutex_);
  std::map<uint64_t, std::vector<size_t>> failed_ ABSL_GUARDED_BY(mutex_);  // question → replicas, in order
};

}  // namespace entrain
