#include "tests/testing/sim_world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/digest.h"
#include "tests/testing/fake_generator.h"

namespace entrain {
namespace {

constexpr int64_t kPrompts = 23;  // epochs begin inside steps
constexpr int32_t kPromptsPerStep = 3;
constexpr int32_t kCompletions = 4;
constexpr int32_t kVerifyRetries = 3;
constexpr int64_t kCheckpointEvery = 2;  // steps
constexpr int kMaxTurns = 200000;

uint64_t HashOf(const std::string& text) { return std::stoull(DigestOf(text).substr(0, 15), nullptr, 16); }

std::string TextOf(std::span<const TokenId> tokens) { return absl::StrJoin(tokens, " "); }

std::string DigestOfGroup(const Group& group) {
  std::string text;
  for (const Completion& completion : group.completions) {
    absl::StrAppend(&text, completion.index, ":", TextOf(completion.tokens), ":",
                    DigestOf(std::span<const float>(completion.behaviour_logprobs)), ":",
                    VerdictKindName(completion.verdict.kind), ":", completion.verdict.score.value_or(-1),
                    "\n");
  }
  return DigestOf(text);
}

}  // namespace

FrontDeskOptions DeskOptions(const WorldOptions& options) {
  FrontDeskOptions desk;
  desk.join = {.run_id = "sim", .seed = 5, .model_files_digest = "m", .verify_retries = kVerifyRetries};
  desk.join.train_sampling.max_tokens = 5;
  desk.prompts_per_step = kPromptsPerStep;
  desk.completions_per_prompt = kCompletions;
  desk.total_steps = options.steps;
  desk.max_staleness = options.max_staleness;
  desk.exact_staleness = options.exact_staleness;
  desk.dynamic_sampling = options.dynamic_sampling;
  desk.lease_seconds = 40;
  desk.vocab_size = 10;
  return desk;
}

Verdict Judge(const VerifyItem& item, uint64_t poisoned) {
  const uint64_t hash = HashOf(absl::StrCat(item.completion, "|", item.answer));
  if (poisoned > 0 && hash % poisoned == 0)
    return {.kind = hash / 4096 % 2 == 0 ? VerdictKind::kError : VerdictKind::kTimeout, .detail = "poisoned"};
  switch (hash / 64 % 5) {
    case 0:
      return {.kind = VerdictKind::kCorrect, .score = 1.0};
    case 1:
      return {.kind = VerdictKind::kWrong, .score = 0.5};
    case 2:
      return {.kind = VerdictKind::kUnparsable, .score = 0.0};
    case 3:
      return {.kind = VerdictKind::kLimit, .score = 0.0};
    default:
      return {.kind = VerdictKind::kWrong, .score = 0.0};
  }
}

std::shared_ptr<const DataOrder> WorldData() {
  std::vector<Prompt> prompts;
  for (int64_t i = 0; i < kPrompts; ++i) {
    prompts.push_back({.id = absl::StrCat(i),
                       .tokens = {static_cast<TokenId>(i % 7), static_cast<TokenId>(i)},
                       .answer = absl::StrCat(i),
                       .verifier = "exact"});
  }
  return std::make_shared<DataOrder>(std::move(prompts), /*seed=*/5, /*shuffle=*/true);
}

WorkerModelFactory WorldModel() {
  return [](const JoinReply&) -> absl::StatusOr<WorkerModel> {
    return WorkerModel{.generator = std::make_unique<FakeGenerator>(),
                       .detokenise = [](std::span<const TokenId> tokens) -> absl::StatusOr<std::string> {
                         return TextOf(tokens);
                       }};
  };
}

std::shared_ptr<const WeightsSnapshot> Train(const WeightsSnapshot& before, const TrainedStep& step) {
  std::string text = before.digest;
  for (const TrainedGroup& group : step.groups)
    absl::StrAppend(&text, "\n", group.ordinal, " ", group.digest);
  std::vector<float> values;
  for (size_t i = 0; i < 4; ++i)
    values.push_back(static_cast<float>(HashOf(absl::StrCat(text, i)) % 1000000) / 1000);
  return WeightsSnapshot::Make(before.version + 1, std::move(values));
}

TrainedStep Record(const WorldOptions& options, int64_t step, int64_t begin, const CollectedStep& collected) {
  TrainedStep record{.begin = begin,
                     .end = collected.next_ordinal,
                     .excluded = collected.groups_excluded,
                     .filtered = collected.groups_filtered,
                     .without_timeout = collected.completions_excluded_timeout,
                     .without_error = collected.completions_excluded_error};
  if (record.without_timeout + record.without_error > 0) {
    EXPECT_EQ(collected.excluded_verifier, "exact");
    EXPECT_THAT(collected.excluded_detail, ::testing::AnyOf("poisoned", "transient"));
  }
  for (const CollectedGroup& in : collected.groups) {
    const Group& group = in.group;
    EXPECT_EQ(group.step, step);
    EXPECT_GE(group.policy_version, step - options.max_staleness);
    EXPECT_LE(group.policy_version, step);
    if (options.exact_staleness) {
      EXPECT_EQ(group.policy_version, std::max<int64_t>(0, step - options.max_staleness));
    }
    for (const Completion& completion : group.completions) {
      std::span<const TokenId> tokens = completion.tokens;
      if (completion.finish == Finish::kStop) tokens = tokens.first(tokens.size() - 1);
      const Verdict truth =
          Judge({.completion = TextOf(tokens), .answer = in.prompt.answer}, options.poisoned);
      EXPECT_EQ(completion.verdict.kind, truth.kind);
      EXPECT_EQ(completion.verdict.score, truth.score);
    }
    record.groups.push_back(
        {.ordinal = group.ordinal, .policy_version = group.policy_version, .digest = DigestOfGroup(group)});
  }
  EXPECT_EQ(record.groups.size(), static_cast<size_t>(kPromptsPerStep));
  return record;
}

World::World(const WorldOptions& options)
    : options_(options),
      network_(options.fault_seed, options.faults),
      desk_link_([this] { return desk_; }),
      link_(network_, desk_link_),
      healthy_([this](std::span<const VerifyItem> items, absl::Duration) { return Verify(items); }),
      verifier_(network_, healthy_),
      workers_(static_cast<size_t>(options.workers)),
      newest_(WeightsSnapshot::Make(0, {1, 2, 3, 4})) {
  checkpoint_.snapshots = {newest_};
  network_.meanwhile = [this] { Meanwhile(); };
  StartLearner();
  for (size_t i = 0; i < workers_.size(); ++i) StartWorker(i);
}

void World::Run() {
  int turns = 0;
  const auto someone_works = [this] {
    for (const Worker& worker : workers_) {
      if (!worker.left) return true;
    }
    return false;
  };
  while (someone_works()) {
    ASSERT_LT(++turns, kMaxTurns) << "the run does not end; step " << next_step_;
    StepWorker(network_.Below(workers_.size()));
    LearnerTurn();
    clock_.Advance(absl::Milliseconds(100));
    if (desk_ != nullptr) desk_->Tick();
  }
}

void World::StartWorker(size_t i) {
  workers_[i].loop = std::make_unique<RolloutLoop>(
      RolloutLoopOptions{.name = absl::StrCat("w", i), .longest_pause = absl::Milliseconds(400)}, link_,
      verifier_, WorldModel(), clock_);
}

void World::StepWorker(size_t i) {
  Worker& worker = workers_[i];
  if (worker.busy || worker.left) return;
  worker.busy = true;
  try {
    const absl::StatusOr<bool> more = worker.loop->Step({});
    EXPECT_TRUE(more.ok()) << more.status();
    worker.left = !more.ok() || !*more;
    if (worker.left) verdicts_retried_ += worker.loop->stats().verdicts_retried;
  } catch (const WorkerKilled&) {
    ++workers_killed_;
    verdicts_retried_ += worker.loop->stats().verdicts_retried;
    StartWorker(i);
  }
  worker.busy = false;
}

// A moment of the rest of the world, in the middle of some worker's call.
void World::Meanwhile() {
  switch (network_.Below(6)) {
    case 0:
    case 1:
      StepWorker(network_.Below(workers_.size()));
      break;
    case 2:
      LearnerTurn();
      break;
    case 3:
      // Now and then long enough for leases to expire under their holders.
      clock_.Advance(absl::Seconds(static_cast<int64_t>(network_.Below(network_.Below(10) == 0 ? 60 : 2))));
      if (desk_ != nullptr) desk_->Tick();
      break;
    default:
      break;
  }
}

absl::StatusOr<std::vector<Verdict>> World::Verify(std::span<const VerifyItem> items) {
  std::vector<Verdict> verdicts;
  for (const VerifyItem& item : items) {
    int& failed = failed_verdicts_[absl::StrCat(item.completion, "|", item.answer)];
    if (failed < kVerifyRetries && network_.Uniform() < options_.transient_verdicts) {
      ++failed;
      verdicts.push_back({.kind = network_.Below(2) == 0 ? VerdictKind::kTimeout : VerdictKind::kError,
                          .detail = "transient"});
    } else {
      verdicts.push_back(Judge(item, options_.poisoned));
    }
  }
  return verdicts;
}

void World::StartLearner() {
  FrontDeskOptions options = DeskOptions(options_);
  options.join.incarnation = absl::StrCat("i", ++incarnation_);
  options.first_step = checkpoint_.step;
  options.first_ordinal = checkpoint_.ordinal;
  next_step_ = checkpoint_.step;
  next_ordinal_ = checkpoint_.ordinal;
  newest_ = checkpoint_.snapshots.back();
  updating_ = false;
  desk_ = FrontDesk::Create(options, WorldData(), nullptr, clock_);
  for (const auto& snapshot : checkpoint_.snapshots) desk_->Publish(snapshot);
}

void World::KillLearner() {
  ++learner_restarts_;
  desk_ = nullptr;
  down_turns_ = 1 + static_cast<int64_t>(network_.Below(20));
}

void World::LearnerTurn() {
  if (desk_ == nullptr) {
    if (--down_turns_ <= 0) StartLearner();
    return;
  }
  if (ended_) return;
  if (learner_restarts_ < options_.learner_restarts && network_.Below(40) == 0) return KillLearner();
  if (!updating_) {
    std::stop_source stopped;  // asks without waiting
    stopped.request_stop();
    const absl::StatusOr<CollectedStep> collected = desk_->CollectStep(next_step_, stopped.get_token());
    if (!collected.ok()) {
      EXPECT_TRUE(absl::IsCancelled(collected.status())) << collected.status();
      return;
    }
    TrainedStep record = Record(options_, next_step_, next_ordinal_, *collected);
    const auto index = static_cast<size_t>(next_step_);
    if (index < log_.size()) {
      // Done before by an incarnation that died after its last checkpoint: the same work again.
      if (options_.exact_staleness) {
        EXPECT_EQ(record, log_[index]) << "step " << next_step_;
      }
      log_.resize(index);
    }
    log_.push_back(std::move(record));
    updating_ = true;
    return;
  }
  if (network_.Below(3) > 0) return;  // an update takes its time
  newest_ = Train(*newest_, log_.back());
  next_ordinal_ = log_.back().end;
  ++next_step_;
  updating_ = false;
  desk_->Publish(newest_);
  if (next_step_ == options_.steps) {
    ended_ = true;
    desk_->End();
  } else if (next_step_ % kCheckpointEvery == 0) {
    checkpoint_ = {.step = next_step_, .ordinal = next_ordinal_, .snapshots = desk_->Snapshots()};
  }
}

}  // namespace entrain
