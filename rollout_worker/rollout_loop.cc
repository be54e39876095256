#include "rollout_worker/rollout_loop.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/status_macros.h"

namespace entrain {
namespace {

// Failures that another try may mend: the other side is away, busy or restarting.
bool MayMend(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) ||
         absl::IsResourceExhausted(status) || absl::IsDataLoss(status) || absl::IsAborted(status);
}

// Tells how long it lived.
class Timed {
 public:
  Timed(Clock& clock, std::function<void(double)> tell)
      : clock_(clock), tell_(std::move(tell)), start_(clock.Monotonic()) {}
  ~Timed() { tell_(absl::ToDoubleSeconds(clock_.Monotonic() - start_)); }
  Timed(const Timed&) = delete;
  Timed& operator=(const Timed&) = delete;

 private:
  Clock& clock_;
  const std::function<void(double)> tell_;
  const absl::Duration start_;
};

}  // namespace

RolloutLoop::RolloutLoop(RolloutLoopOptions options, LearnerLink& link, Verifier& verifier,
                         WorkerModelFactory factory, Clock& clock)
    : options_(std::move(options)),
      link_(link),
      verifier_(verifier),
      factory_(std::move(factory)),
      clock_(clock),
      keeper_(link, options_.name),
      pause_(options_.first_pause) {}

RolloutStats RolloutLoop::stats() {
  MutexLock lock(mutex_);
  return stats_;
}

absl::Status RolloutLoop::Run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    ENTRAIN_ASSIGN_OR_RETURN(const bool more, Step(stop));
    if (!more) return absl::OkStatus();
  }
  return absl::CancelledError("stopped");
}

absl::StatusOr<bool> RolloutLoop::Step(std::stop_token stop) {
  absl::StatusOr<bool> more = true;
  if (!joined_) {
    const absl::Status joined = Join();
    if (!joined.ok()) more = joined;
  }
  if (more.ok()) {
    const std::string held =
        model_.generator->weights() == nullptr ? "" : model_.generator->weights()->digest;
    const absl::StatusOr<LeaseReply> reply = link_.LeasePrompts(options_.name, 1, held, options_.lease_wait);
    if (!reply.ok()) {
      more = reply.status();
    } else if (reply->run_ended) {
      return false;
    } else if (!reply->leases.empty()) {
      more = Work(reply->leases[0], stop);
    }
  }
  if (more.ok()) {
    pause_ = options_.first_pause;
    return *more;
  }
  if (stop.stop_requested()) return true;
  // Cancelled without a stop: the learner is on its way out.
  if (!MayMend(more.status()) && !absl::IsCancelled(more.status())) return more.status();
  {
    MutexLock lock(mutex_);
    ++stats_.learner_failures;
  }
  LogWarning("learner_away", {{"worker", options_.name}, {"why", std::string(more.status().message())}});
  joined_ = false;  // it may be another incarnation when it is back
  Pause(stop);
  return true;
}

absl::Status RolloutLoop::Join() {
  ENTRAIN_ASSIGN_OR_RETURN(
      JoinReply reply,
      link_.Join({.worker = options_.name, .device = options_.device, .dtype = options_.dtype}));
  // The same model again, after a pause or a restart of the learner: keep the engine and its weights.
  if (model_.generator == nullptr || reply.model_files_digest != join_.model_files_digest) {
    ENTRAIN_ASSIGN_OR_RETURN(model_, factory_(reply));
  }
  join_ = std::move(reply);
  joined_ = true;
  LogInfo("joined", {{"worker", options_.name}, {"run", join_.run_id}, {"incarnation", join_.incarnation}});
  return absl::OkStatus();
}

// True: the engine holds what the lease requires. False: the lease is over.
absl::StatusOr<bool> RolloutLoop::FetchIfNeeded(const Lease& lease) {
  const auto held = model_.generator->weights();
  if (held != nullptr && held->digest == lease.required_digest && held->version == lease.required_version)
    return true;
  const Timed timed(clock_, [this](double seconds) {
    MutexLock lock(mutex_);
    stats_.fetch_seconds += seconds;
  });
  const auto fetched = link_.FetchWeights(lease.required_version);
  if (absl::IsNotFound(fetched.status())) return false;
  ENTRAIN_RETURN_IF_ERROR(fetched.status());
  if ((*fetched)->digest != lease.required_digest) return false;
  ENTRAIN_RETURN_IF_ERROR(model_.generator->SetWeights(*fetched));
  MutexLock lock(mutex_);
  ++stats_.weights_fetched;
  return true;
}

absl::StatusOr<Group> RolloutLoop::Generate(const Lease& lease, std::stop_token stop) {
  const Timed timed(clock_, [this](double seconds) {
    MutexLock lock(mutex_);
    stats_.generate_seconds += seconds;
  });
  const bool eval = lease.purpose == Purpose::kEval;
  const GenerationRequest request{
      .prompt = lease.prompt.tokens,
      .completions = lease.completions,
      .key = {.seed = join_.seed,
              .purpose = eval ? RngPurpose::kEvalSample : RngPurpose::kTrainSample,
              .step = static_cast<uint64_t>(lease.step),
              .ordinal = static_cast<uint64_t>(lease.ordinal)}};
  ENTRAIN_ASSIGN_OR_RETURN(
      auto results,
      model_.generator->Generate(std::span(&request, 1), eval ? join_.eval_sampling : join_.train_sampling,
                                 std::move(stop)));
  Group group{.lease_id = lease.lease_id,
              .worker = options_.name,
              .purpose = lease.purpose,
              .step = lease.step,
              .ordinal = lease.ordinal,
              .policy_version = lease.required_version,
              .weights_digest = lease.required_digest};
  MutexLock lock(mutex_);
  for (size_t i = 0; i < results[0].size(); ++i) {
    GeneratedCompletion& drawn = results[0][i];
    ++stats_.completions;
    stats_.tokens += static_cast<int64_t>(drawn.tokens.size());
    if (drawn.finish == Finish::kLength) ++stats_.truncated;
    group.completions.push_back({.index = static_cast<int32_t>(i),
                                 .tokens = std::move(drawn.tokens),
                                 .behaviour_logprobs = std::move(drawn.logprobs),
                                 .finish = drawn.finish});
  }
  return group;
}

// Our own failure is never a reward of 0: timeouts and errors are asked again, then stay what they are, and
// the learner excludes them. While no verifier answers at all, nothing is excluded: the worker asks again
// until its patience ends, and Unavailable then gives the lease back to workers that may reach one.
absl::Status RolloutLoop::VerifyAll(const Lease& lease, Group& group, std::stop_token stop) {
  const Timed timed(clock_, [this](double seconds) {
    MutexLock lock(mutex_);
    stats_.verify_seconds += seconds;
  });
  std::vector<size_t> open;
  for (size_t i = 0; i < group.completions.size(); ++i) open.push_back(i);
  for (int32_t attempt = 0; attempt <= join_.verify_retries && !open.empty(); ++attempt) {
    std::vector<VerifyItem> items;
    for (const size_t i : open) {
      std::span<const TokenId> tokens = group.completions[i].tokens;
      if (group.completions[i].finish == Finish::kStop)
        tokens = tokens.first(tokens.size() - 1);  // without the EOS
      ENTRAIN_ASSIGN_OR_RETURN(std::string text, model_.detokenise(tokens));
      items.push_back({.verifier = lease.prompt.verifier,
                       .completion = std::move(text),
                       .answer = lease.prompt.answer,
                       .options_json = lease.prompt.verifier_options_json});
    }
    absl::StatusOr<std::vector<Verdict>> verdicts =
        verifier_.Verify(items, {absl::Seconds(join_.verify_deadline_seconds), stop});
    const absl::Duration give_up = clock_.Monotonic() + options_.verifier_patience;
    while (!verdicts.ok() && MayMend(verdicts.status()) && keeper_.alive() && !stop.stop_requested() &&
           clock_.Monotonic() < give_up) {
      {
        MutexLock lock(mutex_);
        ++stats_.verifier_failures;
      }
      LogWarning("verifier_away",
                 {{"worker", options_.name}, {"why", std::string(verdicts.status().message())}});
      Pause(stop);
      verdicts = verifier_.Verify(items, {absl::Seconds(join_.verify_deadline_seconds), stop});
    }
    ENTRAIN_RETURN_IF_ERROR(verdicts.status());
    if (verdicts->size() != items.size())
      return absl::InternalError("the verifier answered another number of verdicts than it was asked for");
    std::vector<size_t> again;
    for (size_t k = 0; k < open.size(); ++k) {
      group.completions[open[k]].verdict = std::move((*verdicts)[k]);
      if (IsOurFailure(group.completions[open[k]].verdict.kind)) again.push_back(open[k]);
    }
    MutexLock lock(mutex_);
    if (attempt < join_.verify_retries) stats_.verdicts_retried += static_cast<int64_t>(again.size());
    open = std::move(again);
  }
  MutexLock lock(mutex_);
  for (const size_t i : open) {
    ++(group.completions[i].verdict.kind == VerdictKind::kTimeout ? stats_.excluded_timeout
                                                                  : stats_.excluded_error);
  }
  return absl::OkStatus();
}

// The work is done and costly, so that a learner that is away is waited for while the lease may be alive; the
// first submission wins, however often it is repeated.
absl::StatusOr<SubmitResult> RolloutLoop::SubmitPatiently(const Group& group, std::stop_token stop) {
  absl::StatusOr<SubmitResult> result = link_.SubmitGroup(group);
  while ((absl::IsUnavailable(result.status()) || absl::IsDeadlineExceeded(result.status())) &&
         keeper_.alive() && !stop.stop_requested()) {
    {
      MutexLock lock(mutex_);
      ++stats_.learner_failures;
    }
    LogWarning("learner_away", {{"worker", options_.name}, {"why", std::string(result.status().message())}});
    Pause(stop);
    result = link_.SubmitGroup(group);
  }
  return result;
}

absl::Status RolloutLoop::Submit(const Group& group, std::stop_token stop) {
  const absl::StatusOr<SubmitResult> result = SubmitPatiently(group, std::move(stop));
  MutexLock lock(mutex_);
  if (!result.ok()) {
    if (MayMend(result.status()) || absl::IsCancelled(result.status())) return result.status();
    ++stats_.groups_refused;
    LogError("group_refused", {{"worker", options_.name},
                               {"ordinal", group.ordinal},
                               {"why", std::string(result.status().message())}});
    // The same group would be refused again: the lease goes back, and somebody generates anew.
    return absl::AbortedError(absl::StrCat("the learner refused a group: ", result.status().message()));
  }
  ++(*result == SubmitResult::kAccepted    ? stats_.groups_accepted
     : *result == SubmitResult::kDuplicate ? stats_.groups_duplicate
                                           : stats_.groups_expired);
  return absl::OkStatus();
}

absl::StatusOr<bool> RolloutLoop::Work(const Lease& lease, std::stop_token stop) {
  {
    MutexLock lock(mutex_);
    ++stats_.leases;
  }
  keeper_.Hold(lease);
  const auto work = [&]() -> absl::Status {
    ENTRAIN_ASSIGN_OR_RETURN(const bool ready, FetchIfNeeded(lease));
    if (!ready) return absl::AbortedError("the weights of this lease are gone");
    ENTRAIN_ASSIGN_OR_RETURN(Group group, Generate(lease, stop));
    ENTRAIN_RETURN_IF_ERROR(VerifyAll(lease, group, stop));
    return Submit(group, stop);
  };
  const absl::Status status = work();
  keeper_.Release();
  if (!status.ok()) {
    Return(lease);
    return status;
  }
  return true;
}

void RolloutLoop::Return(const Lease& lease) {
  if (link_.ReturnLeases(options_.name, std::span(&lease.lease_id, 1)).ok()) {
    MutexLock lock(mutex_);
    ++stats_.leases_returned;
  }
}

void RolloutLoop::Pause(const std::stop_token& stop) {
  // In small parts, so that a stop is noticed.
  for (absl::Duration left = pause_; left > absl::ZeroDuration() && !stop.stop_requested();
       left -= absl::Milliseconds(50)) {
    clock_.Sleep(std::min(left, absl::Milliseconds(50)));
  }
  pause_ = std::min(pause_ * 2, options_.longest_pause);
}

}  // namespace entrain
