#include "services/telemetry/metrics_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <cstdio>
#include <fstream>

#include "services/telemetry/room_samples.h"
#include "services/telemetry/verifier_stats.h"
#include "tests/testing/temporary_folder.h"

namespace entrain {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

FrontDeskStats SomeDeskStats() {
  FrontDeskStats stats;
  stats.leases_granted = 7;
  stats.groups_duplicate = 2;
  stats.tokens_accepted = int64_t{1} << 53;
  return stats;
}

std::map<std::string, double> SomeRecord() {
  return {{"step", 3},
          {"entropy/mean", 0.25},
          {"region/e4_share", 0.5},
          {"clip/upper_slope", -0.25},
          {"directive/held", 0},
          {"entropy/slope", -0.125},
          {"entropy/predicted_change", -0.5},
          {"no/such_metric", 1}};
}

const VerdictMeter& SomeMeter() {
  static const auto* meter = [] {
    auto* out = new VerdictMeter({"code", "exact"});
    const std::vector<VerifyItem> items = {
        {.verifier = "exact"}, {.verifier = "exact"}, {.verifier = "exact"}, {.verifier = "made-up"}};
    const std::vector<Verdict> verdicts = {{.kind = VerdictKind::kCorrect, .seconds = 1e-5},
                                           {.kind = VerdictKind::kCorrect, .seconds = 1.5},
                                           {.kind = VerdictKind::kTimeout, .seconds = 100},
                                           {.kind = VerdictKind::kError}};
    out->Count(items, verdicts);
    return out;
  }();
  return *meter;
}

MetricsPage PageOfEverything() {
  MetricsPage page("learner");
  page.Add([] { return SamplesOf(SomeDeskStats()); });
  page.Add([] { return SamplesOfStepRecord(SomeRecord()); });
  page.Add([] { return SamplesOf(SomeMeter().Read()); });
  page.Add([] {
    return SamplesOf(JudgingPoolStats{.items_waiting = 5, .clients_waiting = 2, .batches_refused = 3});
  });
  page.Add([] { return SamplesOf(SandboxFailures{.unavailable = 7, .lost = 4}); });
  page.Add([] { return SamplesOf(VerdictCacheStats{.entries = 1, .bytes = 300, .hits = 9, .misses = 1}); });
  return page;
}

TEST(MetricsPageTest, TheControllersRefusalsAndHoldsAreShown) {
  MetricsPage page("controller");
  page.Add([] {
    ControllerStats stats{.edits = 3, .runs = 2, .runs_held = 1};
    stats.edits_refused["conflict"] = 4;
    return SamplesOf(stats);
  });
  const std::string text = page.Text();
  EXPECT_THAT(text, HasSubstr("\nentrain_controller_refusals_total{reason=\"conflict\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("\nentrain_controller_refusals_total{reason=\"illegal\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("\nentrain_controller_runs_held 1\n"));
}

TEST(MetricsPageTest, ShowsEachNumberUnderItsName) {
  const std::string text = PageOfEverything().Text();
  EXPECT_THAT(text,
              HasSubstr("# HELP entrain_learner_leases_granted_total Leases granted to rollout workers.\n"));
  EXPECT_THAT(text, HasSubstr("# TYPE entrain_learner_leases_granted_total counter\n"));
  EXPECT_THAT(text, HasSubstr("\nentrain_learner_leases_granted_total 7\n"));
  EXPECT_THAT(text, HasSubstr("\nentrain_learner_groups_submitted_total{result=\"duplicate\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("\nentrain_learner_entropy_nats 0.25\n"));
  EXPECT_THAT(text, HasSubstr("\nentrain_learner_entropy_slope_nats -0.125\n"));
  EXPECT_THAT(text, HasSubstr("\nentrain_learner_entropy_predicted_change_nats -0.5\n"));
  EXPECT_THAT(text, HasSubstr("\nentrain_learner_region_share_ratio{region=\"e4\"} 0.5\n"));
  EXPECT_THAT(text, HasSubstr("\nentrain_learner_clip_threshold{scalar=\"upper_slope\"} -0.25\n"));
  EXPECT_THAT(text, HasSubstr("\nentrain_process_info{process=\"learner\"} 1\n"));
  EXPECT_THAT(text, Not(HasSubstr("no_such")));
}

TEST(MetricsPageTest, ReadsTheRoomAtEachScrape) {
  double value = 1;
  MetricsPage page("learner");
  page.Add([&] { return std::vector<Sample>{{&metrics::kStep, value}}; });
  EXPECT_THAT(page.Text(), HasSubstr("entrain_learner_step 1\n"));
  value = 2;
  EXPECT_THAT(page.Text(), HasSubstr("entrain_learner_step 2\n"));
}

TEST(MetricsPageTest, PromtoolAcceptsThePage) {
  if (system("command -v promtool > /dev/null 2>&1") != 0)
    GTEST_SKIP() << "promtool is not installed (Debian package prometheus)";
  const TemporaryFolder folder;
  const std::string file = folder / "metrics.txt";
  std::ofstream(file) << PageOfEverything().Text();
  FILE* promtool = popen(("promtool check metrics < " + file + " 2>&1").c_str(), "r");
  ASSERT_NE(promtool, nullptr);
  std::string said(4096, '\0');
  said.resize(fread(said.data(), 1, said.size(), promtool));
  EXPECT_EQ(WEXITSTATUS(pclose(promtool)), 0) << said;
  EXPECT_EQ(said, "");
}

TEST(MetricsPageTest, VerdictsAreCountedByVerifierAndKind) {
  const std::string text = PageOfEverything().Text();
  EXPECT_THAT(text, HasSubstr("\nentrain_verifier_verdicts_total{verifier=\"exact\",kind=\"correct\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("\nentrain_verifier_verdicts_total{verifier=\"exact\",kind=\"timeout\"} 1\n"));
  // What has not happened yet is 0, so that a rate sees the first one.
  EXPECT_THAT(text, HasSubstr("\nentrain_verifier_verdicts_total{verifier=\"code\",kind=\"error\"} 0\n"));
  // Callers cannot make up labels.
  EXPECT_THAT(text, HasSubstr("\nentrain_verifier_verdicts_total{verifier=\"unknown\",kind=\"error\"} 1\n"));
  EXPECT_THAT(text, Not(HasSubstr("made-up")));
}

TEST(MetricsPageTest, AHistogramIsCumulativeAndItsBoundsBelongToTheBucketBelow) {
  const std::string text = PageOfEverything().Text();
  const std::string correct =
      "entrain_verifier_judging_seconds_bucket{verifier=\"exact\",kind=\"correct\",le=";
  EXPECT_THAT(text, HasSubstr("# TYPE entrain_verifier_judging_seconds histogram\n"));
  EXPECT_THAT(text, HasSubstr(correct + "\"1e-05\"} 1\n"));
  EXPECT_THAT(text, HasSubstr(correct + "\"1\"} 1\n"));
  EXPECT_THAT(text, HasSubstr(correct + "\"2.5\"} 2\n"));
  EXPECT_THAT(text, HasSubstr(correct + "\"+Inf\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("_sum{verifier=\"exact\",kind=\"timeout\"} 100\n"));
  EXPECT_THAT(text, HasSubstr("{verifier=\"exact\",kind=\"timeout\",le=\"60\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("_count{verifier=\"exact\",kind=\"timeout\"} 1\n"));
}

TEST(MetricsPageTest, TheQueueOfTheVerifierIsShown) {
  const std::string text = PageOfEverything().Text();
  EXPECT_THAT(text, HasSubstr("\nentrain_verifier_items_waiting 5\n"));
  EXPECT_THAT(text, HasSubstr("\nentrain_verifier_clients_waiting 2\n"));
  EXPECT_THAT(text, HasSubstr("\nentrain_verifier_cache_lookups_total{result=\"hit\"} 9\n"));
  EXPECT_THAT(text, HasSubstr("\nentrain_verifier_cache_size_bytes 300\n"));
  EXPECT_THAT(text, HasSubstr("\nentrain_verifier_sandbox_failures_total{cause=\"unavailable\"} 7\n"));
  EXPECT_THAT(text, HasSubstr("\nentrain_verifier_sandbox_failures_total{cause=\"lost\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("\nentrain_verifier_batches_total{result=\"refused\"} 3\n"));
}

}  // namespace
}  // namespace entrain
