#pragma once

#include <cstdint>
#include <vector>

#include "verifier/math/term.h"

namespace entrain {

// The values of terms modulo a prime below 2^61 that leaves 1 when divided by 4 (so that there is a square
// root of −1 for i), with random numbers for the symbols. What is no rational function (roots, sines, f(x))
// has a random value that depends on the values of its operands: equal operands, equal values. Point and
// prime are a function of `seed`; take it from what is compared, and nobody can write an answer for a known
// prime.
class ModularPoint {
 public:
  // `attempt` 0, 1, … are independent.
  ModularPoint(uint64_t seed, uint64_t attempt);

  // The value of each subterm; empty when a division by zero makes the point useless, or the work is used up.
  std::vector<uint64_t> Evaluate(const Terms& terms, const Subterms& subterms, Work& work);

  uint64_t prime() const { return prime_; }
  uint64_t Multiply(uint64_t a, uint64_t b) const;

 private:
  uint64_t prime_ = 0, imaginary_ = 0, seed_ = 0;
};

// Is the term zero for all values of its symbols? kYes is wrong with probability below 2^-80 for terms of the
// allowed size: a polynomial of degree d over a field of size p that is not zero vanishes at a random point
// with probability at most d/p (Schwartz 1980, DOI 10.1145/322217.322225, corollary 1), here d < 2^20 and two
// primes p > 2^60; operations that are not understood only make kUnknown out of kYes.
enum class Certainty : uint8_t { kNo, kYes, kUnknown };
Certainty IsZeroModulo(const Terms& terms, TermId term, Work& work);

// Is a = c · b with one number c that is not 0? Certain as above; kUnknown also where a or b vanishes.
Certainty IsProportionalModulo(const Terms& terms, TermId a, TermId b, Work& work);

}  // namespace entrain
