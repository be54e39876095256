#pragma once

#include <memory>

#include "verifier/judge.h"

namespace entrain {

// What each accepts and its options: Describe(), docs/verifier.md.
std::unique_ptr<Judge> MakeChoiceJudge();
std::unique_ptr<Judge> MakeExactJudge();
std::unique_ptr<Judge> MakeMathJudge();
std::unique_ptr<Judge> MakeCountdownJudge();
std::unique_ptr<Judge> MakeRegexJudge();

}  // namespace entrain
