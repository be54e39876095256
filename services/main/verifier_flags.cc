#include "services/main/verifier_flags.h"

#include <CLI/CLI.hpp>

#include "common/status_macros.h"

namespace entrain {

void AddVerifierFlags(CLI::App& app, VerifierFlags& flags) {
  app.add_option("--sandbox", flags.sandbox,
                 "required: programs of completions run in a sandbox or not at all; off: with your rights")
      ->check(CLI::IsMember({"required", "off"}))
      ->capture_default_str();
  // One word each time: what follows is a command or the next flag, never a second value.
  const char* kForm = "NAME=/path/judge ARGUMENT …";
  app.add_option(
         "--command", flags.commands,
         "A judge of yours that data may name by the verifier \"command\"; repeatable. In the sandbox")
      ->type_name(kForm)
      ->allow_extra_args(false);
  app.add_option("--trusted-command", flags.trusted_commands, "The same, with your rights")
      ->type_name(kForm)
      ->allow_extra_args(false);
}

absl::StatusOr<LocalVerifierOptions> LocalVerifierOptionsOf(const VerifierFlags& flags) {
  LocalVerifierOptions out;
  out.sandbox = flags.sandbox == "off" ? SandboxPolicy::kOff : SandboxPolicy::kRequired;
  for (const std::string& text : flags.commands)
    ENTRAIN_RETURN_IF_ERROR(AddCommand(text, /*trusted=*/false, out.commands));
  for (const std::string& text : flags.trusted_commands)
    ENTRAIN_RETURN_IF_ERROR(AddCommand(text, /*trusted=*/true, out.commands));
  return out;
}

}  // namespace entrain
