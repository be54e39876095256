#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "absl/status/statusor.h"
#include "verifier/json/schema_node.h"

namespace entrain {

// Reads a schema into nodes; the first is the schema's own. InvalidArgument as JsonSchema::Compile. A pure
// function.
absl::StatusOr<std::vector<SchemaNode>> CompileSchema(const nlohmann::json& schema);

}  // namespace entrain
