#pragma once

#include <optional>

#include "verifier/math/rational.h"
#include "verifier/math/term.h"

namespace entrain {

// Values of terms as balls (a midpoint and a radius that bounds every error, Johansson, "Arb: efficient
// arbitrary-precision midpoint-radius interval arithmetic", IEEE TC 66(8), 2017). A ball that does not hold
// zero proves that a term is not zero. One that still holds zero when its radius is below 2^-64 and the
// precision is twice the size of the numbers in the term, 192 to 4,096 bits, is taken for a proof that it is:
// no answer that anybody writes comes that near without being equal.

enum class Nullity : uint8_t {
  kZero,
  kNotZero,
  kTooLarge,   // a number with more than 2^60 binary digits before the point: cannot be computed
  kUndecided,  // precision or points were used up, or something has no value
  kUndefined,  // a has no value anywhere that was tried (1/0)
};

// Is a = b? `difference` is a − b in normal form. Symbols stand for real numbers. Compared at up to three
// random points of those where everything in a and b is real and defined, the first of them positive in all
// symbols, the second negative; without such points, at complex values with principal branches. |x| says that
// negative x are meant: where only one of a and b holds an absolute value, a point at which only one is real
// tells them apart (ln|x| is not ln x, but ln(x^2) is 2 ln x).
Nullity IsZero(const Terms& terms, TermId difference, TermId a, TermId b, Work& work);

// Is a = c · b with a real c ≠ 0, at the same points? The sign of c, 0: no or undecided.
int SignOfRatio(const Terms& terms, TermId a, TermId b, Work& work);

// The sign of a term without symbols; nullopt: not real, undecided or without value.
std::optional<int> SignOf(const Terms& terms, TermId term, Work& work);

// Has the term a value that can be said, at some point?
bool IsComputable(const Terms& terms, TermId term, Work& work);

// The integer next to term · scale (halves go up) of a real term without symbols; nullopt as above.
std::optional<Rational> RoundedMultiple(const Terms& terms, TermId term, const Rational& scale, Work& work);

}  // namespace entrain
