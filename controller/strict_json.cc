#include "controller/strict_json.h"

#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace entrain {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kMaxDepth = 32;

}  // namespace

absl::StatusOr<Json> ParseStrictJson(absl::string_view text) {
  std::string problem;
  std::vector<std::set<std::string>> keys;  // of the objects that are open
  const auto look = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (depth > kMaxDepth && problem.empty()) problem = "nested too deeply";
    if (!problem.empty()) return false;
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key && !keys.back().insert(parsed.get<std::string>()).second)
      problem = absl::StrCat("the key \"", parsed.get<std::string>().substr(0, 60), "\" stands twice");
    return true;
  };
  Json json = Json::parse(text.begin(), text.end(), look, /*allow_exceptions=*/false);
  if (!problem.empty()) return absl::InvalidArgumentError(problem);
  if (json.is_discarded()) return absl::InvalidArgumentError("no JSON");
  return json;
}

}  // namespace entrain
