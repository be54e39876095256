// Verdicts of every kind on their whole way: verifier services → rollout workers → front desk. A failure of
// ours never changes a reward (invariant 5 of docs/architecture.md): what is collected is what a run without
// failures collects.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/digest.h"
#include "rollout_worker/rollout_loop.h"
#include "services/adapters/verifier_adapter.h"
#include "services/clients/grpc_verifier.h"
#include "services/runtime/grpc_server.h"
#include "tests/testing/desk_link.h"
#include "tests/testing/fake_verifier.h"
#include "tests/testing/sim_world.h"
#include "verifier/service/caching_verifier.h"
#include "verifier/service/judging_pool.h"

namespace entrain {
namespace {

// A replica that is unable to judge some questions, others for each `number`: half of them it calls an error,
// the other half a timeout.
class HalfBrokenReplica {
 public:
  HalfBrokenReplica(uint64_t number, uint64_t poisoned)
      : verifier_(FakeVerifier::Each([this, number, poisoned](const VerifyItem& item) -> Verdict {
          const std::string digest = DigestOf(item.completion + "|" + item.answer);
          const Verdict truth = Judge(item, poisoned);
          if (!IsOurFailure(truth.kind) && static_cast<uint64_t>(digest[0] % 3) == number) {
            ++failures_;
            return {.kind = digest[1] % 2 == 0 ? VerdictKind::kError : VerdictKind::kTimeout,
                    .detail = absl::StrCat("replica ", number, " is broken")};
          }
          return truth;
        })),
        cache_(
            verifier_, [](const VerifyItem&) { return true; }, 1 << 20),
        pool_({.threads = 2}, cache_),
        service_(MakeVerifierService(pool_)) {
    grpc::Service* services[] = {service_.get()};
    server_ = *GrpcServer::Start({}, services);
  }
  ~HalfBrokenReplica() {
    pool_.Drain(absl::ZeroDuration());
    server_->Shutdown(absl::Seconds(5));
  }
  const std::string& address() const { return server_->address(); }
  int failures() const { return failures_; }

 private:
  std::atomic<int> failures_ = 0;
  FakeVerifier verifier_;
  CachingVerifier cache_;
  JudgingPool pool_;
  std::unique_ptr<grpc::Service> service_;
  std::unique_ptr<GrpcServer> server_;
};

TEST(VerdictKindsTest, FailuresOfReplicasChangeNoRewardOnTheWayToTheLearner) {
  // Without and with completions that nobody can ever judge.
  for (const uint64_t poisoned : {uint64_t{0}, uint64_t{4}}) {
    SCOPED_TRACE(absl::StrCat("one of ", poisoned, " can never be judged"));
    const WorldOptions run{.poisoned = poisoned};
    World calm(run);
    calm.Run();

    HalfBrokenReplica first(0, poisoned), second(1, poisoned);
    std::shared_ptr<const WeightsSnapshot> weights = WeightsSnapshot::Make(0, {1, 2, 3, 4});
    const std::shared_ptr<FrontDesk> desk =
        FrontDesk::Create(DeskOptions(run), WorldData(), nullptr, Clock::Real());
    desk->Publish(weights);
    DeskLink link([&] { return desk; }, /*waiting=*/true);
    std::vector<RolloutStats> stats(2);
    std::vector<TrainedStep> log;
    {
      std::vector<std::jthread> workers;
      for (size_t i = 0; i < stats.size(); ++i) {
        workers.emplace_back([&, i] {
          const std::string name = absl::StrCat("w", i);
          const auto verifier =
              *GrpcVerifier::Connect(first.address() + "," + second.address(), std::nullopt, name);
          RolloutLoop loop({.name = name, .lease_wait = absl::Milliseconds(20)}, link, *verifier,
                           WorldModel(), Clock::Real());
          EXPECT_TRUE(loop.Run({}).ok());
          stats[i] = loop.stats();
        });
      }
      for (int64_t step = 0; step < run.steps; ++step) {
        const absl::StatusOr<CollectedStep> collected = desk->CollectStep(step, {});
        ASSERT_TRUE(collected.ok()) << collected.status();
        log.push_back(Record(run, step, log.empty() ? 0 : log.back().end, *collected));
        weights = Train(*weights, log.back());
        desk->Publish(weights);
      }
      desk->End();
    }
    EXPECT_EQ(log, calm.log());
    EXPECT_GT(first.failures(), 5);
    EXPECT_GT(second.failures(), 5);
    // Every failure was mended by the other replica, at the second try.
    int64_t retried = 0, excluded = 0;
    for (const RolloutStats& worker : stats) {
      retried += worker.verdicts_retried;
      excluded += worker.excluded_timeout + worker.excluded_error;
    }
    EXPECT_GT(retried, 10);
    EXPECT_EQ(excluded > 0, poisoned > 0);
    if (poisoned == 0) {
      EXPECT_EQ(retried, first.failures() + second.failures());
    }
  }
}

}  // namespace
}  // namespace entrain
