#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace entrain {

// The task dec2: write two two-digit numbers that add up to the target. Prompt `T:`, completion `AA+BB`. a
// and b are uniform in 10 … 99, so targets have triangular weights; 22 of the 179 targets are held out. Lines
// of the data format, without the line break; a function of (seed, kind) alone.
struct Dec2Lines {
  std::vector<std::string> train;    // fresh draws; a prompt may come twice
  std::vector<std::string> warmup;   // the same, with the demonstration in meta.completion
  std::vector<std::string> heldout;  // each held-out target once
};
Dec2Lines MakeDec2(uint64_t seed, int64_t train, int64_t warmup);

// Original GSM8K lines ({"question", "answer"} with the result after ####) → lines of the data format with
// the verifier math. InvalidArgument names the line.
absl::StatusOr<std::vector<std::string>> ConvertGsm8k(const std::string& name, absl::string_view jsonl);

// "Use the numbers 3, 5, 7 …" countdown prompts: `2,3,5,7=24:` to be answered by an expression that uses each
// number once. A function of the arguments alone.
std::vector<std::string> MakeCountdown(uint64_t seed, int64_t lines, int32_t numbers, int32_t largest);

// The task wide: 64 prompts of one token (the hexagrams U+4DC0 … U+4DFF), completions of exactly 4 out of 512
// tokens (U+4E00 … U+4FFF, one character each), no end token. For every (prompt, position) each token is good
// with probability 0.35; a completion is right when at least 3 of its 4 tokens are good, which a regular
// expression says. Demonstrations know nothing of that: Zipf's law with exponent 1.1 over a permutation of
// the 512 tokens of its own for every (prompt, position), 4.37 nats a token. A function of (seed, kind)
// alone.
struct WideLines {
  std::vector<std::string> train;   // each prompt once
  std::vector<std::string> warmup;  // the demonstration is the answer, the verifier exact
};
WideLines MakeWide(uint64_t seed, int64_t warmup);

}  // namespace entrain
