#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>

#include "absl/time/clock.h"
#include "entrain/verifier/v1/verifier_service.grpc.pb.h"
#include "services/adapters/verifier_adapter.h"
#include "services/clients/grpc_verifier.h"
#include "services/runtime/channel.h"
#include "services/runtime/grpc_server.h"
#include "tests/testing/scripted_verifier.h"

namespace entrain {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// One replica on loopback.
struct Replica {
  explicit Replica(const std::string& listen = "127.0.0.1:0", size_t queue = 16)
      : pool({.threads = 1, .max_items = queue}, verifier), service(MakeVerifierService(pool)) {
    grpc::Service* services[] = {service.get()};
    auto started = GrpcServer::Start({.listen = listen}, services);
    EXPECT_TRUE(started.ok()) << started.status();
    server = *std::move(started);
  }
  ~Replica() {
    verifier.Release();
    server->Shutdown(absl::Seconds(5));
  }
  ScriptedVerifier verifier;
  JudgingPool pool;
  std::unique_ptr<grpc::Service> service;
  std::unique_ptr<GrpcServer> server;
};

const VerifyItem kRight{.verifier = "exact", .completion = "42", .answer = "42"};
const VerifyItem kWrong{.verifier = "exact", .completion = "41", .answer = "42"};

TEST(VerifierServiceTest, VerdictsComeInTheOrderOfTheItems) {
  Replica replica;
  auto verifier = *GrpcVerifier::Connect(replica.server->address());
  const auto verdicts = verifier->Verify(std::vector{kRight, kWrong, kRight}, absl::Seconds(10));
  ASSERT_TRUE(verdicts.ok()) << verdicts.status();
  ASSERT_EQ(verdicts->size(), 3u);
  EXPECT_EQ((*verdicts)[0].kind, VerdictKind::kCorrect);
  EXPECT_EQ((*verdicts)[1].kind, VerdictKind::kWrong);
  EXPECT_EQ((*verdicts)[1].extracted, "41");
  EXPECT_EQ((*verdicts)[2].score, 1.0);
}

TEST(VerifierServiceTest, TheVerifierHasLessTimeThanTheCallHowEverLongThatIs) {
  Replica replica;
  auto verifier = *GrpcVerifier::Connect(replica.server->address());
  // Times that gRPC rounds up to whole tenths, seconds and tens of seconds.
  for (const absl::Duration time : {absl::Seconds(50.01), absl::Seconds(300.01), absl::Seconds(1800.01)}) {
    ASSERT_TRUE(verifier->Verify(std::vector{kRight}, time).ok());
    EXPECT_LT(replica.verifier.last_deadline(), time - absl::Milliseconds(200));
    EXPECT_GT(replica.verifier.last_deadline(), absl::ZeroDuration());
  }
}

TEST(VerifierServiceTest, AFullReplicaSaysSoAtOnceAndTheNextOneIsAsked) {
  Replica full("127.0.0.1:0", /*queue=*/1);
  Replica idle;
  full.verifier.Hold();
  auto direct = *GrpcVerifier::Connect(full.server->address());
  // One call is being judged, one waits: the queue is full.
  auto first = std::async(std::launch::async,
                          [&] { return direct->Verify(std::vector{kRight}, absl::Seconds(20)).ok(); });
  full.verifier.AwaitBegun(1);
  auto second = std::async(std::launch::async,
                           [&] { return direct->Verify(std::vector{kRight}, absl::Seconds(20)).ok(); });
  while (full.pool.Stats().items_waiting == 0) absl::SleepFor(absl::Milliseconds(1));

  verifier::v1::VerifyRequest request;
  request.add_items()->set_verifier("exact");
  verifier::v1::VerifyResponse response;
  grpc::ClientContext context;
  const grpc::Status refused = verifier::v1::VerifierService::NewStub(*OpenChannel(full.server->address()))
                                   ->Verify(&context, request, &response);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);

  auto both = *GrpcVerifier::Connect(full.server->address() + "," + idle.server->address());
  EXPECT_TRUE(both->Verify(std::vector{kRight}, absl::Seconds(10)).ok());
  EXPECT_EQ(idle.verifier.begun().size(), 1u);
  full.verifier.Release();
  EXPECT_TRUE(first.get());
  EXPECT_TRUE(second.get());
}

TEST(VerifierServiceTest, AVerifierThatComesBackOnItsPortIsFound) {
  auto replica = std::make_unique<Replica>();
  const std::string address = replica->server->address();
  auto verifier = *GrpcVerifier::Connect(address);
  ASSERT_TRUE(verifier->Verify(std::vector{kRight}, absl::Seconds(10)).ok());
  replica.reset();
  auto answer = std::async(std::launch::async,
                           [&] { return verifier->Verify(std::vector{kWrong}, absl::Seconds(20)).status(); });
  absl::SleepFor(absl::Milliseconds(200));
  replica = std::make_unique<Replica>(address);
  EXPECT_TRUE(answer.get().ok());
}

TEST(VerifierServiceTest, WithoutAnyReplicaTheCallEndsByItsDeadline) {
  auto verifier = *GrpcVerifier::Connect("127.0.0.1:1");
  const absl::Time begin = absl::Now();
  EXPECT_EQ(verifier->Verify(std::vector{kRight}, absl::Milliseconds(400)).status().code(),
            absl::StatusCode::kUnavailable);
  EXPECT_LT(absl::Now() - begin, absl::Seconds(3));
}

TEST(VerifierServiceTest, AStuckVerifierIsTimeoutBeforeTheCallEnds) {
  Replica replica;
  replica.verifier.HoldDeaf();
  auto verifier = *GrpcVerifier::Connect(replica.server->address());
  const auto verdicts = verifier->Verify(std::vector{kRight, kWrong}, absl::Milliseconds(400));
  ASSERT_TRUE(verdicts.ok()) << verdicts.status();
  EXPECT_EQ((*verdicts)[0].kind, VerdictKind::kTimeout);
  EXPECT_EQ((*verdicts)[1].kind, VerdictKind::kTimeout);
}

TEST(VerifierServiceTest, AnItemsOwnTimeReachesTheVerifier) {
  Replica replica;
  replica.verifier.Hold();
  auto verifier = *GrpcVerifier::Connect(replica.server->address());
  VerifyItem hasty = kRight;
  hasty.timeout = absl::Milliseconds(50);
  auto answer = std::async(std::launch::async, [&] {
    return verifier->Verify(std::vector{kWrong, hasty, kRight}, absl::Minutes(10));
  });
  // The first item takes the only thread until the second one's time is over.
  while (replica.pool.Stats().items_waiting != 1) absl::SleepFor(absl::Milliseconds(1));
  replica.verifier.Release();
  const auto verdicts = answer.get();
  ASSERT_TRUE(verdicts.ok()) << verdicts.status();
  EXPECT_EQ((*verdicts)[0].kind, VerdictKind::kWrong);
  EXPECT_EQ((*verdicts)[1].kind, VerdictKind::kTimeout);
  EXPECT_EQ((*verdicts)[2].kind, VerdictKind::kCorrect);
}

TEST(VerifierServiceTest, ACallThatIsCancelledStopsWhatRunsAndDropsWhatWaits) {
  Replica replica;
  replica.verifier.Hold();
  auto verifier = *GrpcVerifier::Connect(replica.server->address());
  auto cancelled = std::async(std::launch::async, [&] {
    return verifier->Verify(std::vector{kRight, kWrong, kWrong}, absl::Seconds(20)).status();
  });
  replica.verifier.AwaitBegun(1);
  verifier->Cancel();
  EXPECT_EQ(cancelled.get().code(), absl::StatusCode::kCancelled);
  replica.verifier.AwaitStopped(1);
  replica.verifier.Release();
  replica.server->Shutdown(absl::Seconds(5));
  EXPECT_EQ(replica.verifier.begun().size(), 1u);
  EXPECT_EQ(replica.pool.Stats().batches_cancelled, 1);
}

TEST(VerifierServiceTest, AStopOfTheCallerEndsTheCallAndTheJudging) {
  Replica replica;
  replica.verifier.Hold();
  auto verifier = *GrpcVerifier::Connect(replica.server->address());
  std::stop_source stop;
  auto stopped = std::async(std::launch::async, [&] {
    return verifier->Verify(std::vector{kRight}, {absl::Seconds(20), stop.get_token()}).status();
  });
  replica.verifier.AwaitBegun(1);
  stop.request_stop();
  EXPECT_EQ(stopped.get().code(), absl::StatusCode::kCancelled);
  replica.verifier.AwaitStopped(1);
  // The client lives on: only that call was stopped.
  replica.verifier.Release();
  EXPECT_TRUE(verifier->Verify(std::vector{kRight}, absl::Seconds(10)).ok());
}

TEST(VerifierServiceTest, AStopEndsTheWaitForReplicasThatAreAway) {
  auto verifier = *GrpcVerifier::Connect("127.0.0.1:1");
  std::stop_source stop;
  auto stopped = std::async(std::launch::async, [&] {
    return verifier->Verify(std::vector{kRight}, {absl::Seconds(60), stop.get_token()}).status();
  });
  absl::SleepFor(absl::Milliseconds(30));
  stop.request_stop();
  EXPECT_EQ(stopped.get().code(), absl::StatusCode::kCancelled);
}

TEST(VerifierServiceTest, WhatOneReplicaCouldNotJudgeIsAskedOfTheOther) {
  Replica stuck, healthy;
  stuck.verifier.Hold();
  auto verifier = *GrpcVerifier::Connect(stuck.server->address() + "," + healthy.server->address());
  const auto first = verifier->Verify(std::vector{kRight}, absl::Milliseconds(300));
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ((*first)[0].kind, VerdictKind::kTimeout);
  // Another call takes the next turn, so that this one's turn is the stuck replica's again.
  ASSERT_TRUE(verifier->Verify(std::vector{kWrong}, absl::Seconds(10)).ok());
  const auto second = verifier->Verify(std::vector{kRight}, absl::Seconds(10));
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ((*second)[0].kind, VerdictKind::kCorrect);
  EXPECT_EQ(healthy.verifier.begun().size(), 2u);
}

TEST(VerifierServiceTest, CallersTakeTurnsByTheirNames) {
  Replica replica;
  replica.verifier.Hold();
  auto greedy = *GrpcVerifier::Connect(replica.server->address(), std::nullopt, "greedy");
  auto modest = *GrpcVerifier::Connect(replica.server->address(), std::nullopt, "modest");
  const auto named = [](const std::string& completion) {
    return VerifyItem{.verifier = "exact", .completion = completion, .answer = "42"};
  };
  const auto ask = [](GrpcVerifier& verifier, std::vector<VerifyItem> items) {
    return std::async(std::launch::async, [&verifier, items = std::move(items)] {
      return verifier.Verify(items, absl::Seconds(20)).ok();
    });
  };
  std::vector<std::future<bool>> asked;
  asked.push_back(ask(*greedy, {named("g1"), named("g2")}));
  replica.verifier.AwaitBegun(1);
  asked.push_back(ask(*greedy, {named("g3"), named("g4")}));
  while (replica.pool.Stats().items_waiting < 3) absl::SleepFor(absl::Milliseconds(1));
  asked.push_back(ask(*modest, {named("m1")}));
  while (replica.pool.Stats().items_waiting < 4) absl::SleepFor(absl::Milliseconds(1));
  EXPECT_EQ(replica.pool.Stats().clients_waiting, 2);
  replica.verifier.Release();
  for (auto& one : asked) EXPECT_TRUE(one.get());
  EXPECT_THAT(replica.verifier.begun(), ElementsAre("g1", "g2", "m1", "g3", "g4"));
}

TEST(VerifierServiceTest, ACallerWithoutANameTakesOneTurnWhateverItsConnections) {
  Replica replica;
  replica.verifier.Hold();
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  for (int i = 0; i < 3; ++i) {
    grpc::ChannelArguments apart;
    apart.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // otherwise equal channels share a connection
    channels.push_back(
        grpc::CreateCustomChannel(replica.server->address(), grpc::InsecureChannelCredentials(), apart));
  }
  GrpcVerifier verifier(channels);  // asks them in turn
  std::vector<std::future<bool>> asked;
  for (int i = 0; i < 6; ++i) {
    asked.push_back(std::async(std::launch::async,
                               [&] { return verifier.Verify(std::vector{kRight}, absl::Minutes(10)).ok(); }));
  }
  while (replica.pool.Stats().items_waiting < 5) absl::SleepFor(absl::Milliseconds(1));
  EXPECT_EQ(replica.pool.Stats().clients_waiting, 1);
  replica.verifier.Release();
  for (auto& one : asked) EXPECT_TRUE(one.get());
}

TEST(VerifierServiceTest, AReplicaThatDrainsAnswersWhatItHasAndTheNextOneIsAsked) {
  Replica draining, idle;
  draining.verifier.Hold();
  auto direct = *GrpcVerifier::Connect(draining.server->address());
  auto accepted =
      std::async(std::launch::async, [&] { return direct->Verify(std::vector{kRight}, absl::Seconds(20)); });
  draining.verifier.AwaitBegun(1);
  draining.pool.Drain(absl::Seconds(20));
  auto both = *GrpcVerifier::Connect(draining.server->address() + "," + idle.server->address());
  EXPECT_TRUE(both->Verify(std::vector{kRight}, absl::Seconds(10)).ok());
  EXPECT_EQ(idle.verifier.begun().size(), 1u);
  draining.verifier.Release();
  const auto verdicts = accepted.get();
  ASSERT_TRUE(verdicts.ok()) << verdicts.status();
  EXPECT_EQ((*verdicts)[0].kind, VerdictKind::kCorrect);
}

TEST(VerifierServiceTest, MalformedBatchesAreRefusedByField) {
  Replica replica;
  auto verifier = *GrpcVerifier::Connect(replica.server->address());
  const absl::Status empty = verifier->Verify({}, absl::Seconds(5)).status();
  EXPECT_EQ(empty.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(empty.message()), HasSubstr("items: expected 1 to 4096 items, found 0"));
  const absl::Status nameless =
      verifier->Verify(std::vector{kRight, VerifyItem{}}, absl::Seconds(5)).status();
  EXPECT_THAT(std::string(nameless.message()), HasSubstr("items[1].verifier: expected"));
}

}  // namespace
}  // namespace entrain
