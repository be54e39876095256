#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace entrain {

// Limits of compiling and matching, in work: the same on every machine.
inline constexpr size_t kMaxPatternBytes = 64 << 10;
inline constexpr size_t kMaxSubjectBytes = 128 << 10;
// Pattern items tried and 64-byte blocks passed, over whole searches.
inline constexpr int64_t kMaxMatchWork = 2'000'000;

// What is left to spend on matching; one budget may serve many matches.
struct MatchBudget {
  int64_t left = kMaxMatchWork;
};

// A regular expression of PCRE2 whose matching is bounded. Interpreted, not compiled to machine code, so that
// work counts the same everywhere. Immutable; thread-safe.
class Pattern {
 public:
  struct Options {
    bool ignore_case = false;
    // As JavaScript has it: \u0041 is a character, $ is the very end, \1 of an unset group matches nothing.
    bool ecmascript = false;
  };
  // InvalidArgument: "expected a regular expression: …, at byte N", or too long a pattern.
  static absl::StatusOr<Pattern> Compile(absl::string_view pattern, Options options);

  enum class Outcome { kMatch, kNoMatch, kLimit, kNotUtf8, kError };
  struct Match {
    Outcome outcome = Outcome::kError;
    std::string text;    // kMatch: the part that matched
    std::string detail;  // kLimit, kError: which, why
  };
  // From end to end, or anywhere with `search`. At most kMaxSubjectBytes of text, else kLimit.
  Match Run(absl::string_view text, bool search, MatchBudget& budget) const;

 private:
  struct FreeCode {
    void operator()(void* code) const;
  };
  explicit Pattern(void* code) : code_(code) {}

  std::unique_ptr<void, FreeCode> code_;  // a pcre2_code; its header stays in pattern.cc
};

}  // namespace entrain
