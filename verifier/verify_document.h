#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "verifier/verifier.h"

namespace entrain {

// One line of `entrain verify`: JSON text in, JSON text out, without the line break (docs/formats.md). A line
// that cannot be read answers {"id", "error"}: then there is no kind.
struct VerifiedLine {
  std::string json;
  std::optional<VerdictKind> kind;

  // A verdict was reached: the line could be read, and the kind is not timeout or error.
  bool ok() const { return kind.has_value() && !IsOurFailure(*kind); }
};

// `line` is any bytes. The id is repeated as it was written, of whatever type it is; without one it is
// `number`, the number of the line. A call that was called off (call.stop) answers a line with an error.
VerifiedLine VerifyLine(Verifier& verifier, int64_t number, absl::string_view line, const VerifyCall& call);

}  // namespace entrain
