#include "rollout_worker/lease_keeper.h"

#include <algorithm>
#include <utility>

namespace entrain {

LeaseKeeper::LeaseKeeper(LearnerLink& link, std::string worker)
    : link_(link), worker_(std::move(worker)), thread_([this] { Loop(); }) {}

LeaseKeeper::~LeaseKeeper() {
  {
    MutexLock lock(mutex_);
    stop_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
}

void LeaseKeeper::Hold(const Lease& lease) {
  MutexLock lock(mutex_);
  lease_id_ = lease.lease_id;
  period_ = absl::Seconds(std::max(lease.deadline_seconds / 3, 0.05));
  alive_ = true;
  changed_.NotifyAll();
}

bool LeaseKeeper::Release() {
  MutexLock lock(mutex_);
  lease_id_.clear();
  changed_.NotifyAll();
  return alive_;
}

bool LeaseKeeper::alive() {
  MutexLock lock(mutex_);
  return alive_;
}

void LeaseKeeper::Loop() {
  while (true) {
    std::string lease_id;
    {
      MutexLock lock(mutex_);
      while (lease_id_.empty() && !stop_) changed_.Wait(mutex_);
      if (stop_) return;
      lease_id = lease_id_;
      // A change of the lease during the wait starts the wait anew.
      if (changed_.WaitFor(mutex_, absl::ToChronoNanoseconds(period_)) || stop_ || lease_id_ != lease_id)
        continue;
    }
    const absl::StatusOr<std::vector<std::string>> kept = link_.RenewLeases(worker_, std::span(&lease_id, 1));
    MutexLock lock(mutex_);
    // A learner that is away has not said no.
    if (kept.ok() && kept->empty() && lease_id_ == lease_id) alive_ = false;
  }
}

}  // namespace entrain
