#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <future>
#include <memory>

#include "absl/time/clock.h"
#include "services/adapters/learner_adapter.h"
#include "services/clients/grpc_learner_link.h"
#include "services/runtime/address.h"
#include "services/runtime/channel.h"
#include "services/runtime/grpc_server.h"
#include "services/runtime/grpc_status.h"
#include "services/runtime/http_server.h"
#include "services/runtime/retry.h"
#include "services/runtime/server_lifecycle.h"
#include "services/runtime/signal_waiter.h"
#include "tests/testing/scripted_front_desk.h"

namespace entrain {
namespace {

using ::testing::HasSubstr;

TEST(AddressTest, ReadsHostsAndPorts) {
  EXPECT_EQ(ParseHostPort("127.0.0.1:80")->ToString(), "127.0.0.1:80");
  EXPECT_EQ(ParseHostPort("[::1]:0")->host, "::1");
  EXPECT_EQ(ParseHostPort("[::1]:65535")->ToString(), "[::1]:65535");
  for (const char* bad : {"", "host", ":80", "host:", "host:x", "host:65536", "host:-1", "::1:80"}) {
    EXPECT_EQ(ParseHostPort(bad).status().code(), absl::StatusCode::kInvalidArgument) << bad;
  }
}

TEST(AddressTest, KnowsWhatOtherMachinesReach) {
  for (const char* host : {"127.0.0.1", "127.9.9.9", "::1", "localhost"})
    EXPECT_TRUE(IsLoopback(host)) << host;
  for (const char* host : {"0.0.0.0", "::", "10.0.0.1", "127.example.com", "example.com"})
    EXPECT_FALSE(IsLoopback(host)) << host;
}

TEST(AddressTest, APortThatIsTakenIsRefusedBeforeAServerIsStarted) {
  const auto server = HttpServer::Start({.listen = "127.0.0.1:0"});
  ASSERT_TRUE(server.ok()) << server.status();
  const absl::Status taken = TryListening(*ParseHostPort((*server)->address()));
  EXPECT_TRUE(absl::IsUnavailable(taken)) << taken;
  EXPECT_THAT(taken.message(), HasSubstr((*server)->address()));
  EXPECT_TRUE(TryListening({.host = "127.0.0.1", .port = 0}).ok());
  EXPECT_TRUE(absl::IsUnavailable(TryListening({.host = "192.0.2.1", .port = 0})));  // nobody's (RFC 5737)
}

TEST(GrpcStatusTest, EveryCodeSurvives) {
  for (int code = 1; code <= 16; ++code) {
    const absl::Status status(static_cast<absl::StatusCode>(code), "what happened");
    EXPECT_EQ(FromGrpcStatus(ToGrpcStatus(status)), status);
  }
  EXPECT_TRUE(FromGrpcStatus(ToGrpcStatus(absl::OkStatus())).ok());
}

TEST(GrpcStatusTest, AStreamRemovedIsAConnectionThatBroke) {
  EXPECT_TRUE(absl::IsUnavailable(FromGrpcStatus(grpc::Status(grpc::StatusCode::UNKNOWN, "Stream removed"))));
  EXPECT_TRUE(absl::IsUnknown(FromGrpcStatus(grpc::Status(grpc::StatusCode::UNKNOWN, "something else"))));
}

TEST(RetryTest, RepeatsOnlyUnavailableAndStopsAtTheDeadline) {
  int calls = 0;
  EXPECT_TRUE(RetryUnavailable(absl::Seconds(10), [&](absl::Duration) {
                return ++calls < 3 ? absl::UnavailableError("away") : absl::OkStatus();
              }).ok());
  EXPECT_EQ(calls, 3);
  calls = 0;
  EXPECT_TRUE(absl::IsAborted(RetryUnavailable(absl::Seconds(10), [&](absl::Duration) {
    ++calls;
    return absl::AbortedError("etag");
  })));
  EXPECT_EQ(calls, 1);
  const absl::Time begin = absl::Now();
  EXPECT_TRUE(absl::IsUnavailable(RetryUnavailable(
      absl::Milliseconds(200), [](absl::Duration) { return absl::UnavailableError("away"); })));
  EXPECT_LT(absl::Now() - begin, absl::Seconds(2));
}

TEST(RetryTest, PausesDoubleUpToTheLongest) {
  const RetryOptions options{.initial_backoff = absl::Milliseconds(50), .max_backoff = absl::Seconds(1)};
  EXPECT_EQ(PauseAfter(0, options), absl::Milliseconds(50));
  EXPECT_EQ(PauseAfter(1, options), absl::Milliseconds(100));
  EXPECT_EQ(PauseAfter(4, options), absl::Milliseconds(800));
  EXPECT_EQ(PauseAfter(5, options), absl::Seconds(1));
  EXPECT_EQ(PauseAfter(1000, options), absl::Seconds(1));
}

TEST(RetryTest, JitterIsAFunctionOfItsKeyAndKeepsHalfOfThePause) {
  RetryOptions options{.jitter = RngKey{.seed = 1, .purpose = RngPurpose::kBackoff}};
  RetryOptions other{.jitter = RngKey{.seed = 2, .purpose = RngPurpose::kBackoff}};
  int differ = 0;
  for (int tried = 0; tried < 10; ++tried) {
    const absl::Duration whole = PauseAfter(tried, {}), drawn = PauseAfter(tried, options);
    EXPECT_GE(drawn, whole / 2);
    EXPECT_LE(drawn, whole);
    EXPECT_EQ(drawn, PauseAfter(tried, options));
    differ += drawn != PauseAfter(tried, other) ? 1 : 0;
  }
  EXPECT_GE(differ, 9);
}

TEST(RetryTest, AStopEndsAPause) {
  std::stop_source stop;
  int calls = 0;
  const absl::Time begin = absl::Now();
  const absl::Status status = RetryUnavailable(
      absl::Seconds(60),
      [&](absl::Duration) {
        ++calls;
        stop.request_stop();
        return absl::UnavailableError("away");
      },
      {.initial_backoff = absl::Seconds(30), .max_backoff = absl::Seconds(30), .stop = stop.get_token()});
  EXPECT_TRUE(absl::IsCancelled(status)) << status;
  EXPECT_EQ(calls, 1);
  EXPECT_LT(absl::Now() - begin, absl::Seconds(10));
}

TEST(GrpcServerTest, RefusesPlaintextWhereOthersReachIt) {
  const absl::Status status = GrpcServer::Start({.listen = "0.0.0.0:0"}, {}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("--insecure"));
  EXPECT_TRUE(GrpcServer::Start({.listen = "0.0.0.0:0", .insecure = true}, {}).ok());
  EXPECT_EQ(HttpServer::Start({.listen = "0.0.0.0:0"}).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST(GrpcServerTest, APortInUseIsUnavailable) {
  ScriptedFrontDesk desk;
  auto service = MakeLearnerService(desk);
  grpc::Service* services[] = {service.get()};
  auto first = *GrpcServer::Start({}, services);
  auto other = MakeLearnerService(desk);
  grpc::Service* others[] = {other.get()};
  EXPECT_EQ(GrpcServer::Start({.listen = first->address()}, others).status().code(),
            absl::StatusCode::kUnavailable);
}

// The health and reflection protocols by their bytes, as a client would that knows neither from us.
std::string RawUnary(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                     const std::string& request) {
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
  grpc::CompletionQueue queue;
  const grpc::Slice slice(request);
  auto call = stub.PrepareCall(&context, method, &queue);
  void* tag = nullptr;
  bool ok = false;
  const auto step = [&] { return queue.Next(&tag, &ok) && ok; };
  call->StartCall(nullptr);
  EXPECT_TRUE(step());
  call->Write(grpc::ByteBuffer(&slice, 1), nullptr);
  EXPECT_TRUE(step());
  grpc::ByteBuffer answer;
  call->Read(&answer, nullptr);
  EXPECT_TRUE(step());
  call->WritesDone(nullptr);
  step();
  grpc::Status status;
  call->Finish(&status, nullptr);
  step();
  EXPECT_TRUE(status.ok()) << status.error_message();
  grpc::Slice whole;
  EXPECT_TRUE(answer.DumpToSingleSlice(&whole).ok());
  return std::string(reinterpret_cast<const char*>(whole.begin()), whole.size());
}

TEST(GrpcServerTest, HealthFollowsTheServer) {
  ScriptedFrontDesk desk;
  auto service = MakeLearnerService(desk);
  grpc::Service* services[] = {service.get()};
  auto server = *GrpcServer::Start({}, services);
  auto channel = *OpenChannel(server->address());
  // HealthCheckResponse.status is field 1: SERVING is 1, NOT_SERVING is 2.
  EXPECT_EQ(RawUnary(channel, "/grpc.health.v1.Health/Check", ""), std::string("\x08\x02"));
  server->SetServing(true);
  EXPECT_EQ(RawUnary(channel, "/grpc.health.v1.Health/Check", ""), std::string("\x08\x01"));
  server->SetServing(false);
  EXPECT_EQ(RawUnary(channel, "/grpc.health.v1.Health/Check", ""), std::string("\x08\x02"));
}

TEST(GrpcServerTest, ReflectionListsTheServices) {
  ScriptedFrontDesk desk;
  auto service = MakeLearnerService(desk);
  grpc::Service* services[] = {service.get()};
  auto server = *GrpcServer::Start({}, services);
  // ServerReflectionRequest.list_services is field 7.
  const std::string listed =
      RawUnary(*OpenChannel(server->address()),
               "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", std::string("\x3a\x01*"));
  EXPECT_THAT(listed, HasSubstr("entrain.learner.v1.LearnerService"));
  EXPECT_THAT(listed, HasSubstr("grpc.health.v1.Health"));
}

TEST(ServerLifecycleTest, StopsInOrderWithinTheGraceWhileAPollIsOpen) {
  ScriptedFrontDesk desk;
  auto service = MakeLearnerService(desk);
  grpc::Service* services[] = {service.get()};
  auto server = *GrpcServer::Start({}, services);
  auto http = *HttpServer::Start({.ready = [&] { return server->serving(); }});
  std::vector<std::string> order;
  ServerLifecycle lifecycle(*server, http.get());
  lifecycle.OnClose([&] {
    order.push_back(server->serving() ? "close while serving" : "close");
    desk.Close();
  });
  lifecycle.OnDrained([&] {
    order.push_back("flush");
    return absl::DataLossError("the disk is full");
  });
  lifecycle.OnDrained([&] {
    order.push_back("join");
    return absl::OkStatus();
  });
  lifecycle.Serving();

  GrpcLearnerLink link(*OpenChannel(server->address()), {.retry_for = absl::ZeroDuration()});
  auto poll = std::async(std::launch::async,
                         [&] { return link.LeasePrompts("w", 1, "", absl::Seconds(50)).status(); });
  ASSERT_TRUE(desk.AwaitPolls(1));
  const absl::Time begin = absl::Now();
  EXPECT_EQ(lifecycle.Shutdown(absl::Seconds(30)).code(), absl::StatusCode::kDataLoss);
  // Without the close first, the open poll would use up the whole grace.
  EXPECT_LT(absl::Now() - begin, absl::Seconds(10));
  EXPECT_EQ(poll.get().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(order, (std::vector<std::string>{"close", "flush", "join"}));
}

TEST(GrpcServerTest, GraceEndsWhatDoesNotEndByItself) {
  ScriptedFrontDesk desk;
  auto service = MakeLearnerService(desk);
  grpc::Service* services[] = {service.get()};
  auto server = *GrpcServer::Start({}, services);
  GrpcLearnerLink link(*OpenChannel(server->address()), {.retry_for = absl::ZeroDuration()});
  auto poll = std::async(std::launch::async,
                         [&] { return link.LeasePrompts("w", 1, "", absl::Seconds(50)).status(); });
  ASSERT_TRUE(desk.AwaitPolls(1));
  server->Shutdown(absl::Milliseconds(200));
  EXPECT_FALSE(poll.get().ok());
  // The desk may answer after the call is gone.
  EXPECT_TRUE(desk.Offer({.lease_id = "late", .prompt = {.tokens = {1}}, .completions = 1}));
  EXPECT_TRUE(desk.AwaitReturned("late"));
}

TEST(SignalWaiterTest, TheFirstSignalAsksToStop) {
  // In a child: blocking signals would stay with this process.
  EXPECT_EXIT(
      {
        SignalWaiter signals;
        kill(getpid(), SIGTERM);
        signals.Wait();
        _exit(signals.token().stop_requested() && signals.signal() == SIGTERM ? 7 : 1);
      },
      ::testing::ExitedWithCode(7), "");
}

TEST(SignalWaiterTest, TheSecondSignalEndsTheProcessAtOnce) {
  EXPECT_EXIT(
      {
        SignalWaiter signals;
        kill(getpid(), SIGINT);
        signals.Wait();
        kill(getpid(), SIGINT);
        absl::SleepFor(absl::Seconds(20));
        _exit(1);
      },
      ::testing::ExitedWithCode(128 + SIGINT), "");
}

TEST(SignalWaiterTest, AnotherReasonToStopEndsTheWait) {
  EXPECT_EXIT(
      {
        {
          SignalWaiter signals;
          std::thread([&] { signals.RequestStop(); }).join();
          signals.Wait();
        }
        _exit(3);
      },
      ::testing::ExitedWithCode(3), "");
}

}  // namespace
}  // namespace entrain
