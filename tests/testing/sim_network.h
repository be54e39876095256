#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/mutex.h"
#include "common/rng.h"
#include "rollout_worker/learner_link.h"
#include "verifier/verifier.h"

namespace entrain {

// Thrown out of a call when the caller's process dies in the middle of it. Whoever runs the worker catches it
// and throws the worker away.
struct WorkerKilled {};

// What may happen to a call, each with a probability; the sum is at most 1.
struct SimFaults {
  double drop_request = 0;  // nothing arrives; the caller sees Unavailable
  double drop_reply = 0;    // it arrives, and the caller sees Unavailable
  double duplicate = 0;     // it arrives twice
  double late = 0;          // the caller sees DeadlineExceeded, and it arrives during some later call
  double kill = 0;          // the caller dies, half of the times after the call has arrived
};

// A network with a seed: equal seeds and equal calls give equal mishaps. Thread-safe; with several threads
// the mishaps depend on who calls first.
class SimNetwork {
 public:
  SimNetwork(uint64_t seed, const SimFaults& faults)
      : rng_({.seed = seed, .purpose = RngPurpose::kData}), faults_(faults) {}

  // Runs at the start of every call: what the rest of the world does while a message travels. It lets one
  // thread interleave many workers.
  std::function<void()> meanwhile;

  // `deliver` must own what it captures: it may be run again, or later. Its result is an absl::Status or
  // StatusOr.
  template <typename Deliver>
  std::invoke_result_t<Deliver> Call(Deliver deliver) {
    if (meanwhile) meanwhile();
    DeliverLateOnes();
    double fate = Uniform();
    const auto is = [&fate](double probability) { return (fate -= probability) < 0; };
    if (is(faults_.drop_request)) return absl::UnavailableError("simulated: the request was lost");
    if (is(faults_.drop_reply)) {
      (void)deliver();
      return absl::UnavailableError("simulated: the reply was lost");
    }
    if (is(faults_.duplicate)) {
      (void)deliver();
      return deliver();
    }
    if (is(faults_.late)) {
      MutexLock lock(mutex_);
      late_.push_back([deliver] { (void)deliver(); });
      return absl::DeadlineExceededError("simulated: the request is late");
    }
    if (is(faults_.kill)) {
      if (Uniform() < 0.5) (void)deliver();
      throw WorkerKilled();
    }
    return deliver();
  }

  double Uniform() {
    MutexLock lock(mutex_);
    return rng_.Uniform(draws_++);
  }
  uint64_t Below(uint64_t bound) {
    MutexLock lock(mutex_);
    return rng_.Below(bound, draws_++);
  }

 private:
  // Each late message arrives with a probability of 1/4 at each call, so that they overtake one another.
  void DeliverLateOnes() {
    std::vector<std::function<void()>> arriving;
    {
      MutexLock lock(mutex_);
      std::vector<std::function<void()>> still_late;
      for (auto& message : late_)
        (rng_.Uniform(draws_++) < 0.25 ? arriving : still_late).push_back(std::move(message));
      late_ = std::move(still_late);
    }
    for (const auto& message : arriving) message();
  }

  const Rng rng_;
  const SimFaults faults_;
  Mutex mutex_;
  uint64_t draws_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<std::function<void()>> late_ ABSL_GUARDED_BY(mutex_);
};

// A worker's way to its learner over a SimNetwork. `link` must outlive the network's late messages.
class SimLink final : public LearnerLink {
 public:
  SimLink(SimNetwork& network, LearnerLink& link) : network_(network), link_(link) {}

  absl::StatusOr<JoinReply> Join(const JoinRequest& request) override {
    return network_.Call([&link = link_, request] { return link.Join(request); });
  }
  absl::StatusOr<LeaseReply> LeasePrompts(const std::string& worker, int32_t max_leases,
                                          const std::string& held_digest, absl::Duration wait) override {
    return network_.Call([&link = link_, worker, max_leases, held_digest, wait] {
      return link.LeasePrompts(worker, max_leases, held_digest, wait);
    });
  }
  absl::StatusOr<std::vector<std::string>> RenewLeases(const std::string& worker,
                                                       std::span<const std::string> lease_ids) override {
    return network_.Call(
        [&link = link_, worker, ids = Copy(lease_ids)] { return link.RenewLeases(worker, ids); });
  }
  absl::Status ReturnLeases(const std::string& worker, std::span<const std::string> lease_ids) override {
    return network_.Call(
        [&link = link_, worker, ids = Copy(lease_ids)] { return link.ReturnLeases(worker, ids); });
  }
  absl::StatusOr<SubmitResult> SubmitGroup(const Group& group) override {
    return network_.Call([&link = link_, group] { return link.SubmitGroup(group); });
  }
  absl::StatusOr<std::shared_ptr<const WeightsSnapshot>> FetchWeights(PolicyVersion version) override {
    return network_.Call([&link = link_, version] { return link.FetchWeights(version); });
  }

 private:
  static std::vector<std::string> Copy(std::span<const std::string> ids) { return {ids.begin(), ids.end()}; }

  SimNetwork& network_;
  LearnerLink& link_;
};

// A worker's way to a verifier over a SimNetwork.
class SimVerifier final : public Verifier {
 public:
  SimVerifier(SimNetwork& network, Verifier& verifier) : network_(network), verifier_(verifier) {}

  absl::StatusOr<std::vector<Verdict>> Verify(std::span<const VerifyItem> items,
                                              const VerifyCall& call) override {
    return network_.Call([&verifier = verifier_, copy = std::vector<VerifyItem>(items.begin(), items.end()),
                          call] { return verifier.Verify(copy, call); });
  }

 private:
  SimNetwork& network_;
  Verifier& verifier_;
};

}  // namespace entrain
