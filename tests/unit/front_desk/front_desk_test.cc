#include "learner/front_desk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/testing/manual_clock.h"

namespace entrain {
namespace {

using ::testing::HasSubstr;

std::shared_ptr<const DataOrder> Data(int64_t count) {
  std::vector<Prompt> prompts;
  for (int64_t i = 0; i < count; ++i)
    prompts.push_back({.id = std::to_string(i), .tokens = {static_cast<TokenId>(i)}});
  return std::make_shared<DataOrder>(std::move(prompts), /*seed=*/0, /*shuffle=*/false);
}

std::shared_ptr<const WeightsSnapshot> Weights(PolicyVersion version) {
  return WeightsSnapshot::Make(version, {static_cast<float>(version)});
}

FrontDeskOptions Options() {
  FrontDeskOptions options;
  options.join.incarnation = "one";
  options.join.train_sampling.max_tokens = 4;
  options.join.eval_sampling.max_tokens = 4;
  options.prompts_per_step = 2;
  options.completions_per_prompt = 2;
  options.total_steps = 10;
  options.lease_seconds = 10;
  return options;
}

class FrontDeskTest : public ::testing::Test {
 protected:
  void Start(const FrontDeskOptions& options) {
    desk_ = FrontDesk::Create(options, Data(20), Data(3), clock_);
  }

  // A lease call that does not wait.
  absl::StatusOr<LeaseReply> Ask(const std::string& worker = "w", int32_t max_leases = 1) {
    std::optional<absl::StatusOr<LeaseReply>> reply;
    desk_->LeasePrompts(worker, max_leases, "", absl::ZeroDuration(),
                        [&reply](absl::StatusOr<LeaseReply> answer) { reply = std::move(answer); });
    return reply.has_value() ? *std::move(reply) : absl::InternalError("not answered at once");
  }
  std::optional<Lease> AskOne(const std::string& worker = "w") {
    const absl::StatusOr<LeaseReply> reply = Ask(worker);
    EXPECT_TRUE(reply.ok()) << reply.status();
    if (!reply.ok() || reply->leases.empty()) return std::nullopt;
    return reply->leases[0];
  }

  static Group Work(const Lease& lease, std::vector<double> scores = {1, 0}) {
    Group group{.lease_id = lease.lease_id,
                .worker = "w",
                .purpose = lease.purpose,
                .step = lease.step,
                .ordinal = lease.ordinal,
                .policy_version = lease.required_version,
                .weights_digest = lease.required_digest};
    for (int32_t i = 0; i < lease.completions; ++i) {
      Verdict verdict{.kind = VerdictKind::kError};
      const double score = scores.at(static_cast<size_t>(i));
      if (score >= 0)
        verdict = {.kind = score == 1 ? VerdictKind::kCorrect : VerdictKind::kWrong, .score = score};
      group.completions.push_back(
          {.index = i, .tokens = {1, 2}, .behaviour_logprobs = {-1, -1}, .verdict = std::move(verdict)});
    }
    return group;
  }
  SubmitResult Submit(Group group) {
    const absl::StatusOr<SubmitResult> result = desk_->SubmitGroup(std::move(group));
    EXPECT_TRUE(result.ok()) << result.status();
    return result.value_or(SubmitResult::kExpired);
  }
  // Does all the work there is; the ordinals in order.
  std::vector<int64_t> Drain(std::vector<double> scores = {1, 0}) {
    std::vector<int64_t> ordinals;
    while (const std::optional<Lease> lease = AskOne()) {
      ordinals.push_back(lease->ordinal);
      EXPECT_EQ(Submit(Work(*lease, scores)), SubmitResult::kAccepted);
    }
    return ordinals;
  }
  // Without waiting: Cancelled when the step is not complete.
  absl::StatusOr<CollectedStep> CollectNow(int64_t step) {
    std::stop_source stopped;
    stopped.request_stop();
    return desk_->CollectStep(step, stopped.get_token());
  }

  ManualClock clock_;
  std::unique_ptr<FrontDesk> desk_;
};

using Ordinals = std::vector<int64_t>;

TEST_F(FrontDeskTest, JoinTellsEverythingAndRefusesAnotherProtocol) {
  FrontDeskOptions options = Options();
  options.join.run_id = "r1";
  Start(options);
  const auto reply = desk_->Join({.worker = "w"});
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->run_id, "r1");
  EXPECT_EQ(reply->incarnation, "one");
  const absl::Status refused = desk_->Join({.protocol_version = kProtocolVersion + 1}).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("protocol_version"));
}

TEST_F(FrontDeskTest, NothingIsLeasedBeforeThereAreWeights) {
  Start(Options());
  EXPECT_FALSE(AskOne().has_value());
  desk_->Publish(Weights(0));
  const std::optional<Lease> lease = AskOne();
  ASSERT_TRUE(lease.has_value());
  EXPECT_EQ(lease->step, 0);
  EXPECT_EQ(lease->ordinal, 0);
  EXPECT_EQ(lease->prompt.id, "0");
  EXPECT_EQ(lease->completions, 2);
  EXPECT_EQ(lease->required_version, 0);
  EXPECT_EQ(lease->required_digest, Weights(0)->digest);
  EXPECT_EQ(lease->deadline_seconds, 10);
}

TEST_F(FrontDeskTest, AWaitingPollIsAnsweredWhenWorkAppears) {
  Start(Options());
  int answers = 0;
  size_t leases = 0;
  desk_->LeasePrompts("w", 5, "", absl::Seconds(5), [&](absl::StatusOr<LeaseReply> reply) {
    ++answers;
    leases = reply->leases.size();
  });
  desk_->Tick();
  EXPECT_EQ(answers, 0);
  desk_->Publish(Weights(0));
  EXPECT_EQ(answers, 1);
  EXPECT_EQ(leases, 2u);  // both of the step
  clock_.Advance(absl::Seconds(6));
  desk_->Tick();
  desk_->Close();
  EXPECT_EQ(answers, 1);
}

TEST_F(FrontDeskTest, AWaitingPollIsAnsweredEmptyHandedWhenItsWaitHasPassed) {
  Start(Options());
  std::optional<size_t> leases;
  desk_->LeasePrompts("w", 1, "", absl::Seconds(5),
                      [&](absl::StatusOr<LeaseReply> reply) { leases = reply->leases.size(); });
  clock_.Advance(absl::Seconds(4.9));
  desk_->Tick();
  EXPECT_FALSE(leases.has_value());
  clock_.Advance(absl::Seconds(0.1));
  desk_->Tick();
  EXPECT_EQ(leases, 0u);
}

TEST_F(FrontDeskTest, CloseAnswersEveryPollOnceWithCancelledAndLaterOnesToo) {
  Start(Options());
  std::vector<absl::Status> answers;
  for (int i = 0; i < 3; ++i) {
    desk_->LeasePrompts("w", 1, "", absl::Hours(1),
                        [&](absl::StatusOr<LeaseReply> reply) { answers.push_back(reply.status()); });
  }
  desk_->Close();
  desk_->Close();
  ASSERT_EQ(answers.size(), 3u);
  for (const absl::Status& answer : answers) EXPECT_EQ(answer.code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(Ask().status().code(), absl::StatusCode::kCancelled);
}

TEST_F(FrontDeskTest, EndTellsWaitingAndLaterWorkersToLeave) {
  Start(Options());
  bool ended = false;
  desk_->LeasePrompts("w", 1, "", absl::Hours(1),
                      [&](absl::StatusOr<LeaseReply> reply) { ended = reply->run_ended; });
  desk_->End();
  EXPECT_TRUE(ended);
  EXPECT_TRUE(Ask()->run_ended);
}

TEST_F(FrontDeskTest, ACallbackMayCallTheDesk) {
  Start(Options());
  bool answered = false;
  desk_->LeasePrompts("w", 1, "", absl::Hours(1), [&](absl::StatusOr<LeaseReply> reply) {
    Submit(Work(reply->leases[0]));
    answered = AskOne()->ordinal == 1;
  });
  desk_->Publish(Weights(0));
  EXPECT_TRUE(answered);
}

TEST_F(FrontDeskTest, WithoutStalenessAStepOpensAfterTheUpdateBefore) {
  Start(Options());
  desk_->Publish(Weights(0));
  EXPECT_EQ(Drain(), (Ordinals{0, 1}));
  ASSERT_TRUE(CollectNow(0).ok());
  EXPECT_FALSE(AskOne().has_value());
  desk_->Publish(Weights(1));
  const std::optional<Lease> lease = AskOne();
  EXPECT_EQ(lease->step, 1);
  EXPECT_EQ(lease->ordinal, 2);
  EXPECT_EQ(lease->required_version, 1);
}

TEST_F(FrontDeskTest, WithOneVersionOfStalenessTheNextStepIsGeneratedDuringTheUpdate) {
  FrontDeskOptions options = Options();
  options.max_staleness = 1;
  Start(options);
  desk_->Publish(Weights(0));
  EXPECT_EQ(Drain(), (Ordinals{0, 1, 2, 3}));  // steps 0 and 1, both with version 0
  desk_->Publish(Weights(1));
  const std::optional<Lease> lease = AskOne();
  ASSERT_TRUE(lease.has_value());
  EXPECT_EQ(lease->step, 2);
  EXPECT_EQ(lease->required_version, 1);
}

TEST_F(FrontDeskTest, ExactStalenessNamesTheSameVersionHoweverLateTheLease) {
  FrontDeskOptions options = Options();
  options.max_staleness = 1;
  Start(options);
  desk_->Publish(Weights(0));
  for (int i = 0; i < 2; ++i) Submit(Work(*AskOne()));  // step 0
  desk_->Publish(Weights(1));
  const std::optional<Lease> exact = AskOne();
  EXPECT_EQ(exact->step, 1);
  EXPECT_EQ(exact->required_version, 0);

  options.exact_staleness = false;
  Start(options);
  desk_->Publish(Weights(0));
  for (int i = 0; i < 2; ++i) Submit(Work(*AskOne()));
  const std::optional<Lease> early = AskOne();
  EXPECT_EQ(early->required_version, 0);
  desk_->Publish(Weights(1));
  EXPECT_EQ(AskOne()->required_version, 1);
  EXPECT_EQ(Submit(Work(*early)), SubmitResult::kAccepted);  // age 1 = S
}

TEST_F(FrontDeskTest, KeepsTheLastVersionsThatStalenessAllows) {
  FrontDeskOptions options = Options();
  options.max_staleness = 2;
  Start(options);
  for (PolicyVersion version = 0; version < 5; ++version) desk_->Publish(Weights(version));
  ASSERT_EQ(desk_->Snapshots().size(), 3u);
  EXPECT_EQ(desk_->Snapshots().front()->version, 2);
  EXPECT_EQ((*desk_->FetchWeights(3))->digest, Weights(3)->digest);
  EXPECT_EQ(desk_->FetchWeights(1).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(FrontDeskTest, RefusesWhatItCannotTrainOnAndKeepsTheLease) {
  Start(Options());
  desk_->Publish(Weights(0));
  const Lease lease = *AskOne();
  Group other_weights = Work(lease);
  other_weights.weights_digest = Weights(1)->digest;
  EXPECT_THAT(std::string(desk_->SubmitGroup(other_weights).status().message()), HasSubstr("weights_digest"));
  Group too_few = Work(lease);
  too_few.completions.pop_back();
  EXPECT_EQ(desk_->SubmitGroup(too_few).status().code(), absl::StatusCode::kInvalidArgument);
  Group too_long = Work(lease);
  too_long.completions[0].tokens.assign(5, 1);
  too_long.completions[0].behaviour_logprobs.assign(5, -1);
  EXPECT_THAT(std::string(desk_->SubmitGroup(too_long).status().message()), HasSubstr("at most 4"));
  EXPECT_EQ(desk_->Stats().groups_refused, 3);
  EXPECT_EQ(Submit(Work(lease)), SubmitResult::kAccepted);
}

TEST_F(FrontDeskTest, CollectsAStepInPromptOrderWhateverOrderItCameIn) {
  FrontDeskOptions options = Options();
  options.prompts_per_step = 4;
  Start(options);
  desk_->Publish(Weights(0));
  const auto reply = Ask("w", 10);
  ASSERT_EQ(reply->leases.size(), 4u);
  for (const size_t i : {2, 0, 3, 1}) {
    EXPECT_EQ(CollectNow(0).status().code(), absl::StatusCode::kCancelled);
    Submit(Work(reply->leases[i]));
  }
  const auto collected = CollectNow(0);
  ASSERT_TRUE(collected.ok()) << collected.status();
  ASSERT_EQ(collected->groups.size(), 4u);
  for (int64_t i = 0; i < 4; ++i) {
    const CollectedGroup& group = collected->groups[static_cast<size_t>(i)];
    EXPECT_EQ(group.group.ordinal, i);
    EXPECT_EQ(group.prompt.id, std::to_string(i));
  }
  EXPECT_EQ(collected->next_ordinal, 4);
}

TEST_F(FrontDeskTest, ASecondSubmissionIsADuplicateAndALateOneExpired) {
  Start(Options());
  desk_->Publish(Weights(0));
  const Lease zero = *AskOne(), one = *AskOne();
  EXPECT_EQ(Submit(Work(zero)), SubmitResult::kAccepted);
  EXPECT_EQ(Submit(Work(zero)), SubmitResult::kDuplicate);
  EXPECT_EQ(Submit(Work(one)), SubmitResult::kAccepted);
  EXPECT_EQ(Submit(Work(one)), SubmitResult::kExpired);  // the step is closed
  const FrontDeskStats stats = desk_->Stats();
  EXPECT_EQ(stats.groups_accepted, 2);
  EXPECT_EQ(stats.groups_duplicate, 1);
  EXPECT_EQ(stats.groups_expired, 1);
  EXPECT_EQ(stats.completions_accepted, 4);
  EXPECT_EQ(stats.tokens_accepted, 8);
  EXPECT_EQ(stats.leases_active, 0);
}

TEST_F(FrontDeskTest, AnExpiredLeaseWakesAWaitingWorker) {
  Start(Options());
  desk_->Publish(Weights(0));
  const Lease zero = *AskOne("w1"), one = *AskOne("w1");
  std::optional<Lease> second;
  desk_->LeasePrompts("w2", 1, "", absl::Hours(1),
                      [&](absl::StatusOr<LeaseReply> reply) { second = reply->leases[0]; });
  clock_.Advance(absl::Seconds(9));
  const std::vector<std::string> renewed = {zero.lease_id, "unknown"};
  EXPECT_EQ(*desk_->RenewLeases("w1", renewed), std::vector<std::string>{zero.lease_id});
  clock_.Advance(absl::Seconds(1));
  desk_->Tick();
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->ordinal, one.ordinal);
  EXPECT_EQ(desk_->Stats().leases_expired, 1);
}

TEST_F(FrontDeskTest, AReturnedLeaseGoesToAWaitingWorkerAtOnce) {
  Start(Options());
  desk_->Publish(Weights(0));
  const auto held = Ask("w1", 2);
  std::optional<Lease> second;
  desk_->LeasePrompts("w2", 1, "", absl::Hours(1),
                      [&](absl::StatusOr<LeaseReply> reply) { second = reply->leases[0]; });
  EXPECT_TRUE(desk_->ReturnLeases("w1", std::span(&held->leases[1].lease_id, 1)).ok());
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->ordinal, 1);
}

TEST_F(FrontDeskTest, AWorkerThatJoinsAgainHoldsNothing) {
  Start(Options());
  desk_->Publish(Weights(0));
  const Lease lost = *AskOne("w1");
  ASSERT_TRUE(desk_->Join({.worker = "w1"}).ok());
  EXPECT_EQ(AskOne("w2")->ordinal, lost.ordinal);
}

TEST_F(FrontDeskTest, TheNextPromptTakesThePlaceOfAnExcludedGroup) {
  Start(Options());
  desk_->Publish(Weights(0));
  Submit(Work(*AskOne(), {1, -1}));  // one completion left
  Submit(Work(*AskOne(), {1, 0}));
  EXPECT_FALSE(CollectNow(0).ok());
  Submit(Work(*AskOne(), {1, 1}));
  const auto collected = CollectNow(0);
  ASSERT_TRUE(collected.ok()) << collected.status();
  ASSERT_EQ(collected->groups.size(), 2u);
  EXPECT_EQ(collected->groups[0].group.ordinal, 1);
  EXPECT_EQ(collected->groups[1].group.ordinal, 2);
  EXPECT_EQ(collected->groups_excluded, 1);
  EXPECT_EQ(collected->groups_filtered, 0);
  EXPECT_EQ(collected->completions_excluded_error, 1);
  EXPECT_EQ(collected->completions_excluded_timeout, 0);
  EXPECT_EQ(collected->next_ordinal, 3);
  desk_->Publish(Weights(1));
  EXPECT_EQ(AskOne()->ordinal, 3);
}

TEST_F(FrontDeskTest, DynamicSamplingTakesTheShortestPrefixThatHoldsEnoughSignal) {
  FrontDeskOptions options = Options();
  options.dynamic_sampling = true;
  Start(options);
  desk_->Publish(Weights(0));
  Submit(Work(*AskOne(), {1, 1}));  // 0: no signal
  Submit(Work(*AskOne(), {1, 0}));  // 1
  Submit(Work(*AskOne(), {0, 0}));  // 2: no signal
  EXPECT_FALSE(CollectNow(0).ok());
  Submit(Work(*AskOne(), {0, 1}));  // 3
  const auto collected = CollectNow(0);
  ASSERT_TRUE(collected.ok()) << collected.status();
  ASSERT_EQ(collected->groups.size(), 2u);
  EXPECT_EQ(collected->groups[0].group.ordinal, 1);
  EXPECT_EQ(collected->groups[1].group.ordinal, 3);
  EXPECT_EQ(collected->groups_filtered, 2);
  EXPECT_EQ(collected->groups_excluded, 0);
  EXPECT_EQ(collected->next_ordinal, 4);
}

TEST_F(FrontDeskTest, StopAndCloseWakeTheTrainLoop) {
  for (const bool by_stop : {true, false}) {
    Start(Options());
    std::stop_source stop;
    absl::Status status;
    std::thread train_loop([&] { status = desk_->CollectStep(0, stop.get_token()).status(); });
    if (by_stop) {
      stop.request_stop();
    } else {
      desk_->Close();
    }
    train_loop.join();
    EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  }
}

TEST_F(FrontDeskTest, TheLastGroupWakesTheTrainLoop) {
  Start(Options());
  desk_->Publish(Weights(0));
  absl::StatusOr<CollectedStep> collected = absl::UnknownError("not yet");
  std::thread train_loop([&] { collected = desk_->CollectStep(0, {}); });
  Drain();
  train_loop.join();
  ASSERT_TRUE(collected.ok()) << collected.status();
  EXPECT_EQ(collected->groups.size(), 2u);
}

TEST_F(FrontDeskTest, AResumedDeskGoesOnWhereTheCheckpointWas) {
  FrontDeskOptions options = Options();
  options.first_step = 5;
  options.first_ordinal = 13;
  options.max_staleness = 1;
  Start(options);
  desk_->Publish(Weights(4));
  desk_->Publish(Weights(5));
  const std::optional<Lease> lease = AskOne();
  ASSERT_TRUE(lease.has_value());
  EXPECT_EQ(lease->step, 5);
  EXPECT_EQ(lease->ordinal, 13);
  EXPECT_EQ(lease->required_version, 4);
}

TEST_F(FrontDeskTest, NothingIsLeasedPastTheLastStep) {
  FrontDeskOptions options = Options();
  options.total_steps = 1;
  options.max_staleness = 1;
  Start(options);
  desk_->Publish(Weights(0));
  EXPECT_EQ(Drain(), (Ordinals{0, 1}));
}

TEST_F(FrontDeskTest, EvaluationGoesFirstWithTheNewestWeightsAndTrainingWaits) {
  FrontDeskOptions options = Options();
  options.max_staleness = 1;
  Start(options);
  desk_->Publish(Weights(0));
  desk_->Publish(Weights(1));
  absl::StatusOr<std::vector<CollectedGroup>> evaluated = absl::UnknownError("not yet");
  std::thread train_loop([&] { evaluated = desk_->CollectEval(1, 2, 3, {}); });
  std::vector<Lease> leases;
  while (leases.size() < 2) {
    const std::optional<Lease> lease = AskOne();
    if (!lease.has_value() || lease->purpose == Purpose::kTrain) {
      std::this_thread::yield();  // the evaluation has not begun
      if (lease.has_value()) desk_->ReturnLeases("w", std::span(&lease->lease_id, 1)).IgnoreError();
      continue;
    }
    leases.push_back(*lease);
  }
  EXPECT_FALSE(AskOne().has_value());  // training has work, and waits
  for (const Lease& lease : leases) {
    EXPECT_EQ(lease.required_version, 1);
    EXPECT_EQ(lease.completions, 3);
    EXPECT_EQ(Submit(Work(lease, {1, -1, -1})), SubmitResult::kAccepted);
  }
  train_loop.join();
  ASSERT_TRUE(evaluated.ok()) << evaluated.status();
  ASSERT_EQ(evaluated->size(), 2u);
  EXPECT_EQ((*evaluated)[0].prompt.id, "0");
  EXPECT_EQ((*evaluated)[1].prompt.id, "1");
  EXPECT_EQ((*evaluated)[0].group.completions.size(), 1u);  // the others were our failure
  EXPECT_EQ(AskOne()->purpose, Purpose::kTrain);
}

// Regression: two evaluations after one step used to number their leases alike.
TEST_F(FrontDeskTest, LeaseIdsOfTwoEvaluationsOfOneStepDiffer) {
  Start(Options());
  desk_->Publish(Weights(0));
  std::vector<std::string> ids;
  for (int i = 0; i < 2; ++i) {
    std::stop_source stop;
    std::thread train_loop([&] { EXPECT_FALSE(desk_->CollectEval(0, 1, 2, stop.get_token()).ok()); });
    while (ids.size() < static_cast<size_t>(i) + 1) {
      const std::optional<Lease> lease = AskOne();
      if (lease.has_value() && lease->purpose == Purpose::kEval) {
        ids.push_back(lease->lease_id);
      } else if (lease.has_value()) {
        ASSERT_TRUE(desk_->ReturnLeases("w", std::span(&lease->lease_id, 1)).ok());
      }
    }
    stop.request_stop();
    train_loop.join();
  }
  EXPECT_NE(ids[0], ids[1]);
}

TEST_F(FrontDeskTest, RefusesToEvaluateWithoutAnEvaluationSet) {
  desk_ = FrontDesk::Create(Options(), Data(3), nullptr, clock_);
  const absl::Status status = desk_->CollectEval(0, 1, 1, {}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("data.eval"));
}

TEST_F(FrontDeskTest, CountsTheWorkersOfTheLastMinute) {
  Start(Options());
  ASSERT_TRUE(desk_->Join({.worker = "w1"}).ok());
  clock_.Advance(absl::Seconds(50));
  ASSERT_TRUE(desk_->Join({.worker = "w2"}).ok());
  EXPECT_EQ(desk_->Stats().workers_seen, 2);
  clock_.Advance(absl::Seconds(20));
  EXPECT_EQ(desk_->Stats().workers_seen, 1);
}

}  // namespace
}  // namespace entrain
