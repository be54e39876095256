#include "services/cli/notices.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"

namespace entrain {

bool Notices::Due(const std::string& process) {
  const absl::Duration now = clock_.Monotonic();
  const auto [last, first] = told_.emplace(process, now);
  if (first) return true;
  if (now - last->second < kPause) return false;
  last->second = now;
  return true;
}

void Silence::Take(absl::string_view event_json) {
  const auto json = nlohmann::json::parse(event_json, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return;
  const std::string event = json.value("event", "");
  if (event == "controller_answered") why_.reset();
  if (event != "controller_silent") return;
  why_ = absl::StrCat(json.value("learner", ""), " (", json.value("why", ""), ")");
}

}  // namespace entrain
