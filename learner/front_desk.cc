#include "learner/front_desk.h"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/mutex.h"
#include "common/status_macros.h"
#include "trajectory/group_buffer.h"
#include "trajectory/prompt_ledger.h"

namespace entrain {
namespace {

constexpr absl::Duration kWorkerMemory = absl::Minutes(1);

// A lease call that waits for work.
struct Waiter {
  std::string worker;
  int32_t max_leases;
  absl::Duration until;
  FrontDesk::LeaseCallback done;
};

// What to call once the lock is released.
using Calls = std::vector<std::function<void()>>;

void Run(Calls calls) {
  for (const auto& call : calls) call();
}

// An evaluation in progress.
struct Evaluation {
  int64_t step;
  int32_t completions;
  PromptLedger ledger;
  GroupBuffer buffer;
};

class FrontDeskImpl final : public FrontDesk {
 public:
  FrontDeskImpl(FrontDeskOptions options, std::shared_ptr<const DataOrder> train,
                std::shared_ptr<const DataOrder> eval, Clock& clock)
      : options_(std::move(options)),
        train_(std::move(train)),
        eval_(std::move(eval)),
        clock_(clock),
        ledger_(LedgerOptions(options_.prompts_per_step, "t")),
        next_step_(options_.first_step),
        next_ordinal_(options_.first_ordinal) {}

  absl::StatusOr<JoinReply> Join(const JoinRequest& request) override {
    if (request.protocol_version != kProtocolVersion) {
      return absl::FailedPreconditionError(absl::StrCat("protocol_version: expected ", kProtocolVersion,
                                                        ", found ", request.protocol_version));
    }
    Calls calls;
    {
      MutexLock lock(mutex_);
      Seen(request.worker);
      // Whoever joins holds nothing: what a worker of that name had, it lost when it died.
      stats_.leases_returned += ledger_.ReturnAllOf(request.worker);
      if (evaluation_.has_value()) stats_.leases_returned += evaluation_->ledger.ReturnAllOf(request.worker);
      Serve(calls);
    }
    Run(std::move(calls));
    return options_.join;
  }

  void LeasePrompts(const std::string& worker, int32_t max_leases, const std::string&, absl::Duration wait,
                    LeaseCallback done) override {
    Calls calls;
    {
      MutexLock lock(mutex_);
      Seen(worker);
      waiters_.push_back({.worker = worker,
                          .max_leases = std::max(max_leases, 1),
                          .until = clock_.Monotonic() + std::max(wait, absl::ZeroDuration()),
                          .done = std::move(done)});
      Serve(calls);
    }
    Run(std::move(calls));
  }

  absl::StatusOr<std::vector<std::string>> RenewLeases(const std::string& worker,
                                                       std::span<const std::string> lease_ids) override {
    MutexLock lock(mutex_);
    Seen(worker);
    const absl::Duration now = clock_.Monotonic();
    std::vector<std::string> alive;
    for (const std::string& id : lease_ids) {
      if (ledger_.Renew(id, now) || (evaluation_.has_value() && evaluation_->ledger.Renew(id, now)))
        alive.push_back(id);
    }
    return alive;
  }

  absl::Status ReturnLeases(const std::string& worker, std::span<const std::string> lease_ids) override {
    Calls calls;
    {
      MutexLock lock(mutex_);
      Seen(worker);
      for (const std::string& id : lease_ids) {
        if (ledger_.Return(id) || (evaluation_.has_value() && evaluation_->ledger.Return(id)))
          ++stats_.leases_returned;
      }
      Serve(calls);
    }
    Run(std::move(calls));
    return absl::OkStatus();
  }

  absl::StatusOr<SubmitResult> SubmitGroup(Group group) override {
    Calls calls;
    absl::StatusOr<SubmitResult> result = SubmitResult::kExpired;
    {
      MutexLock lock(mutex_);
      Seen(group.worker);
      result = group.purpose == Purpose::kEval ? SubmitEval(std::move(group)) : SubmitTrain(std::move(group));
      if (!result.ok()) {
        ++stats_.groups_refused;
      } else if (*result == SubmitResult::kDuplicate) {
        ++stats_.groups_duplicate;
      } else if (*result == SubmitResult::kExpired) {
        ++stats_.groups_expired;
      } else {
        ++stats_.groups_accepted;
        progress_.NotifyAll();
        Serve(calls);
      }
    }
    Run(std::move(calls));
    return result;
  }

  absl::StatusOr<std::shared_ptr<const WeightsSnapshot>> FetchWeights(PolicyVersion version) override {
    MutexLock lock(mutex_);
    for (const auto& snapshot : snapshots_) {
      if (snapshot->version == version) return snapshot;
    }
    return absl::NotFoundError(absl::StrCat(
        "policy version ", version, " is not kept",
        snapshots_.empty() ? std::string() : absl::StrCat("; the newest is ", snapshots_.back()->version)));
  }

  void Publish(std::shared_ptr<const WeightsSnapshot> snapshot) override {
    Calls calls;
    {
      MutexLock lock(mutex_);
      snapshots_.push_back(std::move(snapshot));
      while (snapshots_.front()->version < snapshots_.back()->version - options_.max_staleness)
        snapshots_.pop_front();
      OpenNextStep();
      Serve(calls);
    }
    Run(std::move(calls));
  }

  std::vector<std::shared_ptr<const WeightsSnapshot>> Snapshots() override {
    MutexLock lock(mutex_);
    return {snapshots_.begin(), snapshots_.end()};
  }

  absl::StatusOr<CollectedStep> CollectStep(int64_t step, std::stop_token stop) override {
    ENTRAIN_RETURN_IF_ERROR(
        WaitFor(stop, [this, step]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return complete_.contains(step); }));
    MutexLock lock(mutex_);
    CollectedStep collected = std::move(complete_.at(step));
    complete_.erase(step);
    return collected;
  }

  absl::StatusOr<std::vector<CollectedGroup>> CollectEval(int64_t step, int32_t prompts, int32_t completions,
                                                          std::stop_token stop) override {
    if (eval_ == nullptr)
      return absl::FailedPreconditionError("data.eval is not set: there is nothing to evaluate on");
    const int32_t count =
        static_cast<int32_t>(prompts <= 0 ? eval_->size() : std::min<int64_t>(prompts, eval_->size()));
    Calls calls;
    {
      MutexLock lock(mutex_);
      evaluation_.emplace(
          Evaluation{.step = step,
                     .completions = completions,
                     .ledger = PromptLedger(LedgerOptions(count, absl::StrCat("e", ++evaluations_)))});
      evaluation_->ledger.Open(step, 0);
      Serve(calls);
    }
    Run(std::move(calls));
    const absl::Status waited =
        WaitFor(stop, [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return evaluation_->ledger.Complete(); });
    std::vector<CollectedGroup> groups;
    calls.clear();
    {
      MutexLock lock(mutex_);
      for (auto& [ordinal, screened] : evaluation_->buffer.Take()) {
        groups.push_back({.prompt = eval_->At(ordinal), .group = std::move(screened.group)});
      }
      evaluation_.reset();
      Serve(calls);
    }
    Run(std::move(calls));
    ENTRAIN_RETURN_IF_ERROR(waited);
    return groups;
  }

  void End() override {
    Calls calls;
    {
      MutexLock lock(mutex_);
      ended_ = true;
      Serve(calls);
    }
    Run(std::move(calls));
  }

  void Tick() override {
    Calls calls;
    {
      MutexLock lock(mutex_);
      const absl::Duration now = clock_.Monotonic();
      stats_.leases_expired += ledger_.Expire(now);
      if (evaluation_.has_value()) stats_.leases_expired += evaluation_->ledger.Expire(now);
      Serve(calls);
    }
    Run(std::move(calls));
  }

  void Close() override {
    Calls calls;
    {
      MutexLock lock(mutex_);
      closed_ = true;
      progress_.NotifyAll();
      Serve(calls);
    }
    Run(std::move(calls));
  }

  FrontDeskStats Stats() override {
    MutexLock lock(mutex_);
    FrontDeskStats stats = stats_;
    stats.leases_active =
        ledger_.active_leases() + (evaluation_.has_value() ? evaluation_->ledger.active_leases() : 0);
    stats.groups_waiting = buffer_.size();
    const absl::Duration horizon = clock_.Monotonic() - kWorkerMemory;
    stats.workers_seen =
        std::ranges::count_if(workers_, [horizon](const auto& worker) { return worker.second >= horizon; });
    return stats;
  }

 private:
  PromptLedger::Options LedgerOptions(int32_t prompts, absl::string_view kind) const {
    return {.incarnation = absl::StrCat(options_.join.incarnation, "-", kind),
            .prompts_per_step = prompts,
            .lease_time = absl::Seconds(options_.lease_seconds)};
  }

  PolicyVersion RequiredVersion(int64_t step) const {
    return std::max<PolicyVersion>(0, step - options_.max_staleness);
  }

  void Seen(const std::string& worker) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    workers_[worker] = clock_.Monotonic();
  }

  // Step k opens when step k − 1 is closed and version max(0, k − S) is published (docs/decisions/0004).
  void OpenNextStep() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (ledger_.open() || next_step_ >= options_.total_steps || snapshots_.empty()) return;
    if (snapshots_.back()->version < RequiredVersion(next_step_)) return;
    ledger_.Open(next_step_, next_ordinal_);
  }

  void CloseStepIfComplete() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (!ledger_.Complete()) return;
    CollectedStep collected;
    collected.next_ordinal = ledger_.end();
    for (auto& [ordinal, screened] : buffer_.Take()) {
      collected.completions_excluded_timeout += screened.excluded_timeout;
      collected.completions_excluded_error += screened.excluded_error;
      if (screened.excluded_timeout + screened.excluded_error > 0) {
        collected.excluded_verifier = train_->At(ordinal).verifier;
        collected.excluded_detail = screened.excluded_detail;
      }
      if (!screened.usable()) {
        ++collected.groups_excluded;
      } else if (options_.dynamic_sampling && !screened.has_signal()) {
        ++collected.groups_filtered;
      } else {
        collected.groups.push_back({.prompt = train_->At(ordinal), .group = std::move(screened.group)});
      }
    }
    next_ordinal_ = collected.next_ordinal;
    complete_.insert_or_assign(next_step_, std::move(collected));
    ledger_.End();
    ++next_step_;
    OpenNextStep();
  }

  absl::StatusOr<SubmitResult> SubmitTrain(Group group) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (!ledger_.open() || group.step != ledger_.step()) return SubmitResult::kExpired;
    const PolicyVersion oldest = RequiredVersion(group.step);
    ENTRAIN_RETURN_IF_ERROR(
        CheckAgainst(group, oldest, options_.exact_staleness ? oldest : snapshots_.back()->version,
                     options_.completions_per_prompt, options_.join.train_sampling.max_tokens));
    const SubmitResult result = ledger_.Submit(group.lease_id, group.step, group.ordinal);
    if (result != SubmitResult::kAccepted) return result;
    Count(group);
    const int64_t ordinal = group.ordinal;
    Screened screened = Screen(std::move(group));
    if (!screened.usable() || (options_.dynamic_sampling && !screened.has_signal())) ledger_.Replace(ordinal);
    buffer_.Add(ordinal, std::move(screened));
    CloseStepIfComplete();
    return result;
  }

  absl::StatusOr<SubmitResult> SubmitEval(Group group) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (!evaluation_.has_value() || group.step != evaluation_->step) return SubmitResult::kExpired;
    const PolicyVersion newest = snapshots_.back()->version;
    ENTRAIN_RETURN_IF_ERROR(CheckAgainst(group, newest, newest, evaluation_->completions,
                                         options_.join.eval_sampling.max_tokens));
    const SubmitResult result = evaluation_->ledger.Submit(group.lease_id, group.step, group.ordinal);
    if (result != SubmitResult::kAccepted) return result;
    Count(group);
    const int64_t ordinal = group.ordinal;
    evaluation_->buffer.Add(ordinal, Screen(std::move(group)));
    return result;
  }

  absl::Status CheckAgainst(const Group& group, PolicyVersion oldest, PolicyVersion newest,
                            int32_t completions, int32_t max_tokens) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    std::string digest;
    for (const auto& snapshot : snapshots_) {
      if (snapshot->version == group.policy_version) digest = snapshot->digest;
    }
    return CheckGroup(group, {.completions_per_prompt = completions,
                              .oldest_version = oldest,
                              .newest_version = newest,
                              .required_digest = digest,
                              .max_tokens = max_tokens,
                              .vocab_size = options_.vocab_size});
  }

  void Count(const Group& group) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    stats_.completions_accepted += static_cast<int64_t>(group.completions.size());
    for (const Completion& completion : group.completions)
      stats_.tokens_accepted += static_cast<int64_t>(completion.tokens.size());
  }

  // Evaluation first: training leases wait meanwhile.
  std::optional<Lease> NextLease(const std::string& worker) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (snapshots_.empty()) return std::nullopt;
    const bool evaluating = evaluation_.has_value();
    if (!evaluating && !ledger_.open()) return std::nullopt;
    const auto grant = (evaluating ? evaluation_->ledger : ledger_).Lease(worker, clock_.Monotonic());
    if (!grant.has_value()) return std::nullopt;
    Lease lease{.lease_id = grant->lease_id,
                .purpose = evaluating ? Purpose::kEval : Purpose::kTrain,
                .step = grant->step,
                .ordinal = grant->ordinal};
    lease.prompt = (evaluating ? *eval_ : *train_).At(grant->ordinal);
    lease.completions = evaluating ? evaluation_->completions : options_.completions_per_prompt;
    lease.required_version =
        !evaluating && options_.exact_staleness ? RequiredVersion(grant->step) : snapshots_.back()->version;
    for (const auto& snapshot : snapshots_) {
      if (snapshot->version == lease.required_version) lease.required_digest = snapshot->digest;
    }
    lease.deadline_seconds = options_.lease_seconds;
    ++stats_.leases_granted;
    return lease;
  }

  // Answers every waiter that can be answered, first come first served.
  void Serve(Calls& calls) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const absl::Duration now = clock_.Monotonic();
    std::deque<Waiter> still_waiting;
    for (Waiter& waiter : waiters_) {
      absl::StatusOr<LeaseReply> reply = LeaseReply{};
      if (closed_) {
        reply = absl::CancelledError("the learner is stopping");
      } else if (ended_) {
        reply->run_ended = true;
      } else {
        while (static_cast<int32_t>(reply->leases.size()) < waiter.max_leases) {
          std::optional<Lease> lease = NextLease(waiter.worker);
          if (!lease.has_value()) break;
          reply->leases.push_back(*std::move(lease));
        }
        if (reply->leases.empty() && now < waiter.until) {
          still_waiting.push_back(std::move(waiter));
          continue;
        }
      }
      calls.push_back(
          [done = std::move(waiter.done), reply = std::move(reply)]() mutable { done(std::move(reply)); });
    }
    waiters_ = std::move(still_waiting);
  }

  // Until `ready` (called under the lock), a stop or a close.
  absl::Status WaitFor(const std::stop_token& stop, const std::function<bool()>& ready) {
    const std::stop_callback wake(stop, [this] {
      MutexLock lock(mutex_);
      progress_.NotifyAll();
    });
    MutexLock lock(mutex_);
    while (!ready()) {
      if (closed_ || stop.stop_requested())
        return absl::CancelledError("stopped while waiting for completions");
      progress_.Wait(mutex_);
    }
    return absl::OkStatus();
  }

  const FrontDeskOptions options_;
  const std::shared_ptr<const DataOrder> train_, eval_;
  Clock& clock_;
  Mutex mutex_;
  CondVar progress_;
  std::deque<std::shared_ptr<const WeightsSnapshot>> snapshots_ ABSL_GUARDED_BY(mutex_);
  PromptLedger ledger_ ABSL_GUARDED_BY(mutex_);
  GroupBuffer buffer_ ABSL_GUARDED_BY(mutex_);
  int64_t next_step_ ABSL_GUARDED_BY(mutex_);     // the open step, or the one to open next
  int64_t next_ordinal_ ABSL_GUARDED_BY(mutex_);  // where it begins
  std::map<int64_t, CollectedStep> complete_ ABSL_GUARDED_BY(mutex_);
  std::optional<Evaluation> evaluation_ ABSL_GUARDED_BY(mutex_);
  int64_t evaluations_ ABSL_GUARDED_BY(mutex_) = 0;  // begun; lease ids of two of them must differ
  std::deque<Waiter> waiters_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, absl::Duration> workers_ ABSL_GUARDED_BY(mutex_);
  FrontDeskStats stats_ ABSL_GUARDED_BY(mutex_);
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace

std::unique_ptr<FrontDesk> FrontDesk::Create(FrontDeskOptions options, std::shared_ptr<const DataOrder> train,
                                             std::shared_ptr<const DataOrder> eval, Clock& clock) {
  return std::make_unique<FrontDeskImpl>(std::move(options), std::move(train), std::move(eval), clock);
}

}  // namespace entrain
