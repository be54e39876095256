#include "learner/objective/document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "common/rng.h"

namespace entrain {
namespace {

using Json = nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

Json Document() {
  return {{"objective", "ppo_clip"},
          {"params", Json::object()},
          {"old_logp", {{-1.0, -2.0}, {-1, -1}}},
          {"new_logp", {{-0.5, -2.0}, {-1, -1}}},
          {"advantages", {{1, 1}, {-1, -1}}},
          {"mask", {{1, 1}, {1, 0}}}};
}

std::string ErrorOf(const Json& document) {
  const auto result = EvaluateObjectiveDocument(document.dump());
  EXPECT_FALSE(result.ok()) << *result;
  return std::string(result.status().message());
}

Json ResultOf(const std::string& text) {
  const auto result = EvaluateObjectiveDocument(text);
  EXPECT_TRUE(result.ok()) << result.status();
  return Json::parse(result.value_or("{}"));
}

// Token losses: −1.2 (clipped), −1, +1; mean over three tokens.
TEST(ObjectiveDocument, AnswersLossGradientAndStatistics) {
  const Json result = ResultOf(Document().dump());
  EXPECT_NEAR(result["loss"].get<double>(), -0.4, 1e-12);
  EXPECT_EQ(result["grad_new_logp"][0][0], 0.0);
  EXPECT_NEAR(result["grad_new_logp"][0][1].get<double>(), -1.0 / 3, 1e-12);
  EXPECT_EQ(result["grad_new_logp"][1][1], 0.0);
  EXPECT_TRUE(result["grad_entropy"].is_null());
  EXPECT_NEAR(result["stats"]["clip/high_frac"].get<double>(), 1.0 / 3, 1e-12);
}

TEST(ObjectiveDocument, NamesTheKeyThatIsMissingUnknownOrWrong) {
  for (const char* key : {"objective", "params", "old_logp", "new_logp", "advantages", "mask"}) {
    Json document = Document();
    document.erase(key);
    EXPECT_THAT(ErrorOf(document), AllOf(HasSubstr(key), HasSubstr("missing")));
  }
  Json document = Document();
  document["old_logprob"] = 1;
  EXPECT_THAT(ErrorOf(document), AllOf(HasSubstr("\"old_logprob\""), HasSubstr("did you mean \"old_logp\"")));
  document = Document();
  document["params"]["eps_hi"] = 0.3;
  EXPECT_THAT(ErrorOf(document), AllOf(HasSubstr("\"eps_hi\""), HasSubstr("\"eps_high\"")));
  document = Document();
  document["params"]["upper"] = {0.5, -0.25};
  EXPECT_THAT(ErrorOf(document), AllOf(HasSubstr("unknown parameter \"upper\""), HasSubstr("ppo_clip")));
  document = Document();
  document["params"]["eps_low"] = "small";
  EXPECT_THAT(ErrorOf(document), AllOf(HasSubstr("\"eps_low\""), HasSubstr("small")));
  document = Document();
  document["objective"] = "ppo_clipp";
  EXPECT_THAT(ErrorOf(document), AllOf(HasSubstr("ppo_clipp"), HasSubstr("did you mean \"ppo_clip\"")));
  document = Document();
  document["aggregation"] = "token_mean";
  EXPECT_THAT(ErrorOf(document), AllOf(HasSubstr("aggregation"), HasSubstr("token-mean")));
  document = Document();
  document["mask"][0][1] = -1;
  EXPECT_THAT(ErrorOf(document), HasSubstr("mask"));
}

TEST(ObjectiveDocument, RefusesShapesAndNumbersThatDoNotFit) {
  Json document = Document();
  document["new_logp"] = {{-0.5, -2.0}};
  EXPECT_THAT(ErrorOf(document), AllOf(HasSubstr("new_logp"), HasSubstr("2 rows of 2"), HasSubstr("1 rows")));
  document = Document();
  document["advantages"][1] = {1};
  EXPECT_THAT(ErrorOf(document), AllOf(HasSubstr("advantages"), HasSubstr("2 rows of 2")));
  document = Document();
  document["old_logp"][0][1] = "x";
  EXPECT_THAT(ErrorOf(document), AllOf(HasSubstr("old_logp[0][1]"), HasSubstr("\"x\"")));
  document = Document();
  document["old_logp"][0][1] = nullptr;
  EXPECT_THAT(ErrorOf(document), HasSubstr("old_logp[0][1]"));
}

TEST(ObjectiveDocument, MaskedPositionsMayBeNullOrNan) {
  const Json clean = ResultOf(Document().dump());
  Json document = Document();
  for (const char* key : {"old_logp", "new_logp", "advantages"}) document[key][1][1] = nullptr;
  EXPECT_EQ(ResultOf(document.dump()), clean);
  std::string text = Document().dump();
  text.replace(text.find("[-1.0,-2.0],[-1,-1]"), 19, "[-1.0,-2.0],[-1,NaN]");  // as Python's json writes it
  EXPECT_EQ(ResultOf(text), clean);
}

TEST(ObjectiveDocument, KnownInputsThatAreNotUsedAreIgnored) {
  Json document = Document();
  document["entropy"] = {{1, nullptr}};
  document["group_accuracy"] = {0.5, 0.5};
  document["seed"] = 3;
  document["rollout_logp"] = nullptr;
  EXPECT_EQ(ResultOf(document.dump()), ResultOf(Document().dump()));
}

TEST(ObjectiveDocument, OffAndInfAndNullAreOff) {
  Json document = Document();
  document["params"] = {{"eps_high", "inf"}, {"dual_c", nullptr}};
  EXPECT_EQ(ResultOf(document.dump())["stats"]["clip/high_frac"], 0.0);
  document["objective"] = "flex_clip";
  document["params"] = {{"upper", nullptr}, {"lower", "off"}};
  EXPECT_EQ(ResultOf(document.dump())["stats"]["clip/high_frac"], 0.0);
}

TEST(ObjectiveDocument, TisIsStrict) {
  Json document = Document();
  document["tis"] = {{"level", "token"}, {"mode", "truncate"}, {"cap", 2}};
  EXPECT_THAT(ErrorOf(document), AllOf(HasSubstr("rollout_logp"), HasSubstr("missing")));
  document["rollout_logp"] = {{-1.0, -2.0}, {-1, nullptr}};
  const Json corrected = ResultOf(document.dump()), plain = ResultOf(Document().dump());
  EXPECT_EQ(corrected["loss"], plain["loss"]) << "no mismatch, no correction";
  EXPECT_EQ(corrected["grad_new_logp"], plain["grad_new_logp"]);
  EXPECT_EQ(corrected["stats"]["tis/mean"], 1.0);
  EXPECT_FALSE(plain["stats"].contains("tis/mean"));
  document["tis"]["caps"] = 3;
  EXPECT_THAT(ErrorOf(document), AllOf(HasSubstr("\"caps\""), HasSubstr("did you mean \"cap\"")));
  document["tis"] = {{"mode", "drop"}};
  EXPECT_THAT(ErrorOf(document), AllOf(HasSubstr("tis.mode"), HasSubstr("truncate or mask")));
  document["tis"] = {{"cap", 0}};
  EXPECT_THAT(ErrorOf(document), HasSubstr("tis.cap"));
}

TEST(ObjectiveDocument, TextThatIsNoDocumentIsAnErrorAndNeverACrash) {
  EXPECT_FALSE(EvaluateObjectiveDocument("").ok());
  EXPECT_FALSE(EvaluateObjectiveDocument("[]").ok());
  EXPECT_FALSE(EvaluateObjectiveDocument(std::string(1'000'000, '[')).ok());
  EXPECT_FALSE(EvaluateObjectiveDocument("{\"objective\": \"\xff\xfe\"}").ok());
  EXPECT_FALSE(EvaluateObjectiveDocument("{\"objective\": 1e999}").ok());
  Json nested = Document();
  nested["params"]["eps_low"] = {{{{{{{{1}}}}}}}};
  EXPECT_THAT(ErrorOf(nested), HasSubstr("eps_low"));
  // Documents with random damage.
  const std::string good = Document().dump();
  const Rng rng({.seed = 1, .purpose = RngPurpose::kData});
  for (uint64_t i = 0; i < 3000; ++i) {
    std::string text = good;
    for (uint64_t edit = 0; edit <= i % 3; ++edit) {
      const size_t at = rng.Below(text.size(), 10 * i + 2 * edit);
      text[at] = static_cast<char>("[]{}\",:-0e.N\xff"[rng.Below(13, 10 * i + 2 * edit + 1)]);
    }
    const auto result = EvaluateObjectiveDocument(text);
    EXPECT_TRUE(!result.ok() || Json::accept(*result)) << text;
  }
}

TEST(ParseObjective, ReadsTheRunFilesParts) {
  const auto spec = ParseObjective("flex_clip", R"({"upper": [0.4, -0.1], "dual_c": 3, "p_source": "new"})",
                                   "token-sum", R"({"level": "sequence", "cap": 3})");
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_EQ(spec->upper->intercept, 0.4);
  EXPECT_EQ(spec->lower->slope, -0.13);
  EXPECT_EQ(spec->numbers.at("dual_c"), 3);
  EXPECT_EQ(spec->words.at("p_source"), "new");
  EXPECT_EQ(spec->aggregation, Aggregation::kTokenSum);
  EXPECT_EQ(spec->tis->level, TruncatedImportanceSampling::Level::kSequence);
  EXPECT_FALSE(ParseObjective("flex_clip", "{", "", "").ok());
  EXPECT_TRUE(ParseObjective("ppo_clip", "", "", "").ok());
}

}  // namespace
}  // namespace entrain
