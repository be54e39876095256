#pragma once

#include <string>
#include <thread>

#include "absl/time/time.h"
#include "common/mutex.h"
#include "rollout_worker/learner_link.h"

namespace entrain {

// Renews the lease in hand every third of its time, on a thread of its own, so that a long generation keeps
// it. One lease at a time. Thread-safe.
class LeaseKeeper {
 public:
  LeaseKeeper(LearnerLink& link, std::string worker);
  ~LeaseKeeper();
  LeaseKeeper(const LeaseKeeper&) = delete;
  LeaseKeeper& operator=(const LeaseKeeper&) = delete;

  void Hold(const Lease& lease);
  // False when a renewal was answered "unknown": the work is no longer wanted.
  bool Release();
  bool alive();

 private:
  void Loop();

  LearnerLink& link_;
  const std::string worker_;
  Mutex mutex_;
  CondVar changed_;
  std::string lease_id_ ABSL_GUARDED_BY(mutex_);  // empty: none
  absl::Duration period_ ABSL_GUARDED_BY(mutex_);
  bool alive_ ABSL_GUARDED_BY(mutex_) = true;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace entrain
