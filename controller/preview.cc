#include "controller/preview.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "controller/decision.h"
#include "controller/schedule_json.h"
#include "controller/strict_json.h"

namespace entrain {

absl::StatusOr<std::vector<ControllerPort::Point>> PreviewSchedule(
    const Schedule& schedule, int64_t steps, int64_t total_steps,
    const std::map<int64_t, double>& entropy_nats) {
  ENTRAIN_RETURN_IF_ERROR(schedule.Validate());
  const int64_t total = schedule.clip.total_steps.value_or(total_steps);
  if (total < 1)
    return absl::InvalidArgumentError(absl::StrCat("total_steps: expected at least 1, found ", total));
  std::vector<ControllerPort::Point> points;
  LawState state;
  for (int64_t step = 0; step < steps; ++step) {
    LawInput input{.step = step, .total_steps = total};
    if (const auto entropy = entropy_nats.find(step); entropy != entropy_nats.end())
      input.entropy_nats = entropy->second;
    LawOutput output = DecideStep(schedule, state, input, /*revision=*/1);
    state = output.next;
    points.push_back({.step = step,
                      .bounds = output.bounds,
                      .dials = std::move(output.dials),
                      .state = std::move(output.state),
                      .reason = std::move(output.reason)});
  }
  return points;
}

std::string PointJson(const ControllerPort::Point& point) {
  nlohmann::ordered_json out;
  out["step"] = point.step;
  const auto bounds = nlohmann::ordered_json::parse(WriteBoundsJson(point.bounds));
  out["upper"] = bounds["upper"];
  out["lower"] = bounds["lower"];
  out["dials"] = nlohmann::ordered_json::object();
  for (const auto& [name, value] : point.dials) out["dials"][name] = value;
  out["state"] = point.state;
  out["reason"] = point.reason;
  return out.dump();
}

absl::StatusOr<std::map<int64_t, double>> ParseObservations(const std::string& name,
                                                            absl::string_view jsonl) {
  std::map<int64_t, double> entropy;
  int64_t number = 0;
  while (!jsonl.empty()) {
    const size_t end = jsonl.find('\n');
    const absl::string_view line = jsonl.substr(0, end);
    jsonl.remove_prefix(end == absl::string_view::npos ? jsonl.size() : end + 1);
    ++number;
    if (line.find_first_not_of(" \t\r") == absl::string_view::npos) continue;
    const nlohmann::ordered_json json = ParseStrictJson(line).value_or(nullptr);
    if (!json.is_object() || !json.contains("step") || !json["step"].is_number_integer()) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, ":", number, ": expected an object with a whole \"step\""));
    }
    const auto value =
        json.contains("entropy") ? json["entropy"] : json.value("entropy/mean", nlohmann::ordered_json());
    if (!value.is_number() || !std::isfinite(value.get<double>())) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, ":", number, ": \"entropy\": expected a finite number"));
    }
    entropy[json["step"].get<int64_t>()] = value.get<double>();
  }
  return entropy;
}

}  // namespace entrain
