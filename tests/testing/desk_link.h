#pragma once

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "learner/front_desk.h"

namespace entrain {

// A worker's way to a front desk in the same process. `desk` may answer null: the learner is away. Without
// `waiting`, lease calls come back empty-handed at once instead of waiting for work, for tests that have one
// thread. Thread-safe when `desk` and `before` are.
class DeskLink final : public LearnerLink {
 public:
  using Desk = std::function<std::shared_ptr<FrontDesk>()>;
  explicit DeskLink(Desk desk, bool waiting = false) : desk_(std::move(desk)), waiting_(waiting) {}

  // Called with the name of every call; what it says instead of OK is the call's answer, and nothing reaches
  // the desk.
  std::function<absl::Status(const std::string& call)> before;

  absl::StatusOr<JoinReply> Join(const JoinRequest& request) override {
    return Call("Join", [&](FrontDesk& desk) { return desk.Join(request); });
  }
  absl::StatusOr<LeaseReply> LeasePrompts(const std::string& worker, int32_t max_leases,
                                          const std::string& held_digest, absl::Duration wait) override {
    return Call("LeasePrompts", [&](FrontDesk& desk) {
      auto promise = std::make_shared<std::promise<absl::StatusOr<LeaseReply>>>();
      std::future<absl::StatusOr<LeaseReply>> answer = promise->get_future();
      desk.LeasePrompts(
          worker, max_leases, held_digest, waiting_ ? wait : absl::ZeroDuration(),
          [promise](absl::StatusOr<LeaseReply> reply) { promise->set_value(std::move(reply)); });
      return answer.get();
    });
  }
  absl::StatusOr<std::vector<std::string>> RenewLeases(const std::string& worker,
                                                       std::span<const std::string> lease_ids) override {
    return Call("RenewLeases", [&](FrontDesk& desk) { return desk.RenewLeases(worker, lease_ids); });
  }
  absl::Status ReturnLeases(const std::string& worker, std::span<const std::string> lease_ids) override {
    return Call("ReturnLeases", [&](FrontDesk& desk) { return desk.ReturnLeases(worker, lease_ids); });
  }
  absl::StatusOr<SubmitResult> SubmitGroup(const Group& group) override {
    return Call("SubmitGroup", [&](FrontDesk& desk) { return desk.SubmitGroup(group); });
  }
  absl::StatusOr<std::shared_ptr<const WeightsSnapshot>> FetchWeights(PolicyVersion version) override {
    return Call("FetchWeights", [&](FrontDesk& desk) { return desk.FetchWeights(version); });
  }

 private:
  template <typename Deliver>
  auto Call(const std::string& name, Deliver deliver) -> decltype(deliver(std::declval<FrontDesk&>())) {
    if (before) {
      absl::Status refused = before(name);
      if (!refused.ok()) return refused;
    }
    const std::shared_ptr<FrontDesk> desk = desk_();
    if (desk == nullptr) return absl::UnavailableError("the learner is away");
    return deliver(*desk);
  }

  const Desk desk_;
  const bool waiting_;
};

}  // namespace entrain
