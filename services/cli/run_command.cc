#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/status_macros.h"
#include "policy/safetensors.h"
#include "services/cli/command_line.h"
#include "services/cli/commands.h"
#include "services/cli/launch.h"
#include "services/cli/progress.h"
#include "services/cli/run_files.h"
#include "services/config/run_config.h"
#include "services/main/run_inputs.h"
#include "services/runtime/signal_waiter.h"

namespace entrain {
namespace {

namespace fs = std::filesystem;

struct RunOptions {
  std::string file;
  std::string out;
  std::string resume;
  std::vector<std::string> settings;
  bool no_progress = false;
  bool json = false;
  bool compare = false;
  bool apply_schedule = false;
};

absl::StatusOr<std::string> PickFolder(const RunOptions& options, const std::string& name) {
  if (!options.resume.empty()) return options.resume;
  if (!options.out.empty()) {
    if (fs::exists(fs::path(options.out) / "run.json")) {
      return absl::FailedPreconditionError(absl::StrCat(options.out,
                                                        ": holds a run already; resume it with --resume ",
                                                        options.out, ", or name another folder"));
    }
    return options.out;
  }
  for (int number = 1;; ++number) {
    const std::string folder = absl::StrFormat("runs/%s-%04d", name, number);
    if (!fs::exists(folder)) return folder;
  }
}

absl::Status WriteText(const std::string& path, const std::string& text) {
  return WriteFileAtomically(path, std::span(&text, 1));
}

// The resume command, whenever a run stops before its end.
void SayHowToResume(const std::string& run) {
  std::cerr << "To go on: entrain run --resume " << run << std::endl;
}

LaunchOptions LaunchOptionsOf(const RunOptions& options, bool resume) {
  return {.resume = resume,
          .apply_schedule = options.apply_schedule,
          .no_progress = options.no_progress,
          .json = options.json};
}

// The same run file with two static boxes, and the three together as a picture and a table.
int Compare(const RunOptions& options, const RunConfig& config, const std::string& given,
            const std::string& run, SignalWaiter& signals) {
  struct Variant {
    std::string name, suffix;
    Schedule schedule;
  };
  Schedule symmetric, tight;
  tight.clip.lower = ClipSide{.line = {.intercept = 0.05, .slope = 0}};
  std::vector<NamedCurves> curves = {{.name = "as given"}};
  std::vector<std::string> folders = {run};
  for (const Variant& variant :
       {Variant{"symmetric 0.2", "-symmetric", symmetric}, Variant{"eps_low 0.05", "-tight-low", tight}}) {
    RunConfig changed = config;
    changed.schedule = variant.schedule;
    const std::string folder = run + variant.suffix;
    std::cerr << "\ncomparison: " << variant.name << "\n";
    // The same warmed-up model for all: only the thresholds differ.
    if (const absl::Status copied = CopyStartingModel(run, folder); !copied.ok()) return Unusable(copied);
    const absl::StatusOr<LaunchOutcome> outcome =
        Launch(LaunchOptionsOf(options, /*resume=*/false), changed, given, folder, signals);
    if (!outcome.ok()) return Unusable(outcome.status());
    if (outcome->status != 0) {
      SayHowToResume(folder);
      return outcome->status;
    }
    curves.push_back({.name = variant.name});
    folders.push_back(folder);
  }
  std::cerr << absl::StrFormat("\n%-16s %14s %14s %16s %16s\n", "schedule", "reward start", "reward end",
                               "entropy start", "entropy end");
  for (size_t i = 0; i < folders.size(); ++i) {
    const std::vector<MetricsLine> lines = ReadMetrics(folders[i]);
    curves[i].reward = Series(lines, "reward/mean");
    curves[i].entropy = Series(lines, "entropy/mean");
    const RunSummary summary = Summarize(lines);
    std::cerr << absl::StrFormat("%-16s %14.3f %14.3f %16.3f %16.3f\n", curves[i].name, summary.reward_start,
                                 summary.reward_end, summary.entropy_start, summary.entropy_end);
  }
  const std::string picture = run + "/compare.svg";
  if (const absl::Status written = WriteText(picture, CurvesSvg(config.name, curves)); !written.ok())
    return Unusable(written);
  std::cerr << "picture: " << picture << "\n";
  return 0;
}

int Run(RunOptions options) {
  SignalWaiter signals;
  if (options.file.empty() == options.resume.empty())
    return Unusable(absl::InvalidArgumentError("run: expected a run file, or --resume RUN, and not both"));
  std::string file = options.file;
  if (!options.resume.empty()) {
    const absl::StatusOr<RunFolder> last = NewestAttempt(options.resume);
    if (!last.ok()) return Unusable(last.status());
    file = last->AttemptFolder() + "/config.json";
  }
  const absl::StatusOr<RunConfig> config = ReadRunConfig(file, options.settings);
  if (!config.ok()) return Unusable(config.status());
  for (const std::string& warning : config->warnings) std::cerr << "warning: " << warning << "\n";
  // A run that goes on has its model already.
  if (options.resume.empty()) {
    if (const absl::Status usable = CheckInputs(*config); !usable.ok()) return Unusable(usable);
  }
  const absl::StatusOr<std::string> run = PickFolder(options, config->name);
  if (!run.ok()) return Unusable(run.status());
  const absl::StatusOr<std::string> given = ReadWholeFile(file, 16u << 20);
  if (!given.ok()) return Unusable(given.status());
  const absl::StatusOr<LaunchOutcome> outcome =
      Launch(LaunchOptionsOf(options, !options.resume.empty()), *config, *given, *run, signals);
  if (!outcome.ok()) {
    std::cerr << "entrain: " << outcome.status().message() << "\n";
    return 1;
  }
  if (outcome->status != 0) SayHowToResume(*run);
  if (outcome->status != 0 || !options.compare) return outcome->status;
  return Compare(options, *config, *given, *run, signals);
}

}  // namespace

void AddRunCommand(CLI::App& app, CommandAction& action) {
  auto options = std::make_shared<RunOptions>();
  CLI::App* command = app.add_subcommand("run",
                                         "Start learner, rollout workers, verifiers and controller on this "
                                         "machine; show progress; end with a summary");
  command->add_option("file", options->file, "Run file (docs/formats.md)");
  command->add_option("--out", options->out, "Run folder; default runs/NAME-NNNN");
  command->add_option("--resume", options->resume,
                      "Run folder to go on with, from its newest complete checkpoint");
  command
      ->add_option("--set", options->settings,
                   "key=value: overrides a key by its dotted name; may be repeated")
      ->allow_extra_args(false);
  command->add_flag(
      "--compare", options->compare,
      "Run the file again with a symmetric clip and with eps_low 0.05, and draw the three together");
  command->add_flag("--apply-schedule", options->apply_schedule,
                    "With --resume: make the run file's schedule a new revision");
  command->add_flag("--no-progress", options->no_progress, "Say only how it ended");
  command->add_flag("--json", options->json,
                    "One JSON object when started, one when ended, on standard output");
  command->callback([options, &action] { action = [options] { return Run(*options); }; });
}

}  // namespace entrain
