#include <pwd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "common/status_macros.h"
#include "controller/preview.h"
#include "controller/schedule_json.h"
#include "services/cli/command_line.h"
#include "services/cli/commands.h"
#include "services/cli/counterfactual_report.h"
#include "services/cli/jsonl.h"
#include "services/cli/run_controller.h"
#include "services/config/schedule_file.h"

namespace entrain {
namespace {

using Json = nlohmann::ordered_json;

struct ScheduleOptions {
  std::string run;         // a run folder, or a run id with --controller
  std::string controller;  // host:port
  std::string schedule_file;
  std::vector<std::string> settings;
  std::string reason;
  std::optional<int64_t> at_step;
  int64_t to_revision = 0;
  bool dry_run = false;
  bool json = false;
  int64_t steps = 0;
  std::optional<int64_t> total_steps;
  std::string observations;
};

std::string UserName() {
  const passwd* entry = getpwuid(getuid());
  return entry != nullptr ? entry->pw_name : absl::StrCat("uid-", getuid());
}

absl::StatusOr<RunController> Connect(const ScheduleOptions& options) {
  return RunController::Find(options.run, options.controller, UserName());
}

int Failed(const absl::Status& status) {
  std::cerr << "entrain: " << status.message() << "\n";
  return absl::IsNotFound(status) || absl::IsInvalidArgument(status) ? 2 : 1;
}

std::string LineText(const std::optional<ClipLine>& line) {
  if (!line.has_value()) return "off";
  return line->slope == 0 ? absl::StrFormat("%g", line->intercept)
                          : absl::StrFormat("%g %+g·p", line->intercept, line->slope);
}

// "; name value" for each.
std::string DialsText(const std::map<std::string, double>& dials) {
  std::string text;
  for (const auto& [name, value] : dials) absl::StrAppendFormat(&text, "; %s %g", name, value);
  return text;
}

Json RevisionJson(const ControllerPort::Revision& revision) {
  return {{"revision", revision.revision},
          {"etag", revision.etag},
          {"author", revision.author},
          {"reason", revision.reason},
          {"effective_step", revision.effective_step},
          {"time", absl::FormatTime(absl::RFC3339_sec, revision.create_time, absl::UTCTimeZone())},
          {"schedule", Json::parse(WriteScheduleJson(revision.schedule))}};
}

int Show(const ScheduleOptions& options) {
  const absl::StatusOr<RunController> connection = Connect(options);
  if (!connection.ok()) return Failed(connection.status());
  const auto revision = connection->GetSchedule();
  if (!revision.ok()) return Failed(revision.status());
  const auto run = connection->GetRun();
  if (!run.ok()) return Failed(run.status());
  if (options.json) {
    Json out = RevisionJson(*revision);
    out["held"] = run->held;
    out["last_step"] = run->last_step;
    if (run->last_directive.has_value()) {
      out["in_force"] = Json::parse(WriteBoundsJson(run->last_directive->bounds));
      out["in_force"]["dials"] = Json(run->last_directive->dials);
      out["in_force"]["state"] = run->last_directive->state;
      out["in_force"]["reason"] = run->last_directive->reason;
    }
    std::cout << out.dump() << "\n";
    return 0;
  }
  std::cout << absl::StrFormat(
      "run %s (%s), step %d of %d\nrevision %d by %s: %s (from step %d)\n%s\n", run->name, run->run_id,
      run->last_step + 1, run->total_steps, revision->revision, revision->author, revision->reason,
      revision->effective_step, Json::parse(WriteScheduleJson(revision->schedule)).dump(2));
  if (run->last_directive.has_value()) {
    std::cout << absl::StrFormat(
        "in force: upper %s, lower %s%s  [%s: %s]%s\n", LineText(run->last_directive->bounds.upper),
        LineText(run->last_directive->bounds.lower), DialsText(run->last_directive->dials),
        run->last_directive->state, run->last_directive->reason, run->held ? "  HELD" : "");
  }
  if (const auto table = ReadCounterfactualTable(options.run); table.ok()) std::cout << "\n" << *table;
  return 0;
}

int Report(const ScheduleOptions& options, const absl::StatusOr<ControllerPort::EditResult>& result) {
  if (!result.ok()) return Failed(result.status());
  if (options.json) {
    Json out = RevisionJson(result->revision);
    out["diff"] = result->diff;
    out["dry_run"] = options.dry_run;
    std::cout << out.dump() << "\n";
  } else {
    std::cout << (options.dry_run ? "would become revision " : "revision ") << result->revision.revision
              << ", from step " << result->revision.effective_step << "\n"
              << (result->diff.empty() ? "no difference" : result->diff) << "\n";
  }
  return 0;
}

absl::StatusOr<ControllerPort::EditResult> Edit(const ScheduleOptions& options, bool rollback) {
  ENTRAIN_ASSIGN_OR_RETURN(const RunController connection, Connect(options));
  ENTRAIN_ASSIGN_OR_RETURN(ControllerClient* const controller, connection.Live());
  ENTRAIN_ASSIGN_OR_RETURN(const ControllerPort::Revision current,
                           controller->GetSchedule(connection.run_id()));
  ControllerPort::Edit edit{.run_id = connection.run_id(),
                            .etag = current.etag,
                            .reason = options.reason,
                            .effective_step = options.at_step,
                            .validate_only = options.dry_run};
  if (rollback) {
    edit.to_revision = options.to_revision;
    return controller->EditSchedule(edit);
  }
  if (options.schedule_file.empty() && options.settings.empty()) {
    return absl::InvalidArgumentError("schedule set: expected --schedule FILE or --set key=value");
  }
  if (options.schedule_file.empty()) {
    ENTRAIN_ASSIGN_OR_RETURN(edit.schedule, OverrideSchedule(current.schedule, options.settings));
  } else {
    ENTRAIN_ASSIGN_OR_RETURN(edit.schedule, ReadScheduleFile(options.schedule_file, options.settings));
  }
  return controller->EditSchedule(edit);
}

int History(const ScheduleOptions& options) {
  const absl::StatusOr<RunController> connection = Connect(options);
  if (!connection.ok()) return Failed(connection.status());
  const auto revisions = connection->ListRevisions();
  if (!revisions.ok()) return Failed(revisions.status());
  for (size_t i = 0; i < revisions->size(); ++i) {
    const ControllerPort::Revision& revision = (*revisions)[i];
    if (options.json) {
      std::cout << RevisionJson(revision).dump() << "\n";
      continue;
    }
    std::cout << absl::StrFormat(
        "%d  %s  from step %d  %s: %s\n", revision.revision,
        absl::FormatTime("%Y-%m-%d %H:%M:%S", revision.create_time, absl::LocalTimeZone()),
        revision.effective_step, revision.author, revision.reason);
    if (i + 1 < revisions->size())
      std::cout << "   "
                << absl::StrReplaceAll(DiffSchedules((*revisions)[i + 1].schedule, revision.schedule),
                                       {{"\n", "\n   "}})
                << "\n";
  }
  return 0;
}

int HoldOrRelease(const ScheduleOptions& options, bool hold) {
  const absl::StatusOr<RunController> connection = Connect(options);
  if (!connection.ok()) return Failed(connection.status());
  const absl::StatusOr<ControllerClient*> controller = connection->Live();
  if (!controller.ok()) return Failed(controller.status());
  const absl::Status status = hold ? (*controller)->Hold(connection->run_id(), options.reason)
                                   : (*controller)->Release(connection->run_id(), options.reason);
  if (!status.ok()) return Failed(status);
  std::cout << (hold ? "held: thresholds and dials stay as they are until a release\n" : "released\n");
  return 0;
}

// `replayed`: the same step of a replay; null: a preview.
void PrintPoint(const ScheduleOptions& options, const ControllerPort::Point& point,
                const ControllerPort::ReplayedPoint* replayed) {
  if (options.json) {
    Json out = Json::parse(PointJson(point));
    if (replayed != nullptr) {
      out["recorded"] = nullptr;
      if (replayed->recorded.has_value()) {
        out["recorded"] = Json::parse(WriteBoundsJson(*replayed->recorded));
        out["recorded"]["dials"] = Json(replayed->recorded_dials);
      }
    }
    std::cout << out.dump() << "\n";
    return;
  }
  std::cout << absl::StrFormat("%6d  upper %-16s lower %-16s%s %-9s %s", point.step,
                               LineText(point.bounds.upper), LineText(point.bounds.lower),
                               DialsText(point.dials), point.state, point.reason);
  if (replayed != nullptr && replayed->recorded.has_value()) {
    std::cout << absl::StrFormat("  | recorded: upper %s lower %s%s", LineText(replayed->recorded->upper),
                                 LineText(replayed->recorded->lower), DialsText(replayed->recorded_dials));
  }
  std::cout << "\n";
}

int Preview(const ScheduleOptions& options) {
  const absl::StatusOr<Schedule> schedule = ReadScheduleFile(options.schedule_file, options.settings);
  if (!schedule.ok()) return Failed(schedule.status());
  std::map<int64_t, double> entropy;
  if (!options.observations.empty()) {
    std::ifstream file(options.observations);
    if (!file) return Failed(absl::NotFoundError(absl::StrCat(options.observations, ": cannot be read")));
    std::ostringstream text;
    text << file.rdbuf();
    const auto parsed = ParseObservations(options.observations, text.str());
    if (!parsed.ok()) return Failed(parsed.status());
    entropy = *parsed;
  }
  const auto points =
      PreviewSchedule(*schedule, options.steps, options.total_steps.value_or(options.steps), entropy);
  if (!points.ok()) return Failed(points.status());
  for (const ControllerPort::Point& point : *points) PrintPoint(options, point, nullptr);
  if (options.run.empty() || options.json) return 0;
  const absl::StatusOr<std::string> table = ReadCounterfactualTable(options.run);
  if (!table.ok()) return Failed(table.status());
  std::cout << "\nWhat thresholds did to recorded steps of " << options.run << ":\n" << *table;
  return 0;
}

int Replay(const ScheduleOptions& options) {
  const absl::StatusOr<Schedule> schedule = ReadScheduleFile(options.schedule_file, options.settings);
  if (!schedule.ok()) return Failed(schedule.status());
  const absl::StatusOr<RunController> connection = Connect(options);
  if (!connection.ok()) return Failed(connection.status());
  const auto points = connection->Replay(*schedule);
  if (!points.ok()) return Failed(points.status());
  for (const ControllerPort::ReplayedPoint& point : *points) PrintPoint(options, point.replayed, &point);
  return 0;
}

}  // namespace

void AddScheduleCommands(CLI::App& app, CommandAction& action) {
  auto options = std::make_shared<ScheduleOptions>();
  CLI::App* schedule =
      app.add_subcommand("schedule", "See and change the schedule of a run (clip thresholds, dials), live")
          ->require_subcommand(1);
  const auto add = [&](const char* name, const char* help, std::function<int(const ScheduleOptions&)> run,
                       bool needs_run) {
    CLI::App* command = schedule->add_subcommand(name, help);
    if (needs_run) {
      command->add_option("run,--run", options->run, "Run folder; or a run id with --controller")->required();
      command->add_option("--controller", options->controller, "host:port; default: the run's own");
    }
    command->add_flag("--json", options->json, "JSON out");
    command->callback([options, run, &action] { action = [options, run] { return run(*options); }; });
    return command;
  };
  const auto with_reason = [&](CLI::App* command) {
    command->add_option("--reason", options->reason, "Why; kept with the change")->required();
  };
  const auto with_schedule = [&](CLI::App* command, bool required) {
    CLI::Option* option = command->add_option("--schedule", options->schedule_file,
                                              "YAML file with clip:, dials: and guards:, or a run file");
    if (required) option->required();
    command->add_option("--set", options->settings, "key=value, such as clip.eps_std=0.3; may be repeated")
        ->allow_extra_args(false);
  };
  add("show", "Revision, schedule, thresholds and dials in force", Show, true);
  CLI::App* set = add(
      "set", "Make a new revision; it takes effect at the next step",
      [](const ScheduleOptions& o) { return Report(o, Edit(o, false)); }, true);
  with_schedule(set, false);
  with_reason(set);
  set->add_option("--at-step", options->at_step, "First step to use it; default: the next");
  set->add_flag("--dry-run", options->dry_run, "Check and show the difference only");
  CLI::App* rollback = add(
      "rollback", "Make an older revision the newest",
      [](const ScheduleOptions& o) { return Report(o, Edit(o, true)); }, true);
  rollback->add_option("--to", options->to_revision, "Revision to go back to")->required();
  rollback->add_option("--at-step", options->at_step, "First step to use it; default: the next");
  rollback->add_flag("--dry-run", options->dry_run, "Check and show the difference only");
  with_reason(rollback);
  add("history", "Who changed what, when and why", History, true);
  with_reason(add(
      "hold", "Keep the thresholds and dials as they are",
      [](const ScheduleOptions& o) { return HoldOrRelease(o, true); }, true));
  with_reason(add(
      "release", "Let the schedule go on", [](const ScheduleOptions& o) { return HoldOrRelease(o, false); },
      true));
  CLI::App* preview = add("preview", "What a schedule does at steps 0 … N − 1", Preview, false);
  with_schedule(preview, true);
  preview->add_option("--steps", options->steps, "N")->required()->check(Positive());
  preview->add_option("--total-steps", options->total_steps,
                      "K, when the schedule does not say it; default N");
  preview->add_option("--observations", options->observations,
                      "JSONL with step and entropy, for laws that look at it");
  preview->add_option("--run", options->run,
                      "Run folder: show what `entrain counterfactual` found there as well");
  CLI::App* replay = add("replay", "What a schedule would have done to a recorded run", Replay, true);
  with_schedule(replay, true);
}

}  // namespace entrain
