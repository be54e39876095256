#pragma once

#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/verdict.h"

namespace entrain {

// One completion to judge.
struct VerifyItem {
  std::string verifier;    // registered name: "exact", "math", "countdown", …
  std::string completion;  // text, without the EOS
  std::string answer;      // the reference
  std::string options_json = "{}";
};

// Judges completions. The answer depends on the item alone (pure), so asking again is always safe.
// Thread-safe.
class Verifier {
 public:
  virtual ~Verifier() = default;

  // One verdict per item, in order. An item that cannot be judged in time is kTimeout, a bad reference or an
  // unknown verifier kError: those are answers. A status is an answer about the whole call: Unavailable
  // (nobody there; nothing was judged), DeadlineExceeded, InvalidArgument (malformed call).
  virtual absl::StatusOr<std::vector<Verdict>> Verify(std::span<const VerifyItem> items,
                                                      absl::Duration deadline) = 0;
};

}  // namespace entrain
