#include <signal.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <memory>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "services/cli/command_line.h"
#include "services/cli/commands.h"
#include "services/cli/jsonl.h"
#include "services/cli/progress.h"
#include "services/cli/run_files.h"
#include "services/config/run_config.h"
#include "services/runtime/signal_waiter.h"

namespace entrain {
namespace {

struct RunsOptions {
  std::string folder = "runs";
  std::string run;
  bool json = false;
  bool once = false;
};

// Whether the learner of the newest attempt is alive.
bool IsRunning(const RunFolder& folder) {
  const auto addresses = ReadAddresses(folder);
  const auto learner = addresses.find("learner");
  return learner != addresses.end() && learner->second.pid > 0 &&
         kill(static_cast<pid_t>(learner->second.pid), 0) == 0;
}

int ListRuns(const RunsOptions& options) {
  const bool is_run = std::filesystem::exists(std::filesystem::path(options.folder) / "run.json");
  const std::vector<std::string> runs =
      is_run ? std::vector<std::string>{options.folder} : FindRuns(options.folder);
  if (runs.empty() && !options.json) std::cerr << "no runs in " << options.folder << "\n";
  if (!runs.empty() && !options.json) {
    std::cout << absl::StrFormat("%-36s %-8s %6s %14s %8s %8s  %s\n", "run", "state", "steps", "controller",
                                 "reward", "entropy", "id");
  }
  for (const std::string& run : runs) {
    const absl::StatusOr<RunFolder> attempt = NewestAttempt(run);
    const absl::StatusOr<std::string> id = ReadRunId(run);
    if (!attempt.ok() || !id.ok()) continue;
    const std::vector<MetricsLine> lines = ReadMetrics(run);
    const bool running = IsRunning(*attempt);
    const std::string controller = running ? ReadAddresses(*attempt)["controller"].grpc : "";
    const auto last = [&](const char* name) {
      return lines.empty() || !lines.back().contains(name) ? 0.0 : lines.back().at(name);
    };
    if (options.json) {
      nlohmann::ordered_json out = {{"run", run},
                                    {"run_id", *id},
                                    {"attempt", attempt->attempt},
                                    {"running", running},
                                    {"controller", controller},
                                    {"steps", lines.size()},
                                    {"reward", last("reward/mean")},
                                    {"entropy", last("entropy/mean")}};
      std::cout << out.dump() << "\n";
    } else {
      std::cout << absl::StrFormat(
          "%-36s %-8s %6d %14s %8.3f %8.3f  %s\n", run, running ? "running" : "ended", lines.size(),
          controller.empty() ? "-" : controller, last("reward/mean"), last("entropy/mean"), *id);
    }
  }
  return 0;
}

// A table that grows with the run, until it ends or Ctrl-C.
int Watch(const RunsOptions& options) {
  SignalWaiter signals;
  const absl::StatusOr<RunFolder> attempt = NewestAttempt(options.run);
  if (!attempt.ok()) return Unusable(attempt.status());
  const absl::StatusOr<RunConfig> config = ReadRunConfig(attempt->AttemptFolder() + "/config.json", {});
  if (!config.ok()) return Unusable(config.status());
  uint64_t offset = 0;
  while (!signals.token().stop_requested()) {
    const bool running = IsRunning(*attempt);  // before reading: what it wrote last is seen
    for (const MetricsLine& line : ReadNewMetrics(attempt->MetricsFile(), offset)) {
      if (options.json) {
        std::cout << nlohmann::json(line).dump() << std::endl;
      } else {
        std::cout << ProgressLine(line, config->learner.steps) << std::endl;
      }
    }
    if (!running || options.once) break;
    absl::SleepFor(absl::Milliseconds(200));
  }
  return 0;
}

}  // namespace

void AddRunsCommands(CLI::App& app, CommandAction& action) {
  auto options = std::make_shared<RunsOptions>();
  CLI::App* runs = app.add_subcommand("runs", "List runs: state, steps, reward, entropy");
  runs->add_option("folder", options->folder, "Folder with run folders")->capture_default_str();
  runs->add_flag("--json", options->json, "One JSON object a run");
  runs->callback([options, &action] { action = [options] { return ListRuns(*options); }; });
  CLI::App* watch = app.add_subcommand("watch", "Live table of a run: a line a step");
  watch->add_option("run", options->run, "Run folder")->required();
  watch->add_flag("--json", options->json, "One JSON object a step");
  watch->add_flag("--once", options->once, "What is there, without waiting for more");
  watch->callback([options, &action] { action = [options] { return Watch(*options); }; });
}

}  // namespace entrain
