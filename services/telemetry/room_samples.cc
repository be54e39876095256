#include "services/telemetry/room_samples.h"

namespace entrain {
namespace {

// One name of metrics.jsonl and the metric that shows it.
struct RecordLine {
  const char* name;
  const Metric* metric;
  const char* label = "";
};

constexpr RecordLine kRecordLines[] = {
    {"step", &metrics::kStep},
    {"policy_version", &metrics::kPolicyVersion},
    {"reward/mean", &metrics::kRewardMean},
    {"entropy/mean", &metrics::kEntropy},
    {"entropy/slope", &metrics::kEntropySlope},
    {"entropy/predicted_change", &metrics::kEntropyPredicted},
    {"region/e1_share", &metrics::kRegionShare, "e1"},
    {"region/e2_share", &metrics::kRegionShare, "e2"},
    {"region/e3_share", &metrics::kRegionShare, "e3"},
    {"region/e4_share", &metrics::kRegionShare, "e4"},
    {"clip/high_frac", &metrics::kClipHigh},
    {"clip/low_frac", &metrics::kClipLow},
    {"clip/upper_intercept", &metrics::kClipThreshold, "upper_intercept"},
    {"clip/upper_slope", &metrics::kClipThreshold, "upper_slope"},
    {"clip/lower_intercept", &metrics::kClipThreshold, "lower_intercept"},
    {"clip/lower_slope", &metrics::kClipThreshold, "lower_slope"},
    {"directive/id", &metrics::kDirectiveId},
    {"directive/revision", &metrics::kDirectiveRevision},
    {"directive/held", &metrics::kDirectiveHeld},
    {"kl/old_new", &metrics::kKl},
    {"grad/norm", &metrics::kGradNorm},
    {"age/max", &metrics::kAgeMax},
    {"completions/truncated_frac", &metrics::kTruncated},
    {"time/step_seconds", &metrics::kStepSeconds},
};

double Number(int64_t count) { return static_cast<double>(count); }

}  // namespace

std::vector<Sample> SamplesOf(const FrontDeskStats& stats) {
  return {{&metrics::kLeasesGranted, Number(stats.leases_granted)},
          {&metrics::kLeasesExpired, Number(stats.leases_expired)},
          {&metrics::kLeasesReturned, Number(stats.leases_returned)},
          {&metrics::kLeasesActive, Number(stats.leases_active)},
          {&metrics::kGroups, Number(stats.groups_accepted), "accepted"},
          {&metrics::kGroups, Number(stats.groups_duplicate), "duplicate"},
          {&metrics::kGroups, Number(stats.groups_expired), "expired"},
          {&metrics::kGroups, Number(stats.groups_refused), "refused"},
          {&metrics::kGroupsWaiting, Number(stats.groups_waiting)},
          {&metrics::kCompletionsAccepted, Number(stats.completions_accepted)},
          {&metrics::kTokensAccepted, Number(stats.tokens_accepted)},
          {&metrics::kWorkersSeen, Number(stats.workers_seen)}};
}

std::vector<Sample> SamplesOf(const VerdictMeter::Stats& stats) {
  std::vector<Sample> samples;
  for (const auto& [key, verdicts] : stats) {
    const auto& [verifier, kind] = key;
    const std::string name(VerdictKindName(kind));
    samples.push_back({&metrics::kVerdicts, Number(verdicts.count), verifier, name});
    // Most kinds of most verifiers never occur: a histogram is shown once there is something in it.
    if (verdicts.count > 0)
      samples.push_back({&metrics::kJudgingSeconds, 0, verifier, name, verdicts.judging_seconds});
  }
  return samples;
}

std::vector<Sample> SamplesOf(const JudgingPoolStats& stats) {
  return {{&metrics::kVerifyBatches, Number(stats.batches_answered), "answered"},
          {&metrics::kVerifyBatches, Number(stats.batches_refused), "refused"},
          {&metrics::kVerifyBatches, Number(stats.batches_cancelled), "cancelled"},
          {&metrics::kItemsWaiting, Number(stats.items_waiting)},
          {&metrics::kBytesWaiting, Number(stats.bytes_waiting)},
          {&metrics::kClientsWaiting, Number(stats.clients_waiting)},
          {&metrics::kItemsRunning, Number(stats.items_running)}};
}

std::vector<Sample> SamplesOf(const VerdictCacheStats& stats) {
  return {{&metrics::kCacheLookups, Number(stats.hits), "hit"},
          {&metrics::kCacheLookups, Number(stats.misses), "miss"},
          {&metrics::kCacheEvictions, Number(stats.evictions)},
          {&metrics::kCacheBytes, Number(stats.bytes)},
          {&metrics::kCacheEntries, Number(stats.entries)}};
}

std::vector<Sample> SamplesOf(const SandboxFailures& failures) {
  return {{&metrics::kSandboxFailures, Number(failures.unavailable), "unavailable"},
          {&metrics::kSandboxFailures, Number(failures.lost), "lost"}};
}

std::vector<Sample> SamplesOfStepRecord(const std::map<std::string, double>& record) {
  std::vector<Sample> samples;
  for (const RecordLine& line : kRecordLines) {
    const auto found = record.find(line.name);
    if (found != record.end()) samples.push_back({line.metric, found->second, line.label});
  }
  return samples;
}

std::vector<Sample> SamplesOf(const RolloutStats& stats) {
  return {{&metrics::kWorkerGroups, Number(stats.groups_accepted), "accepted"},
          {&metrics::kWorkerGroups, Number(stats.groups_duplicate), "duplicate"},
          {&metrics::kWorkerGroups, Number(stats.groups_expired), "expired"},
          {&metrics::kWorkerGroups, Number(stats.groups_refused), "refused"},
          {&metrics::kWorkerCompletions, Number(stats.completions)},
          {&metrics::kWorkerTokens, Number(stats.tokens)},
          {&metrics::kWorkerExcluded, Number(stats.excluded_timeout), "timeout"},
          {&metrics::kWorkerExcluded, Number(stats.excluded_error), "error"},
          {&metrics::kWorkerLeasesLost, Number(stats.leases_returned)},
          {&metrics::kWorkerFetches, Number(stats.weights_fetched)},
          {&metrics::kWorkerErrors, Number(stats.learner_failures)}};
}

std::vector<Sample> SamplesOf(const ControllerStats& stats) {
  std::vector<Sample> samples = {{&metrics::kObservations, Number(stats.observations)},
                                 {&metrics::kDirectives, Number(stats.directives)},
                                 {&metrics::kEdits, Number(stats.edits)},
                                 {&metrics::kRuns, Number(stats.runs)},
                                 {&metrics::kRunsHeld, Number(stats.runs_held)},
                                 {&metrics::kDrifts, Number(stats.drifts)}};
  for (const auto& [reason, count] : stats.edits_refused)
    samples.push_back({&metrics::kRefusals, Number(count), reason});
  return samples;
}

}  // namespace entrain
