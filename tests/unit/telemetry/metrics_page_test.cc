#include "services/telemetry/metrics_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <cstdio>
#include <fstream>

#include "services/telemetry/room_samples.h"
#include "services/telemetry/verifier_stats.h"
#include "tests/testing/scripted_verifier.h"
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

MetricsPage PageOfEverything() {
  MetricsPage page("learner");
  page.Add([] { return SamplesOf(SomeDeskStats()); });
  page.Add([] { return SamplesOfStepRecord(SomeRecord()); });
  page.Add([] {
    VerifierStats stats;
    stats.verdicts = {{VerdictKind::kCorrect, 4}, {VerdictKind::kTimeout, 1}};
    return SamplesOf(stats);
  });
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
  EXPECT_THAT(text, HasSubstr("\nentrain_verifier_verdicts_total{kind=\"timeout\"} 1\n"));
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

TEST(CountingVerifierTest, CountsVerdictsByKind) {
  ScriptedVerifier inner;
  CountingVerifier verifier(inner);
  const std::vector<VerifyItem> items = {{"exact", "1", "1"}, {"exact", "2", "1"}, {"exact", "1", "1"}};
  ASSERT_TRUE(verifier.Verify(items, absl::Seconds(1)).ok());
  const VerifierStats stats = verifier.Stats();
  EXPECT_EQ(stats.calls, 1);
  EXPECT_EQ(stats.verdicts.at(VerdictKind::kCorrect), 2);
  EXPECT_EQ(stats.verdicts.at(VerdictKind::kWrong), 1);
  EXPECT_EQ(stats.verdicts.at(VerdictKind::kTimeout), 0);
}

}  // namespace
}  // namespace entrain
