// entrain-model: the commands of `entrain` that need LibTorch. `entrain` starts it; people need not know it.
#include <CLI/CLI.hpp>
#include <iostream>

#include "services/cli/command_line.h"
#include "services/cli/model_commands.h"

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  CLI::App app{"Commands of entrain that load a model"};
  app.name("entrain");
  app.require_subcommand(1);
  entrain::CommandAction action;
  entrain::AddTokenizeCommand(app, action);
  entrain::AddLogprobsCommand(app, action);
  entrain::AddGenerateCommand(app, action);
  entrain::AddEvalCommand(app, action);
  entrain::AddModelCommands(app, action);
  entrain::AddBenchCommands(app, action);
  entrain::AddCounterfactualCommand(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return entrain::ExitOf(app, error, argc, argv);
  }
  const int status = action();
  std::cout.flush();
  return std::cout ? status : 1;
}
