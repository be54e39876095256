#pragma once

#include <string>

#include "verifier/code/code_options.h"
#include "verifier/code/test_report.h"
#include "verifier/judge.h"
#include "verifier/sandbox/sandbox.h"

namespace entrain {

// Both end at the first failed test unless the score is a fraction, by `context.time_left`, and soon after
// `context.stop`.

// Each test is a run of its own: the program gets the input, and what it writes is compared here. The wanted
// output never enters the sandbox.
TestReport RunOutputTests(Sandbox& sandbox, const std::string& program, const CodeOptions& options,
                          const JudgeContext& context);

// Two runs: the candidate executes the program, the tester the tests (verifier/code/python). What one says to
// the other passes through here.
TestReport RunAssertTests(Sandbox& sandbox, const std::string& program, const CodeOptions& options,
                          const JudgeContext& context);

}  // namespace entrain
