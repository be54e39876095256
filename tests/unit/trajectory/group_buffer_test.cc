#include "trajectory/group_buffer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

namespace entrain {
namespace {

using ::testing::HasSubstr;

Completion Judged(int32_t index, VerdictKind kind, std::optional<double> score) {
  return {.index = index,
          .tokens = {5, 6, 1},
          .behaviour_logprobs = {-0.5f, -1.0f, 0.0f},
          .verdict = {.kind = kind, .score = score}};
}

Group GoodGroup() {
  Group group{.lease_id = "l-1", .step = 4, .ordinal = 9, .policy_version = 3, .weights_digest = "abc"};
  group.completions = {Judged(0, VerdictKind::kCorrect, 1.0), Judged(1, VerdictKind::kWrong, 0.25),
                       Judged(2, VerdictKind::kTimeout, std::nullopt)};
  return group;
}

const Admission kAdmission{.completions_per_prompt = 3,
                           .oldest_version = 3,
                           .newest_version = 3,
                           .required_digest = "abc",
                           .max_tokens = 3,
                           .vocab_size = 7};

TEST(CheckGroupTest, AdmitsAGroupThatIsAsRequired) {
  const absl::Status status = CheckGroup(GoodGroup(), kAdmission);
  EXPECT_TRUE(status.ok()) << status;
}

TEST(CheckGroupTest, RefusesOtherWeightsThanRequired) {
  Group group = GoodGroup();
  group.policy_version = 2;
  EXPECT_EQ(CheckGroup(group, kAdmission).code(), absl::StatusCode::kFailedPrecondition);
  group.policy_version = 4;
  EXPECT_THAT(std::string(CheckGroup(group, kAdmission).message()), HasSubstr("policy_version"));
  group = GoodGroup();
  group.weights_digest = "abd";
  EXPECT_EQ(CheckGroup(group, kAdmission).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(CheckGroup(group, kAdmission).message()), HasSubstr("weights_digest"));
}

TEST(CheckGroupTest, RefusesAGroupOlderThanMaxStalenessAndOneFromTheFuture) {
  Admission within_two = kAdmission;  // step 4, S = 2, version 4 published
  within_two.oldest_version = 2;
  within_two.newest_version = 4;
  for (const PolicyVersion version : {2, 3, 4}) {
    Group group = GoodGroup();
    group.policy_version = version;
    EXPECT_TRUE(CheckGroup(group, within_two).ok()) << version;
  }
  for (const PolicyVersion version : {1, 5}) {
    Group group = GoodGroup();
    group.policy_version = version;
    EXPECT_FALSE(CheckGroup(group, within_two).ok()) << version;
  }
}

struct Spoiled {
  const char* field;
  std::function<void(Group&)> spoil;
};

TEST(CheckGroupTest, NamesTheFieldThatIsWrong) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInf = std::numeric_limits<float>::infinity();
  const std::vector<Spoiled> cases = {
      {"completions: expected 3, found 2", [](Group& g) { g.completions.pop_back(); }},
      {"completions: expected 3, found 0", [](Group& g) { g.completions.clear(); }},
      {"completions[1].index", [](Group& g) { g.completions[1].index = 0; }},
      {"completions[0].index", [](Group& g) { std::swap(g.completions[0], g.completions[1]); }},
      {"completions[1].tokens", [](Group& g) { g.completions[1].tokens.clear(); }},
      {"completions[1].tokens: expected at most 3", [](Group& g) { g.completions[1].tokens.push_back(1); }},
      {"completions[2].tokens: 7", [](Group& g) { g.completions[2].tokens[0] = 7; }},
      {"completions[2].tokens: -1", [](Group& g) { g.completions[2].tokens[2] = -1; }},
      {"completions[0].behaviour_logprobs: expected 3",
       [](Group& g) { g.completions[0].behaviour_logprobs.pop_back(); }},
      {"completions[0].behaviour_logprobs", [=](Group& g) { g.completions[0].behaviour_logprobs[1] = kNan; }},
      {"completions[0].behaviour_logprobs",
       [=](Group& g) { g.completions[0].behaviour_logprobs[1] = -kInf; }},
      {"completions[0].behaviour_logprobs", [](Group& g) { g.completions[0].behaviour_logprobs[2] = 0.5f; }},
      {"completions[0].verdict.score", [](Group& g) { g.completions[0].verdict.score.reset(); }},
      {"completions[1].verdict.score", [](Group& g) { g.completions[1].verdict.score = 1.5; }},
      {"completions[1].verdict.score", [](Group& g) { g.completions[1].verdict.score = std::nan(""); }},
      {"completions[2].verdict.score",
       [](Group& g) { g.completions[2].verdict.score = 0.0; }},  // our failure
  };
  for (const Spoiled& spoiled : cases) {
    Group group = GoodGroup();
    spoiled.spoil(group);
    const absl::Status status = CheckGroup(group, kAdmission);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << spoiled.field;
    EXPECT_THAT(std::string(status.message()), HasSubstr(spoiled.field));
  }
}

TEST(ScreenTest, RemovesOnlyOurFailuresAndCountsThemByKind) {
  Group group = GoodGroup();
  group.completions.push_back(Judged(3, VerdictKind::kError, std::nullopt));
  group.completions.push_back(Judged(4, VerdictKind::kLimit, 0.0));
  group.completions.push_back(Judged(5, VerdictKind::kUnparsable, 0.0));
  const Screened screened = Screen(std::move(group));
  EXPECT_EQ(screened.excluded_timeout, 1);
  EXPECT_EQ(screened.excluded_error, 1);
  std::vector<int32_t> left;
  for (const Completion& completion : screened.group.completions) left.push_back(completion.index);
  EXPECT_EQ(left, (std::vector<int32_t>{0, 1, 4, 5}));
}

TEST(ScreenTest, AGroupIsUsableFromTwoCompletionsOn) {
  Group group = GoodGroup();
  EXPECT_TRUE(Screen(group).usable());
  group.completions.erase(group.completions.begin());
  EXPECT_FALSE(Screen(group).usable());
}

TEST(ScreenTest, AGroupHasASignalWhenScoresDiffer) {
  Group group = GoodGroup();
  EXPECT_TRUE(Screen(group).has_signal());
  group.completions[0] = Judged(0, VerdictKind::kWrong, 0.25);
  EXPECT_FALSE(Screen(group).has_signal());  // the excluded one gives none
  group.completions.clear();
  EXPECT_FALSE(Screen(group).has_signal());
}

TEST(GroupBufferTest, HandsGroupsOutInPromptOrderWhateverOrderTheyCameIn) {
  GroupBuffer buffer;
  for (const int64_t ordinal : {12, 10, 13, 11}) {
    Group group = GoodGroup();
    group.ordinal = ordinal;
    buffer.Add(ordinal, Screen(std::move(group)));
  }
  EXPECT_EQ(buffer.size(), 4);
  std::vector<int64_t> order;
  for (const auto& [ordinal, screened] : buffer.Take()) {
    EXPECT_EQ(screened.group.ordinal, ordinal);
    order.push_back(ordinal);
  }
  EXPECT_EQ(order, (std::vector<int64_t>{10, 11, 12, 13}));
  EXPECT_EQ(buffer.size(), 0);
}

}  // namespace
}  // namespace entrain
