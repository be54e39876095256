#include "rollout_worker/lease_keeper.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/mutex.h"

namespace entrain {
namespace {

// A learner that only knows renewals.
class RenewalLink final : public LearnerLink {
 public:
  absl::StatusOr<JoinReply> Join(const JoinRequest&) override { return absl::UnimplementedError(""); }
  absl::StatusOr<LeaseReply> LeasePrompts(const std::string&, int32_t, const std::string&,
                                          absl::Duration) override {
    return absl::UnimplementedError("");
  }
  absl::Status ReturnLeases(const std::string&, std::span<const std::string>) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<SubmitResult> SubmitGroup(const Group&) override { return absl::UnimplementedError(""); }
  absl::StatusOr<std::shared_ptr<const WeightsSnapshot>> FetchWeights(PolicyVersion) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<std::vector<std::string>> RenewLeases(const std::string& worker,
                                                       std::span<const std::string> lease_ids) override {
    MutexLock lock(mutex_);
    renewed_.push_back(worker + ":" + lease_ids[0]);
    changed_.NotifyAll();
    if (!answer_.ok()) return answer_;
    return known_ ? std::vector<std::string>(lease_ids.begin(), lease_ids.end()) : std::vector<std::string>();
  }

  void Answer(absl::Status status, bool known) {
    MutexLock lock(mutex_);
    answer_ = std::move(status);
    known_ = known;
  }
  // The renewals from now on, once there are `count` more.
  std::vector<std::string> AwaitRenewals(size_t count) {
    MutexLock lock(mutex_);
    renewed_.clear();
    while (renewed_.size() < count) changed_.Wait(mutex_);
    return renewed_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  absl::Status answer_ ABSL_GUARDED_BY(mutex_);
  bool known_ ABSL_GUARDED_BY(mutex_) = true;
  std::vector<std::string> renewed_ ABSL_GUARDED_BY(mutex_);
};

Lease Of(const std::string& id) { return {.lease_id = id, .deadline_seconds = 0.15}; }

TEST(LeaseKeeperTest, RenewsTheLeaseInHandAgainAndAgain) {
  RenewalLink link;
  LeaseKeeper keeper(link, "w");
  keeper.Hold(Of("l-1"));
  EXPECT_EQ(link.AwaitRenewals(2), (std::vector<std::string>{"w:l-1", "w:l-1"}));
  EXPECT_TRUE(keeper.alive());
  EXPECT_TRUE(keeper.Release());
  keeper.Hold(Of("l-2"));
  EXPECT_EQ(link.AwaitRenewals(2).back(), "w:l-2");
}

TEST(LeaseKeeperTest, ALearnerThatDoesNotKnowTheLeaseEndsIt) {
  RenewalLink link;
  LeaseKeeper keeper(link, "w");
  link.Answer(absl::OkStatus(), /*known=*/false);
  keeper.Hold(Of("l-1"));
  link.AwaitRenewals(2);  // the answer to the first has been noted
  EXPECT_FALSE(keeper.alive());
  EXPECT_FALSE(keeper.Release());
  link.Answer(absl::OkStatus(), /*known=*/true);
  keeper.Hold(Of("l-2"));
  EXPECT_TRUE(keeper.alive());
}

TEST(LeaseKeeperTest, ALearnerThatIsAwayHasNotSaidNo) {
  RenewalLink link;
  LeaseKeeper keeper(link, "w");
  link.Answer(absl::UnavailableError("x"), /*known=*/true);
  keeper.Hold(Of("l-1"));
  link.AwaitRenewals(2);
  EXPECT_TRUE(keeper.alive());
}

TEST(LeaseKeeperTest, EndsAtOnceWhileItWaits) {
  RenewalLink link;
  LeaseKeeper idle(link, "w");
  LeaseKeeper holding(link, "w");
  holding.Hold({.lease_id = "l-1", .deadline_seconds = 100000});
}

}  // namespace
}  // namespace entrain
