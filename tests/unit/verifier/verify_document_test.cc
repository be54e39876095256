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
  EXPECT_TRUE(line.ok());
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

// The id belongs to the caller: a number keeps its digits, and a value with parts its order.
TEST(VerifyLine, AnIdOfAnyTypeIsRepeatedAsItWasWritten) {
  for (const std::string id : {"-0.10", "123456789012345678901234567890.5", "1e2", "null", "false",
                               R"("é\"\\\n")", R"({"b":[1,{}],"a":[],"c":{"d":null}})", R"([[],"x",true])"}) {
    const VerifiedLine line =
        Line(R"({"verifier": "exact", "answer": "a", "completion": "a", "id": )" + id + "}");
    EXPECT_TRUE(line.ok()) << line.json;
    EXPECT_EQ(line.json.rfind("{\"id\":" + id + ",\"kind\"", 0), 0u) << line.json;
  }
}

TEST(VerifyLine, ALineWithABadMemberIsStillAnsweredUnderItsId) {
  const VerifiedLine line = Line(R"({"verifier": 1, "completion": "a", "answer": "a", "id": "late"})");
  EXPECT_EQ(Json::parse(line.json)["id"], "late");
  EXPECT_EQ(Json::parse(Line(R"({"id": "lost", "verifier": )").json)["id"], 3) << "no JSON, no id";
}

TEST(VerifyLine, TextArrivesAsItWasMeant) {
  const auto extracted = [](const std::string& completion) {
    return Json::parse(Line(R"({"verifier": "exact", "answer": "a", "completion": ")" + completion + "\"}")
                           .json)["extracted"];
  };
  EXPECT_EQ(extracted(R"(\u00e9\t\"\\\/\ud83d\ude00)"), "é\t\"\\/😀");
  EXPECT_EQ(extracted(R"(a\u0000b)"), std::string("a\0b", 3)) << "an escaped NUL is a character";
}

TEST(VerifyLine, OurFailuresHaveNoScoreAndAreNotOk) {
  const VerifiedLine line = Line(R"({"verifier": "mahts", "completion": "a", "answer": "a"})");
  EXPECT_FALSE(line.ok());
  const Json json = Json::parse(line.json);
  EXPECT_EQ(json["kind"], "error");
  EXPECT_TRUE(json["score"].is_null());
}

TEST(VerifyLine, AMalformedLineIsAnErrorThatNamesLineAndKey) {
  const auto error = [](const std::string& text) {
    const VerifiedLine line = Line(text);
    EXPECT_FALSE(line.ok()) << text;
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
  EXPECT_THAT(error(std::string(1'000'000, '[')), AllOf(HasSubstr("line 3"), HasSubstr("one JSON object")));
  EXPECT_THAT(error(R"({"verifier": "exact", "completion": "a", "answer": "a", "answer": "b"})"),
              HasSubstr("\"answer\" is given twice"));
  EXPECT_THAT(error(R"({"verifier": "exact", "completion": ["a"], "answer": "a"})"),
              AllOf(HasSubstr("\"completion\""), HasSubstr("array")));
  EXPECT_THAT(error(R"({"verifier": "exact", "completion": "a", "answer": "a"} {})"), HasSubstr("JSON"));
  EXPECT_THAT(
      error(std::string("{\"verifier\": \"exact\", \"completion\": \"a\", \"answer\": \"a\"}\0x", 58)),
      HasSubstr("JSON"));
  EXPECT_THAT(error(R"({"verifier": "exact", "completion": "a)"), HasSubstr("(byte 39)"))
      << "the text has 38 bytes; the one behind them is missing";
}

TEST(VerifyLine, NestingIsReadToADepthOf64) {
  const auto nested = [](int depth) {  // the line's object is one more
    return Line(R"({"verifier": "exact", "completion": "a", "answer": "a", "id": )" +
                std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}");
  };
  EXPECT_TRUE(nested(64).ok());
  EXPECT_THAT(nested(65).json, HasSubstr("nested more than 64 deep"));
  EXPECT_THAT(nested(1'000'000).json, HasSubstr("nested more than 64 deep"));
}

TEST(VerifyLine, ALineThatWasCalledOffHasNoVerdict) {
  std::stop_source stop;
  stop.request_stop();
  const VerifiedLine line =
      VerifyLine(*CreateLocalVerifier(), 3, R"({"verifier": "exact", "completion": "a", "answer": "a"})",
                 VerifyCall(absl::Minutes(1), stop.get_token()));
  EXPECT_FALSE(line.ok());
  EXPECT_FALSE(line.kind.has_value());
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
