#include "services/config/schedule_file.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/status_macros.h"
#include "controller/schedule_json.h"
#include "services/config/config_tree.h"
#include "services/config/schedule_section.h"

namespace entrain {

std::optional<Schedule> ReadScheduleSection(ConfigTree& tree, const std::string& section) {
  const Json& json = section.empty() ? tree.root() : tree.At(section);
  const std::string prefix = section.empty() ? "" : absl::StrCat(section, ".");
  // A message of the controller room begins with the field, which has a line here; what is wrong with the
  // whole begins with "schedule".
  const auto placed = [&](const absl::Status& status) {
    for (const absl::string_view line : absl::StrSplit(status.message(), '\n')) {
      const std::string field(line.substr(0, line.find(':')));
      const std::string before = field == "schedule" ? "" : prefix;
      tree.problems.push_back(absl::StrCat(tree.Where(before + field), before, line));
    }
    return std::nullopt;
  };
  absl::StatusOr<Schedule> schedule = ReadScheduleJson(json.dump());
  if (!schedule.ok()) return placed(schedule.status());
  if (const absl::Status valid = schedule->Validate(); !valid.ok()) return placed(valid);
  return *std::move(schedule);
}

absl::StatusOr<Schedule> ReadScheduleFile(const std::string& path,
                                          const std::vector<std::string>& overrides) {
  ENTRAIN_ASSIGN_OR_RETURN(ConfigTree tree, ConfigTree::Read(path));
  const std::string section = tree.Has("schedule") ? "schedule" : "";
  for (const std::string& assignment : overrides) {
    ENTRAIN_RETURN_IF_ERROR(
        tree.Override(section.empty() ? assignment : absl::StrCat(section, ".", assignment)));
  }
  const std::optional<Schedule> schedule = ReadScheduleSection(tree, section);
  if (!schedule.has_value()) return absl::InvalidArgumentError(absl::StrJoin(tree.problems, "\n"));
  return *schedule;
}

absl::StatusOr<Schedule> OverrideSchedule(const Schedule& schedule,
                                          const std::vector<std::string>& overrides) {
  Json json = Json::parse(WriteScheduleJson(schedule));
  // Ratio bounds take the place of the box that is there.
  const auto absolute = [](const std::string& assignment) {
    return absl::StartsWith(assignment, "clip.ratio_bounds");
  };
  if (std::ranges::any_of(overrides, absolute)) {
    for (const char* key : {"eps_std", "upper", "lower"}) json["clip"].erase(key);
  }
  ConfigTree tree = ConfigTree::Of("schedule", std::move(json));
  for (const std::string& assignment : overrides) ENTRAIN_RETURN_IF_ERROR(tree.Override(assignment));
  const std::optional<Schedule> changed = ReadScheduleSection(tree, "");
  if (!changed.has_value()) return absl::InvalidArgumentError(absl::StrJoin(tree.problems, "\n"));
  return *changed;
}

}  // namespace entrain
