#include "rollout_worker/rollout_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "learner/front_desk.h"
#include "tests/testing/desk_link.h"
#include "tests/testing/fake_generator.h"
#include "tests/testing/fake_verifier.h"
#include "tests/testing/manual_clock.h"

namespace entrain {
namespace {

constexpr uint64_t kSeed = 77;
constexpr int32_t kCompletions = 4;

std::shared_ptr<const WeightsSnapshot> Weights(PolicyVersion version) {
  return WeightsSnapshot::Make(version, {static_cast<float>(version)});
}

Verdict Correct() { return {.kind = VerdictKind::kCorrect, .score = 1.0}; }
Verdict Timeout() { return {.kind = VerdictKind::kTimeout}; }

class RolloutLoopTest : public ::testing::Test {
 protected:
  RolloutLoopTest()
      : link_([this] { return desk_; }),
        verifier_([this](std::span<const VerifyItem> items, absl::Duration deadline) {
          asked_.push_back(items.size());
          for (const VerifyItem& item : items) texts_.push_back(item.completion);
          deadline_ = deadline;
          return answer_(items);
        }) {
    options_.join = {.run_id = "r", .incarnation = "one", .seed = kSeed, .model_files_digest = "m1"};
    options_.join.train_sampling.max_tokens = 6;
    options_.join.eval_sampling.max_tokens = 9;
    options_.join.verify_deadline_seconds = 3;
    options_.join.verify_retries = 2;
    options_.prompts_per_step = 2;
    options_.completions_per_prompt = kCompletions;
    options_.total_steps = 2;
    options_.lease_seconds = 1000;  // no renewal thread wakes up in these tests
    OpenDesk();
    link_.before = [this](const std::string& call) {
      ++calls_[call];
      const auto failure = failures_.find(call);
      if (failure == failures_.end() || failure->second.empty()) return absl::OkStatus();
      const absl::Status status = failure->second.back();
      failure->second.pop_back();
      return status;
    };
    loop_ = std::make_unique<RolloutLoop>(
        RolloutLoopOptions{.name = "w", .verifier_patience = absl::Seconds(20)}, link_, verifier_,
        [this](const JoinReply&) -> absl::StatusOr<WorkerModel> {
          ++models_made_;
          if (!factory_status_.ok()) return factory_status_;
          auto generator = std::make_unique<FakeGenerator>();
          generator->spoil = [this](auto& results) {
            ++generated_;
            if (spoil_) spoil_(results);
          };
          return WorkerModel{
              .generator = std::move(generator),
              .detokenise = [](std::span<const TokenId> tokens) -> absl::StatusOr<std::string> {
                return absl::StrJoin(tokens, " ");
              }};
        },
        clock_);
  }

  void OpenDesk() {
    std::vector<Prompt> prompts;
    for (TokenId i = 0; i < 9; ++i)
      prompts.push_back({.id = std::to_string(i), .tokens = {3, i}, .answer = "42", .verifier = "exact"});
    const auto data = std::make_shared<DataOrder>(std::move(prompts), 0, false);
    desk_ = FrontDesk::Create(options_, data, data, clock_);
    desk_->Publish(Weights(0));
  }

  // One turn that must go on.
  void Step() {
    const absl::StatusOr<bool> more = loop_->Step(stop_.get_token());
    ASSERT_TRUE(more.ok()) << more.status();
    ASSERT_TRUE(*more);
  }

  absl::StatusOr<CollectedStep> CollectNow(int64_t step) {
    std::stop_source stopped;
    stopped.request_stop();
    return desk_->CollectStep(step, stopped.get_token());
  }

  std::vector<GeneratedCompletion> Expected(PolicyVersion version, int64_t step, int64_t ordinal,
                                            Purpose purpose = Purpose::kTrain) const {
    const bool eval = purpose == Purpose::kEval;
    return FakeGenerator::Expected(
        Weights(version),
        {.prompt = {3, static_cast<TokenId>(ordinal)},
         .completions = kCompletions,
         .key = {.seed = kSeed,
                 .purpose = eval ? RngPurpose::kEvalSample : RngPurpose::kTrainSample,
                 .step = static_cast<uint64_t>(step),
                 .ordinal = static_cast<uint64_t>(ordinal)}},
        eval ? options_.join.eval_sampling : options_.join.train_sampling);
  }

  ManualClock clock_;
  FrontDeskOptions options_;
  std::shared_ptr<FrontDesk> desk_;
  DeskLink link_;
  std::map<std::string, int> calls_;                           // to the learner, by name
  std::map<std::string, std::vector<absl::Status>> failures_;  // next answers of a call, last first
  std::function<absl::StatusOr<std::vector<Verdict>>(std::span<const VerifyItem>)> answer_ =
      [](std::span<const VerifyItem> items) { return std::vector<Verdict>(items.size(), Correct()); };
  std::vector<size_t> asked_;       // items of every verify call
  std::vector<std::string> texts_;  // of every item
  absl::Duration deadline_;
  FakeVerifier verifier_;
  int models_made_ = 0, generated_ = 0;
  absl::Status factory_status_;
  std::function<void(std::vector<std::vector<GeneratedCompletion>>&)> spoil_;
  std::stop_source stop_;
  std::unique_ptr<RolloutLoop> loop_;
};

TEST_F(RolloutLoopTest, SubmitsWhatThePolicyDrawsForTheLeasesKey) {
  answer_ = [](std::span<const VerifyItem> items) {
    std::vector<Verdict> verdicts(items.size(), Correct());
    verdicts[1] = {.kind = VerdictKind::kWrong, .score = 0.5, .extracted = "41"};
    return verdicts;
  };
  Step();
  Step();
  const auto collected = CollectNow(0);
  ASSERT_TRUE(collected.ok()) << collected.status();
  ASSERT_EQ(collected->groups.size(), 2u);
  int64_t tokens = 0;
  for (int64_t ordinal = 0; ordinal < 2; ++ordinal) {
    const Group& group = collected->groups[static_cast<size_t>(ordinal)].group;
    EXPECT_EQ(group.worker, "w");
    EXPECT_EQ(group.policy_version, 0);
    EXPECT_EQ(group.weights_digest, Weights(0)->digest);
    const std::vector<GeneratedCompletion> expected = Expected(0, 0, ordinal);
    ASSERT_EQ(group.completions.size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i) {
      EXPECT_EQ(group.completions[i].tokens, expected[i].tokens);
      EXPECT_EQ(group.completions[i].behaviour_logprobs, expected[i].logprobs);
      EXPECT_EQ(group.completions[i].finish, expected[i].finish);
      EXPECT_EQ(group.completions[i].verdict.score, i == 1 ? 0.5 : 1.0);
      tokens += static_cast<int64_t>(expected[i].tokens.size());
    }
  }
  const RolloutStats stats = loop_->stats();
  EXPECT_EQ(stats.leases, 2);
  EXPECT_EQ(stats.groups_accepted, 2);
  EXPECT_EQ(stats.completions, 2 * kCompletions);
  EXPECT_EQ(stats.tokens, tokens);
  EXPECT_EQ(stats.weights_fetched, 1);
  EXPECT_EQ(stats.learner_failures + stats.verifier_failures + stats.verdicts_retried, 0);
  EXPECT_EQ(deadline_, absl::Seconds(3));
}

TEST_F(RolloutLoopTest, EvaluationHasItsOwnNumbersAndSamplingSettings) {
  absl::StatusOr<std::vector<CollectedGroup>> evaluated = absl::UnknownError("not yet");
  std::thread train_loop([&] { evaluated = desk_->CollectEval(0, 1, kCompletions, {}); });
  // Training goes on until the evaluation has begun, then waits; the desk has work either way.
  while (desk_->Stats().groups_accepted < 3) Step();
  train_loop.join();
  ASSERT_TRUE(evaluated.ok()) << evaluated.status();
  const std::vector<GeneratedCompletion> expected = Expected(0, 0, 0, Purpose::kEval);
  const Group& group = (*evaluated)[0].group;
  ASSERT_EQ(group.completions.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(group.completions[i].tokens, expected[i].tokens);
}

TEST_F(RolloutLoopTest, TheEosThatWasDrawnIsNotJudged) {
  Step();
  const std::vector<GeneratedCompletion> expected = Expected(0, 0, 0);
  ASSERT_EQ(texts_.size(), expected.size());
  int stopped = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    std::vector<TokenId> tokens = expected[i].tokens;
    if (expected[i].finish == Finish::kStop) {
      tokens.pop_back();
      ++stopped;
    }
    EXPECT_EQ(texts_[i], absl::StrJoin(tokens, " "));
  }
  EXPECT_GT(stopped, 0);
  EXPECT_LT(stopped, kCompletions);
}

TEST_F(RolloutLoopTest, FetchesWeightsOnlyWhenOtherOnesAreRequired) {
  for (int i = 0; i < 2; ++i) Step();
  EXPECT_EQ(calls_["FetchWeights"], 1);
  ASSERT_TRUE(CollectNow(0).ok());
  desk_->Publish(Weights(1));
  for (int i = 0; i < 2; ++i) Step();
  EXPECT_EQ(calls_["FetchWeights"], 2);
  const auto collected = CollectNow(1);
  ASSERT_TRUE(collected.ok()) << collected.status();
  const Group& group = collected->groups[0].group;
  EXPECT_EQ(group.policy_version, 1);
  EXPECT_EQ(group.completions[0].tokens, Expected(1, /*step=*/1, /*ordinal=*/2)[0].tokens);
}

TEST_F(RolloutLoopTest, OurFailureIsAskedAgainThenExcludedAndNeverAReward) {
  answer_ = [](std::span<const VerifyItem> items) {
    std::vector<Verdict> verdicts(items.size(), Correct());
    verdicts.back() = Timeout();
    return verdicts;
  };
  Step();
  // One call of all, then one of what is open for each of the two retries.
  EXPECT_EQ(asked_, (std::vector<size_t>{kCompletions, 1, 1}));
  Step();
  const auto collected = CollectNow(0);
  ASSERT_TRUE(collected.ok()) << collected.status();
  EXPECT_EQ(collected->completions_excluded_timeout, 2);
  for (const CollectedGroup& group : collected->groups) {
    ASSERT_EQ(group.group.completions.size(), kCompletions - 1u);
    for (const Completion& completion : group.group.completions) EXPECT_EQ(completion.verdict.score, 1.0);
  }
  EXPECT_EQ(loop_->stats().excluded_timeout, 2);
  EXPECT_EQ(loop_->stats().verdicts_retried, 4);
}

TEST_F(RolloutLoopTest, AFailureThatARetryMendsLeavesNoTrace) {
  answer_ = [this](std::span<const VerifyItem> items) {
    std::vector<Verdict> verdicts(items.size(), Correct());
    if (asked_.size() < 3)
      verdicts[0] = asked_.size() == 1 ? Timeout() : Verdict{.kind = VerdictKind::kError};
    return verdicts;
  };
  for (int i = 0; i < 2; ++i) Step();
  const auto collected = CollectNow(0);
  ASSERT_TRUE(collected.ok()) << collected.status();
  EXPECT_EQ(collected->completions_excluded_timeout + collected->completions_excluded_error, 0);
  EXPECT_EQ(collected->groups[0].group.completions.size(), static_cast<size_t>(kCompletions));
}

TEST_F(RolloutLoopTest, AVerifierThatIsAwayForAWhileExcludesNothing) {
  answer_ = [this](std::span<const VerifyItem> items) -> absl::StatusOr<std::vector<Verdict>> {
    if (asked_.size() <= 4) return absl::UnavailableError("nobody there");
    return std::vector<Verdict>(items.size(), Correct());
  };
  for (int i = 0; i < 2; ++i) Step();
  EXPECT_EQ(generated_, 2);
  EXPECT_EQ(loop_->stats().verifier_failures, 4);
  EXPECT_EQ(loop_->stats().leases_returned, 0);
  EXPECT_EQ(CollectNow(0)->completions_excluded_error, 0);
}

// Regression: the worker used to keep its lease for as long as no verifier answered, and the step never
// ended.
TEST_F(RolloutLoopTest, WithoutAnyVerifierTheLeaseGoesBackToWorkersThatMayReachOne) {
  answer_ = [](std::span<const VerifyItem>) { return absl::UnavailableError("nobody there"); };
  Step();
  EXPECT_EQ(desk_->Stats().leases_returned, 1);
  EXPECT_EQ(desk_->Stats().leases_active, 0);
  EXPECT_EQ(desk_->Stats().completions_accepted, 0);
  EXPECT_GE(clock_.Monotonic(), absl::Seconds(20));
  EXPECT_LT(clock_.Monotonic(), absl::Seconds(25));
}

// Regression: the group used to be thrown away and generated anew.
TEST_F(RolloutLoopTest, AFinishedGroupIsSubmittedUntilTheLearnerAnswers) {
  failures_["SubmitGroup"] = {absl::UnavailableError("x"), absl::DeadlineExceededError("x"),
                              absl::UnavailableError("x")};
  Step();
  EXPECT_EQ(generated_, 1);
  EXPECT_EQ(calls_["SubmitGroup"], 4);
  EXPECT_EQ(loop_->stats().groups_accepted, 1);
  EXPECT_EQ(loop_->stats().learner_failures, 3);
}

TEST_F(RolloutLoopTest, AStopEndsTheSubmittingAndReturnsTheLease) {
  link_.before = [this](const std::string& call) -> absl::Status {
    if (call != "SubmitGroup") return absl::OkStatus();
    stop_.request_stop();
    return absl::UnavailableError("x");
  };
  Step();
  EXPECT_EQ(desk_->Stats().leases_returned, 1);
  EXPECT_EQ(loop_->Run(stop_.get_token()).code(), absl::StatusCode::kCancelled);
}

TEST_F(RolloutLoopTest, AStopDuringJudgingReturnsTheLease) {
  answer_ = [this](std::span<const VerifyItem>) {
    stop_.request_stop();
    return absl::UnavailableError("x");
  };
  Step();
  EXPECT_EQ(desk_->Stats().leases_returned, 1);
  EXPECT_EQ(desk_->Stats().leases_active, 0);
  EXPECT_EQ(asked_.size(), 1u);
}

// Regression: the lease used to stay with the worker until it expired.
TEST_F(RolloutLoopTest, ARefusedGroupGivesItsLeaseBackAndTheNextTryMayDoBetter) {
  spoil_ = [this](auto& results) {
    if (generated_ == 1) results[0][0].logprobs[0] = std::nanf("");
  };
  Step();
  EXPECT_EQ(loop_->stats().groups_refused, 1);
  EXPECT_EQ(desk_->Stats().leases_active, 0);
  for (int i = 0; i < 2; ++i) Step();
  ASSERT_TRUE(CollectNow(0).ok());
  EXPECT_EQ(loop_->stats().groups_accepted, 2);
}

TEST_F(RolloutLoopTest, WeightsThatAreGoneGiveTheLeaseBack) {
  failures_["FetchWeights"] = {absl::NotFoundError("not kept")};
  Step();
  EXPECT_EQ(desk_->Stats().leases_returned, 1);
  EXPECT_EQ(generated_, 0);
  Step();
  EXPECT_EQ(loop_->stats().groups_accepted, 1);
}

TEST_F(RolloutLoopTest, SpoiledWeightsAreFetchedAgain) {
  failures_["FetchWeights"] = {absl::DataLossError("digest")};
  for (int i = 0; i < 2; ++i) Step();
  EXPECT_EQ(loop_->stats().groups_accepted, 1);
}

TEST_F(RolloutLoopTest, JoinsAgainAfterALossAndKeepsItsEngine) {
  Step();
  failures_["LeasePrompts"] = {absl::UnavailableError("x")};
  for (int i = 0; i < 2; ++i) Step();
  EXPECT_EQ(calls_["Join"], 2);
  EXPECT_EQ(models_made_, 1);
  EXPECT_EQ(calls_["FetchWeights"], 1);
  EXPECT_EQ(loop_->stats().groups_accepted, 2);
}

TEST_F(RolloutLoopTest, AnotherModelAtARestartedLearnerMakesAnotherEngine) {
  Step();
  options_.join.incarnation = "two";
  options_.join.model_files_digest = "m2";
  OpenDesk();
  failures_["LeasePrompts"] = {absl::UnavailableError("x")};
  for (int i = 0; i < 2; ++i) Step();
  EXPECT_EQ(models_made_, 2);
  EXPECT_EQ(loop_->stats().groups_accepted, 2);
}

TEST_F(RolloutLoopTest, PausesGrowTwofoldUpToTheLongestAndStartAnewAfterSuccess) {
  failures_["Join"] = std::vector<absl::Status>(8, absl::UnavailableError("x"));
  std::vector<int64_t> pauses;
  for (int i = 0; i < 8; ++i) {
    const absl::Duration before = clock_.Monotonic();
    Step();
    pauses.push_back(absl::ToInt64Milliseconds(clock_.Monotonic() - before));
  }
  EXPECT_EQ(pauses, (std::vector<int64_t>{50, 100, 200, 400, 800, 1600, 2000, 2000}));
  Step();
  failures_["LeasePrompts"] = {absl::UnavailableError("x")};
  const absl::Duration before = clock_.Monotonic();
  Step();
  EXPECT_EQ(clock_.Monotonic() - before, absl::Milliseconds(50));
}

// Regression: a learner on its way out answers Cancelled at once, and the worker used to ask without a pause.
TEST_F(RolloutLoopTest, ALearnerThatIsClosingIsNotAskedWithoutAPause) {
  Step();
  desk_->Close();
  const absl::Duration before = clock_.Monotonic();
  Step();
  EXPECT_GE(clock_.Monotonic() - before, absl::Milliseconds(50));
}

TEST_F(RolloutLoopTest, LeavesWhenTheRunHasEnded) {
  Step();
  desk_->End();
  const absl::StatusOr<bool> more = loop_->Step(stop_.get_token());
  ASSERT_TRUE(more.ok()) << more.status();
  EXPECT_FALSE(*more);
  EXPECT_TRUE(loop_->Run(stop_.get_token()).ok());
}

TEST_F(RolloutLoopTest, AMistakeThatRepeatingDoesNotMendEndsTheWorker) {
  failures_["Join"] = {absl::FailedPreconditionError("protocol_version: expected 1, found 2")};
  EXPECT_EQ(loop_->Run(stop_.get_token()).code(), absl::StatusCode::kFailedPrecondition);
  factory_status_ = absl::InvalidArgumentError("config.json: unknown architecture");
  EXPECT_EQ(loop_->Run(stop_.get_token()), factory_status_);
}

}  // namespace
}  // namespace entrain
