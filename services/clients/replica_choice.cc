#include "services/clients/replica_choice.h"

#include <algorithm>
#include <utility>

namespace entrain {
namespace {

constexpr absl::Duration kFirstRest = absl::Seconds(1);
constexpr absl::Duration kLongestRest = absl::Seconds(30);
constexpr size_t kMostQuestions = 65536;  // that are remembered; beyond, all are forgotten

}  // namespace

ReplicaChoice::ReplicaChoice(size_t replicas, Clock& clock) : clock_(clock), replicas_(replicas) {}

std::vector<size_t> ReplicaChoice::Order(std::span<const uint64_t> questions) {
  MutexLock lock(mutex_);
  const size_t count = replicas_.size();
  std::vector<std::pair<bool, int64_t>> behind(count);  // rests; failures at these questions
  bool again = false;
  if (!failed_.empty()) {
    for (const uint64_t question : questions) {
      const auto found = failed_.find(question);
      if (found == failed_.end()) continue;
      again = true;
      for (const size_t replica : found->second) ++behind[replica].second;
    }
  }
  const size_t first = again ? turn_ : turn_++;
  const absl::Duration now = clock_.Monotonic();
  std::vector<size_t> order;
  for (size_t i = 0; i < count; ++i) {
    behind[i].first = replicas_[i].rests_until > now;
    order.push_back((first + i) % count);
  }
  std::ranges::stable_sort(order, {}, [&](size_t i) { return behind[i]; });
  return order;
}

void ReplicaChoice::Answered(size_t replica) {
  MutexLock lock(mutex_);
  replicas_[replica] = {};
}

void ReplicaChoice::Away(size_t replica) {
  MutexLock lock(mutex_);
  const int failures = replicas_[replica].failures++;
  replicas_[replica].rests_until =
      clock_.Monotonic() + std::min(kFirstRest * (int64_t{1} << std::min(failures, 10)), kLongestRest);
}

void ReplicaChoice::Failed(size_t replica, uint64_t question) {
  MutexLock lock(mutex_);
  if (failed_.size() >= kMostQuestions) failed_.clear();
  failed_[question].push_back(replica);
}

void ReplicaChoice::Judged(uint64_t question) {
  MutexLock lock(mutex_);
  failed_.erase(question);
}

}  // namespace entrain
