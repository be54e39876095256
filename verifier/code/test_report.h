#pragma once

#include <optional>
#include <string>

#include "common/verdict.h"

namespace entrain {

// How a program did in its tests.
struct TestReport {
  // The first test that it did not pass: kWrong, kLimit, or kUnparsable (no program). Or our own failure,
  // kTimeout or kError, which ends the judging whatever came before.
  struct Failure {
    VerdictKind kind = VerdictKind::kWrong;
    std::string detail;
  };

  size_t passed = 0;
  std::optional<Failure> failure;
  bool timed = false;  // some test ended by a limit of time

  void Fail(VerdictKind kind, std::string detail, bool by_time = false) {
    timed = timed || by_time;
    if (!failure.has_value() || IsOurFailure(kind)) failure = Failure{kind, std::move(detail)};
  }
  bool ours() const { return failure.has_value() && IsOurFailure(failure->kind); }
};

}  // namespace entrain
