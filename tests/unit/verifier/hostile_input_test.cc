// Completions are untrusted bytes: every one of these must come back with a verdict, soon, and never as a
// correct one.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/rng.h"
#include "tests/unit/verifier/judge_one.h"

namespace entrain {
namespace {

constexpr const char* kVerifiers[] = {"math", "countdown", "exact", "regex", "choice", "numeric", "json"};

std::string Repeat(const std::string& text, size_t times) {
  std::string out;
  out.reserve(text.size() * times);
  for (size_t i = 0; i < times; ++i) out += text;
  return out;
}

TEST(HostileInput, LargeAndDeepTextsGetAVerdictThatIsNotCorrect) {
  const std::vector<std::string> texts = {
      std::string(1'000'000, '7'),
      "\\boxed{" + std::string(1'000'000, '7') + "}",
      "\\boxed{" + Repeat("\\frac{", 100'000) + "1" + Repeat("}{2}", 100'000) + "}",
      "\\boxed{" + Repeat("\\frac{", 6'000) + "}",
      "\\boxed{" + Repeat("\\text{", 6'000) + Repeat("}", 6'000) + "}",
      "\\boxed{" + Repeat("1/", 19'000) + "1}",
      "\\boxed{" + Repeat("-", 39'000) + "1}",
      "\\boxed{" + Repeat("1 ", 19'000) + "}",
      "\\boxed{" + Repeat("1,", 19'000) + "}",
      "\\boxed{" + Repeat("$", 39'000) + "}",
      "\\boxed{1e" + std::string(30'000, '9') + "}",
      Repeat("\\boxed{", 200'000),
      Repeat("{", 1'000'000),
      Repeat("####", 250'000),
      Repeat("the answer is ", 70'000),
      std::string(100'000, '(') + "1" + std::string(100'000, ')'),
      std::string(1'000'000, '('),
      std::string(1'000'000, '-'),
      Repeat("1+", 500'000),
      std::string(1'000'000, '\0'),
      std::string(1'000'000, '\xff'),
      Repeat("\\", 1'000'000),
      Repeat(" ", 1'000'000) + "x",
  };
  for (const std::string& text : texts) {
    for (const char* verifier : kVerifiers) {
      const Verdict verdict = JudgeOne(verifier, text, verifier == std::string("choice") ? "B" : "42");
      EXPECT_NE(verdict.kind, VerdictKind::kCorrect) << verifier << " " << text.substr(0, 20);
      EXPECT_FALSE(IsOurFailure(verdict.kind)) << verifier << " " << text.substr(0, 20) << verdict.detail;
      EXPECT_LT(verdict.detail.size() + verdict.extracted.size(), 2'000u);
    }
  }
}

TEST(HostileInput, TheSameBytesGetTheSameVerdict) {
  const std::string text = "\\boxed{" + std::string(10'001, '7') + "}";
  const Verdict first = JudgeOne("math", text, "42"), second = JudgeOne("math", text, "42");
  EXPECT_EQ(first.kind, second.kind);
  EXPECT_EQ(first.detail, second.detail);
}

// Found by math_fuzz: the table of distinct numbers was never enlarged, and looking for a free place in it
// had no end.
TEST(HostileInput, ASetOfManyNumbersIsComparedAndComesBack) {
  std::string up, down;
  for (int i = 0; i < 200; ++i) {
    absl::StrAppend(&up, i > 0 ? "," : "", i);
    down = absl::StrCat(i, i > 0 ? "," : "", down);
  }
  EXPECT_EQ(
      KindOf(JudgeOne("math", absl::StrCat("\\boxed{\\{", up, "\\}}"), absl::StrCat("\\{", down, "\\}"))),
      "correct");
  EXPECT_EQ(
      KindOf(JudgeOne("math", absl::StrCat("\\boxed{\\{", up, ",200\\}}"), absl::StrCat("\\{", down, "\\}"))),
      "wrong");
}

// Random texts from an alphabet that makes all parsers work, as completion, reference and options.
TEST(HostileInput, RandomTextsNeverCrash) {
  constexpr const char* kPieces[] = {
      "\\boxed{", "{", "}",    "\\frac", "\\text{",    "1",  "0",  ",", ".", "/",  "%",
      "$",        "-", "+",    "*",      "(",          ")",  "=",  "e", "^", " ",  "\n",
      "####",     "−", "\xff", "\\",     "answer is ", "12", "\"", "[", ":", "\\%"};
  const Rng rng({.seed = 99, .purpose = RngPurpose::kData});
  const auto local = CreateLocalVerifier();
  uint64_t position = 0;
  const auto draw = [&] {
    std::string text;
    for (uint64_t n = rng.Below(14, position++); n > 0; --n)
      text += kPieces[rng.Below(std::size(kPieces), position++)];
    return text;
  };
  for (int i = 0; i < 20'000; ++i) {
    const std::string text = draw(), answer = draw(), options = i % 7 == 0 ? draw() : "{}";
    const char* verifier = kVerifiers[static_cast<size_t>(i) % std::size(kVerifiers)];
    const Verdict verdict = JudgeOne(verifier, text, answer, options);
    EXPECT_EQ(verdict.score.has_value(), !IsOurFailure(verdict.kind)) << text << " | " << answer;
    EXPECT_EQ(verdict.kind == VerdictKind::kCorrect, verdict.score == 1.0) << text << " | " << answer;
    // What is our fault is so whatever the completion is, and is known before there is one.
    EXPECT_EQ(verdict.kind == VerdictKind::kError,
              local->Problem({.verifier = verifier, .answer = answer, .options_json = options}) != "")
        << verifier << ": " << text << " | " << answer << " | " << options << " | " << verdict.detail;
  }
}

}  // namespace
}  // namespace entrain
