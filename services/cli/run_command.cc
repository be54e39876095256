#include <unistd.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "common/status_macros.h"
#include "policy/safetensors.h"
#include "services/cli/command_line.h"
#include "services/cli/commands.h"
#include "services/cli/jsonl.h"
#include "services/cli/progress.h"
#include "services/cli/run_files.h"
#include "services/cli/supervisor.h"
#include "services/config/run_config.h"
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

// Shows what metrics.jsonl gains: a block that is drawn anew on a terminal, else a line every twentieth of
// the run.
class Display {
 public:
  Display(const RunOptions& options, const RunFolder& folder, int64_t total_steps)
      : quiet_(options.no_progress || options.json),
        terminal_(isatty(STDERR_FILENO) != 0),
        folder_(folder),
        total_steps_(total_steps) {}

  void Update(int64_t restarts) {
    if (quiet_ || absl::Now() < next_) return;
    next_ = absl::Now() + absl::Milliseconds(terminal_ ? 250 : 1000);
    ShowWarmup();
    const std::vector<MetricsLine> fresh = ReadNewMetrics(folder_.MetricsFile(), offset_);
    if (fresh.empty()) return;
    lines_.insert(lines_.end(), fresh.begin(), fresh.end());
    if (terminal_) {
      Draw(ProgressBlock(lines_, total_steps_, restarts));
      return;
    }
    const auto step = static_cast<int64_t>(lines_.back().at("step"));
    if (step >= shown_) {
      std::cerr << ProgressLine(lines_.back(), total_steps_) << std::endl;
      shown_ = step + std::max<int64_t>(1, total_steps_ / 20);
    }
  }

 private:
  void Draw(const std::vector<std::string>& block) {
    if (drawn_ > 0) std::cerr << "\x1b[" << drawn_ << "F";
    for (const std::string& line : block) std::cerr << "\x1b[2K" << line << "\n";
    std::cerr.flush();
    drawn_ = block.size();
  }

  // The supervised warm-up reports to events.jsonl.
  void ShowWarmup() {
    std::ifstream file(folder_.EventsFile());
    file.seekg(static_cast<std::streamoff>(events_offset_));
    std::string text;
    while (std::getline(file, text) && !file.eof()) {
      events_offset_ += text.size() + 1;
      const auto json = nlohmann::json::parse(text, nullptr, false);
      if (!json.is_object() || json.value("event", "") != "warmup") continue;
      const double step = json.value("step", 0.0);
      if (!json.contains("pass_rate") && static_cast<int64_t>(step) % 50 != 0) continue;
      std::cerr << absl::StrFormat("warm-up step %.0f  loss %.3f", step, json.value("loss", 0.0))
                << (json.contains("pass_rate")
                        ? absl::StrFormat("  pass rate %.3f", json["pass_rate"].get<double>())
                        : "")
                << std::endl;
    }
  }

  const bool quiet_, terminal_;
  const RunFolder folder_;
  const int64_t total_steps_;
  uint64_t offset_ = 0, events_offset_ = 0;
  std::vector<MetricsLine> lines_;
  size_t drawn_ = 0;
  int64_t shown_ = 0;
  absl::Time next_ = absl::InfinitePast();
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

void PrintJson(const nlohmann::ordered_json& json) { std::cout << json.dump() << std::endl; }

// The resume command, whenever a run stops before its end.
void SayHowToResume(const std::string& run) {
  std::cerr << "To go on: entrain run --resume " << run << std::endl;
}

struct Outcome {
  int status = 0;
  bool interrupted = false;
};

// One run from start to end.
absl::StatusOr<Outcome> RunOnce(const RunOptions& options, const RunConfig& config, const std::string& given,
                                const std::string& run, SignalWaiter& signals) {
  ENTRAIN_ASSIGN_OR_RETURN(const std::string run_id, OpenRunId(run));
  ENTRAIN_ASSIGN_OR_RETURN(const RunFolder folder, NewAttempt(run));
  ENTRAIN_RETURN_IF_ERROR(WriteText(folder.AttemptFolder() + "/run.yaml", given));
  ENTRAIN_RETURN_IF_ERROR(WriteText(folder.AttemptFolder() + "/config.json", WriteConfigJson(config)));
  const bool resume = !options.resume.empty();
  ENTRAIN_ASSIGN_OR_RETURN(const auto supervisor,
                           Supervisor::Create({.bin_folder = BinFolder(),
                                               .config = config,
                                               .folder = folder,
                                               .run_id = run_id,
                                               .resume = resume,
                                               .apply_schedule = options.apply_schedule}));
  Display display(options, folder, config.learner.steps);
  const absl::Status started = supervisor->Start(signals.token(), [&] { display.Update(0); });
  if (!started.ok()) {
    supervisor->StopAll(absl::Seconds(4));
    if (!absl::IsCancelled(started)) return started;
    SayHowToResume(run);
    return Outcome{.status = 1, .interrupted = true};
  }
  if (options.json) {
    PrintJson({{"event", "started"},
               {"run_id", run_id},
               {"controller", supervisor->controller()},
               {"learner", supervisor->learner()},
               {"verifier", supervisor->verifiers()},
               {"page", supervisor->page()},
               {"folder", run}});
  } else {
    std::cerr << "run " << run << "  (id " << run_id << ")\ncontroller " << supervisor->controller()
              << "  page " << supervisor->page() << "\nin another terminal: entrain schedule show " << run
              << std::endl;
  }
  while (!supervisor->learner_exit().has_value() && !signals.token().stop_requested()) {
    ENTRAIN_RETURN_IF_ERROR(supervisor->Poll());
    display.Update(supervisor->restarts());
    absl::SleepFor(absl::Milliseconds(20));
  }
  const bool interrupted = signals.token().stop_requested();
  const std::optional<int> learner_exit = supervisor->learner_exit();
  supervisor->StopAll(absl::Seconds(4));
  const std::vector<MetricsLine> lines = ReadMetrics(run);
  const bool finished = static_cast<int64_t>(lines.size()) >= config.learner.steps &&
                        fs::exists(folder.ExportFolder() + "/model.safetensors");
  const int status = interrupted && !finished ? 1 : learner_exit.value_or(1) == 0 ? 0 : 1;
  const RunSummary summary = Summarize(lines);
  if (options.json) {
    PrintJson({{"event", "ended"},
               {"exit", status},
               {"steps", summary.steps},
               {"reward_start", summary.reward_start},
               {"reward_end", summary.reward_end},
               {"entropy_start", summary.entropy_start},
               {"entropy_end", summary.entropy_end},
               {"restarts", supervisor->restarts()},
               {"folder", run}});
  }
  if (status == 0) {
    if (!options.json) std::cerr << "\n" << SummaryText(lines, run);
  } else {
    if (!interrupted) {
      std::cerr << "the learner ended with exit status " << learner_exit.value_or(-1) << "; it wrote last:\n"
                << Tail(supervisor->LogFile("learner"), 8) << "\n";
    }
    SayHowToResume(run);
  }
  return Outcome{.status = status, .interrupted = interrupted};
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
    RunOptions other = options;
    other.resume.clear();
    const std::string folder = run + variant.suffix;
    std::cerr << "\ncomparison: " << variant.name << "\n";
    // The same warmed-up model for all: only the thresholds differ.
    std::error_code error;
    fs::create_directories(folder, error);
    fs::copy(fs::path(run) / "model", fs::path(folder) / "model",
             fs::copy_options::recursive | fs::copy_options::overwrite_existing, error);
    const absl::StatusOr<Outcome> outcome = RunOnce(other, changed, given, folder, signals);
    if (!outcome.ok()) return Unusable(outcome.status());
    if (outcome->status != 0) return outcome->status;
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
  const absl::StatusOr<std::string> run = PickFolder(options, config->name);
  if (!run.ok()) return Unusable(run.status());
  const absl::StatusOr<std::string> given = ReadWholeFile(file, 16u << 20);
  if (!given.ok()) return Unusable(given.status());
  const absl::StatusOr<Outcome> outcome = RunOnce(options, *config, *given, *run, signals);
  if (!outcome.ok()) {
    std::cerr << "entrain: " << outcome.status().message() << "\n";
    return 1;
  }
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
