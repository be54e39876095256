#include "verifier/math/numeric.h"

#include <acb.h>
#include <acb_hypgeom.h>
#include <flint/flint.h>

#include <algorithm>
#include <vector>

#include "common/rng.h"
#include "verifier/math/modular.h"

namespace entrain {
namespace {

constexpr slong kFirstPrecision = 64, kPrecision = 192, kMaxPrecision = 4096;
constexpr slong kMaxExponentBits = 60;
constexpr uint64_t kPointSeed = 0;

// FLINT and Arb keep constants and free numbers for each thread; they go with it.
struct ThreadCaches {
  ~ThreadCaches() { flint_cleanup(); }
};

struct Value {
  acb_struct ball;
  bool real = true;     // it and everything in it is real
  bool opaque = false;  // stands for something that is not computed
  bool too_large = false;
};

// Does the point's value of each term; owns the balls.
class Evaluator {
 public:
  Evaluator(const Terms& terms, absl::Span<const TermId> roots, Work& work)
      : terms_(terms), work_(work), subterms_(terms.Below(roots)), values_(subterms_.size()) {
    thread_local ThreadCaches caches;
    uint64_t largest_exponent = 0;
    for (size_t i = 0; i < values_.size(); ++i) {
      acb_init(&values_[i].ball);
      const Term& term = terms[subterms_.ids[i]];
      if (term.kind == TermKind::kRational) CountBits(*terms.AsRational(subterms_.ids[i]));
      if (term.kind == TermKind::kPower) largest_exponent = std::max(largest_exponent, ExponentBits(i));
      opaque_ = opaque_ || term.kind == TermKind::kOpaque || IsArithmetic(term);
    }
    bits_ += largest_exponent;
  }
  Evaluator(const Evaluator&) = delete;
  Evaluator& operator=(const Evaluator&) = delete;
  ~Evaluator() {
    for (Value& value : values_) acb_clear(&value.ball);
  }

  // How many bits a difference may be away from the terms that it is made of: the sizes of the rationals, and
  // of the largest power.
  uint64_t bits() const { return bits_; }

  // False: the work is used up.
  bool Evaluate(uint64_t point, slong precision) {
    if (opaque_ && modular_point_ != point) {
      // Things without a value have a random one, the same for operands that are the same.
      ModularPoint modular(kPointSeed, point);
      modular_values_ = modular.Evaluate(terms_, subterms_, work_);
      modular_point_ = point;
    }
    const Rng rng({.seed = kPointSeed, .purpose = RngPurpose::kPoint, .step = 1, .ordinal = point});
    for (size_t i = 0; i < values_.size(); ++i) {
      if (!work_.Charge(Cost(terms_[subterms_.ids[i]], precision))) return false;
      Compute(i, point, rng, precision);
    }
    return true;
  }

  // Of the k-th root.
  const Value& Root(size_t k) const { return values_[subterms_.roots[k]]; }

 private:
  // c and −c count once: a difference has both where the two sides have c.
  void CountBits(const Rational& value) {
    constexpr uint64_t kLarge = 64;
    if (value.Bits() > kLarge) {
      constexpr size_t kMaxRemembered = 16;
      const Rational negative = -value;
      const bool known = std::any_of(large_.begin(), large_.end(),
                                     [&](const Rational* other) { return *other == negative; });
      if (known) return;
      if (large_.size() < kMaxRemembered) large_.push_back(&value);
    }
    bits_ += value.Bits();
  }

  uint64_t ExponentBits(size_t i) const {
    const absl::Span<const uint32_t> operands = subterms_.Operands(i);
    const Rational* exponent = terms_.AsRational(subterms_.ids[operands[1]]);
    if (exponent == nullptr) return 0;
    const Rational size = (exponent->Sign() < 0 ? -*exponent : *exponent).Floor();
    if (!size.IsSmallInteger() || fmpz_bits(size.numerator()) > 40) return uint64_t{1} << 40;
    const Rational* base = terms_.AsRational(subterms_.ids[operands[0]]);
    return static_cast<uint64_t>(size.SmallInteger()) * (base == nullptr ? 2 : base->Bits());
  }

  static bool IsArithmetic(const Term& term) {
    if (term.kind != TermKind::kFunction) return false;
    switch (static_cast<Function>(term.payload)) {
      case Function::kGcd:
      case Function::kLcm:
      case Function::kDoubleFactorial:
        return true;
      default:
        return term.count != 1;
    }
  }

  static int64_t Cost(const Term& term, slong precision) {
    const int64_t words = precision / 64;
    switch (term.kind) {
      case TermKind::kRational:
      case TermKind::kSymbol:
        return 3 + words / 4;
      case TermKind::kSum:
      case TermKind::kProduct:
        return term.count * (4 + words * words / 32);
      case TermKind::kFunction:
        return static_cast<Function>(term.payload) == Function::kFactorial ||
                       static_cast<Function>(term.payload) == Function::kBinomial
                   ? 300 + 50 * words * words
                   : 60 + 20 * words + 2 * words * words;
      default:
        return 50 + 20 * words + 2 * words * words;
    }
  }

  // Is the size below 2^bits?
  static bool FitsExponent(const acb_struct& ball, slong bits = kMaxExponentBits) {
    mag_t size;
    mag_init(size);
    acb_get_mag(size, &ball);
    const bool fits = mag_cmp_2exp_si(size, bits) < 0;
    mag_clear(size);
    return fits;
  }

  void SetSymbol(const Term& term, uint64_t point, const Rng& rng, acb_struct& out) {
    // All positive, all negative, then mixed signs; sizes that lie in most domains.
    constexpr double kScales[] = {1, 1, 0.25, 8, 1000, 0.5, 50, 4, 1e6, 20, 0.1, 300, 1e5, 3, 1e8, 2};
    const uint64_t draw = rng.Bits(uint64_t{2} * term.payload);
    const bool negative = point == 1 || (point > 1 && (draw & 1) != 0);
    const double size = (0.5 + rng.Uniform(uint64_t{2} * term.payload + 1)) * kScales[point % 16];
    acb_set_d(&out, negative ? -size : size);
  }

  void Compute(size_t i, uint64_t point, const Rng& rng, slong precision) {
    const TermId id = subterms_.ids[i];
    const Term& term = terms_[id];
    const absl::Span<const uint32_t> operands = subterms_.Operands(i);
    Value& value = values_[i];
    acb_struct& out = value.ball;
    value.real = true;
    value.too_large = false;
    for (const uint32_t operand : operands) {
      value.real = value.real && values_[operand].real;
      value.too_large = value.too_large || values_[operand].too_large;
    }
    switch (term.kind) {
      case TermKind::kRational:
        arb_set_fmpq(acb_realref(&out), terms_.AsRational(id)->get(), precision);
        arb_zero(acb_imagref(&out));
        break;
      case TermKind::kConstant:
        SetConstant(static_cast<Constant>(term.payload), out, precision);
        break;
      case TermKind::kSymbol:
        SetSymbol(term, point, rng, out);
        break;
      case TermKind::kSum:
        acb_set(&out, &values_[operands[0]].ball);
        for (const uint32_t operand : operands.subspan(1))
          acb_add(&out, &out, &values_[operand].ball, precision);
        break;
      case TermKind::kProduct:
        acb_set(&out, &values_[operands[0]].ball);
        for (const uint32_t operand : operands.subspan(1))
          acb_mul(&out, &out, &values_[operand].ball, precision);
        break;
      case TermKind::kPower:
        SetPower(operands[0], operands[1], value, precision);
        break;
      case TermKind::kLog:
        acb_log(&out, &values_[operands[0]].ball, precision);
        break;
      case TermKind::kFunction:
        SetFunction(static_cast<Function>(term.payload), i, operands, value, precision);
        break;
      case TermKind::kOpaque:
        SetOpaque(i, out);
        break;
    }
    if (value.too_large) acb_indeterminate(&out);
    value.real = value.real && acb_is_real(&out) && acb_is_finite(&out);
  }

  static void SetConstant(Constant constant, acb_struct& out, slong precision) {
    switch (constant) {
      case Constant::kPi:
        acb_const_pi(&out, precision);
        break;
      case Constant::kE:
        arb_const_e(acb_realref(&out), precision);
        arb_zero(acb_imagref(&out));
        break;
      case Constant::kI:
        acb_onei(&out);
        break;
      default:
        acb_indeterminate(&out);
        break;
    }
  }

  void SetOpaque(size_t i, acb_struct& out) {
    if (modular_values_.empty()) return acb_indeterminate(&out);
    acb_set_d(&out, static_cast<double>(modular_values_[i] >> 9) * 0x1p-52 + 0.25);
  }

  void SetPower(uint32_t base_at, uint32_t exponent_at, Value& value, slong precision) {
    acb_struct& out = value.ball;
    const acb_struct& base = values_[base_at].ball;
    const acb_struct& exponent = values_[exponent_at].ball;
    const Rational* e = terms_.AsRational(subterms_.ids[exponent_at]);
    if (e != nullptr && e->IsInteger() && fmpz_bits(e->numerator()) <= 20) {
      acb_pow_si(&out, &base, e->SmallInteger(), precision);
      return;
    }
    if (e != nullptr && !e->IsInteger() && acb_is_real(&base)) {
      const fmpz* below = e->denominator();
      const bool negative = arb_is_negative(acb_realref(&base)) != 0;
      if (fmpz_cmp_ui(below, 64) <= 0 && fmpz_bits(e->numerator()) <= 20) {
        const ulong degree = fmpz_get_ui(below);
        if (!negative && arb_is_nonnegative(acb_realref(&base))) {
          arb_root_ui(acb_realref(&out), acb_realref(&base), degree, precision);
          arb_zero(acb_imagref(&out));
          acb_pow_si(&out, &out, fmpz_get_si(e->numerator()), precision);
          return;
        }
        if (negative && degree % 2 == 1) {  // the real root
          arb_neg(acb_realref(&out), acb_realref(&base));
          arb_root_ui(acb_realref(&out), acb_realref(&out), degree, precision);
          arb_neg(acb_realref(&out), acb_realref(&out));
          arb_zero(acb_imagref(&out));
          acb_pow_si(&out, &out, fmpz_get_si(e->numerator()), precision);
          return;
        }
      }
    }
    // base ^ exponent = 2 ^ (exponent · log2 base): its size must be sayable.
    if (!IsSayable(base, exponent)) {
      value.too_large = true;
      return;
    }
    if (terms_.IsConstant(subterms_.ids[base_at], Constant::kE)) {
      acb_exp(&out, &exponent, precision);
    } else if (e != nullptr && e->IsInteger()) {
      acb_pow_fmpz(&out, &base, e->numerator(), precision);
    } else {
      acb_pow(&out, &base, &exponent, precision);
    }
  }

  static bool IsSayable(const acb_struct& base, const acb_struct& exponent) {
    if (!acb_is_finite(&base) || !acb_is_finite(&exponent)) return true;
    // |log2 |base|| is about its binary exponent.
    acb_t product, log;
    acb_init(product);
    acb_init(log);
    acb_log(log, &base, 30);
    if (acb_is_finite(log)) {
      acb_mul(product, log, &exponent, 30);
    } else {
      acb_set(product, &exponent);
    }
    const bool sayable = FitsExponent(*product);
    acb_clear(product);
    acb_clear(log);
    return sayable;
  }

  void SetFunction(Function function, size_t i, absl::Span<const uint32_t> operands, Value& value,
                   slong precision) {
    acb_struct& out = value.ball;
    const acb_struct& a = values_[operands.empty() ? i : operands[0]].ball;
    const size_t count = operands.size();
    if (function == Function::kMin || function == Function::kMax)
      return SetExtreme(function, operands, value, precision);
    if (count == 2 && function == Function::kMod) return SetMod(operands, value, precision);
    if (count == 2 && function == Function::kBinomial) return SetBinomial(operands, value, precision);
    if (count != 1) return SetOpaque(i, out);
    const auto real_only = [&](auto&& compute) {
      if (acb_is_real(&a)) {
        compute(acb_realref(&out), acb_realref(&a));
        arb_zero(acb_imagref(&out));
      } else {
        acb_indeterminate(&out);
      }
    };
    // Reducing a larger angle needs more digits of pi than there are in a precision.
    if (function <= Function::kCsc && acb_is_finite(&a) && !FitsExponent(a, kMaxPrecision)) {
      value.too_large = true;
      return;
    }
    switch (function) {
      case Function::kSin:
        return acb_sin(&out, &a, precision);
      case Function::kCos:
        return acb_cos(&out, &a, precision);
      case Function::kTan:
        return acb_tan(&out, &a, precision);
      case Function::kCot:
        return acb_cot(&out, &a, precision);
      case Function::kSec:
        return acb_sec(&out, &a, precision);
      case Function::kCsc:
        return acb_csc(&out, &a, precision);
      case Function::kArcsin:
        return acb_asin(&out, &a, precision);
      case Function::kArccos:
        return acb_acos(&out, &a, precision);
      case Function::kArctan:
        return acb_atan(&out, &a, precision);
      case Function::kSinh:
      case Function::kCosh:
      case Function::kTanh:
        if (acb_is_finite(&a) && !FitsExponent(a)) {
          value.too_large = true;
          return;
        }
        if (function == Function::kSinh) return acb_sinh(&out, &a, precision);
        if (function == Function::kCosh) return acb_cosh(&out, &a, precision);
        return acb_tanh(&out, &a, precision);
      case Function::kExp:
      case Function::kLn:
        return SetOpaque(i, out);  // the normal form has none
      case Function::kAbs:
        acb_abs(acb_realref(&out), &a, precision);
        arb_zero(acb_imagref(&out));
        return;
      case Function::kFloor:
        return real_only([&](arb_t to, const arb_t from) { arb_floor(to, from, precision); });
      case Function::kCeil:
        return real_only([&](arb_t to, const arb_t from) { arb_ceil(to, from, precision); });
      case Function::kFactorial:
        return SetFactorial(a, value, precision);
      case Function::kRe:
        arb_set(acb_realref(&out), acb_realref(&a));
        arb_zero(acb_imagref(&out));
        return;
      case Function::kIm:
        arb_set(acb_realref(&out), acb_imagref(&a));
        arb_zero(acb_imagref(&out));
        return;
      case Function::kConjugate:
        return acb_conj(&out, &a);
      default:
        return SetOpaque(i, out);
    }
  }

  void SetFactorial(const acb_struct& a, Value& value, slong precision) {
    // ln n! < n ln n: below 2^60 as long as n < 2^54.
    mag_t size;
    mag_init(size);
    acb_get_mag(size, &a);
    const bool sayable = mag_cmp_2exp_si(size, kMaxExponentBits - 6) < 0;
    mag_clear(size);
    if (!sayable) {
      value.too_large = true;
      return;
    }
    acb_add_ui(&value.ball, &a, 1, precision);
    acb_gamma(&value.ball, &value.ball, precision);
  }

  void SetBinomial(absl::Span<const uint32_t> operands, Value& value, slong precision) {
    // n! / (k! (n − k)!)
    const acb_struct& n = values_[operands[0]].ball;
    const acb_struct& k = values_[operands[1]].ball;
    Value part;
    acb_init(&part.ball);
    acb_sub(&part.ball, &n, &k, precision);
    SetFactorial(part.ball, part, precision);
    acb_t below;
    acb_init(below);
    acb_set(below, &part.ball);
    SetFactorial(k, part, precision);
    acb_mul(below, below, &part.ball, precision);
    SetFactorial(n, part, precision);
    acb_div(&value.ball, &part.ball, below, precision);
    value.too_large = part.too_large;
    acb_clear(below);
    acb_clear(&part.ball);
  }

  void SetMod(absl::Span<const uint32_t> operands, Value& value, slong precision) {
    const acb_struct& a = values_[operands[0]].ball;
    const acb_struct& b = values_[operands[1]].ball;
    if (!acb_is_real(&a) || !acb_is_real(&b)) return acb_indeterminate(&value.ball);
    acb_div(&value.ball, &a, &b, precision);
    arb_floor(acb_realref(&value.ball), acb_realref(&value.ball), precision);
    acb_mul(&value.ball, &value.ball, &b, precision);
    acb_sub(&value.ball, &a, &value.ball, precision);
  }

  void SetExtreme(Function function, absl::Span<const uint32_t> operands, Value& value, slong precision) {
    acb_struct& out = value.ball;
    acb_set(&out, &values_[operands[0]].ball);
    for (const uint32_t operand : operands) {
      const acb_struct& other = values_[operand].ball;
      if (!acb_is_real(&out) || !acb_is_real(&other)) return acb_indeterminate(&out);
      if (function == Function::kMin) {
        arb_min(acb_realref(&out), acb_realref(&out), acb_realref(&other), precision);
      } else {
        arb_max(acb_realref(&out), acb_realref(&out), acb_realref(&other), precision);
      }
    }
  }

  const Terms& terms_;
  Work& work_;
  Subterms subterms_;
  std::vector<Value> values_;
  std::vector<uint64_t> modular_values_;
  std::vector<const Rational*> large_;  // of the terms, which nobody changes meanwhile
  uint64_t modular_point_ = ~uint64_t{0};
  uint64_t bits_ = 0;
  bool opaque_ = false;
};

slong FullPrecision(uint64_t bits) {
  return std::min<slong>(kMaxPrecision,
                         kPrecision + 2 * static_cast<slong>(std::min<uint64_t>(bits, 1u << 20)));
}

// Can a ball of that precision tell terms with so many bits apart?
bool IsPrecise(uint64_t bits) { return bits <= (kMaxPrecision - kPrecision) / 2; }

bool IsTiny(const acb_struct& ball) {
  mag_t radius;
  mag_init(radius);
  acb_get_mag(radius, &ball);
  const bool tiny = mag_cmp_2exp_si(radius, -64) < 0;
  mag_clear(radius);
  return tiny;
}

}  // namespace

Nullity IsZero(const Terms& terms, TermId difference, TermId a, TermId b, Work& work) {
  Evaluator evaluator(terms, {difference, a, b}, work);
  const Value& of_difference = evaluator.Root(0);
  const Value& of_a = evaluator.Root(1);
  const Value& of_b = evaluator.Root(2);
  const slong full = FullPrecision(evaluator.bits());
  const bool symbols = terms.Has(a, kHasSymbol) || terms.Has(b, kHasSymbol);
  const bool real_wanted = symbols && !terms.Has(a, kHasImaginary) && !terms.Has(b, kHasImaginary);
  const bool one_abs = terms.Has(a, kHasAbs) != terms.Has(b, kHasAbs);
  constexpr uint64_t kPoints = 24;
  const int enough = symbols ? 3 : 1;
  bool too_large = false, finite = false;
  // First only points where all is real, then any.
  for (const bool complex : {false, true}) {
    if (!complex && !real_wanted) continue;
    int zeros = 0;
    for (uint64_t point = 0; point < (symbols ? kPoints : 1) && zeros < enough; ++point) {
      bool usable = true;
      // Rising precision: most differences show early.
      for (const slong precision : {kFirstPrecision, kPrecision, full}) {
        if (zeros > 0 && precision != full) continue;
        if (!evaluator.Evaluate(point, precision)) return Nullity::kUndecided;
        too_large = too_large || of_a.too_large || of_b.too_large || of_difference.too_large;
        finite = finite || acb_is_finite(&of_difference.ball);
        if (!complex && one_abs && of_a.real != of_b.real && acb_is_finite(&of_a.ball) &&
            acb_is_finite(&of_b.ball))
          return Nullity::kNotZero;
        usable =
            complex ? acb_is_finite(&of_difference.ball) != 0 : of_a.real && of_b.real && of_difference.real;
        if (!usable) break;
        if (!acb_contains_zero(&of_difference.ball)) return Nullity::kNotZero;
      }
      if (!usable) continue;
      if (!IsTiny(of_difference.ball) || !IsPrecise(evaluator.bits())) return Nullity::kUndecided;
      ++zeros;
    }
    if (zeros > 0) return Nullity::kZero;
  }
  if (too_large) return Nullity::kTooLarge;
  return finite ? Nullity::kUndecided : Nullity::kUndefined;
}

int SignOfRatio(const Terms& terms, TermId a, TermId b, Work& work) {
  Evaluator evaluator(terms, {a, b}, work);
  const Value& of_a = evaluator.Root(0);
  const Value& of_b = evaluator.Root(1);
  const slong precision = FullPrecision(evaluator.bits());
  constexpr uint64_t kPoints = 16;
  constexpr int kEnough = 3;
  acb_t first, ratio;
  acb_init(first);
  acb_init(ratio);
  int found = 0, sign = 0;
  for (uint64_t point = 0; point < kPoints && found < kEnough; ++point) {
    if (!evaluator.Evaluate(point, precision)) break;
    if (!of_a.real || !of_b.real) continue;
    if (acb_contains_zero(&of_a.ball) || acb_contains_zero(&of_b.ball)) continue;
    acb_div(ratio, &of_a.ball, &of_b.ball, precision);
    if (found == 0) {
      acb_set(first, ratio);
      sign = arb_is_positive(acb_realref(ratio)) ? 1 : -1;
    } else {
      acb_sub(ratio, ratio, first, precision);
      if (!acb_contains_zero(ratio) || !IsTiny(*ratio)) {
        sign = 0;
        break;
      }
    }
    ++found;
  }
  acb_clear(first);
  acb_clear(ratio);
  return found == kEnough || (found > 0 && !terms.Has(a, kHasSymbol) && !terms.Has(b, kHasSymbol)) ? sign : 0;
}

std::optional<int> SignOf(const Terms& terms, TermId term, Work& work) {
  if (const Rational* value = terms.AsRational(term)) return value->Sign();
  if (terms.Has(term, kHasSymbol)) return std::nullopt;
  Evaluator evaluator(terms, {term}, work);
  const slong full = FullPrecision(evaluator.bits());
  for (const slong precision : {kFirstPrecision, full}) {
    if (!evaluator.Evaluate(0, precision)) return std::nullopt;
    const acb_struct& ball = evaluator.Root(0).ball;
    if (!acb_is_finite(&ball)) return std::nullopt;
    if (!acb_contains_zero(&ball)) {
      if (!arb_contains_zero(acb_imagref(&ball))) return std::nullopt;
      if (arb_is_positive(acb_realref(&ball))) return 1;
      if (arb_is_negative(acb_realref(&ball))) return -1;
    }
    if (precision == full && IsTiny(ball) && IsPrecise(evaluator.bits())) return 0;
  }
  return std::nullopt;
}

bool IsComputable(const Terms& terms, TermId term, Work& work) {
  Evaluator evaluator(terms, {term}, work);
  for (uint64_t point = 0; point < 4; ++point) {
    if (!evaluator.Evaluate(point, kFirstPrecision)) return false;
    if (!evaluator.Root(0).too_large) return true;
  }
  return false;
}

std::optional<Rational> RoundedMultiple(const Terms& terms, TermId term, const Rational& scale, Work& work) {
  const Rational half(1, 2);
  if (const Rational* value = terms.AsRational(term)) {
    work.Charge(Work::OfDivisor(value->Bits(), scale.Bits()));
    return (*value * scale + half).Floor();
  }
  if (terms.Has(term, kHasSymbol)) return std::nullopt;
  Evaluator evaluator(terms, {term}, work);
  const slong full = std::max<slong>(512, FullPrecision(evaluator.bits()));
  std::optional<Rational> out;
  fmpz_t integer;
  fmpz_init(integer);
  arb_t scaled, factor;
  arb_init(scaled);
  arb_init(factor);
  for (const slong precision : {slong{128}, full}) {
    if (!evaluator.Evaluate(0, precision)) break;
    const acb_struct& ball = evaluator.Root(0).ball;
    if (!acb_is_finite(&ball) || !arb_contains_zero(acb_imagref(&ball))) break;
    // A number with more digits than this is not rounded.
    if (arf_cmpabs_2exp_si(arb_midref(acb_realref(&ball)), 2 * kMaxPrecision) > 0) break;
    arb_set_fmpq(factor, scale.get(), precision);
    arb_mul(scaled, acb_realref(&ball), factor, precision);
    arb_set_fmpq(factor, half.get(), precision);
    arb_add(scaled, scaled, factor, precision);
    arb_floor(scaled, scaled, precision);
    if (arb_get_unique_fmpz(integer, scaled)) {
      out = Rational::Of(integer);
      break;
    }
  }
  arb_clear(scaled);
  arb_clear(factor);
  fmpz_clear(integer);
  return out;
}

}  // namespace entrain
