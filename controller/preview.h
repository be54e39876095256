#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "controller/controller_port.h"
#include "controller/schedule.h"

namespace entrain {

// What a schedule decides at steps 0 … steps − 1, with the law and guard code of the live controller.
// `entropy_nats`: what is observed, by step; none for laws that do not look. InvalidArgument when the
// schedule is not valid.
absl::StatusOr<std::vector<ControllerPort::Point>> PreviewSchedule(
    const Schedule& schedule, int64_t steps, int64_t total_steps,
    const std::map<int64_t, double>& entropy_nats);

// One line of `entrain schedule preview --json` (docs/formats.md).
std::string PointJson(const ControllerPort::Point& point);

// A JSONL with at least `step` and `entropy` (or `entropy/mean`, as metrics.jsonl has it). InvalidArgument
// names the line.
absl::StatusOr<std::map<int64_t, double>> ParseObservations(const std::string& name, absl::string_view jsonl);

}  // namespace entrain
