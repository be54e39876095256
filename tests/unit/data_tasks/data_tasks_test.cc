#include "services/cli/data_tasks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
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

// The characters of a UTF-8 text whose characters all have three bytes.
std::vector<std::string> Threes(const std::string& text) {
  std::vector<std::string> out;
  for (size_t i = 0; i < text.size(); i += 3) out.push_back(text.substr(i, 3));
  return out;
}

TEST(Wide, EveryPromptComesOnceAndAboutAThirdOfTheTokensIsGood) {
  const WideLines lines = MakeWide(7, 1);
  ASSERT_EQ(lines.train.size(), 64u);
  std::set<std::string> prompts;
  std::string text;
  for (const std::string& line : lines.train) text += line + "\n";
  const auto parsed = ParseData("train", text);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  const auto verifier = CreateLocalVerifier();
  std::vector<VerifyItem> items;
  for (const DataLine& line : *parsed) {
    prompts.insert(line.prompt);
    EXPECT_EQ(line.prompt.size(), 3u);
    // Every eighth token, at all four positions: right when it is good at three of them.
    for (uint32_t token = 0x4E00; token < 0x5000; token += 8) {
      const std::string character = {static_cast<char>(0xE0 | (token >> 12)),
                                     static_cast<char>(0x80 | ((token >> 6) & 0x3F)),
                                     static_cast<char>(0x80 | (token & 0x3F))};
      items.push_back({.verifier = line.verifier,
                       .completion = character + character + character + character,
                       .answer = line.answer,
                       .options_json = line.verifier_options_json});
    }
  }
  EXPECT_EQ(prompts.size(), 64u);
  const auto verdicts = verifier->Verify(items, absl::Minutes(5));
  ASSERT_TRUE(verdicts.ok());
  double right = 0;
  for (const Verdict& verdict : *verdicts) {
    ASSERT_FALSE(IsOurFailure(verdict.kind)) << verdict.detail;
    right += verdict.kind == VerdictKind::kCorrect ? 1 : 0;
  }
  // P(at least 3 of 4) = 4 · 0.35³ · 0.65 + 0.35⁴ = 0.1265; the standard error of 4,096 draws is 0.0052.
  EXPECT_NEAR(right / static_cast<double>(items.size()), 0.1265, 4 * 0.0052);
}

TEST(Wide, DemonstrationsFollowZipfsLawAtEveryPosition) {
  constexpr int64_t kLines = 64 * 400;
  const WideLines lines = MakeWide(7, kLines);
  // Counts of tokens by (prompt, position); over all of them, the share of the n most frequent ones.
  std::map<std::pair<std::string, size_t>, std::map<std::string, int64_t>> counts;
  for (const std::string& line : lines.warmup) {
    const auto json = nlohmann::json::parse(line);
    const std::vector<std::string> tokens = Threes(json["answer"]);
    ASSERT_EQ(tokens.size(), 4u);
    for (size_t i = 0; i < 4; ++i) ++counts[{json["prompt"], i}][tokens[i]];
  }
  EXPECT_EQ(counts.size(), 64u * 4u);
  double first = 0, total = 0;
  std::set<std::string> firsts;
  for (const auto& [place, tokens] : counts) {
    const auto most = std::ranges::max_element(tokens, {}, [](const auto& entry) { return entry.second; });
    first += static_cast<double>(most->second);
    for (const auto& [token, count] : tokens) total += static_cast<double>(count);
    firsts.insert(most->first);
  }
  // Σ r^−1.1 for r = 1 … 512 is 5.2261: rank 1 has 19.1 % (the maximum of noisy counts is a little above).
  EXPECT_NEAR(first / total, 1 / 5.2261, 0.01);
  // An own permutation each: of 256 draws from 512 tokens about 201 differ (512·(1 − (511/512)^256)).
  EXPECT_NEAR(static_cast<double>(firsts.size()), 201, 25);
}

TEST(Wide, IsAFunctionOfTheSeed) {
  EXPECT_EQ(MakeWide(1, 50).train, MakeWide(1, 90).train);
  EXPECT_EQ(MakeWide(1, 50).warmup, MakeWide(1, 50).warmup);
  EXPECT_NE(MakeWide(1, 50).train, MakeWide(2, 50).train);
  EXPECT_NE(MakeWide(1, 50).warmup, MakeWide(2, 50).warmup);
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
