#pragma once

#include <gmpxx.h>

#include <cstdint>
#include <string>

#include "verifier/math/formula.h"

namespace entrain {

// What a percent sign is worth: 50 % is 1/2 and also 50 (the sign left away), or only one of them.
enum class PercentRule : uint8_t { kEither, kFraction, kNumber };

// How strictly two answers are compared. The defaults agree with Math-Verify 0.9 (float_rounding 6, strict).
struct EquivalenceOptions {
  // A number that was written with a decimal point is the same as another number when both, rounded to this
  // many decimals, are equal (numbers below 0.001: to this many significant digits). −1: only the exact
  // value.
  int32_t decimals = 6;
  // A reference that was written with a decimal point: the given answer rounded to as many decimals is
  // enough.
  bool round_to_reference = false;
  // Numbers may differ by this much: |given − reference| ≤ max(absolute, relative · |reference|), computed
  // exactly. 0: they may not.
  mpq_class absolute_tolerance = 0;
  mpq_class relative_tolerance = 0;
  PercentRule percent = PercentRule::kEither;
  bool ordered_lists = false;       // "1, 2" is not "2, 1"; tuples and vectors always have an order
  bool units = false;               // 3 cm is not 3; off: units do not count
  bool inequality_for_set = false;  // 1 < x < 2 will do where the reference is the interval (1, 2)
  bool symbol_names = true;         // x + 1 is not y + 1; off: symbols are matched in order of appearance
};

enum class Sameness : uint8_t { kSame, kDifferent, kGivenPastLimit, kReferencePastLimit };

struct Comparison {
  Sameness sameness = Sameness::kDifferent;
  std::string detail;  // for people: what differs, or which limit was passed; empty for kSame
};

// Is `given` the same answer as `reference`? A pure function, the same on every machine; thread-safe. Bounded
// by work: whatever the formulas are, a call takes a few milliseconds at most. Not symmetric: the reference
// says what kind of answer is wanted (docs/verifier.md, "When are two answers the same").
Comparison Compare(const Formula& given, const Formula& reference, const EquivalenceOptions& options = {});

}  // namespace entrain
