#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "verifier/local_verifier.h"

namespace CLI {
class App;
}

namespace entrain {

// Flags of every program that judges: what may run programs, and how.
struct VerifierFlags {
  std::string sandbox = "required";
  std::vector<std::string> commands, trusted_commands;  // NAME=/path/judge --flag …
};

// --sandbox, --command, --trusted-command. `flags` must outlive the parsing.
void AddVerifierFlags(CLI::App& app, VerifierFlags& flags);

absl::StatusOr<LocalVerifierOptions> LocalVerifierOptionsOf(const VerifierFlags& flags);

}  // namespace entrain
