#include "verifier/verify_document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "verifier/local_verifier.h"

namespace entrain {
namespace {

using Json = nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

VerifiedLine Line(const std::string& text, int64_t number = 3) {
  return VerifyLine(*CreateLocalVerifier(), number, text, absl::Minutes(1));
}

TEST(VerifyLine, AnswersInTheDocumentedFormat) {
  const VerifiedLine line = Line(
      R"({"id": 1, "verifier": "math", "completion": "so \\boxed{\\frac12}", "answer": "0.5", "verifier_options": {}})");
  EXPECT_TRUE(line.ok);
  const Json json = Json::parse(line.json);
  EXPECT_EQ(json["id"], 1);
  EXPECT_EQ(json["kind"], "correct");
  EXPECT_EQ(json["score"], 1.0);
  EXPECT_EQ(json["extracted"], "\\frac12");
  EXPECT_EQ(json["detail"], "");
  EXPECT_TRUE(json["seconds"].is_number());
  EXPECT_EQ(json.size(), 6u);
  EXPECT_EQ(line.json.find('\n'), std::string::npos);
}

TEST(VerifyLine, TheIdIsRepeatedAsItWasAndElseTheLineNumber) {
  EXPECT_EQ(
      Json::parse(Line(R"({"id": "g-7", "verifier": "exact", "completion": "a", "answer": "a"})").json)["id"],
      "g-7");
  EXPECT_EQ(Json::parse(Line(R"({"verifier": "exact", "completion": "a", "answer": "a"})").json)["id"], 3);
}

TEST(VerifyLine, OurFailuresHaveNoScoreAndAreNotOk) {
  const VerifiedLine line = Line(R"({"verifier": "mahts", "completion": "a", "answer": "a"})");
  EXPECT_FALSE(line.ok);
  const Json json = Json::parse(line.json);
  EXPECT_EQ(json["kind"], "error");
  EXPECT_TRUE(json["score"].is_null());
}

TEST(VerifyLine, AMalformedLineIsAnErrorThatNamesLineAndKey) {
  const auto error = [](const std::string& text) {
    const VerifiedLine line = Line(text);
    EXPECT_FALSE(line.ok) << text;
    return Json::parse(line.json)["error"].get<std::string>();
  };
  EXPECT_THAT(error("{"), AllOf(HasSubstr("line 3"), HasSubstr("JSON")));
  EXPECT_THAT(error("[]"), HasSubstr("one JSON object"));
  EXPECT_THAT(error("{\"completion\": \"\xff\"}"), HasSubstr("UTF-8"));
  EXPECT_THAT(error(R"({"verifier": "exact", "completion": "a"})"), HasSubstr("\"answer\" is missing"));
  EXPECT_THAT(error(R"({"verifier": "exact", "completion": 1, "answer": "a"})"),
              AllOf(HasSubstr("\"completion\""), HasSubstr("string"), HasSubstr("number")));
  EXPECT_THAT(error(R"({"verifier": "exact", "completion": "a", "answr": "a"})"),
              AllOf(HasSubstr("\"answr\""), HasSubstr("did you mean \"answer\"")));
  EXPECT_THAT(error(R"({"verifier": "exact", "completion": "a", "answer": "a", "verifier_options": []})"),
              HasSubstr("verifier_options"));
  EXPECT_THAT(error(std::string(1'000'000, '[')), HasSubstr("line 3"));
}

// A completion that was cut inside a character, or judged text that was shortened inside one, is still UTF-8
// out.
TEST(VerifyLine, TheAnswerIsAlwaysUtf8) {
  std::string long_text;
  while (long_text.size() < 1'000) long_text += "é";
  const Json in = {{"verifier", "exact"}, {"completion", "x" + long_text}, {"answer", "a"}};
  EXPECT_TRUE(Json::accept(Line(in.dump()).json));
}

}  // namespace
}  // namespace entrain
