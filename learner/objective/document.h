#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "learner/objective/objective.h"

namespace entrain {

// The whole of `entrain objective FILE --json` (docs/formats.md): one input document → one output object, as
// JSON texts. InvalidArgument names the key that is missing, unknown or wrong, what was expected and what was
// found. A result that is not finite is null beside an "error".
absl::StatusOr<std::string> EvaluateObjectiveDocument(absl::string_view json);

// `params`, `aggregation` and `tis` of a document or a run file, given as JSON text ("" for none), as a spec.
// Checks everything that does not need a batch.
absl::StatusOr<ObjectiveSpec> ParseObjective(const std::string& name, absl::string_view params_json,
                                             absl::string_view aggregation, absl::string_view tis_json);

}  // namespace entrain
