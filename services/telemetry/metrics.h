#pragma once

#include <span>

namespace entrain {

enum class MetricKind { kCounter, kGauge, kHistogram };

// One metric of /metrics. Names: entrain_<room>_<quantity>_<base unit>[_total].
struct Metric {
  const char* name;
  MetricKind kind;
  const char* unit;  // what one is: "leases", "nats", "seconds", "ratio" (0 … 1), "bytes"
  const char* help;
  const char* label = nullptr;  // its label, if it has one
  const char* second_label = nullptr;
};

// The list of all metrics. To add one: a line here, and a line in the collector of its room.
namespace metrics {

inline constexpr MetricKind C = MetricKind::kCounter;
inline constexpr MetricKind G = MetricKind::kGauge;
inline constexpr MetricKind H = MetricKind::kHistogram;

// learner: its front desk
inline constexpr Metric kLeasesGranted{"entrain_learner_leases_granted_total", C, "leases",
                                       "Leases granted to rollout workers."};
inline constexpr Metric kLeasesExpired{"entrain_learner_leases_expired_total", C, "leases",
                                       "Leases whose lifetime passed without a group."};
inline constexpr Metric kLeasesReturned{"entrain_learner_leases_returned_total", C, "leases",
                                        "Leases given back unfinished."};
inline constexpr Metric kLeasesActive{"entrain_learner_leases_active", G, "leases",
                                      "Leases that workers hold now."};
inline constexpr Metric kGroups{"entrain_learner_groups_submitted_total", C, "groups",
                                "Groups submitted, by what became of them.", "result"};
inline constexpr Metric kGroupsWaiting{"entrain_learner_groups_waiting", G, "groups",
                                       "Groups accepted and not yet collected by the train loop."};
inline constexpr Metric kCompletionsAccepted{"entrain_learner_completions_accepted_total", C, "completions",
                                             "Completions in accepted groups."};
inline constexpr Metric kTokensAccepted{"entrain_learner_tokens_accepted_total", C, "tokens",
                                        "Completion tokens in accepted groups."};
inline constexpr Metric kWorkersSeen{"entrain_learner_workers_seen", G, "workers",
                                     "Distinct rollout workers that called in the last minute."};

// learner: its newest step (names of metrics.jsonl in telemetry/room_samples.cc)
inline constexpr Metric kStep{"entrain_learner_step", G, "steps", "Trainer step of the newest record."};
inline constexpr Metric kPolicyVersion{"entrain_learner_policy_version", G, "versions",
                                       "Newest policy version."};
inline constexpr Metric kRewardMean{"entrain_learner_reward_mean", G, "reward",
                                    "Mean reward of the newest step's batch."};
inline constexpr Metric kEntropy{"entrain_learner_entropy_nats", G, "nats",
                                 "Mean token entropy of the newest step's batch, before its update."};
inline constexpr Metric kEntropySlope{"entrain_learner_entropy_slope_nats", G, "nats",
                                      "Change of the mean token entropy per step, over the last 20 steps."};
inline constexpr Metric kEntropyPredicted{
    "entrain_learner_entropy_predicted_change_nats", G, "nats",
    "Entropy change per unit of step size that the newest step's updates imply, to first order."};
inline constexpr Metric kRegionShare{"entrain_learner_region_share_ratio", G, "ratio",
                                     "Share of tokens in each entropy region.", "region"};
inline constexpr Metric kClipHigh{"entrain_learner_clip_high_ratio", G, "ratio",
                                  "Share of tokens clipped at the upper threshold."};
inline constexpr Metric kClipLow{"entrain_learner_clip_low_ratio", G, "ratio",
                                 "Share of tokens clipped at the lower threshold."};
inline constexpr Metric kClipThreshold{"entrain_learner_clip_threshold", G, "epsilon",
                                       "Clip thresholds in use, as lines in the token's probability.",
                                       "scalar"};
inline constexpr Metric kDirectiveId{"entrain_learner_directive_id", G, "directives",
                                     "Number of the directive in use."};
inline constexpr Metric kDirectiveRevision{"entrain_learner_directive_revision", G, "revisions",
                                           "Schedule revision of the directive in use."};
inline constexpr Metric kDirectiveHeld{
    "entrain_learner_directive_held", G, "bool",
    "1 while the last directive is held because the controller is silent."};
inline constexpr Metric kKl{"entrain_learner_kl_old_new_nats", G, "nats",
                            "KL of the old and the new policy over the newest step."};
inline constexpr Metric kGradNorm{"entrain_learner_gradient_norm", G, "norm",
                                  "Gradient norm before clipping."};
inline constexpr Metric kAgeMax{"entrain_learner_age_max_versions", G, "versions",
                                "Largest staleness in the newest step's batch."};
inline constexpr Metric kTruncated{"entrain_learner_completions_truncated_ratio", G, "ratio",
                                   "Share of completions that reached the maximal number of tokens."};
inline constexpr Metric kStepSeconds{"entrain_learner_step_duration_seconds", G, "seconds",
                                     "Duration of the newest step."};

// rollout worker
inline constexpr Metric kWorkerGroups{"entrain_rollout_worker_groups_total", C, "groups",
                                      "Groups handed in, by the learner's answer.", "result"};
inline constexpr Metric kWorkerCompletions{"entrain_rollout_worker_completions_total", C, "completions",
                                           "Completions generated."};
inline constexpr Metric kWorkerTokens{"entrain_rollout_worker_tokens_total", C, "tokens",
                                      "Completion tokens generated."};
inline constexpr Metric kWorkerExcluded{"entrain_rollout_worker_completions_excluded_total", C, "completions",
                                        "Completions without a verdict after the retries, by kind.", "kind"};
inline constexpr Metric kWorkerLeasesLost{"entrain_rollout_worker_leases_lost_total", C, "leases",
                                          "Leases returned or dead before their group was done."};
inline constexpr Metric kWorkerFetches{"entrain_rollout_worker_weights_fetched_total", C, "versions",
                                       "Policy versions fetched from the learner."};
inline constexpr Metric kWorkerErrors{"entrain_rollout_worker_call_errors_total", C, "calls",
                                      "Calls to the learner that failed after their retries."};

// verifier
inline constexpr Metric kVerdicts{"entrain_verifier_verdicts_total",       C,          "verdicts",
                                  "Verdicts given, by verifier and kind.", "verifier", "kind"};
inline constexpr Metric kJudgingSeconds{"entrain_verifier_judging_seconds",
                                        H,
                                        "seconds",
                                        "Time spent judging one completion, by verifier and kind.",
                                        "verifier",
                                        "kind"};
inline constexpr Metric kVerifyBatches{
    "entrain_verifier_batches_total", C, "batches",
    "Batches by what became of them: answered, refused (queue full or stopping), cancelled.", "result"};
inline constexpr Metric kItemsWaiting{"entrain_verifier_items_waiting", G, "items",
                                      "Completions that wait for a free thread."};
inline constexpr Metric kBytesWaiting{"entrain_verifier_waiting_bytes", G, "bytes",
                                      "Size of the texts that wait for a free thread."};
inline constexpr Metric kClientsWaiting{"entrain_verifier_clients_waiting", G, "clients",
                                        "Callers with completions that wait for a free thread."};
inline constexpr Metric kItemsRunning{"entrain_verifier_items_running", G, "items",
                                      "Completions that are being judged."};
inline constexpr Metric kSandboxFailures{"entrain_verifier_sandbox_failures_total", C, "runs",
                                         "Programs that the sandbox could not run: unavailable (this machine "
                                         "has none), lost (the run did not begin, or "
                                         "its end is not known).",
                                         "cause"};
inline constexpr Metric kCacheLookups{"entrain_verifier_cache_lookups_total", C, "lookups",
                                      "Completions whose verdict was looked for in the cache: hit, miss.",
                                      "result"};
inline constexpr Metric kCacheEvictions{"entrain_verifier_cache_evictions_total", C, "verdicts",
                                        "Verdicts that left the cache to make room."};
inline constexpr Metric kCacheBytes{"entrain_verifier_cache_size_bytes", G, "bytes",
                                    "Size of the verdicts in the cache."};
inline constexpr Metric kCacheEntries{"entrain_verifier_cache_entries", G, "verdicts",
                                      "Verdicts in the cache."};

// controller
inline constexpr Metric kObservations{"entrain_controller_observations_total", C, "observations",
                                      "Observations received."};
inline constexpr Metric kDirectives{"entrain_controller_directives_total", C, "directives",
                                    "Directives made."};
inline constexpr Metric kEdits{"entrain_controller_edits_total", C, "edits", "Schedule edits accepted."};
inline constexpr Metric kRuns{"entrain_controller_runs", G, "runs", "Runs in the store."};
inline constexpr Metric kRunsHeld{"entrain_controller_runs_held", G, "runs",
                                  "Runs whose thresholds a person holds now."};
inline constexpr Metric kRefusals{"entrain_controller_refusals_total", C, "edits",
                                  "Schedule edits refused, by reason.", "reason"};
inline constexpr Metric kDrifts{"entrain_controller_drifts_total", C, "observations",
                                "Trainers that applied other thresholds than they acknowledged."};
// every process
inline constexpr Metric kBuildInfo{"entrain_process_info", G, "info",
                                   "Always 1; the label says which process this is.", "process"};

}  // namespace metrics

}  // namespace entrain
