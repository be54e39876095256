#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace entrain {

// The commands that need LibTorch, which live in a binary of their own so that `entrain schedule` starts at
// once. Each adds its subcommand; the chosen one puts what is to be done into `action`, which returns the
// exit status: 0 done, 1 the answer is "no" or some lines failed, 2 unusable input.
using CommandAction = std::function<int()>;
void AddTokenizeCommand(CLI::App& app, CommandAction& action);
void AddLogprobsCommand(CLI::App& app, CommandAction& action);
void AddGenerateCommand(CLI::App& app, CommandAction& action);
void AddEvalCommand(CLI::App& app, CommandAction& action);
void AddModelCommands(CLI::App& app, CommandAction& action);
void AddBenchCommands(CLI::App& app, CommandAction& action);
void AddCounterfactualCommand(CLI::App& app, CommandAction& action);

}  // namespace entrain
