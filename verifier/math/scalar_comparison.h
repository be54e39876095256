#pragma once

#include <string>

#include "verifier/math/equivalence.h"
#include "verifier/math/term.h"

namespace entrain {

// A number, or an expression with symbols.
struct ScalarValue {
  TermId term = 0;
  int32_t decimals = -1;  // as a whole a number that was written with this many decimals; −1: it is not
};

// Decides whether two scalars are the same, cheapest first: the same normal form; exact rationals; rounding
// of decimals; the difference in normal form; the difference modulo primes; the difference in numbers of
// rising precision. Single-threaded.
class ScalarComparison {
 public:
  // Work is the given side's: the reference's own part was done when its terms were made.
  ScalarComparison(Terms& terms, const EquivalenceOptions& options, Work& work)
      : terms_(terms), options_(options), work_(work) {}

  // `detail` says what differs, or which limit was passed.
  Sameness Compare(const ScalarValue& given, const ScalarValue& reference, std::string& detail);

  // Is a = c · b for a number c? Its sign; 0: no, or it cannot be told.
  int SignOfRatio(TermId a, TermId b);

 private:
  Sameness CompareExactly(TermId given, TermId reference, std::string& detail);
  bool IsRounded(const ScalarValue& given, const ScalarValue& reference);
  bool IsWithinTolerance(TermId given, TermId reference);
  Sameness PastLimit(TermId given, TermId reference, std::string& detail);

  Terms& terms_;
  const EquivalenceOptions& options_;
  Work& work_;
};

}  // namespace entrain
