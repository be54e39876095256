#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "services/cli/commands.h"
#include "services/config/run_config.h"
#include "services/main/run_inputs.h"

namespace entrain {
namespace {

struct ConfigOptions {
  std::string file;
  std::vector<std::string> settings;
  bool json = false;
};

int Check(const ConfigOptions& options) {
  const absl::StatusOr<RunConfig> config = ReadRunConfig(options.file, options.settings);
  if (!config.ok()) {
    std::cerr << config.status().message() << "\n";
    return absl::IsNotFound(config.status()) ? 2 : 1;
  }
  for (const std::string& warning : config->warnings) std::cerr << "warning: " << warning << "\n";
  if (const absl::Status usable = CheckInputs(*config); !usable.ok()) {
    std::cerr << usable.message() << "\n";
    return 1;
  }
  std::cout << (options.json ? WriteConfigJson(*config) : WriteConfigYaml(*config));
  return 0;
}

}  // namespace

void AddConfigCommand(CLI::App& app, CommandAction& action) {
  auto options = std::make_shared<ConfigOptions>();
  CLI::App* config = app.add_subcommand("config", "Look at run files")->require_subcommand(1);
  CLI::App* check = config->add_subcommand(
      "check",
      "Dry run: the effective file, warnings, all problems at once; looks at the model and the data too");
  check->add_option("file", options->file, "Run file")->required();
  check->add_option("--set", options->settings, "key=value: overrides a key by its dotted name")
      ->allow_extra_args(false);
  check->add_flag("--json", options->json, "The effective file as JSON");
  check->callback([options, &action] { action = [options] { return Check(*options); }; });
}

}  // namespace entrain
