#pragma once

#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace entrain {

// The commands of `entrain`. Each adds its subcommands; the chosen one puts what is to be done into `action`,
// which returns the exit status: 0 done, 1 the answer is "no" or something failed, 2 wrong usage or unusable
// input.
using CommandAction = std::function<int()>;
void AddRunCommand(CLI::App& app, CommandAction& action);
void AddRegionsCommand(CLI::App& app, CommandAction& action);
void AddConfigCommand(CLI::App& app, CommandAction& action);
void AddRunsCommands(CLI::App& app, CommandAction& action);
void AddScheduleCommands(CLI::App& app, CommandAction& action);
void AddJudgeCommands(CLI::App& app, CommandAction& action);  // verify, objective
void AddDataCommands(CLI::App& app, CommandAction& action);
void AddDoctorCommand(CLI::App& app, CommandAction& action);

// The folder of this program.
std::string BinFolder();

}  // namespace entrain
