#pragma once

#include <memory>

#include "verifier/command/command_spec.h"
#include "verifier/judge.h"
#include "verifier/sandbox/sandbox.h"

namespace entrain {

// What each accepts and its options: Describe(), docs/verifier.md.
std::unique_ptr<Judge> MakeChoiceJudge();
std::unique_ptr<Judge> MakeExactJudge();
// Programs run in `sandbox`, which must outlive it, as must the others.
std::unique_ptr<Judge> MakeCodeJudge(Sandbox& sandbox);
// `trusted` runs the commands that need no sandbox.
std::unique_ptr<Judge> MakeCommandJudge(Sandbox& sandbox, Sandbox& trusted, const CommandTable& commands);
std::unique_ptr<Judge> MakeJsonJudge();
std::unique_ptr<Judge> MakeMathJudge();
std::unique_ptr<Judge> MakeCountdownJudge();
std::unique_ptr<Judge> MakeNumericJudge();
std::unique_ptr<Judge> MakeRegexJudge();
// Its parts are judged by `judges`, which may hold it, and which must outlive it.
std::unique_ptr<Judge> MakeWeightedJudge(const JudgeTable& judges);

}  // namespace entrain
