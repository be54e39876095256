#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "absl/status/status.h"
#include "common/status_macros.h"

namespace entrain {

// Says on standard error why nothing could be done and returns exit status 2.
int Unusable(const absl::Status& status);

// For an option: a finite number above 0. (CLI11's own answers with the largest double, digit by digit.)
CLI::Validator Positive();

// For an option: a finite number of at least `low`.
CLI::Validator AtLeast(double low);

// What a command line that cannot be parsed ends with: help and 0, or a message and 2. A command that does
// not exist is named, with the nearest one.
int ExitOf(const CLI::App& app, const CLI::ParseError& error, int argc, char** argv);

}  // namespace entrain
