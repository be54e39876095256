#include "verifier/math/prime_factors.h"

#include <flint/ulong_extras.h>

#include <array>

namespace entrain {
namespace {

constexpr uint32_t kTrialBound =
    1000;  // primes below it are split off; what is left below its square is prime

constexpr auto kSmallPrimes = [] {
  std::array<uint16_t, 168> primes{};
  size_t found = 0;
  for (uint32_t n = 2; n < kTrialBound; ++n) {
    bool prime = true;
    for (size_t i = 0; i < found && primes[i] * primes[i] <= n; ++i) prime = prime && n % primes[i] != 0;
    if (prime) primes[found++] = static_cast<uint16_t>(n);
  }
  return primes;
}();

}  // namespace

std::vector<PrimeFactor> PrimeFactors(const fmpz* n) {
  std::vector<PrimeFactor> out;
  if (fmpz_abs_fits_ui(n)) {
    uint64_t rest = fmpz_get_ui(n);
    for (const uint16_t prime : kSmallPrimes) {
      if (static_cast<uint64_t>(prime) * prime > rest) break;
      uint64_t times = 0;
      for (; rest % prime == 0; rest /= prime) ++times;
      if (times > 0) out.push_back({Rational(prime), times});
    }
    if (rest == 1) return out;
    uint64_t times = 1;
    if (rest > static_cast<uint64_t>(kTrialBound) * kTrialBound) {
      ulong root = 0;
      if (const int power = n_is_perfect_power(&root, rest); power > 1) {
        times = static_cast<uint64_t>(power);
        rest = root;
      }
    }
    fmpz_t value;
    fmpz_init_set_ui(value, rest);
    out.push_back({Rational::Of(value), times});
    fmpz_clear(value);
    return out;
  }
  fmpz_t rest, prime_value, root;
  fmpz_init_set(rest, n);
  fmpz_init(prime_value);
  fmpz_init(root);
  for (const uint16_t prime : kSmallPrimes) {
    if (!fmpz_divisible_si(rest, prime)) continue;
    fmpz_set_ui(prime_value, prime);
    const slong times = fmpz_remove(rest, rest, prime_value);
    out.push_back({Rational(prime), static_cast<uint64_t>(times)});
  }
  if (!fmpz_is_one(rest)) {
    uint64_t times = 1;
    if (fmpz_bits(rest) <= 1024) {
      if (const int power = fmpz_is_perfect_power(root, rest); power > 1) {
        times = static_cast<uint64_t>(power);
        fmpz_set(rest, root);
      }
    }
    out.push_back({Rational::Of(rest), times});
  }
  fmpz_clear(rest);
  fmpz_clear(prime_value);
  fmpz_clear(root);
  return out;
}

}  // namespace entrain
