// Programs of completions in a verifier service whose caller goes away, whose time is over or that drains: no
// process is left of what nobody waits for.
#include <gtest/gtest.h>
#include <unistd.h>

#include <future>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/adapters/verifier_adapter.h"
#include "services/clients/grpc_verifier.h"
#include "services/runtime/grpc_server.h"
#include "services/runtime/server_lifecycle.h"
#include "tests/testing/processes.h"
#include "verifier/local_verifier.h"
#include "verifier/service/caching_verifier.h"
#include "verifier/service/judging_pool.h"

namespace entrain {
namespace {

// Until `holds`; false when it never did. Patient, because machines are slow at times.
template <typename Condition>
bool Eventually(const Condition& holds) {
  for (const absl::Time end = absl::Now() + absl::Seconds(60); absl::Now() < end;) {
    if (holds()) return true;
    absl::SleepFor(absl::Milliseconds(2));
  }
  return false;
}

// A whole verifier service with this machine's sandbox. The parameter is the style of the tests.
class StoppedProgramsTest : public testing::TestWithParam<const char*> {
 protected:
  StoppedProgramsTest()
      : local_(CreateLocalVerifier()),
        cache_(
            *local_, [this](const VerifyItem& item) { return local_->MayKeep(item); }, 1 << 20),
        pool_({.threads = 2}, cache_),
        service_(MakeVerifierService(pool_)) {
    grpc::Service* services[] = {service_.get()};
    server_ = *GrpcServer::Start({}, services);
    client_ = *GrpcVerifier::Connect(server_->address());
  }
  ~StoppedProgramsTest() override { server_->Shutdown(absl::Seconds(5)); }

  void SetUp() override {
    if (const auto layers = local_->PrepareSandbox(); !layers.ok()) GTEST_SKIP() << layers.status();
  }

  // Has a child that no signal but SIGKILL ends and that left its session, and never ends itself.
  VerifyItem Endless() const {
    return {.verifier = "code",
            .completion = absl::StrCat(R"py(```python
import subprocess, time
subprocess.Popen(['/bin/sh', '-c', 'trap "" TERM HUP INT; while :; do sleep 1; done', ')py",
                                       marker_, R"py('], start_new_session=True)
while True:
    try: time.sleep(1000)
    except BaseException: pass
```)py"),
            .answer = "",
            .options_json = absl::StrCat(
                R"({"per_test_s": 3600, "total_s": 3600, "tests": [)",
                std::string(GetParam()) == "assert" ? R"("assert True")" : R"({"input": "", "output": ""})",
                "]}")};
  }
  std::future<absl::StatusOr<std::vector<Verdict>>> Ask(const VerifyItem& item,
                                                        absl::Duration time = absl::Minutes(10)) {
    return std::async(std::launch::async, [this, item, time] {
      return client_->Verify(std::vector{item}, {time, stop_.get_token()});
    });
  }
  bool Runs() const { return ProcessesWith(marker_) > 0; }
  void ExpectNothingIsLeft() {
    EXPECT_TRUE(Eventually([this] { return !Runs() && pool_.Stats().items_running == 0; }));
  }

  const std::string marker_ = absl::StrCat("stopped-", GetParam(), getpid());
  std::stop_source stop_;
  const std::unique_ptr<LocalVerifier> local_;
  CachingVerifier cache_;
  JudgingPool pool_;
  std::unique_ptr<grpc::Service> service_;
  std::unique_ptr<GrpcServer> server_;
  std::unique_ptr<GrpcVerifier> client_;
};

TEST_P(StoppedProgramsTest, ACallerThatGoesAwayEndsItsProgram) {
  auto asked = Ask(Endless());
  ASSERT_TRUE(Eventually([this] { return Runs(); }));
  stop_.request_stop();
  EXPECT_EQ(asked.get().status().code(), absl::StatusCode::kCancelled);
  ExpectNothingIsLeft();
  EXPECT_EQ(pool_.Stats().batches_cancelled, 1);
}

TEST_P(StoppedProgramsTest, WhoAsksTheSameAndStaysHasItsProgramRun) {
  auto leaves = Ask(Endless());
  ASSERT_TRUE(Eventually([this] { return Runs(); }));
  auto stays = std::async(std::launch::async, [this] {
    return (*GrpcVerifier::Connect(server_->address(), std::nullopt, "other"))
        ->Verify(std::vector{Endless()}, absl::Minutes(10));
  });
  ASSERT_TRUE(Eventually([this] { return pool_.Stats().items_running == 2; }));
  stop_.request_stop();
  EXPECT_EQ(leaves.get().status().code(), absl::StatusCode::kCancelled);
  ASSERT_TRUE(Eventually([this] { return pool_.Stats().items_running == 1; }));
  EXPECT_TRUE(Eventually([this] { return Runs(); }));  // judged for the other now
  pool_.Drain(absl::ZeroDuration());
  const auto verdicts = stays.get();
  ASSERT_TRUE(verdicts.ok()) << verdicts.status();
  EXPECT_EQ((*verdicts)[0].kind, VerdictKind::kTimeout);
  ExpectNothingIsLeft();
}

TEST_P(StoppedProgramsTest, ADrainEndsProgramsAfterItsGraceAndWhoeverWaitsIsToldTimeout) {
  auto asked = Ask(Endless());
  ASSERT_TRUE(Eventually([this] { return Runs(); }));
  pool_.Drain(absl::Milliseconds(20));
  const auto verdicts = asked.get();
  ASSERT_TRUE(verdicts.ok()) << verdicts.status();
  EXPECT_EQ((*verdicts)[0].kind, VerdictKind::kTimeout);
  EXPECT_EQ((*verdicts)[0].detail, "the verifier stopped while this item was judged");
  ExpectNothingIsLeft();
}

TEST_P(StoppedProgramsTest, AProcessThatStopsAnswersItsCallersAndLeavesNothing) {
  ServerLifecycle lifecycle(*server_, nullptr);
  lifecycle.OnClose([this] { pool_.Drain(absl::Milliseconds(20)); });
  lifecycle.OnDrained([this] {
    pool_.Close();
    return absl::OkStatus();
  });
  auto asked = Ask(Endless());
  ASSERT_TRUE(Eventually([this] { return Runs(); }));
  EXPECT_TRUE(lifecycle.Shutdown(absl::Minutes(1)).ok());
  EXPECT_FALSE(Runs());
  const auto verdicts = asked.get();
  ASSERT_TRUE(verdicts.ok()) << verdicts.status();
  EXPECT_EQ((*verdicts)[0].kind, VerdictKind::kTimeout);
}

TEST_P(StoppedProgramsTest, AnItemWhoseTimeIsOverLeavesNothing) {
  VerifyItem item = Endless();
  absl::Duration time = absl::Milliseconds(300);
  // Longer and longer, until the program has begun in time.
  bool ran = false;
  while (!ran) {
    item.timeout = time;
    auto asked = Ask(item);
    while (asked.wait_for(std::chrono::milliseconds(2)) != std::future_status::ready) ran = ran || Runs();
    const auto verdicts = asked.get();
    ASSERT_TRUE(verdicts.ok()) << verdicts.status();
    EXPECT_EQ((*verdicts)[0].kind, VerdictKind::kTimeout);
    EXPECT_FALSE((*verdicts)[0].score.has_value());
    time *= 2;
  }
  ExpectNothingIsLeft();
}

INSTANTIATE_TEST_SUITE_P(Styles, StoppedProgramsTest, testing::Values("assert", "stdin"),
                         [](const auto& style) { return std::string(style.param); });

}  // namespace
}  // namespace entrain
