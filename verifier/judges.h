#pragma once

#include <memory>

#include "verifier/judge.h"

namespace entrain {

// "exact": the completion is the reference, letter by letter. Options: trim (true), ignore_case (false),
// collapse_whitespace (false).
std::unique_ptr<Judge> MakeExactJudge();
// "math": the completion's final answer equals the reference as a number (exactly, as a fraction), or as
// text. Options: sources (where the answer may stand, in order: boxed, hash, phrase, last_number).
std::unique_ptr<Judge> MakeMathJudge();
// "countdown": the completion is an arithmetic expression whose value is the reference. Options: numbers
// (exactly these, each once), or terms and digits (a sum of that many terms of that many digits and nothing
// else).
std::unique_ptr<Judge> MakeCountdownJudge();
// "regex": the completion matches the reference, a PCRE2 pattern, from end to end. Options: trim (true),
// search (false: anywhere will do), ignore_case (false).
std::unique_ptr<Judge> MakeRegexJudge();

}  // namespace entrain
