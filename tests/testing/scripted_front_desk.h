#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "common/mutex.h"
#include "learner/front_desk.h"

namespace entrain {

// A front desk whose leases the test hands out itself, to see what the network layer makes of each moment of
// a call. Good for services; knows no rules of training. Thread-safe.
class ScriptedFrontDesk final : public FrontDesk {
 public:
  explicit ScriptedFrontDesk(JoinReply join = {}) : join_(std::move(join)) {}

  // Gives `lease` to the longest waiting poll. False when nobody waits.
  bool Offer(const Lease& lease) {
    LeaseCallback done;
    {
      MutexLock lock(mutex_);
      if (polls_.empty()) return false;
      done = std::move(polls_.front());
      polls_.erase(polls_.begin());
    }
    done(LeaseReply{.leases = {lease}});
    return true;
  }
  // Waits until `count` polls wait here; false after 10 s.
  bool AwaitPolls(size_t count) {
    return Await([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return polls_.size() == count; });
  }
  bool AwaitReturned(const std::string& lease_id) {
    return Await([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return returned_.contains(lease_id); });
  }
  // Happens once, after the next submitted group counts and before the answer goes out.
  void BeforeTheNextAnswer(std::function<void()> mishap) {
    MutexLock lock(mutex_);
    mishap_ = std::move(mishap);
  }
  bool closed() {
    MutexLock lock(mutex_);
    return closed_;
  }

  absl::StatusOr<JoinReply> Join(const JoinRequest& request) override {
    if (request.protocol_version == kProtocolVersion) return join_;
    return absl::FailedPreconditionError("protocol version");
  }
  void LeasePrompts(const std::string&, int32_t, const std::string&, absl::Duration,
                    LeaseCallback done) override {
    {
      MutexLock lock(mutex_);
      if (!closed_) {
        polls_.push_back(std::move(done));
        changed_.NotifyAll();
        return;
      }
    }
    done(absl::CancelledError("closed"));
  }
  absl::StatusOr<std::vector<std::string>> RenewLeases(const std::string&,
                                                       std::span<const std::string> ids) override {
    return std::vector<std::string>(ids.begin(), ids.end());
  }
  absl::Status ReturnLeases(const std::string&, std::span<const std::string> ids) override {
    MutexLock lock(mutex_);
    returned_.insert(ids.begin(), ids.end());
    changed_.NotifyAll();
    return absl::OkStatus();
  }
  absl::StatusOr<SubmitResult> SubmitGroup(Group group) override {
    SubmitResult result;
    std::function<void()> mishap;
    {
      MutexLock lock(mutex_);
      result = submitted_.emplace(group.purpose, group.step, group.ordinal).second ? SubmitResult::kAccepted
                                                                                   : SubmitResult::kDuplicate;
      mishap.swap(mishap_);
    }
    if (mishap) mishap();
    return result;
  }
  absl::StatusOr<std::shared_ptr<const WeightsSnapshot>> FetchWeights(PolicyVersion version) override {
    MutexLock lock(mutex_);
    const auto found = snapshots_.find(version);
    if (found == snapshots_.end()) return absl::NotFoundError("version is not kept");
    return found->second;
  }
  void Publish(std::shared_ptr<const WeightsSnapshot> snapshot) override {
    MutexLock lock(mutex_);
    snapshots_[snapshot->version] = std::move(snapshot);
  }
  std::vector<std::shared_ptr<const WeightsSnapshot>> Snapshots() override { return {}; }
  absl::StatusOr<CollectedStep> CollectStep(int64_t, std::stop_token) override {
    return absl::UnimplementedError("scripted");
  }
  absl::StatusOr<std::vector<CollectedGroup>> CollectEval(int64_t, int32_t, int32_t,
                                                          std::stop_token) override {
    return absl::UnimplementedError("scripted");
  }
  void End() override {}
  void Tick() override {}
  void Close() override {
    std::vector<LeaseCallback> polls;
    {
      MutexLock lock(mutex_);
      closed_ = true;
      polls.swap(polls_);
    }
    for (const LeaseCallback& done : polls) done(absl::CancelledError("closed"));
  }
  FrontDeskStats Stats() override { return {}; }

 private:
  template <typename Condition>
  bool Await(const Condition& condition) {
    MutexLock lock(mutex_);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > end) return false;
      changed_.WaitFor(mutex_, std::chrono::milliseconds(100));
    }
    return true;
  }

  const JoinReply join_;
  Mutex mutex_;
  CondVar changed_;
  std::vector<LeaseCallback> polls_ ABSL_GUARDED_BY(mutex_);
  std::set<std::string> returned_ ABSL_GUARDED_BY(mutex_);
  std::set<std::tuple<Purpose, int64_t, int64_t>> submitted_ ABSL_GUARDED_BY(mutex_);
  std::map<PolicyVersion, std::shared_ptr<const WeightsSnapshot>> snapshots_ ABSL_GUARDED_BY(mutex_);
  std::function<void()> mishap_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace entrain
