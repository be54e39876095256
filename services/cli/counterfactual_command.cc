#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/digest.h"
#include "common/nearest.h"
#include "common/status_macros.h"
#include "controller/preview.h"
#include "controller/schedule_json.h"
#include "learner/counterfactual.h"
#include "policy/model_folder.h"
#include "policy/safetensors.h"
#include "services/cli/command_line.h"
#include "services/cli/counterfactual_report.h"
#include "services/cli/model_commands.h"
#include "services/cli/run_files.h"
#include "services/config/run_config.h"
#include "services/config/schedule_file.h"
#include "services/runtime/signal_waiter.h"

namespace entrain {
namespace {

struct CounterfactualFlags {
  std::string run;
  std::vector<int64_t> steps;  // empty: all recorded
  std::vector<std::string> settings;
  bool json = false;
};

// NAME=key=value,… as given; what the keys mean depends on the objective and on the step.
struct GivenSetting {
  std::string name;
  std::vector<std::string> clip;       // "clip.upper.intercept=0.3"
  std::vector<std::string> objective;  // "objective.name=dapo"
  std::vector<std::pair<std::string, std::string>> dials;
};

// Commas inside brackets belong to the value.
std::vector<std::string> SplitAssignments(const std::string& text) {
  std::vector<std::string> out(1);
  int depth = 0;
  for (const char c : text) {
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    if (c == ',' && depth == 0) {
      out.emplace_back();
    } else {
      out.back() += c;
    }
  }
  return out;
}

absl::StatusOr<GivenSetting> ParseSetting(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == 0 || equals == std::string::npos || equals + 1 == text.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--setting: expected NAME=key=value,…, found \"", text, "\""));
  }
  GivenSetting out{.name = text.substr(0, equals)};
  for (const std::string& assignment : SplitAssignments(text.substr(equals + 1))) {
    const size_t at = assignment.find('=');
    if (at == 0 || at == std::string::npos) {
      return absl::InvalidArgumentError(
          absl::StrCat("--setting ", out.name, ": expected key=value, found \"", assignment, "\""));
    }
    if (absl::StartsWith(assignment, "clip.")) {
      out.clip.push_back(assignment);
    } else if (absl::StartsWith(assignment, "objective.")) {
      out.objective.push_back(assignment);
    } else {
      out.dials.emplace_back(assignment.substr(0, at), assignment.substr(at + 1));
    }
  }
  return out;
}

// The thresholds that were applied, with some keys of a static schedule changed; `eps_std` and `ratio_bounds`
// take the place of both sides.
absl::StatusOr<ClipBounds> ChangeBounds(const ClipBounds& applied, const std::vector<std::string>& keys) {
  const auto side = [](const std::optional<ClipLine>& line) {
    return line.has_value() ? ClipSide{.line = *line} : ClipSide{.off = true};
  };
  Schedule base;
  if (std::ranges::none_of(keys,
                           [](const std::string& key) { return absl::StartsWith(key, "clip.eps_std"); })) {
    base.clip.upper = side(applied.upper);
    base.clip.lower = side(applied.lower);
  }
  ENTRAIN_ASSIGN_OR_RETURN(const Schedule schedule, OverrideSchedule(base, keys));
  if (schedule.clip.law != ClipLaw::kStatic)
    return absl::InvalidArgumentError("clip.law: expected static: one step has one pair of thresholds");
  ENTRAIN_ASSIGN_OR_RETURN(const auto points, PreviewSchedule(schedule, 1, 1, {}));
  return points.front().bounds;
}

absl::StatusOr<std::map<std::string, double>> ReadDials(const GivenSetting& given,
                                                        const ObjectiveSpec& objective) {
  const std::vector<std::string> known = DialsOf(objective);
  std::map<std::string, double> out;
  for (const auto& [name, text] : given.dials) {
    if (std::ranges::find(known, name) == known.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("unknown key \"", name, "\"", DidYouMean(name, known),
                       "; expected clip.…, objective.… or a dial of objective ", objective.name,
                       known.empty() ? ", which has none" : absl::StrCat(": ", absl::StrJoin(known, ", "))));
    }
    if (!absl::SimpleAtod(text, &out[name]))
      return absl::InvalidArgumentError(absl::StrCat(name, ": expected a number, found \"", text, "\""));
  }
  return out;
}

// The options that one attempt of the run had, and a network of its shape.
struct Attempt {
  int64_t number = 0;
  std::string config_file, config_digest;
  RunConfig config;
  std::unique_ptr<Network> network;
};

absl::StatusOr<Attempt> OpenAttempt(const std::string& run, int64_t number) {
  const RunFolder folder{.root = run, .attempt = number};
  Attempt out{.number = number, .config_file = folder.AttemptFolder() + "/config.json"};
  ENTRAIN_ASSIGN_OR_RETURN(const std::string text, ReadWholeFile(out.config_file, 16u << 20));
  out.config_digest = DigestOf(text);
  ENTRAIN_ASSIGN_OR_RETURN(out.config, ReadRunConfig(out.config_file, {}));
  ENTRAIN_ASSIGN_OR_RETURN(const ModelFiles model, ReadModelFiles(folder.ModelFolder()));
  ENTRAIN_ASSIGN_OR_RETURN(out.network,
                           Network::Create(model.config, {.device = out.config.learner_device,
                                                          .dtype = out.config.learner_dtype,
                                                          .threads = out.config.learner.threads}));
  return out;
}

absl::StatusOr<CounterfactualSetting> MakeSetting(const GivenSetting& given, const RecordedStep& recorded,
                                                  const Attempt& attempt) {
  CounterfactualSetting out{.name = given.name};
  if (!given.objective.empty()) {
    std::vector<std::string> keys = given.objective;
    keys.emplace_back("schedule=null");  // the step has its thresholds
    ENTRAIN_ASSIGN_OR_RETURN(const RunConfig changed, ReadRunConfig(attempt.config_file, keys));
    out.objective = changed.learner.objective;
  }
  ENTRAIN_ASSIGN_OR_RETURN(out.dials,
                           ReadDials(given, out.objective.value_or(attempt.config.learner.objective)));
  if (!given.clip.empty()) {
    ENTRAIN_ASSIGN_OR_RETURN(out.bounds, ChangeBounds(recorded.directive.bounds, given.clip));
  }
  return out;
}

absl::StatusOr<std::vector<CounterfactualSetting>> MakeSettings(const std::vector<GivenSetting>& given,
                                                                const RecordedStep& recorded,
                                                                const Attempt& attempt) {
  std::vector<CounterfactualSetting> out = StandardSettings(attempt.config.learner.objective);
  for (const GivenSetting& one : given) {
    absl::StatusOr<CounterfactualSetting> setting = MakeSetting(one, recorded, attempt);
    if (!setting.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--setting ", one.name, ": ", setting.status().message()));
    }
    out.push_back(*std::move(setting));
  }
  return out;
}

RepeatedStep Row(const CounterfactualStep& step, const RecordedStep& recorded,
                 const std::vector<CounterfactualSetting>& settings) {
  RepeatedStep out{.step = step.step,
                   .entropy_before = step.entropy_before,
                   .recorded_digest = step.recorded_digest,
                   .digest = step.outcomes[0].digest_after,
                   .region_share = {step.region_share.begin(), step.region_share.end()}};
  for (size_t i = 0; i < step.outcomes.size(); ++i) {
    const CounterfactualOutcome& outcome = step.outcomes[i];
    const ClipBounds bounds =
        i == 0 ? recorded.directive.bounds : settings[i - 1].bounds.value_or(recorded.directive.bounds);
    out.settings.push_back(
        {.name = outcome.name,
         .entropy_change = outcome.entropy_change,
         .by_region = {outcome.entropy_change_by_region.begin(), outcome.entropy_change_by_region.end()},
         .clip_high = outcome.update.at("clip/high_frac"),
         .clip_low = outcome.update.at("clip/low_frac"),
         .high_mean_q = outcome.update.at("clip/high_mean_q"),
         .low_mean_q = outcome.update.at("clip/low_mean_q"),
         .thresholds = nlohmann::ordered_json::parse(WriteBoundsJson(bounds))});
  }
  return out;
}

// The recorded steps that were asked for.
absl::StatusOr<std::vector<RecordedStepFolder>> PickSteps(const CounterfactualFlags& flags) {
  const std::vector<RecordedStepFolder> all = ListRecordedSteps(RunFolder{.root = flags.run}.BatchesFolder());
  if (all.empty()) {
    return absl::NotFoundError(absl::StrCat(
        flags.run,
        ": no step of this run was recorded; set learner.record_batches: {every_steps: N} in the "
        "run file"));
  }
  if (flags.steps.empty()) return all;
  std::vector<RecordedStepFolder> out;
  for (const int64_t step : flags.steps) {
    const auto found = std::ranges::find(all, step, &RecordedStepFolder::step);
    if (found == all.end()) {
      return absl::NotFoundError(
          absl::StrCat(flags.run, ": step ", step, " was not recorded; recorded are ",
                       absl::StrJoin(all, ", ", [](std::string* text, const RecordedStepFolder& folder) {
                         absl::StrAppend(text, folder.step);
                       })));
    }
    out.push_back(*found);
  }
  return out;
}

absl::StatusOr<std::vector<RepeatedStep>> RepeatSteps(const CounterfactualFlags& flags,
                                                      const std::string& run_id,
                                                      const std::vector<GivenSetting>& given,
                                                      const std::stop_token& stop) {
  ENTRAIN_ASSIGN_OR_RETURN(const std::vector<RecordedStepFolder> folders, PickSteps(flags));
  std::vector<RepeatedStep> out;
  Attempt attempt;
  for (const RecordedStepFolder& folder : folders) {
    ENTRAIN_ASSIGN_OR_RETURN(const RecordedStep recorded, ReadRecordedStep(folder.path));
    if (recorded.start.run_id != run_id)
      return absl::FailedPreconditionError(absl::StrCat(folder.path, ": is of another run"));
    if (recorded.attempt != attempt.number) {
      ENTRAIN_ASSIGN_OR_RETURN(attempt, OpenAttempt(flags.run, recorded.attempt));
    }
    if (recorded.start.config_digest != attempt.config_digest) {
      return absl::FailedPreconditionError(absl::StrCat(
          attempt.config_file, ": is not what ", folder.path, " was recorded with: expected digest ",
          recorded.start.config_digest, ", found ", attempt.config_digest));
    }
    ENTRAIN_ASSIGN_OR_RETURN(const std::vector<CounterfactualSetting> settings,
                             MakeSettings(given, recorded, attempt));
    ENTRAIN_ASSIGN_OR_RETURN(
        const CounterfactualStep step,
        RunCounterfactual(recorded, *attempt.network, attempt.config.learner, settings, stop));
    out.push_back(Row(step, recorded, settings));
    if (out.back().settings.size() != out.front().settings.size()) {
      return absl::FailedPreconditionError(
          absl::StrCat("the attempts of this run had different objectives: take the steps of one of them "
                       "with --step; step ",
                       step.step, " is of attempt ", attempt.number));
    }
    std::cerr << absl::StrFormat("step %d (%d of %d): %d settings\n", step.step, out.size(), folders.size(),
                                 step.outcomes.size());
    if (!step.Repeated()) {
      std::cerr << absl::StrFormat(
          "warning: step %d: repeating it as it was made other weights than the run: recorded %s, made %s. "
          "To "
          "be expected on another kind of processor or with another build; else the numbers below cannot be "
          "relied upon.\n",
          step.step, step.recorded_digest, step.outcomes[0].digest_after);
    }
  }
  return out;
}

int Counterfactual(const CounterfactualFlags& flags) {
  SignalWaiter signals;
  std::vector<GivenSetting> given;
  for (const std::string& text : flags.settings) {
    absl::StatusOr<GivenSetting> setting = ParseSetting(text);
    if (!setting.ok()) return Unusable(setting.status());
    given.push_back(*std::move(setting));
  }
  const absl::StatusOr<std::string> run_id = ReadRunId(flags.run);
  if (!run_id.ok()) return Unusable(run_id.status());
  const auto steps = RepeatSteps(flags, *run_id, given, signals.token());
  if (absl::IsCancelled(steps.status())) {
    std::cerr << "entrain: stopped; nothing was saved\n";
    return 1;
  }
  if (!steps.ok()) return Unusable(steps.status());
  const nlohmann::ordered_json report = CounterfactualJson(*run_id, *steps);
  const std::string saved = report.dump(2) + "\n";
  if (const absl::Status written = WriteFileAtomically(CounterfactualFile(flags.run), std::span(&saved, 1));
      !written.ok())
    return Unusable(written);
  if (flags.json) {
    std::cout << report.dump() << "\n";
    return 0;
  }
  const absl::StatusOr<std::string> table = CounterfactualTable(report);
  if (!table.ok()) return Unusable(table.status());
  std::cout << *table << "saved: " << CounterfactualFile(flags.run) << "\n";
  return 0;
}

}  // namespace

void AddCounterfactualCommand(CLI::App& app, CommandAction& action) {
  auto flags = std::make_shared<CounterfactualFlags>();
  CLI::App* command = app.add_subcommand(
      "counterfactual", "What other thresholds would have done to the entropy of recorded steps");
  command->add_option("run", flags->run, "Run folder, of a run with learner.record_batches")->required();
  command->add_option("--step", flags->steps, "Recorded steps; default: all");
  command
      ->add_option("--setting", flags->settings,
                   "NAME=key=value,…: one more setting; keys as in `schedule set` (clip.upper.intercept), "
                   "of the run file's objective (objective.params.mu), or a dial of the objective; may be "
                   "repeated")
      ->allow_extra_args(false);
  command->add_flag("--json", flags->json, "One JSON object");
  command->callback([flags, &action] { action = [flags] { return Counterfactual(*flags); }; });
}

}  // namespace entrain
