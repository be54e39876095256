// entrain: the command line. Commands that load a model are in entrain-model beside this program, so that the
// others start at once.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <vector>

#include "services/cli/command_line.h"
#include "services/cli/commands.h"

namespace entrain {
namespace {

constexpr std::pair<const char*, const char*> kModelCommands[] = {
    {"generate", "Completions of given prompts"},
    {"logprobs", "Log-prob, entropy, S and N of every token of given completions"},
    {"tokenize", "Token ids of texts, and back"},
    {"eval", "avg@k, pass@k, maj@k of a model on a data file"},
    {"model", "init, warmup, export, inspect"},
    {"bench", "The learner's and the engine's speed on this machine"},
    {"counterfactual", "What other thresholds would have done to the entropy of recorded steps"},
};

int StartModelProgram(int, char** argv) {
  const std::string program = BinFolder() + "/entrain-model";
  execv(program.c_str(), argv);
  std::cerr << "entrain: " << program << ": cannot be started: " << std::strerror(errno) << "\n";
  return 2;
}

}  // namespace

std::string BinFolder() { return std::filesystem::read_symlink("/proc/self/exe").parent_path().string(); }

}  // namespace entrain

int main(int argc, char** argv) {
  using namespace entrain;  // NOLINT: main of one program
  for (const auto& [name, help] : kModelCommands) {
    if (argc > 1 && std::strcmp(argv[1], name) == 0) return StartModelProgram(argc, argv);
  }
  std::ios::sync_with_stdio(false);
  CLI::App app{
      "entrain trains language models with verifiable rewards and keeps their entropy under control"};
  app.require_subcommand(1);
  CommandAction action;
  AddRunCommand(app, action);
  AddRegionsCommand(app, action);
  AddConfigCommand(app, action);
  AddRunsCommands(app, action);
  AddScheduleCommands(app, action);
  AddJudgeCommands(app, action);
  AddDataCommands(app, action);
  AddDoctorCommand(app, action);
  // Shown by --help only: they are dispatched above.
  for (const auto& [name, help] : kModelCommands) app.add_subcommand(name, help);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return ExitOf(app, error, argc, argv);
  }
  const int status = action ? action() : 2;
  std::cout.flush();
  return std::cout ? status : 1;
}
