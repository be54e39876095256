#include "trajectory/data_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "tests/testing/temporary_folder.h"

namespace entrain {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string Problem(const std::string& text) {
  return std::string(ParseData("d.jsonl", text).status().message());
}

TEST(DataFileTest, ReadsEveryKeyOfTheDocumentedFormat) {
  const auto lines =
      ParseData("d.jsonl", R"({"id": "gsm8k-17", "prompt": "6·7?", "answer": "42", "verifier": "math",)"
                           R"( "verifier_options": {"places": 2}, "meta": {"level": "easy"}})");
  ASSERT_TRUE(lines.ok()) << lines.status();
  ASSERT_EQ(lines->size(), 1u);
  const DataLine& line = lines->front();
  EXPECT_EQ(line.id, "gsm8k-17");
  EXPECT_EQ(line.prompt, "6·7?");
  EXPECT_EQ(line.answer, "42");
  EXPECT_EQ(line.verifier, "math");
  EXPECT_EQ(line.verifier_options_json, R"({"places":2})");
  EXPECT_EQ(MetaText(line, "level"), "easy");
  EXPECT_EQ(MetaText(line, "other"), "");
}

TEST(DataFileTest, TheIdIsTheLineNumberWhenNoneIsGiven) {
  const auto lines =
      ParseData("d.jsonl", "{\"prompt\": \"a\"}\n\n{\"prompt\": \"b\"}\r\n{\"prompt\": \"c\", \"id\": 70}\n");
  ASSERT_TRUE(lines.ok()) << lines.status();
  ASSERT_EQ(lines->size(), 3u);
  EXPECT_EQ((*lines)[0].id, "1");
  EXPECT_EQ((*lines)[1].id, "3");
  EXPECT_EQ((*lines)[2].id, "70");
}

TEST(DataFileTest, RefusesAnUnknownKeyByNameAndLine) {
  EXPECT_THAT(Problem("{\"prompt\": \"a\"}\n{\"prompt\": \"b\", \"awnser\": \"1\"}"),
              AllOf(StartsWith("d.jsonl:2: "), HasSubstr("\"awnser\""), HasSubstr("answer")));
}

TEST(DataFileTest, RefusesEveryWrongTypeByKeyAndLine) {
  for (const char* pair : {"\"prompt\": 3", "\"answer\": 42", "\"verifier\": []",
                           "\"verifier_options\": \"x\"", "\"meta\": 1", "\"id\": 1.5", "\"id\": null"}) {
    const std::string key = std::string(pair).substr(0, std::string(pair).find(':'));
    const std::string line = key == "\"prompt\"" ? std::string("{") + pair + "}"
                                                 : std::string("{\"prompt\": \"a\", ") + pair + "}";
    EXPECT_THAT(Problem(line),
                AllOf(StartsWith("d.jsonl:1: " + key), HasSubstr("expected"), HasSubstr("found")));
  }
}

TEST(DataFileTest, RefusesAMissingOrEmptyPrompt) {
  EXPECT_THAT(Problem(R"({"answer": "1"})"), HasSubstr("d.jsonl:1: \"prompt\" is missing"));
  EXPECT_THAT(Problem(R"({"prompt": ""})"), HasSubstr("\"prompt\": expected text"));
}

TEST(DataFileTest, RefusesMessagesWithAHint) {
  EXPECT_THAT(Problem(R"({"messages": [{"role": "user", "content": "x"}], "answer": "1"})"),
              AllOf(StartsWith("d.jsonl:1: \"messages\""), HasSubstr("chat template")));
}

TEST(DataFileTest, RefusesARepeatedIdAndNamesBothLines) {
  EXPECT_THAT(Problem("{\"id\": \"x\", \"prompt\": \"a\"}\n{\"id\": \"x\", \"prompt\": \"b\"}"),
              AllOf(StartsWith("d.jsonl:2: "), HasSubstr("\"x\""), HasSubstr("line 1")));
  // A whole number and its text are one id.
  EXPECT_THAT(Problem("{\"id\": 7, \"prompt\": \"a\"}\n{\"id\": \"7\", \"prompt\": \"b\"}"),
              HasSubstr("line 1"));
}

TEST(DataFileTest, ReportsAllBadLinesAtOnceUpToTwenty) {
  const std::string two = Problem("nonsense\n{\"prompt\": \"a\"}\n[1]");
  EXPECT_THAT(two, AllOf(HasSubstr("d.jsonl:1: "), HasSubstr("d.jsonl:3: "), Not(HasSubstr("d.jsonl:2: "))));
  std::string text;
  for (int i = 0; i < 25; ++i) text += "{}\n";
  EXPECT_THAT(Problem(text),
              AllOf(HasSubstr("d.jsonl:20: "), Not(HasSubstr("d.jsonl:21: ")), HasSubstr("and 5 more")));
}

TEST(DataFileTest, RefusesAFileWithoutALine) {
  EXPECT_THAT(Problem(""), HasSubstr("expected at least one line"));
  EXPECT_THAT(Problem("\n \n"), HasSubstr("expected at least one line"));
}

TEST(DataFileTest, BytesThatAreNoJsonAreAnErrorAndNoCrash) {
  for (const std::string& text :
       {std::string("{"), std::string("{\"prompt\": \"\xff\xfe\"}"), std::string("\0\0", 2),
        std::string("nul"), std::string("{\"prompt\": \"a\"} trailing"), std::string("[]"),
        std::string("\"text\"")}) {
    EXPECT_THAT(Problem(text), StartsWith("d.jsonl:1: expected one JSON object"));
  }
}

TEST(DataFileTest, RefusesEndlessNestingInsteadOfOverflowingTheStack) {
  const std::string deep(1000000, '[');
  EXPECT_THAT(Problem("{\"prompt\": \"a\", \"meta\": {\"x\": " + deep + std::string(1000000, ']') + "}}"),
              HasSubstr("levels of nesting"));
  const std::string fine(50, '[');
  EXPECT_TRUE(
      ParseData("d.jsonl", "{\"prompt\": \"a\", \"meta\": {\"x\": " + fine + std::string(50, ']') + "}}")
          .ok());
}

TEST(DataFileTest, ReadsFromDiskAndNamesAFileThatIsNotThere) {
  const TemporaryFolder folder;
  const std::string path = folder / "data.jsonl";
  std::ofstream(path) << R"({"prompt": "a"})";
  const auto lines = ReadDataFile(path);
  ASSERT_TRUE(lines.ok()) << lines.status();
  EXPECT_EQ(lines->front().prompt, "a");
  const absl::Status missing = ReadDataFile("/nowhere/x.jsonl").status();
  EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(missing.message()), StartsWith("/nowhere/x.jsonl: "));
}

}  // namespace
}  // namespace entrain
