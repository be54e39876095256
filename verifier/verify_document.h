#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "verifier/verifier.h"

namespace entrain {

// One line of `entrain verify`: JSON text in, JSON text out (docs/formats.md). A line that cannot be read
// answers {"id", "error"}; it is not `ok`, and neither is one without a verdict (kind timeout or error).
struct VerifiedLine {
  std::string json;
  bool ok = true;
};
VerifiedLine VerifyLine(Verifier& verifier, int64_t number, absl::string_view line, absl::Duration deadline);

}  // namespace entrain
