#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/status_macros.h"
#include "policy/safetensors.h"
#include "services/cli/command_line.h"
#include "services/cli/commands.h"
#include "services/cli/launch.h"
#include "services/cli/progress.h"
#include "services/cli/run_files.h"
#include "services/main/run_inputs.h"

namespace entrain {
namespace {

namespace fs = std::filesystem;

struct RegionsOptions {
  std::string file;
  std::string out;
  int64_t steps = 0;  // 0: the run file's
  bool json = false;
};

// One run of the experiment. Tokens of E1 and E4 lower entropy when they train, those of E2 and E3 raise it
// (docs/methods.md 0.4): without them entropy is expected to end above, or below, that of the run as given.
struct Variant {
  std::string name;
  int region = 0;  // 0: as given
  const char* expected = "";
};
constexpr int kVariants = 5;
std::array<Variant, kVariants> Variants() {
  return {Variant{.name = "baseline"}, Variant{"mask-e1", 1, "above"}, Variant{"mask-e2", 2, "below"},
          Variant{"mask-e3", 3, "below"}, Variant{"mask-e4", 4, "above"}};
}

RunConfig ConfigOf(const RunConfig& config, const Variant& variant) {
  RunConfig out = config;
  out.name = absl::StrCat(config.name, "-", variant.name);
  if (variant.region > 0) out.learner.objective.regions.masked[static_cast<size_t>(variant.region)] = true;
  return out;
}

// A folder that holds a run of another run file must not be counted as this one's.
absl::Status CheckSame(const std::string& run, const RunConfig& config) {
  const absl::StatusOr<RunFolder> newest = NewestAttempt(run);
  if (!newest.ok()) return absl::OkStatus();  // not begun
  const std::string path = newest->AttemptFolder() + "/config.json";
  ENTRAIN_ASSIGN_OR_RETURN(const std::string text, ReadWholeFile(path, 16u << 20));
  if (text == WriteConfigJson(config)) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(path, ": is of another run file (or number of steps); name another folder with --out"));
}

// Runs what is not finished yet. True: all are.
absl::StatusOr<bool> RunVariants(const RegionsOptions& options, const RunConfig& config,
                                 const std::string& given, SignalWaiter& signals) {
  for (const Variant& variant : Variants())
    ENTRAIN_RETURN_IF_ERROR(
        CheckSame(absl::StrCat(options.out, "/", variant.name), ConfigOf(config, variant)));
  for (const Variant& variant : Variants()) {
    const std::string run = absl::StrCat(options.out, "/", variant.name);
    const RunConfig changed = ConfigOf(config, variant);
    if (IsFinished(run, changed)) {
      std::cerr << variant.name << ": is finished\n";
      continue;
    }
    std::cerr << "\n" << variant.name << "\n";
    const bool begun = fs::exists(fs::path(run) / "run.json");
    // The same warmed-up model for all: only the gradient differs.
    if (variant.region > 0 && !begun)
      ENTRAIN_RETURN_IF_ERROR(CopyStartingModel(options.out + "/baseline", run));
    ENTRAIN_ASSIGN_OR_RETURN(
        const LaunchOutcome outcome,
        Launch({.resume = begun, .no_progress = options.json}, changed, given, run, signals));
    if (outcome.status != 0 || !IsFinished(run, changed)) return false;
  }
  return true;
}

nlohmann::ordered_json Report(const RegionsOptions& options, std::vector<NamedCurves>& curves) {
  nlohmann::ordered_json variants = nlohmann::ordered_json::array();
  RunSummary baseline;
  for (const Variant& variant : Variants()) {
    const std::string run = absl::StrCat(options.out, "/", variant.name);
    const std::vector<MetricsLine> lines = ReadMetrics(run);
    const RunSummary summary = Summarize(lines);
    if (variant.region == 0) baseline = summary;
    curves.push_back({.name = variant.name,
                      .reward = Series(lines, "reward/mean"),
                      .entropy = Series(lines, "entropy/mean")});
    nlohmann::ordered_json out = {{"name", variant.name},
                                  {"folder", run},
                                  {"steps", summary.steps},
                                  {"reward_start", summary.reward_start},
                                  {"reward_end", summary.reward_end},
                                  {"entropy_start", summary.entropy_start},
                                  {"entropy_end", summary.entropy_end}};
    if (variant.region > 0) {
      const double difference = summary.entropy_end - baseline.entropy_end;
      const char* found = difference > 0 ? "above" : difference < 0 ? "below" : "equal";
      out["entropy_difference"] = difference;
      out["expected"] = variant.expected;
      out["found"] = found;
      out["as_expected"] = std::string(found) == variant.expected;
    }
    variants.push_back(std::move(out));
  }
  return {{"variants", std::move(variants)}, {"picture", options.out + "/regions.svg"}};
}

void PrintTable(const nlohmann::ordered_json& report) {
  std::cout << absl::StrFormat("\n%-10s %12s %13s %13s %12s %10s\n", "variant", "reward end", "entropy end",
                               "- baseline", "expected", "found");
  for (const auto& variant : report["variants"]) {
    std::cout << absl::StrFormat("%-10s %12.3f %13.4f", variant["name"].get<std::string>(),
                                 variant["reward_end"].get<double>(), variant["entropy_end"].get<double>());
    if (variant.contains("expected")) {
      std::cout << absl::StrFormat(" %+13.4f %12s %10s", variant["entropy_difference"].get<double>(),
                                   variant["expected"].get<std::string>(),
                                   variant["found"].get<std::string>());
    }
    std::cout << "\n";
  }
  std::cout
      << "End: mean of the last 10 steps; entropy in nats. One run a variant: a difference of the size of "
         "that between two seeds says nothing.\npicture: "
      << report["picture"].get<std::string>() << "\n";
}

int Regions(RegionsOptions options) {
  SignalWaiter signals;
  std::vector<std::string> overrides;
  if (options.steps > 0) overrides.push_back(absl::StrCat("learner.steps=", options.steps));
  const absl::StatusOr<RunConfig> config = ReadRunConfig(options.file, overrides);
  if (!config.ok()) return Unusable(config.status());
  if (const absl::Status usable = CheckInputs(*config); !usable.ok()) return Unusable(usable);
  if (config->learner.objective.regions.Any()) {
    return Unusable(absl::InvalidArgumentError(absl::StrCat(
        options.file, ": objective.regions: this experiment masks one region a run; take the key away")));
  }
  const absl::StatusOr<std::string> given = ReadWholeFile(options.file, 16u << 20);
  if (!given.ok()) return Unusable(given.status());
  if (options.out.empty()) options.out = absl::StrCat("runs/", config->name, "-regions");
  const absl::StatusOr<bool> finished = RunVariants(options, *config, *given, signals);
  if (!finished.ok()) return Unusable(finished.status());
  if (!*finished) {
    std::cerr << "Not finished. To go on, with what is finished kept: entrain regions " << options.file
              << " --out " << options.out
              << (options.steps > 0 ? absl::StrCat(" --steps ", options.steps) : "") << std::endl;
    return 1;
  }
  std::vector<NamedCurves> curves;
  const nlohmann::ordered_json report = Report(options, curves);
  for (const auto& [path, text] : {std::pair(options.out + "/regions.svg", CurvesSvg(config->name, curves)),
                                   std::pair(options.out + "/regions.json", report.dump(2) + "\n")}) {
    if (const absl::Status written = WriteFileAtomically(path, std::span(&text, 1)); !written.ok())
      return Unusable(written);
  }
  if (options.json) {
    std::cout << report.dump() << "\n";
  } else {
    PrintTable(report);
  }
  return 0;
}

}  // namespace

void AddRegionsCommand(CLI::App& app, CommandAction& action) {
  auto options = std::make_shared<RegionsOptions>();
  CLI::App* command = app.add_subcommand(
      "regions",
      "The four-region experiment: a run file as given, and with the gradient of E1, E2, E3, E4 masked");
  command->add_option("file", options->file, "Run file (docs/formats.md)")->required();
  command->add_option("--steps", options->steps, "Instead of the run file's learner.steps")
      ->check(CLI::PositiveNumber);
  command->add_option("--out", options->out,
                      "Folder of the five runs; default runs/NAME-regions. Finished runs in it are kept");
  command->add_flag("--json", options->json, "One JSON object at the end, and no progress");
  command->callback([options, &action] { action = [options] { return Regions(*options); }; });
}

}  // namespace entrain
