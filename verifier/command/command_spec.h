#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace entrain {

// A judge of the user's own, as the operator registers it. Data names it and cannot choose what runs.
struct CommandSpec {
  std::vector<std::string> argv;  // argv[0] is an absolute path
  bool trusted = false;           // runs without the sandbox
};
using CommandTable = std::map<std::string, CommandSpec>;

// "NAME=/path/judge --flag …": words between spaces, without quoting. InvalidArgument says what is wrong.
absl::Status AddCommand(absl::string_view text, bool trusted, CommandTable& commands);

}  // namespace entrain
