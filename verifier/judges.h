#pragma once

#include <memory>

#include "verifier/judge.h"

namespace entrain {

// What each accepts and its options: Describe(), docs/verifier.md.
std::unique_ptr<Judge> MakeChoiceJudge();
std::unique_ptr<Judge> MakeExactJudge();
std::unique_ptr<Judge> MakeMathJudge();
std::unique_ptr<Judge> MakeCountdownJudge();
std::unique_ptr<Judge> MakeNumericJudge();
std::unique_ptr<Judge> MakeRegexJudge();
// Its parts are judged by `judges`, which may hold it, and which must outlive it.
std::unique_ptr<Judge> MakeWeightedJudge(const JudgeTable& judges);

}  // namespace entrain
