#pragma once

#include <cstdint>
#include <vector>

#include "verifier/math/rational.h"

namespace entrain {

struct PrimeFactor {
  Rational factor;  // a prime, or a number that trial division does not split
  uint64_t times = 1;
};

// n ≥ 1 as a product; the empty product is 1. Only primes below 1,000 are split off, and a whole power from
// what is left, so that a large number costs little; a number below 10^6 is split completely.
std::vector<PrimeFactor> PrimeFactors(const fmpz* n);

}  // namespace entrain
