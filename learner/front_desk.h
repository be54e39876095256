#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "policy/snapshot.h"
#include "rollout_worker/learner_link.h"
#include "trajectory/data_order.h"
#include "trajectory/group.h"

namespace entrain {

struct FrontDeskOptions {
  JoinReply join;                      // what every worker is told
  int32_t prompts_per_step = 32;       // P
  int32_t completions_per_prompt = 8;  // G
  int64_t total_steps = 0;             // K: after step K−1 workers are told that the run has ended
  int64_t max_staleness = 0;           // S, versions
  bool exact_staleness = true;         // step k uses version max(0, k − S) and no other
  bool dynamic_sampling = false;       // architecture.md, decision 6
  double lease_seconds = 30;           // without a renewal
  int32_t vocab_size = 0;              // tokens of submitted groups are checked against it
  int64_t first_step = 0;              // after a resume
  int64_t first_ordinal = 0;           // data position of first_step
};

// A group that training may use: excluded completions removed, at least two left.
struct CollectedGroup {
  Prompt prompt;
  Group group;
};

// Everything of one step, in prompt order whatever order it came in.
struct CollectedStep {
  std::vector<CollectedGroup> groups;  // P
  int64_t next_ordinal = 0;            // data position of the next step
  // What of this step's prefix of the data order was left out, and why.
  int64_t groups_filtered = 0;  // without a signal (dynamic sampling)
  int64_t groups_excluded = 0;  // fewer than two completions left
  int64_t completions_excluded_timeout = 0;
  int64_t completions_excluded_error = 0;
  // Of the last completion, in prompt order, that was left out for want of a verdict.
  std::string excluded_verifier, excluded_detail;
};

// For /metrics and the progress display; cumulative unless said otherwise.
struct FrontDeskStats {
  int64_t leases_granted = 0, leases_expired = 0, leases_returned = 0;
  int64_t groups_accepted = 0, groups_duplicate = 0, groups_expired = 0, groups_refused = 0;
  int64_t completions_accepted = 0, tokens_accepted = 0;
  int64_t leases_active = 0;   // now
  int64_t groups_waiting = 0;  // now: in the buffer, not yet collected
  int64_t workers_seen = 0;    // distinct names that called in the last minute
};

// The learner's side of LearnerLink: grants leases, admits groups, hands out snapshots; and the train loop's
// side: publishes versions, collects steps. Joins the prompt ledger, the group buffer and the snapshots under
// one lock. Thread-safe. Nothing blocks but CollectStep and CollectEval.
class FrontDesk {
 public:
  virtual ~FrontDesk() = default;
  static std::unique_ptr<FrontDesk> Create(FrontDeskOptions options, std::shared_ptr<const DataOrder> train,
                                           std::shared_ptr<const DataOrder> eval, Clock& clock);

  // --- Rollout workers (through the service). ---
  virtual absl::StatusOr<JoinReply> Join(const JoinRequest& request) = 0;
  using LeaseCallback = std::function<void(absl::StatusOr<LeaseReply>)>;
  // `done` is called exactly once: now, when work appears, when `wait` has passed (by a Tick) or on Close
  // (Cancelled). Never under the lock.
  virtual void LeasePrompts(const std::string& worker, int32_t max_leases, const std::string& held_digest,
                            absl::Duration wait, LeaseCallback done) = 0;
  virtual absl::StatusOr<std::vector<std::string>> RenewLeases(const std::string& worker,
                                                               std::span<const std::string> lease_ids) = 0;
  virtual absl::Status ReturnLeases(const std::string& worker, std::span<const std::string> lease_ids) = 0;
  virtual absl::StatusOr<SubmitResult> SubmitGroup(Group group) = 0;
  virtual absl::StatusOr<std::shared_ptr<const WeightsSnapshot>> FetchWeights(PolicyVersion version) = 0;

  // --- The train loop (one thread). ---
  // Makes a version available, drops those older than version − S, opens the leases it allows. Versions come
  // in order.
  virtual void Publish(std::shared_ptr<const WeightsSnapshot> snapshot) = 0;
  // The versions still kept, oldest first: what a checkpoint stores.
  virtual std::vector<std::shared_ptr<const WeightsSnapshot>> Snapshots() = 0;
  // Waits until `step` is complete. Cancelled when `stop` is requested or the desk is closed.
  virtual absl::StatusOr<CollectedStep> CollectStep(int64_t step, std::stop_token stop) = 0;
  // Leases `prompts` evaluation prompts (from the start of the evaluation set; all when 0) × `completions`
  // with the newest version and waits for them. Training leases wait meanwhile.
  virtual absl::StatusOr<std::vector<CollectedGroup>> CollectEval(int64_t step, int32_t prompts,
                                                                  int32_t completions,
                                                                  std::stop_token stop) = 0;
  // The run is over: workers are told to leave.
  virtual void End() = 0;

  // --- Housekeeping (any thread, about ten times a second). ---
  virtual void Tick() = 0;
  virtual void Close() = 0;
  virtual FrontDeskStats Stats() = 0;
};

}  // namespace entrain
