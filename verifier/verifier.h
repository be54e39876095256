#pragma once

#include <span>
#include <stop_token>
#include <string>
#include <utility>
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
  absl::Duration timeout = absl::InfiniteDuration();  // for this item, from the arrival of its batch
};

// What the caller of a batch grants: time for all of it, and a way to call it off.
struct VerifyCall {
  VerifyCall(absl::Duration time, std::stop_token caller_left = {})  // NOLINT: a duration is a whole call
      : deadline(time), stop(std::move(caller_left)) {}

  absl::Duration deadline;  // from the arrival of the batch
  // Nobody waits for the answer any longer: judging ends, also in the middle of an item.
  std::stop_token stop;
};

// Judges completions. The answer depends on the item alone (pure), so asking again is always safe.
// Thread-safe.
class Verifier {
 public:
  virtual ~Verifier() = default;

  // One verdict per item, in order. An item that cannot be judged in time is kTimeout, a bad reference or an
  // unknown verifier kError: those are answers. A status is an answer about the whole call: Unavailable
  // (nobody there; nothing was judged), DeadlineExceeded, Cancelled (call.stop), InvalidArgument (malformed
  // call).
  virtual absl::StatusOr<std::vector<Verdict>> Verify(std::span<const VerifyItem> items,
                                                      const VerifyCall& call) = 0;
};

}  // namespace entrain
