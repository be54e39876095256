#pragma once

#include <map>
#include <string>
#include <vector>

#include "controller/controller.h"
#include "learner/front_desk.h"
#include "rollout_worker/rollout_loop.h"
#include "services/telemetry/metrics_page.h"
#include "services/telemetry/verifier_stats.h"
#include "verifier/sandbox/sandbox_failures.h"
#include "verifier/service/caching_verifier.h"
#include "verifier/service/judging_pool.h"

namespace entrain {

// What each room's snapshot says, as samples. Pure.
std::vector<Sample> SamplesOf(const FrontDeskStats& stats);
std::vector<Sample> SamplesOf(const VerdictMeter::Stats& stats);
std::vector<Sample> SamplesOf(const JudgingPoolStats& stats);
std::vector<Sample> SamplesOf(const VerdictCacheStats& stats);
std::vector<Sample> SamplesOf(const SandboxFailures& failures);
std::vector<Sample> SamplesOf(const RolloutStats& stats);
std::vector<Sample> SamplesOf(const ControllerStats& stats);
// The newest record of metrics.jsonl; names that no metric has are left out.
std::vector<Sample> SamplesOfStepRecord(const std::map<std::string, double>& record);

}  // namespace entrain
