#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "verifier/code/test_report.h"
#include "verifier/sandbox/sandbox.h"

namespace entrain {

// How a run ended, for people: "exit status 1", "signal 11 (Segmentation fault)", "memory of 512 MiB".
std::string EndingText(const SandboxOutcome& outcome);

// The last line of what a program wrote to its standard error, where Python names an exception.
std::string LastLine(absl::string_view text);

}  // namespace entrain
