#include <algorithm>

#include "verifier/math/term.h"

namespace entrain {

TermId Terms::FoldFunction(Function function, absl::Span<const TermId> arguments) {
  std::vector<const Rational*> values;
  for (const TermId argument : arguments) {
    const Rational* value = AsRational(argument);
    if (value == nullptr) return kNone;
    values.push_back(value);
  }
  if (values.empty()) return kNone;
  const Rational a = *values[0];
  const bool one = values.size() == 1, two = values.size() == 2;
  switch (function) {
    case Function::kAbs:
      return one ? Number(a.Sign() < 0 ? -a : a) : kNone;
    case Function::kFloor:
      return one ? Number(a.Floor()) : kNone;
    case Function::kCeil:
      return one ? Number(-((-a).Floor())) : kNone;
    case Function::kRe:
    case Function::kConjugate:
      return one ? arguments[0] : kNone;
    case Function::kIm:
      return one ? zero_ : kNone;
    case Function::kFactorial:
    case Function::kDoubleFactorial: {
      if (!one || !a.IsSmallInteger() || a.Sign() < 0) return kNone;
      const uint64_t n = static_cast<uint64_t>(a.SmallInteger());
      if (n >= kMaxFoldedBits) return kNone;
      const bool single = function == Function::kFactorial;
      // n! ≤ n^n
      const uint64_t bits = n * FLINT_BIT_COUNT(n) / (single ? 1 : 2);
      if (bits > kMaxFoldedBits) return kNone;
      Charge(4 * Work::OfProduct(bits, bits));
      Rational out(1);
      if (single) {
        fmpz_fac_ui(fmpq_numref(out.get()), n);
      } else {
        for (uint64_t k = n; k >= 2; k -= 2) {
          Charge(1 + static_cast<int64_t>(out.Bits() / 256));
          fmpz_mul_ui(fmpq_numref(out.get()), fmpq_numref(out.get()), k);
        }
      }
      return Number(out);
    }
    case Function::kBinomial: {
      if (!two || !a.IsSmallInteger() || !values[1]->IsSmallInteger()) return kNone;
      const int64_t n = a.SmallInteger();
      int64_t k = values[1]->SmallInteger();
      if (n < 0) return kNone;
      if (k < 0 || k > n) return zero_;
      k = std::min(k, n - k);
      // C(n, k) ≤ n^k
      if (static_cast<uint64_t>(k) > kMaxFoldedBits ||
          static_cast<uint64_t>(k) * FLINT_BIT_COUNT(static_cast<uint64_t>(n)) > kMaxFoldedBits)
        return kNone;
      const uint64_t bits = static_cast<uint64_t>(k) * FLINT_BIT_COUNT(static_cast<uint64_t>(n));
      Charge(8 * Work::OfProduct(bits, bits));
      Rational out(1);
      fmpz_bin_uiui(fmpq_numref(out.get()), static_cast<uint64_t>(n), static_cast<uint64_t>(k));
      return Number(out);
    }
    case Function::kGcd:
    case Function::kLcm: {
      Rational out(function == Function::kGcd ? 0 : 1);
      for (const Rational* value : values) {
        if (!value->IsInteger()) return kNone;
        Charge(Work::OfDivisor(out.Bits(), value->Bits()));
        if (work_->UsedUp()) return one_;
        if (function == Function::kGcd) {
          fmpz_gcd(fmpq_numref(out.get()), out.numerator(), value->numerator());
        } else {
          fmpz_lcm(fmpq_numref(out.get()), out.numerator(), value->numerator());
        }
      }
      return Number(out);
    }
    case Function::kMin:
    case Function::kMax: {
      const Rational* best = values[0];
      for (const Rational* value : values) {
        if (function == Function::kMin ? *value < *best : *best < *value) best = value;
      }
      const Rational copy = *best;
      return Number(copy);
    }
    case Function::kMod: {
      if (!two || values[1]->IsZero()) return kNone;
      const Rational b = *values[1];
      Charge(Work::OfDivisor(a.Bits(), b.Bits()));
      return Number(a - b * (a / b).Floor());
    }
    default:
      return kNone;
  }
}

}  // namespace entrain
