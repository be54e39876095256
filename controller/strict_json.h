#pragma once

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace entrain {

// Bytes of strangers as JSON: InvalidArgument for what does not parse, a key that stands twice, and nesting
// that nothing of ours has (the library's dump and copy would use up the stack). Internal to controller_laws.
absl::StatusOr<nlohmann::ordered_json> ParseStrictJson(absl::string_view text);

}  // namespace entrain
