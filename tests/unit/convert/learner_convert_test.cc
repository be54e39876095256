#include "services/convert/learner_convert.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "absl/strings/str_cat.h"
#include "common/rng.h"

namespace entrain {
namespace {

using ::testing::HasSubstr;

// Random domain values, repeatable by seed.
class Draw {
 public:
  explicit Draw(uint64_t seed) : rng_({.seed = seed, .purpose = RngPurpose::kData}) {}
  int64_t Below(int64_t bound) {
    return static_cast<int64_t>(rng_.Below(static_cast<uint64_t>(bound), at_++));
  }
  double Uniform() { return rng_.Uniform(at_++); }
  std::string Text() {
    static const std::string kPieces[] = {"",   "x",    "\\boxed{7}",        "ü", "数", "\n",
                                          "\"", "🙂", std::string(1, '\0')};
    std::string text;
    for (int64_t n = Below(6); n > 0; --n) text += kPieces[Below(9)];
    return text;
  }
  std::vector<TokenId> Tokens() {
    std::vector<TokenId> tokens(static_cast<size_t>(1 + Below(20)));
    for (TokenId& token : tokens) token = static_cast<TokenId>(Below(150000));
    return tokens;
  }

 private:
  Rng rng_;
  uint64_t at_ = 0;
};

Verdict DrawVerdict(Draw& draw) {
  Verdict verdict{.kind = static_cast<VerdictKind>(draw.Below(6)),
                  .extracted = draw.Text(),
                  .detail = draw.Text(),
                  .seconds = draw.Uniform()};
  if (!IsOurFailure(verdict.kind)) verdict.score = draw.Uniform();
  return verdict;
}

Completion DrawCompletion(Draw& draw, int32_t index) {
  Completion completion{.index = index, .tokens = draw.Tokens()};
  for (size_t i = 0; i < completion.tokens.size(); ++i)
    completion.behaviour_logprobs.push_back(static_cast<float>(-5 * draw.Uniform()));
  completion.finish = draw.Below(2) == 0 ? Finish::kStop : Finish::kLength;
  completion.verdict = DrawVerdict(draw);
  return completion;
}

Group DrawGroup(Draw& draw) {
  Group group{.lease_id = absl::StrCat("lease-", draw.Below(1000)),
              .worker = draw.Text(),
              .purpose = draw.Below(2) == 0 ? Purpose::kTrain : Purpose::kEval,
              .step = draw.Below(int64_t{1} << 40),
              .ordinal = draw.Below(int64_t{1} << 40),
              .policy_version = draw.Below(int64_t{1} << 40),
              .weights_digest = absl::StrCat("digest", draw.Below(100))};
  for (int64_t n = 1 + draw.Below(4), i = 0; i < n; ++i)
    group.completions.push_back(DrawCompletion(draw, static_cast<int32_t>(i)));
  return group;
}

void ExpectEqual(const Verdict& a, const Verdict& b) {
  EXPECT_EQ(a.kind, b.kind);
  EXPECT_EQ(a.score, b.score);
  EXPECT_EQ(a.extracted, b.extracted);
  EXPECT_EQ(a.detail, b.detail);
  EXPECT_EQ(a.seconds, b.seconds);
}

void ExpectEqual(const Completion& a, const Completion& b) {
  EXPECT_EQ(a.index, b.index);
  EXPECT_EQ(a.tokens, b.tokens);
  EXPECT_EQ(a.behaviour_logprobs, b.behaviour_logprobs);
  EXPECT_EQ(a.finish, b.finish);
  ExpectEqual(a.verdict, b.verdict);
}

void ExpectEqual(const SamplingOptions& a, const SamplingOptions& b) {
  EXPECT_EQ(a.temperature, b.temperature);
  EXPECT_EQ(a.top_p, b.top_p);
  EXPECT_EQ(a.top_k, b.top_k);
  EXPECT_EQ(a.max_tokens, b.max_tokens);
  EXPECT_EQ(a.greedy, b.greedy);
  EXPECT_EQ(a.ignore_eos, b.ignore_eos);
}

// Through the bytes, as it travels.
template <typename Message>
Message OverTheWire(const Message& message) {
  Message read;
  EXPECT_TRUE(read.ParseFromString(message.SerializeAsString()));
  return read;
}

TEST(LearnerConvertTest, EveryFieldOfAGroupSurvivesTheWire) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Draw draw(seed);
    const Group group = DrawGroup(draw);
    const absl::StatusOr<Group> read = GroupFromProto("group", OverTheWire(GroupToProto(group)));
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(read->lease_id, group.lease_id);
    EXPECT_EQ(read->worker, group.worker);
    EXPECT_EQ(read->purpose, group.purpose);
    EXPECT_EQ(read->step, group.step);
    EXPECT_EQ(read->ordinal, group.ordinal);
    EXPECT_EQ(read->policy_version, group.policy_version);
    EXPECT_EQ(read->weights_digest, group.weights_digest);
    ASSERT_EQ(read->completions.size(), group.completions.size());
    for (size_t i = 0; i < group.completions.size(); ++i)
      ExpectEqual(read->completions[i], group.completions[i]);
  }
}

TEST(LearnerConvertTest, EveryFieldOfALeaseSurvivesTheWire) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Draw draw(seed);
    const Lease lease{
        .lease_id = "l",
        .purpose = draw.Below(2) == 0 ? Purpose::kTrain : Purpose::kEval,
        .step = draw.Below(1000),
        .ordinal = draw.Below(1000),
        .prompt = {draw.Text(), draw.Text(), draw.Tokens(), draw.Text(), draw.Text(), "{\"a\": 1}"},
        .completions = static_cast<int32_t>(1 + draw.Below(16)),
        .required_version = draw.Below(1000),
        .required_digest = "d",
        .deadline_seconds = static_cast<double>(draw.Below(1000000)) / 1000};
    const absl::StatusOr<Lease> read = LeaseFromProto("lease", OverTheWire(LeaseToProto(lease)));
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(read->lease_id, lease.lease_id);
    EXPECT_EQ(read->purpose, lease.purpose);
    EXPECT_EQ(read->step, lease.step);
    EXPECT_EQ(read->ordinal, lease.ordinal);
    EXPECT_EQ(read->prompt.id, lease.prompt.id);
    EXPECT_EQ(read->prompt.text, lease.prompt.text);
    EXPECT_EQ(read->prompt.tokens, lease.prompt.tokens);
    EXPECT_EQ(read->prompt.answer, lease.prompt.answer);
    EXPECT_EQ(read->prompt.verifier, lease.prompt.verifier);
    EXPECT_EQ(read->prompt.verifier_options_json, lease.prompt.verifier_options_json);
    EXPECT_EQ(read->completions, lease.completions);
    EXPECT_EQ(read->required_version, lease.required_version);
    EXPECT_EQ(read->required_digest, lease.required_digest);
    EXPECT_NEAR(read->deadline_seconds, lease.deadline_seconds, 1e-9);
  }
}

TEST(LearnerConvertTest, EveryFieldOfAJoinSurvivesTheWire) {
  const JoinRequest request{.protocol_version = 7, .worker = "w-1", .device = "cuda:0", .dtype = "float32"};
  const absl::StatusOr<JoinRequest> read_request =
      JoinRequestFromProto(OverTheWire(JoinRequestToProto(request)));
  ASSERT_TRUE(read_request.ok());
  EXPECT_EQ(read_request->protocol_version, 7);
  EXPECT_EQ(read_request->worker, "w-1");
  EXPECT_EQ(read_request->device, "cuda:0");
  EXPECT_EQ(read_request->dtype, "float32");

  const JoinReply reply{
      .run_id = "run",
      .incarnation = "3",
      .seed = ~uint64_t{0},
      .train_sampling = {.temperature = 0.7,
                         .top_p = 0.9,
                         .top_k = 5,
                         .max_tokens = 17,
                         .greedy = false,
                         .ignore_eos = true},
      .eval_sampling =
          {.temperature = 1.5, .top_p = 1, .top_k = 0, .max_tokens = 9, .greedy = true, .ignore_eos = false},
      .model_files = {{"config.json", "{}"}, {"vocab.bin", std::string("\xff\x00\xfe", 3)}},
      .model_files_digest = "abc",
      .verifier_address = "127.0.0.1:1",
      .verify_deadline_seconds = 2.5,
      .verify_retries = 4};
  const absl::StatusOr<JoinReply> read = JoinReplyFromProto(OverTheWire(JoinReplyToProto(reply)));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->run_id, reply.run_id);
  EXPECT_EQ(read->incarnation, reply.incarnation);
  EXPECT_EQ(read->seed, reply.seed);
  ExpectEqual(read->train_sampling, reply.train_sampling);
  ExpectEqual(read->eval_sampling, reply.eval_sampling);
  EXPECT_EQ(read->model_files, reply.model_files);
  EXPECT_EQ(read->model_files_digest, reply.model_files_digest);
  EXPECT_EQ(read->verifier_address, reply.verifier_address);
  EXPECT_EQ(read->verify_deadline_seconds, reply.verify_deadline_seconds);
  EXPECT_EQ(read->verify_retries, reply.verify_retries);
}

TEST(LearnerConvertTest, EverySubmitResultSurvivesTheWire) {
  for (const SubmitResult result :
       {SubmitResult::kAccepted, SubmitResult::kDuplicate, SubmitResult::kExpired}) {
    EXPECT_EQ(*SubmitResultFromProto("result", SubmitResultToProto(result)), result);
  }
  EXPECT_EQ(SubmitResultFromProto("result", learner::v1::SUBMIT_RESULT_UNSPECIFIED).status().code(),
            absl::StatusCode::kInvalidArgument);
}

// One way to spoil a good group, and the field that the error must name.
struct BadGroup {
  const char* field;
  std::function<void(learner::v1::Group&)> spoil;
};

class BadGroupTest : public ::testing::TestWithParam<BadGroup> {};

TEST_P(BadGroupTest, IsRefusedByTheNameOfItsField) {
  Draw draw(11);
  Group good = DrawGroup(draw);
  good.completions = {DrawCompletion(draw, 0), DrawCompletion(draw, 1)};
  good.completions[1].verdict = {.kind = VerdictKind::kCorrect, .score = 1.0};
  learner::v1::Group message = GroupToProto(good);
  ASSERT_TRUE(GroupFromProto("group", message).ok());
  GetParam().spoil(message);
  const absl::Status status = GroupFromProto("group", message).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr(absl::StrCat(GetParam().field, ":"))) << status;
}

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

INSTANTIATE_TEST_SUITE_P(
    All, BadGroupTest,
    ::testing::Values(
        BadGroup{"group.lease_id", [](auto& g) { g.clear_lease_id(); }},
        BadGroup{"group.purpose", [](auto& g) { g.clear_purpose(); }},
        BadGroup{"group.purpose", [](auto& g) { g.set_purpose(static_cast<learner::v1::Purpose>(9)); }},
        BadGroup{"group.step", [](auto& g) { g.set_step(-1); }},
        BadGroup{"group.ordinal", [](auto& g) { g.set_ordinal(-5); }},
        BadGroup{"group.policy_version", [](auto& g) { g.set_policy_version(-1); }},
        BadGroup{"group.completions", [](auto& g) { g.clear_completions(); }},
        BadGroup{"group.completions[1].index", [](auto& g) { g.mutable_completions(1)->set_index(-1); }},
        BadGroup{"group.completions[1].token_ids",
                 [](auto& g) {
                   g.mutable_completions(1)->clear_token_ids();
                   g.mutable_completions(1)->clear_behaviour_logprobs();
                 }},
        BadGroup{"group.completions[1].token_ids[0]",
                 [](auto& g) { g.mutable_completions(1)->set_token_ids(0, -2); }},
        BadGroup{"group.completions[1].behaviour_logprobs",
                 [](auto& g) { g.mutable_completions(1)->add_behaviour_logprobs(-1); }},
        BadGroup{"group.completions[0].behaviour_logprobs[0]",
                 [](auto& g) { g.mutable_completions(0)->set_behaviour_logprobs(0, kNaN); }},
        BadGroup{"group.completions[0].behaviour_logprobs[0]",
                 [](auto& g) { g.mutable_completions(0)->set_behaviour_logprobs(0, -kInfinity); }},
        BadGroup{"group.completions[0].behaviour_logprobs[0]",
                 [](auto& g) { g.mutable_completions(0)->set_behaviour_logprobs(0, 0.5f); }},
        BadGroup{"group.completions[1].finish", [](auto& g) { g.mutable_completions(1)->clear_finish(); }},
        BadGroup{"group.completions[1].verdict", [](auto& g) { g.mutable_completions(1)->clear_verdict(); }},
        BadGroup{"group.completions[1].verdict.kind",
                 [](auto& g) { g.mutable_completions(1)->mutable_verdict()->clear_kind(); }},
        BadGroup{"group.completions[1].verdict.score",
                 [](auto& g) { g.mutable_completions(1)->mutable_verdict()->clear_score(); }},
        BadGroup{"group.completions[1].verdict.score",
                 [](auto& g) { g.mutable_completions(1)->mutable_verdict()->set_score(kNaN); }},
        BadGroup{"group.completions[1].verdict.score",
                 [](auto& g) { g.mutable_completions(1)->mutable_verdict()->set_score(1.1); }},
        BadGroup{"group.completions[1].verdict.score",
                 [](auto& g) {
                   g.mutable_completions(1)->mutable_verdict()->set_kind(verifier::v1::VERDICT_KIND_TIMEOUT);
                 }},
        BadGroup{"group.completions[1].verdict.judging_seconds", [](auto& g) {
                   g.mutable_completions(1)->mutable_verdict()->set_judging_seconds(kInfinity);
                 }}));

TEST(LearnerConvertTest, SamplingOutsideItsRangeIsRefusedByField) {
  learner::v1::SamplingSettings good = SamplingToProto({});
  ASSERT_TRUE(SamplingFromProto("s", good).ok());
  auto spoiled = good;
  spoiled.set_temperature(0);
  EXPECT_THAT(std::string(SamplingFromProto("s", spoiled).status().message()),
              HasSubstr("s.temperature: expected"));
  spoiled = good;
  spoiled.set_top_p(std::nan(""));
  EXPECT_THAT(std::string(SamplingFromProto("s", spoiled).status().message()),
              HasSubstr("s.top_p: expected"));
  spoiled = good;
  spoiled.set_top_k(-1);
  EXPECT_THAT(std::string(SamplingFromProto("s", spoiled).status().message()),
              HasSubstr("s.top_k: expected"));
  spoiled = good;
  spoiled.set_max_tokens(0);
  EXPECT_THAT(std::string(SamplingFromProto("s", spoiled).status().message()),
              HasSubstr("s.max_tokens: expected"));
}

}  // namespace
}  // namespace entrain
