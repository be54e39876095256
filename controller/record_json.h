#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "controller/directive.h"
#include "controller/observation.h"

// How the event log writes records. Internal to event_log.
namespace entrain {

std::string WriteObservationJson(const Observation& observation);
absl::StatusOr<Observation> ReadObservationJson(const std::string& text);
std::string WriteDirectiveJson(const Directive& directive);
absl::StatusOr<Directive> ReadDirectiveJson(const std::string& text);
std::string WriteNamesJson(const std::vector<std::string>& names);
absl::StatusOr<std::vector<std::string>> ReadNamesJson(const std::string& text);

}  // namespace entrain
