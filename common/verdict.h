#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace entrain {

// How judging one completion ended. kTimeout and kError are *our* failures: they carry no score, are retried,
// then excluded, and never become a reward.
enum class VerdictKind { kCorrect, kWrong, kUnparsable, kLimit, kTimeout, kError };

// "correct", "wrong", "unparsable", "limit", "timeout", "error".
absl::string_view VerdictKindName(VerdictKind kind);
std::optional<VerdictKind> VerdictKindFromName(absl::string_view name);

inline bool IsOurFailure(VerdictKind kind) {
  return kind == VerdictKind::kTimeout || kind == VerdictKind::kError;
}

// Score: 1 for correct, [0, 1) for wrong (partial credit), 0 for unparsable and limit, none for timeout and
// error.
struct Verdict {
  VerdictKind kind = VerdictKind::kError;
  std::optional<double> score;
  std::string extracted;  // what was read as the answer
  std::string detail;     // why; names the limit that was passed
  double seconds = 0;     // time spent judging; informative only
  // A limit of time had a part in it: judged again, on another machine, it may be another one. It is not
  // kept.
  bool timed = false;
};

}  // namespace entrain
