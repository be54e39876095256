#include "services/cli/launch.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "common/clock.h"
#include "common/status_macros.h"
#include "policy/safetensors.h"
#include "services/cli/commands.h"
#include "services/cli/notices.h"
#include "services/cli/progress.h"
#include "services/cli/run_files.h"
#include "services/cli/supervisor.h"
#include "services/runtime/address.h"

namespace entrain {
namespace {

namespace fs = std::filesystem;

// Shows what metrics.jsonl gains: a block that is drawn anew on a terminal, else a line every twentieth of
// the run. Notices are shown in any case.
class Display {
 public:
  Display(const LaunchOptions& options, const RunFolder& folder, int64_t total_steps)
      : quiet_(options.no_progress || options.json),
        terminal_(isatty(STDERR_FILENO) != 0),
        folder_(folder),
        total_steps_(total_steps) {}

  void Update(int64_t restarts) {
    if (absl::Now() < next_) return;
    next_ = absl::Now() + absl::Milliseconds(terminal_ ? 250 : 1000);
    ReadEvents();
    if (quiet_) return;
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

  // Troubles of the run, each at once and then now and then.
  void Notice(const Supervisor& supervisor) {
    for (const auto& [process, text] : supervisor.Troubles()) {
      if (notices_.Due(process)) Say(text);
    }
    if (silence_.why().has_value() && notices_.Due("silence")) {
      Say(absl::StrCat("the controller at ", supervisor.controller(), " is silent: the learner ",
                       *silence_.why(), ". The learner's log: ", supervisor.LogFile("learner")));
    }
  }

 private:
  void Say(const std::string& text) {
    std::cerr << "warning: " << text << std::endl;
    drawn_ = 0;  // the block goes below it
  }

  void Draw(const std::vector<std::string>& block) {
    if (drawn_ > 0) std::cerr << "\x1b[" << drawn_ << "F";
    for (const std::string& line : block) std::cerr << "\x1b[2K" << line << "\n";
    std::cerr.flush();
    drawn_ = block.size();
  }

  void ReadEvents() {
    std::ifstream file(folder_.EventsFile());
    file.seekg(static_cast<std::streamoff>(events_offset_));
    std::string text;
    while (std::getline(file, text) && !file.eof()) {
      events_offset_ += text.size() + 1;
      silence_.Take(text);
      if (!quiet_) ShowWarmup(text);
    }
  }

  static void ShowWarmup(const std::string& event) {
    const auto json = nlohmann::json::parse(event, nullptr, false);
    if (!json.is_object() || json.value("event", "") != "warmup") return;
    const double step = json.value("step", 0.0);
    if (!json.contains("pass_rate") && static_cast<int64_t>(step) % 50 != 0) return;
    std::cerr << absl::StrFormat("warm-up step %.0f  loss %.3f", step, json.value("loss", 0.0))
              << (json.contains("pass_rate")
                      ? absl::StrFormat("  pass rate %.3f", json["pass_rate"].get<double>())
                      : "")
              << std::endl;
  }

  const bool quiet_, terminal_;
  const RunFolder folder_;
  const int64_t total_steps_;
  uint64_t offset_ = 0, events_offset_ = 0;
  std::vector<MetricsLine> lines_;
  size_t drawn_ = 0;
  int64_t shown_ = 0;
  absl::Time next_ = absl::InfinitePast();
  Notices notices_{Clock::Real()};
  Silence silence_;
};

absl::Status WriteText(const std::string& path, const std::string& text) {
  return WriteFileAtomically(path, std::span(&text, 1));
}

void PrintJson(const nlohmann::ordered_json& json) { std::cout << json.dump() << std::endl; }

}  // namespace

absl::StatusOr<LaunchOutcome> Launch(const LaunchOptions& options, const RunConfig& config,
                                     const std::string& given, const std::string& run,
                                     SignalWaiter& signals) {
  // Found now, not by the learner after its warm-up.
  ENTRAIN_ASSIGN_OR_RETURN(const HostPort listen, ParseHostPort(config.listen));
  if (const absl::Status free = TryListening(listen); !free.ok())
    return absl::Status(free.code(), absl::StrCat("listen: ", free.message()));
  ENTRAIN_ASSIGN_OR_RETURN(const std::string run_id, OpenRunId(run));
  ENTRAIN_ASSIGN_OR_RETURN(const RunFolder folder, NewAttempt(run));
  ENTRAIN_RETURN_IF_ERROR(WriteText(folder.AttemptFolder() + "/run.yaml", given));
  ENTRAIN_RETURN_IF_ERROR(WriteText(folder.AttemptFolder() + "/config.json", WriteConfigJson(config)));
  ENTRAIN_ASSIGN_OR_RETURN(const auto supervisor,
                           Supervisor::Create({.bin_folder = BinFolder(),
                                               .config = config,
                                               .folder = folder,
                                               .run_id = run_id,
                                               .resume = options.resume,
                                               .apply_schedule = options.apply_schedule}));
  Display display(options, folder, config.learner.steps);
  const absl::Status started = supervisor->Start(signals.token(), [&] { display.Update(0); });
  if (!started.ok()) {
    supervisor->StopAll(absl::Seconds(4));
    if (!absl::IsCancelled(started)) return started;
    return LaunchOutcome{.status = 1, .interrupted = true};
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
    display.Notice(*supervisor);
    absl::SleepFor(absl::Milliseconds(20));
  }
  const bool interrupted = signals.token().stop_requested();
  const std::optional<int> learner_exit = supervisor->learner_exit();
  supervisor->StopAll(absl::Seconds(4));
  const std::vector<MetricsLine> lines = ReadMetrics(run);
  const int status = interrupted && !IsFinished(run, config) ? 1 : learner_exit.value_or(1) == 0 ? 0 : 1;
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
  } else if (!interrupted) {
    std::cerr << "the learner ended with exit status " << learner_exit.value_or(-1) << "; it wrote last:\n"
              << Tail(supervisor->LogFile("learner"), 8) << "\n";
  }
  return LaunchOutcome{.status = status, .interrupted = interrupted};
}

bool IsFinished(const std::string& run, const RunConfig& config) {
  return static_cast<int64_t>(ReadMetrics(run).size()) >= config.learner.steps &&
         fs::exists(RunFolder{.root = run}.ExportFolder() + "/model.safetensors");
}

absl::Status CopyStartingModel(const std::string& from, const std::string& run) {
  const std::string source = RunFolder{.root = from}.ModelFolder();
  const std::string target = RunFolder{.root = run}.ModelFolder();
  std::error_code error;
  fs::create_directories(run, error);
  fs::copy(source, target, fs::copy_options::recursive | fs::copy_options::overwrite_existing, error);
  if (error)
    return absl::UnavailableError(
        absl::StrCat(source, ": cannot be copied to ", target, ": ", error.message()));
  return absl::OkStatus();
}

}  // namespace entrain
