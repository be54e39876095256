#include "verifier/math/modular.h"

#include <flint/nmod_vec.h>
#include <flint/ulong_extras.h>

#include <algorithm>

#include "common/rng.h"

namespace entrain {
namespace {

// The 64 largest primes p < 2^61 with p mod 4 = 1, as 2^61 − p. (Listed by a Miller-Rabin test with the
// twelve smallest prime bases, which is a proof below 2^64.)
constexpr uint16_t kPrimeOffsets[] = {
    31,   259,  283,  339,  391,  403,  531,  579,  675,  759,  799,  819,  843,  859,  939,  1015,
    1195, 1215, 1299, 1351, 1371, 1543, 1855, 1863, 1923, 1959, 2023, 2083, 2115, 2371, 2383, 2539,
    2551, 2595, 2695, 2911, 2919, 3015, 3079, 3139, 3151, 3183, 3295, 3331, 3363, 3799, 3835, 3895,
    3931, 4003, 4015, 4075, 4119, 4219, 4243, 4351, 4359, 4431, 4443, 4459, 4575, 4599, 4659, 4723};

uint64_t Scramble(uint64_t a, uint64_t b) {
  const unsigned __int128 product =
      static_cast<unsigned __int128>(a ^ 0xA0761D6478BD642Fu) * (b ^ 0xE7037ED1A0B428DBu);
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

uint64_t SquareRootOfMinusOne(uint64_t prime, uint64_t inverse) {
  // g^((p−1)/4) for the first g that is no square.
  for (uint64_t g = 2;; ++g) {
    const uint64_t root = n_powmod2_ui_preinv(g, (prime - 1) / 4, prime, inverse);
    if (n_mulmod2_preinv(root, root, prime, inverse) == prime - 1) return root;
  }
}

}  // namespace

ModularPoint::ModularPoint(uint64_t seed, uint64_t attempt) : seed_(Scramble(seed, attempt + 1)) {
  // Primes of successive attempts are different.
  prime_ = (uint64_t{1} << 61) - kPrimeOffsets[(seed % 64 + attempt * 17) % 64];
}

uint64_t ModularPoint::Multiply(uint64_t a, uint64_t b) const {
  return static_cast<uint64_t>(static_cast<unsigned __int128>(a) * b % prime_);
}

std::vector<uint64_t> ModularPoint::Evaluate(const Terms& terms, const Subterms& subterms, Work& work) {
  const uint64_t inverse = n_preinvert_limb(prime_);
  const auto multiply = [&](uint64_t a, uint64_t b) { return n_mulmod2_preinv(a, b, prime_, inverse); };
  const Rng rng({.seed = seed_, .purpose = RngPurpose::kPoint});
  std::vector<uint64_t> values(subterms.size());
  constexpr uint32_t kNone = ~uint32_t{0};
  uint32_t infinity = kNone;
  for (size_t i = 0; i < subterms.size(); ++i) {
    const TermId id = subterms.ids[i];
    const Term& term = terms[id];
    if (!work.Charge(2 + term.count)) return {};
    const absl::Span<const uint32_t> operands = subterms.Operands(i);
    uint64_t value = 0;
    // Nothing is computed with infinity; it may stand in things that are not understood.
    if (infinity != kNone && term.kind != TermKind::kOpaque &&
        std::find(operands.begin(), operands.end(), infinity) != operands.end())
      return {};
    switch (term.kind) {
      case TermKind::kRational: {
        const Rational& number = *terms.AsRational(id);
        work.Charge(static_cast<int64_t>(number.Bits() / 512));
        value = fmpz_fdiv_ui(number.numerator(), prime_);
        if (!number.IsInteger()) {
          const uint64_t below = fmpz_fdiv_ui(number.denominator(), prime_);
          if (below == 0) return {};
          value = multiply(value, n_invmod(below, prime_));
        }
        break;
      }
      case TermKind::kSymbol:
        value = rng.Below(prime_, term.payload);
        break;
      case TermKind::kSum:
        for (const uint32_t operand : operands) value = n_addmod(value, values[operand], prime_);
        break;
      case TermKind::kProduct:
        value = 1;
        for (const uint32_t operand : operands) value = multiply(value, values[operand]);
        break;
      case TermKind::kPower: {
        const uint64_t base = values[operands[0]];
        const Rational* exponent = terms.AsRational(subterms.ids[operands[1]]);
        if (exponent != nullptr && exponent->IsInteger()) {
          work.Charge(20);
          const uint64_t times = fmpz_fdiv_ui(exponent->numerator(), prime_ - 1);  // Fermat
          if (base == 0 && exponent->Sign() < 0) return {};
          value = base == 0 ? 0 : n_powmod2_ui_preinv(base, times, prime_, inverse);
          break;
        }
        value = Scramble(Scramble(base, values[operands[1]]), seed_) % prime_;
        break;
      }
      case TermKind::kConstant:
        if (term.payload == static_cast<uint32_t>(Constant::kInfinity)) infinity = static_cast<uint32_t>(i);
        if (term.payload == static_cast<uint32_t>(Constant::kI)) {
          work.Charge(100);
          if (imaginary_ == 0) imaginary_ = SquareRootOfMinusOne(prime_, inverse);
          value = imaginary_;
          break;
        }
        [[fallthrough]];
      case TermKind::kLog:
      case TermKind::kFunction:
      case TermKind::kOpaque:
        value = Scramble(seed_, (static_cast<uint64_t>(term.kind) << 32) + term.payload);
        for (const uint32_t operand : operands) value = Scramble(value, values[operand]);
        value %= prime_;
        break;
    }
    values[i] = value;
  }
  return values;
}

Certainty IsZeroModulo(const Terms& terms, TermId term, Work& work) {
  constexpr int kEnough = 2, kAttempts = 6;
  const Subterms subterms = terms.Below({term});
  int zeros = 0;
  for (int attempt = 0; attempt < kAttempts && zeros < kEnough; ++attempt) {
    ModularPoint point(terms[term].hash, static_cast<uint64_t>(attempt));
    const std::vector<uint64_t> values = point.Evaluate(terms, subterms, work);
    if (values.empty()) continue;
    if (values[subterms.roots[0]] != 0)
      return terms.Has(term, kNotRationalFunction) ? Certainty::kUnknown : Certainty::kNo;
    ++zeros;
  }
  return zeros == kEnough ? Certainty::kYes : Certainty::kUnknown;
}

Certainty IsProportionalModulo(const Terms& terms, TermId a, TermId b, Work& work) {
  constexpr int kEnough = 2, kAttempts = 6;
  const Subterms subterms = terms.Below({a, b});
  int same = 0;
  for (int attempt = 0; attempt < kAttempts && same < kEnough; ++attempt) {
    // Two points with one prime.
    const uint64_t seed = terms[a].hash ^ terms[b].hash * 3;
    ModularPoint first(seed, static_cast<uint64_t>(attempt)),
        second(seed, static_cast<uint64_t>(attempt) + 64);
    const std::vector<uint64_t> x = first.Evaluate(terms, subterms, work);
    const std::vector<uint64_t> y = second.Evaluate(terms, subterms, work);
    if (x.empty() || y.empty()) continue;
    const uint32_t at_a = subterms.roots[0], at_b = subterms.roots[1];
    if (x[at_a] == 0 || x[at_b] == 0 || y[at_a] == 0 || y[at_b] == 0) continue;
    if (first.Multiply(x[at_a], y[at_b]) != first.Multiply(x[at_b], y[at_a])) {
      const bool unknown = terms.Has(a, kNotRationalFunction) || terms.Has(b, kNotRationalFunction);
      return unknown ? Certainty::kUnknown : Certainty::kNo;
    }
    ++same;
  }
  return same == kEnough ? Certainty::kYes : Certainty::kUnknown;
}

}  // namespace entrain
