#include "learner/recorded_step.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "common/digest.h"
#include "tests/testing/temporary_folder.h"

namespace entrain {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

RecordedStep AtStep(int64_t step) {
  RecordedStep out{.start = {.run_id = "run",
                             .config_digest = "c0ffee",
                             .seed = 7,
                             .next_step = step,
                             .next_ordinal = 12,
                             .updates = 40,
                             .last_numbers = {{"kl/old_new", 1.0 / 7}},
                             .snapshots = {WeightsSnapshot::Make(step, {0.1f, -0.0f, 1e-45f, 2})},
                             .first_moment = {1, 2, 3, 4},
                             .second_moment = {5, 6, 7, 8}},
                   .attempt = 2,
                   .collected = {.next_ordinal = 14, .groups_filtered = 1, .completions_excluded_error = 3},
                   .reference_logprobs = {-0.2f, -1e-45f, -2.0f, -0.0f},
                   .directive = {.id = 9,
                                 .run_id = "run",
                                 .attempt = 2,
                                 .step = step,
                                 .revision = 3,
                                 .bounds = {.upper = ClipLine{.intercept = 0.5, .slope = -0.25}},
                                 .dials = {{"dual_c", 3}},
                                 .state = "static"},
                   .digest_after = "d16e57"};
  CollectedGroup entry{
      .prompt = {.id = "p", .text = "1+\xff", .tokens = {1, 0}, .answer = "2", .verifier = "exact"},
      .group = {.step = step, .ordinal = 12, .policy_version = step}};
  entry.group.completions = {{.index = 0,
                              .tokens = {1, 1, 0},
                              .behaviour_logprobs = {-0.1f, -1e-30f, -3.0f},
                              .verdict = {.kind = VerdictKind::kCorrect, .score = 1.0, .extracted = "2"}},
                             {.index = 3,
                              .tokens = {1},
                              .behaviour_logprobs = {std::nextafter(-0.7f, 0.0f)},
                              .finish = Finish::kLength,
                              .verdict = {.kind = VerdictKind::kWrong, .score = 0.25}}};
  out.collected.groups.push_back(entry);
  return out;
}

class RecordedStepFile : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(WriteRecordedStep(folder_.path(), AtStep(123)).ok()); }
  std::string Path(const std::string& name) const { return folder_ / ("step-000123/" + name); }
  absl::Status Read() const { return ReadRecordedStep(folder_ / "step-000123").status(); }

  // Changes the groups and keeps the digest true: what a hostile file would do.
  void EditGroups(const std::function<void(Json&)>& edit) {
    std::stringstream text, manifest_text;
    text << std::ifstream(Path("groups.json")).rdbuf();
    Json groups = Json::parse(text.str());
    edit(groups);
    std::ofstream(Path("groups.json")) << groups.dump();
    manifest_text << std::ifstream(Path("manifest.json")).rdbuf();
    Json manifest = Json::parse(manifest_text.str());
    manifest["files"]["groups.json"] = DigestOf(groups.dump());
    std::ofstream(Path("manifest.json")) << manifest.dump();
  }
  void RefusedByName(const std::string& part) const {
    const absl::Status status = Read();
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
    EXPECT_NE(status.message().find(part), absl::string_view::npos) << status;
  }

  const TemporaryFolder folder_;
};

TEST_F(RecordedStepFile, ReadsBackEveryBit) {
  const auto found = ReadRecordedStep(folder_ / "step-000123");
  ASSERT_TRUE(found.ok()) << found.status();
  const RecordedStep expected = AtStep(123);
  EXPECT_EQ(found->start.seed, 7u);
  EXPECT_EQ(found->start.next_step, 123);
  EXPECT_EQ(found->start.updates, 40);
  EXPECT_EQ(found->start.snapshots[0]->digest, expected.start.snapshots[0]->digest);
  EXPECT_EQ(found->start.first_moment, expected.start.first_moment);
  EXPECT_EQ(found->start.second_moment, expected.start.second_moment);
  EXPECT_EQ(found->attempt, 2);
  EXPECT_EQ(found->directive, expected.directive);
  EXPECT_EQ(found->reference_logprobs, expected.reference_logprobs);
  EXPECT_EQ(found->digest_after, "d16e57");
  EXPECT_EQ(found->collected.next_ordinal, 14);
  EXPECT_EQ(found->collected.groups_filtered, 1);
  EXPECT_EQ(found->collected.completions_excluded_error, 3);
  ASSERT_EQ(found->collected.groups.size(), 1u);
  const CollectedGroup& entry = found->collected.groups[0];
  EXPECT_EQ(entry.prompt.id, "p");
  EXPECT_EQ(entry.prompt.tokens, (std::vector<TokenId>{1, 0}));
  EXPECT_EQ(entry.group.ordinal, 12);
  EXPECT_EQ(entry.group.policy_version, 123);
  ASSERT_EQ(entry.group.completions.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    const Completion& read = entry.group.completions[i];
    const Completion& written = expected.collected.groups[0].group.completions[i];
    EXPECT_EQ(read.index, written.index);
    EXPECT_EQ(read.tokens, written.tokens);
    EXPECT_EQ(read.behaviour_logprobs, written.behaviour_logprobs);
    EXPECT_EQ(read.finish, written.finish);
    EXPECT_EQ(read.verdict.kind, written.verdict.kind);
    EXPECT_EQ(read.verdict.score, written.verdict.score);
  }
}

TEST_F(RecordedStepFile, AnotherRecordOfTheStepTakesItsPlace) {
  RecordedStep other = AtStep(123);
  other.attempt = 3;
  ASSERT_TRUE(WriteRecordedStep(folder_.path(), other).ok());
  EXPECT_EQ(ReadRecordedStep(folder_ / "step-000123")->attempt, 3);
}

TEST_F(RecordedStepFile, ListsCompleteRecordsInTheOrderOfTheirSteps) {
  ASSERT_TRUE(WriteRecordedStep(folder_.path(), AtStep(5)).ok());
  fs::create_directories(folder_ / "step-000007");  // was being written
  fs::create_directories(folder_ / "step-nonsense");
  std::vector<int64_t> steps;
  for (const RecordedStepFolder& folder : ListRecordedSteps(folder_.path())) steps.push_back(folder.step);
  EXPECT_EQ(steps, (std::vector<int64_t>{5, 123}));
  EXPECT_TRUE(ListRecordedSteps(folder_ / "absent").empty());
}

TEST_F(RecordedStepFile, RefusesEveryDamagedFileByName) {
  for (const char* name : {"version-000123.f32", "first_moment.f32", "second_moment.f32", "groups.json",
                           "behaviour_logprobs.f32", "reference_logprobs.f32"}) {
    ASSERT_TRUE(WriteRecordedStep(folder_.path(), AtStep(123)).ok());
    std::fstream(Path(name), std::ios::in | std::ios::out).put('\x7f');
    RefusedByName(name);
    fs::remove(Path(name));
    EXPECT_FALSE(Read().ok());
    EXPECT_NE(Read().message().find(name), absl::string_view::npos) << Read();
  }
}

TEST_F(RecordedStepFile, RefusesAManifestThatIsNoneByName) {
  for (const char* text :
       {"", "[]", "{\"format\": 2}", "{\"format\": \"1\"}", "nonsense", "{\"format\": 2, \"files\": 3}"}) {
    std::ofstream(Path("manifest.json")) << text;
    RefusedByName("manifest.json");
  }
}

TEST_F(RecordedStepFile, RefusesGroupsThatNoRunWrites) {
  const auto edits = std::to_array<std::function<void(Json&)>>({
      [](Json& groups) { groups = Json::array(); },
      [](Json& groups) { groups = 5; },
      [](Json& groups) { groups[0].erase("ordinal"); },
      [](Json& groups) { groups[0]["prompt_tokens"] = Json::array(); },
      [](Json& groups) { groups[0]["prompt_tokens"] = {-1}; },
      [](Json& groups) { groups[0]["prompt_tokens"] = {4294967297}; },
      [](Json& groups) { groups[0]["completions"] = Json::array(); },
      [](Json& groups) { groups[0]["completions"][0]["tokens"] = {1}; },  // fewer than log-probs
      [](Json& groups) {
        groups[0]["completions"][0]["tokens"] = {1, 1, 1, 1};
      },  // more
      [](Json& groups) { groups[0]["completions"][0]["kind"] = "timeout"; },
      [](Json& groups) { groups[0]["completions"][0]["kind"] = "splendid"; },
      [](Json& groups) { groups[0]["completions"][0]["score"] = nullptr; },
  });
  for (const auto& edit : edits) {
    ASSERT_TRUE(WriteRecordedStep(folder_.path(), AtStep(123)).ok());
    EditGroups(edit);
    RefusedByName("groups.json");
  }
}

}  // namespace
}  // namespace entrain
