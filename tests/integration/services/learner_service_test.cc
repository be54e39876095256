#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/digest.h"
#include "services/adapters/learner_adapter.h"
#include "services/clients/grpc_learner_link.h"
#include "services/runtime/channel.h"
#include "services/runtime/grpc_server.h"
#include "tests/testing/cutting_proxy.h"
#include "tests/testing/scripted_front_desk.h"

namespace entrain {
namespace {

using ::testing::HasSubstr;

Lease SomeLease(const std::string& id) {
  return {.lease_id = id,
          .prompt = {.id = "p", .tokens = {1, 2, 3}, .answer = "42", .verifier = "exact"},
          .completions = 2,
          .deadline_seconds = 60};
}

Group SomeGroup(int64_t step) {
  Group group{.lease_id = "l", .step = step, .ordinal = 3};
  group.completions.push_back({.index = 0,
                               .tokens = {5, 6},
                               .behaviour_logprobs = {-1, -2},
                               .verdict = {.kind = VerdictKind::kCorrect, .score = 1.0}});
  return group;
}

std::shared_ptr<WeightsSnapshot> SomeWeights(PolicyVersion version, const std::vector<float>& values) {
  return std::make_shared<WeightsSnapshot>(
      WeightsSnapshot{version, values, DigestOf(std::span<const float>(values))});
}

// A real server and a real client; over TCP on loopback or in process.
class LearnerServiceTest : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    service_ = MakeLearnerService(desk_);
    grpc::Service* services[] = {service_.get()};
    auto server = GrpcServer::Start({}, services);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    channel_ = GetParam() ? *OpenChannel(server_->address()) : server_->InProcessChannel();
    link_ = std::make_unique<GrpcLearnerLink>(channel_,
                                              GrpcLearnerLinkOptions{.retry_for = absl::Milliseconds(300)});
  }
  void TearDown() override {
    desk_.Close();
    server_->Shutdown(absl::Seconds(5));
  }

  ScriptedFrontDesk desk_{
      JoinReply{.run_id = "run-1", .incarnation = "a", .seed = 9, .model_files = {{"config.json", "{}"}}}};
  std::unique_ptr<grpc::Service> service_;
  std::unique_ptr<GrpcServer> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<GrpcLearnerLink> link_;
};

INSTANTIATE_TEST_SUITE_P(InProcess, LearnerServiceTest, ::testing::Values(false));
INSTANTIATE_TEST_SUITE_P(Tcp, LearnerServiceTest, ::testing::Values(true));

TEST_P(LearnerServiceTest, AWorkerNeedsOnlyTheAddress) {
  const absl::StatusOr<JoinReply> reply = link_->Join({.worker = "w"});
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->run_id, "run-1");
  EXPECT_EQ(reply->seed, 9u);
  EXPECT_EQ(reply->model_files.at("config.json"), "{}");
}

TEST_P(LearnerServiceTest, RefusesAnotherProtocolVersion) {
  EXPECT_EQ(link_->Join({.protocol_version = 99, .worker = "w"}).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_P(LearnerServiceTest, ALongPollIsAnsweredWhenWorkAppears) {
  auto reply =
      std::async(std::launch::async, [&] { return link_->LeasePrompts("w", 1, "", absl::Seconds(30)); });
  ASSERT_TRUE(desk_.AwaitPolls(1));
  ASSERT_TRUE(desk_.Offer(SomeLease("lease-1")));
  const absl::StatusOr<LeaseReply> got = reply.get();
  ASSERT_TRUE(got.ok()) << got.status();
  ASSERT_EQ(got->leases.size(), 1u);
  EXPECT_EQ(got->leases[0].lease_id, "lease-1");
  EXPECT_EQ(got->leases[0].prompt.tokens, (std::vector<TokenId>{1, 2, 3}));
}

TEST_P(LearnerServiceTest, LeasesGrantedToACallerThatWentAwayAreReturned) {
  auto reply =
      std::async(std::launch::async, [&] { return link_->LeasePrompts("w", 1, "", absl::Seconds(30)); });
  ASSERT_TRUE(desk_.AwaitPolls(1));
  link_->Cancel();
  EXPECT_EQ(reply.get().status().code(), absl::StatusCode::kCancelled);
  // The desk does not know yet that nobody waits; whatever it grants must come back.
  absl::SleepFor(absl::Milliseconds(50));
  ASSERT_TRUE(desk_.Offer(SomeLease("orphan")));
  EXPECT_TRUE(desk_.AwaitReturned("orphan"));
}

TEST_P(LearnerServiceTest, ADeskThatClosesLooksLikeALearnerThatIsAway) {
  auto reply =
      std::async(std::launch::async, [&] { return link_->LeasePrompts("w", 1, "", absl::Seconds(30)); });
  ASSERT_TRUE(desk_.AwaitPolls(1));
  desk_.Close();
  EXPECT_EQ(reply.get().status().code(), absl::StatusCode::kUnavailable);
}

TEST_P(LearnerServiceTest, MalformedPollsAreRefusedByField) {
  const absl::Status status = link_->LeasePrompts("w", 0, "", absl::Seconds(1)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("max_leases: expected at least 1, found 0"));
}

TEST_P(LearnerServiceTest, LeasesAreRenewedAndReturned) {
  const std::vector<std::string> ids = {"a", "b"};
  EXPECT_EQ(*link_->RenewLeases("w", ids), ids);
  EXPECT_TRUE(link_->ReturnLeases("w", ids).ok());
  EXPECT_TRUE(desk_.AwaitReturned("b"));
}

TEST_P(LearnerServiceTest, AWorkerThatWasCancelledStillReturnsItsLeases) {
  link_->Cancel();
  EXPECT_EQ(link_->SubmitGroup(SomeGroup(1)).status().code(), absl::StatusCode::kCancelled);
  EXPECT_TRUE(link_->ReturnLeases("w", std::vector<std::string>{"left"}).ok());
  EXPECT_TRUE(desk_.AwaitReturned("left"));
}

TEST_P(LearnerServiceTest, ASecondSubmitIsADuplicate) {
  EXPECT_EQ(*link_->SubmitGroup(SomeGroup(1)), SubmitResult::kAccepted);
  EXPECT_EQ(*link_->SubmitGroup(SomeGroup(1)), SubmitResult::kDuplicate);
  EXPECT_EQ(*link_->SubmitGroup(SomeGroup(2)), SubmitResult::kAccepted);
}

TEST_P(LearnerServiceTest, AMalformedGroupIsRefusedByField) {
  Group group = SomeGroup(1);
  group.completions[0].behaviour_logprobs.pop_back();
  const absl::Status status = link_->SubmitGroup(group).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(
      std::string(status.message()),
      HasSubstr("group.completions[0].behaviour_logprobs: expected 2 values, as many as tokens, found 1"));
}

TEST_P(LearnerServiceTest, AGroupBeyondTheLimitIsRefusedOnBothSidesByName) {
  Group group = SomeGroup(1);
  group.completions[0].verdict.detail = std::string(size_t{64} << 20, 'x');
  const absl::Status client = link_->SubmitGroup(group).status();
  EXPECT_EQ(client.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(client.message()), HasSubstr("64 MB"));

  // A client that does not look first.
  learner::v1::SubmitGroupRequest request;
  request.mutable_group()->set_lease_id(std::string((size_t{64} << 20) + 1, 'x'));
  learner::v1::SubmitGroupResponse response;
  grpc::ClientContext context;
  const grpc::Status server =
      learner::v1::LearnerService::NewStub(channel_)->SubmitGroup(&context, request, &response);
  EXPECT_EQ(server.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(server.error_message(), HasSubstr("64 MB"));
}

TEST_P(LearnerServiceTest, WeightsOfSeveralChunksArriveWhole) {
  // 3 MiB and a half chunk and one value.
  std::vector<float> values((size_t{7} << 17) + 1);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) * 0.25f;
  const auto snapshot = SomeWeights(4, values);
  desk_.Publish(snapshot);
  const auto fetched = link_->FetchWeights(4);
  ASSERT_TRUE(fetched.ok()) << fetched.status();
  EXPECT_EQ((*fetched)->version, 4);
  EXPECT_EQ((*fetched)->values, values);
  EXPECT_EQ((*fetched)->digest, snapshot->digest);
}

TEST_P(LearnerServiceTest, WeightsWithACorruptedDigestAreDataLoss) {
  auto corrupted = SomeWeights(1, {1, 2, 3});
  corrupted->values[1] = 2.5f;
  desk_.Publish(corrupted);
  const absl::Status status = link_->FetchWeights(1).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("expected digest"));
}

TEST_P(LearnerServiceTest, AVersionThatIsNotKeptIsNotFound) {
  EXPECT_EQ(link_->FetchWeights(77).status().code(), absl::StatusCode::kNotFound);
}

TEST_P(LearnerServiceTest, AnUnknownDtypeIsRefused) {
  const auto stub = learner::v1::LearnerService::NewStub(channel_);
  const auto code_of = [&](learner::v1::WeightsDtype dtype) {
    learner::v1::FetchWeightsRequest request;
    request.set_dtype(dtype);
    grpc::ClientContext context;
    return stub->FetchWeights(&context, request)->Finish().error_code();
  };
  EXPECT_EQ(code_of(learner::v1::WEIGHTS_DTYPE_BFLOAT16), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(code_of(learner::v1::WEIGHTS_DTYPE_UNSPECIFIED), grpc::StatusCode::INVALID_ARGUMENT);
}

// The same over TCP, where a wire can be cut.
class LearnerWireTest : public LearnerServiceTest {};
INSTANTIATE_TEST_SUITE_P(Tcp, LearnerWireTest, ::testing::Values(true));

TEST_P(LearnerWireTest, AnInterruptedUploadOfAGroupIsMadeAnewAndCountsOnce) {
  CuttingProxy proxy(server_->address(), /*cut_upload_after=*/300'000, /*cut_download_after=*/-1);
  GrpcLearnerLink link(*OpenChannel(proxy.address()), {.retry_for = absl::Seconds(20)});
  Group group = SomeGroup(1);
  group.completions[0].verdict.detail = std::string(1'000'000, 'x');
  const auto result = link.SubmitGroup(group);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(*result, SubmitResult::kAccepted);
  EXPECT_EQ(proxy.cuts(), 1);
  EXPECT_EQ(*link.SubmitGroup(group), SubmitResult::kDuplicate);
}

TEST_P(LearnerWireTest, AGroupWhoseAnswerWasLostOnTheWayIsADuplicate) {
  CuttingProxy proxy(server_->address(), /*cut_upload_after=*/-1, /*cut_download_after=*/-1);
  desk_.BeforeTheNextAnswer([&] { proxy.Cut(); });
  GrpcLearnerLink link(*OpenChannel(proxy.address()), {.retry_for = absl::Seconds(20)});
  const auto result = link.SubmitGroup(SomeGroup(1));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(*result, SubmitResult::kDuplicate);
  EXPECT_EQ(proxy.cuts(), 1);
}

TEST_P(LearnerWireTest, WeightsCutInTheMiddleAreFetchedAnewAndWhole) {
  CuttingProxy proxy(server_->address(), /*cut_upload_after=*/-1, /*cut_download_after=*/3'000'000);
  GrpcLearnerLink link(*OpenChannel(proxy.address()), {.retry_for = absl::Seconds(20)});
  std::vector<float> values(size_t{1} << 20);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  desk_.Publish(SomeWeights(4, values));
  const auto fetched = link.FetchWeights(4);
  ASSERT_TRUE(fetched.ok()) << fetched.status();
  EXPECT_EQ((*fetched)->values, values);
  EXPECT_EQ(proxy.cuts(), 1);
}

TEST_P(LearnerWireTest, AWireThatStaysCutEndsInAnErrorThatNamesTheCall) {
  GrpcLearnerLink link(*OpenChannel("127.0.0.1:1"), {.retry_for = absl::Milliseconds(300)});
  const absl::Status status = link.SubmitGroup(SomeGroup(1)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("SubmitGroup"));
}

TEST(LearnerLinkTest, ALearnerThatIsAwayIsUnavailableWithinTheRetryTime) {
  GrpcLearnerLink link(*OpenChannel("127.0.0.1:1"), {.retry_for = absl::Milliseconds(300)});
  const absl::Time begin = absl::Now();
  EXPECT_EQ(link.Join({.worker = "w"}).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_LT(absl::Now() - begin, absl::Seconds(3));
}

}  // namespace
}  // namespace entrain
