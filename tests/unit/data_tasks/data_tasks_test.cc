#include "services/cli/data_tasks.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "trajectory/data_file.h"
#include "verifier/local_verifier.h"

namespace entrain {
namespace {

TEST(Dec2, LinesAreDataLinesAndDemonstrationsAreCorrect) {
  const Dec2Lines lines = MakeDec2(3, 500, 500);
  ASSERT_EQ(lines.train.size(), 500u);
  const auto verifier = CreateLocalVerifier();
  std::string text;
  for (const std::string& line : lines.warmup) text += line + "\n";
  const auto parsed = ParseData("warmup", text);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  for (const DataLine& line : *parsed) {
    const VerifyItem item{.verifier = line.verifier,
                          .completion = MetaText(line, "completion"),
                          .answer = line.answer,
                          .options_json = line.verifier_options_json};
    EXPECT_EQ((*verifier->Verify(std::span(&item, 1), absl::Seconds(1)))[0].kind, VerdictKind::kCorrect)
        << line.prompt;
  }
}

TEST(Dec2, HeldOutTargetsAreInNeitherFile) {
  const Dec2Lines lines = MakeDec2(1, 5000, 5000);
  std::set<std::string> held_out;
  for (const std::string& line : lines.heldout) held_out.insert(nlohmann::json::parse(line)["prompt"]);
  EXPECT_EQ(held_out.size(), 22u);
  EXPECT_TRUE(held_out.contains("102:"));
  std::set<std::string> targets;
  for (const auto* list : {&lines.train, &lines.warmup}) {
    for (const std::string& line : *list) targets.insert(nlohmann::json::parse(line)["prompt"]);
  }
  EXPECT_GT(targets.size(), 140u);
  for (const std::string& prompt : targets) EXPECT_FALSE(held_out.contains(prompt)) << prompt;
}

TEST(Dec2, IsAFunctionOfTheSeed) {
  EXPECT_EQ(MakeDec2(1, 50, 50).train, MakeDec2(1, 50, 50).train);
  EXPECT_NE(MakeDec2(1, 50, 50).train, MakeDec2(2, 50, 50).train);
}

TEST(Countdown, TargetsAreReachable) {
  for (const std::string& line : MakeCountdown(1, 100, 4, 9)) {
    const auto json = nlohmann::json::parse(line);
    EXPECT_EQ(json["verifier_options"]["numbers"].size(), 4u);
    EXPECT_GE(std::stoi(json["answer"].get<std::string>()), 1);
  }
}

TEST(Gsm8k, TakesTheAnswerAfterTheHashes) {
  const auto lines = ConvertGsm8k("f", R"({"question": "Q?", "answer": "work <<1+1=2>>\n#### 1,234"})");
  ASSERT_TRUE(lines.ok()) << lines.status();
  const auto json = nlohmann::json::parse((*lines)[0]);
  EXPECT_EQ(json["prompt"], "Q?");
  EXPECT_EQ(json["answer"], "1234");
  EXPECT_EQ(json["verifier"], "math");
}

TEST(Gsm8k, NamesABadLine) {
  const auto lines = ConvertGsm8k(
      "f", "{\"question\": \"Q?\", \"answer\": \"#### 1\"}\n{\"question\": \"Q?\", \"answer\": \"none\"}\n");
  EXPECT_NE(lines.status().message().find("f:2:"), absl::string_view::npos) << lines.status();
}

}  // namespace
}  // namespace entrain
