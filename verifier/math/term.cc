#include "verifier/math/term.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "verifier/math/prime_factors.h"

namespace entrain {
namespace {

uint64_t Mix(uint64_t a, uint64_t b) {
  const unsigned __int128 product =
      static_cast<unsigned __int128>(a ^ 0x9E3779B97F4A7C15u) * (b ^ 0xD1B54A32D192ED03u);
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

uint64_t HashOf(const fmpz* value) {
  if (fmpz_fits_si(value)) return static_cast<uint64_t>(fmpz_get_si(value));
  return Mix(fmpz_fdiv_ui(value, 0xFFFFFFFFFFFFFFC5u), fmpz_bits(value));
}

// Steps of a + b and of a · b.
int64_t CostOfSum(const Rational& a, const Rational& b) {
  if (a.IsInteger() && b.IsInteger()) return 1 + static_cast<int64_t>((a.Bits() + b.Bits()) / 1024);
  return Work::OfDivisor(a.Bits(), b.Bits());
}
int64_t CostOfProduct(const Rational& a, const Rational& b) {
  const bool integers = a.IsInteger() && b.IsInteger();
  return integers ? Work::OfProduct(a.Bits(), b.Bits()) : Work::OfDivisor(a.Bits(), b.Bits());
}

bool IsOdd(const Rational& integer) { return fmpz_is_odd(integer.numerator()) != 0; }

// |base| > 1 or its reciprocal to a whole power: the bits of the result; nullopt: too many to be said.
std::optional<uint64_t> BitsOfPower(const Rational& base, const Rational& exponent) {
  if (!exponent.IsSmallInteger()) return std::nullopt;
  const int64_t e = exponent.SmallInteger();
  const uint64_t times = e < 0 ? 0 - static_cast<uint64_t>(e) : static_cast<uint64_t>(e);
  const uint64_t bits = fmpz_bits(base.numerator()) + fmpz_bits(base.denominator()) - 1;
  if (times > Terms::kMaxFoldedBits) return std::nullopt;
  return times * bits;
}

}  // namespace

Terms::Terms() {
  terms_.reserve(64);
  operands_.reserve(128);
  rationals_.reserve(32);
  table_.assign(128, 0);
  Work setup(1000);
  work_ = &setup;
  zero_ = Integer(0);
  one_ = Integer(1);
  minus_one_ = Integer(-1);
  work_ = nullptr;
}

void Terms::GrowTable() {
  if (terms_.size() * 2 <= table_.size()) return;
  std::vector<uint32_t> larger(table_.size() * 2, 0);
  for (TermId i = 0; i < terms_.size(); ++i) {
    size_t at = terms_[i].hash & (larger.size() - 1);
    while (larger[at] != 0) at = (at + 1) & (larger.size() - 1);
    larger[at] = i + 1;
  }
  table_ = std::move(larger);
}

TermId Terms::Intern(TermKind kind, uint32_t payload, absl::Span<const TermId> operands, uint8_t flags) {
  Charge(8 + static_cast<int64_t>(operands.size()));
  uint64_t hash = Mix(static_cast<uint64_t>(kind) + 1, payload + 77);
  for (const TermId operand : operands) hash = Mix(hash, operand + 1);
  size_t slot = hash & (table_.size() - 1);
  for (; table_[slot] != 0; slot = (slot + 1) & (table_.size() - 1)) {
    const Term& term = terms_[table_[slot] - 1];
    if (term.hash == hash && term.kind == kind && term.payload == payload && term.count == operands.size() &&
        std::equal(operands.begin(), operands.end(), operands_.begin() + term.first))
      return table_[slot] - 1;
  }
  for (const TermId operand : operands) flags |= terms_[operand].flags;
  const TermId id = static_cast<TermId>(terms_.size());
  terms_.push_back({kind, flags, payload, static_cast<uint32_t>(operands_.size()),
                    static_cast<uint32_t>(operands.size()), hash});
  operands_.insert(operands_.end(), operands.begin(), operands.end());
  table_[slot] = id + 1;
  GrowTable();
  return id;
}

TermId Terms::Number(const Rational& value) {
  Charge(2 + static_cast<int64_t>(value.Bits() / 1024));
  const uint64_t hash = Mix(HashOf(value.numerator()), HashOf(value.denominator()) + 5);
  size_t slot = hash & (table_.size() - 1);
  for (; table_[slot] != 0; slot = (slot + 1) & (table_.size() - 1)) {
    const Term& term = terms_[table_[slot] - 1];
    if (term.hash == hash && term.kind == TermKind::kRational && rationals_[term.payload] == value)
      return table_[slot] - 1;
  }
  const TermId id = static_cast<TermId>(terms_.size());
  terms_.push_back({TermKind::kRational, 0, static_cast<uint32_t>(rationals_.size()), 0, 0, hash});
  rationals_.push_back(value);
  table_[slot] = id + 1;
  GrowTable();
  return id;
}

TermId Terms::Integer(int64_t value) { return Number(Rational(value)); }

TermId Terms::Of(Constant constant) {
  const uint8_t flags = constant == Constant::kI          ? kHasImaginary
                        : constant == Constant::kInfinity ? kNotRationalFunction | kNoNumber
                                                          : kNotRationalFunction;
  return Intern(TermKind::kConstant, static_cast<uint32_t>(constant), {}, flags);
}

uint32_t Terms::NameIndex(std::string_view name) {
  Charge(5 + static_cast<int64_t>(name.size()) / 16);
  const auto [place, is_new] = name_index_.try_emplace(std::string(name), names_.size());
  if (is_new) names_.emplace_back(name);
  return place->second;
}

TermId Terms::Symbol(std::string_view name) {
  return Intern(TermKind::kSymbol, NameIndex(name), {}, kHasSymbol);
}

TermId Terms::Opaque(std::string_view name, absl::Span<const TermId> arguments) {
  return Intern(TermKind::kOpaque, NameIndex(name), arguments, kHasSymbol | kNotRationalFunction);
}

TermId Terms::Coefficient(TermId id) const {
  const Term& term = terms_[id];
  if (term.kind != TermKind::kProduct) return one_;
  const TermId first = operands_[term.first];
  // 0 times what has no value is one thing.
  return terms_[first].kind == TermKind::kRational && first != zero_ ? first : one_;
}

TermId Terms::WithoutCoefficient(TermId id) {
  if (Coefficient(id) == one_) return id;
  const absl::Span<const TermId> operands = Operands(id).subspan(1);
  if (operands.size() == 1) return operands[0];
  const std::vector<TermId> rest(operands.begin(), operands.end());
  return Intern(TermKind::kProduct, 0, rest, 0);
}

TermId Terms::Sum(absl::Span<const TermId> terms) {
  Charge(20);
  struct Summand {
    TermId rest;
    Rational coefficient;
  };
  std::vector<Summand> summands;
  summands.reserve(terms.size() + 4);
  Rational constant;
  const auto add = [&](TermId term, const Rational* factor) {
    Charge(6);
    if (const Rational* value = AsRational(term)) {
      Charge(CostOfSum(constant, *value) + (factor == nullptr ? 0 : CostOfProduct(*value, *factor)));
      constant = constant + (factor == nullptr ? *value : *factor * *value);
      return;
    }
    const TermId rest = WithoutCoefficient(term);
    const Rational coefficient = *AsRational(Coefficient(term));
    if (factor != nullptr) Charge(CostOfProduct(coefficient, *factor));
    summands.push_back({rest, factor == nullptr ? coefficient : *factor * coefficient});
  };
  for (const TermId term : terms) {
    // Sums, and sums behind a coefficient, are taken apart.
    const TermId coefficient = Coefficient(term);
    const TermId rest = coefficient == one_ ? term : WithoutCoefficient(term);
    if (terms_[rest].kind != TermKind::kSum) {
      add(term, nullptr);
      continue;
    }
    const Rational factor = *AsRational(coefficient);
    for (uint32_t i = 0; i < terms_[rest].count; ++i)
      add(operands_[terms_[rest].first + i], coefficient == one_ ? nullptr : &factor);
    if (work_->UsedUp()) return one_;
  }
  std::sort(summands.begin(), summands.end(),
            [](const Summand& a, const Summand& b) { return a.rest < b.rest; });
  std::vector<TermId> out;
  out.reserve(summands.size() + 1);
  for (size_t i = 0; i < summands.size();) {
    Rational coefficient = std::move(summands[i].coefficient);
    size_t j = i + 1;
    for (; j < summands.size() && summands[j].rest == summands[i].rest; ++j) {
      Charge(CostOfSum(coefficient, summands[j].coefficient));
      coefficient = coefficient + summands[j].coefficient;
    }
    if (coefficient.IsOne()) {
      out.push_back(summands[i].rest);
    } else if (!coefficient.IsZero() || Has(summands[i].rest, kNoNumber)) {  // ∞ − ∞ is not 0
      std::vector<TermId> factors = {Number(coefficient)};
      const Term& rest = terms_[summands[i].rest];
      if (rest.kind == TermKind::kProduct) {
        factors.insert(factors.end(), operands_.begin() + rest.first,
                       operands_.begin() + rest.first + rest.count);
      } else {
        factors.push_back(summands[i].rest);
      }
      out.push_back(Intern(TermKind::kProduct, 0, factors, 0));
    }
    i = j;
  }
  std::sort(out.begin(), out.end());
  if (!constant.IsZero()) out.insert(out.begin(), Number(constant));
  if (out.empty()) return zero_;
  if (out.size() == 1) return out[0];
  return Intern(TermKind::kSum, 0, out, 0);
}

void Terms::CollectFactor(TermId factor, std::vector<Part>& parts, Rational& coefficient) {
  Charge(6);
  const Term& term = terms_[factor];
  if (term.kind == TermKind::kRational) {
    const Rational& value = rationals_[term.payload];
    Charge(CostOfProduct(coefficient, value));
    coefficient = coefficient * value;
  } else if (term.kind == TermKind::kPower) {
    parts.push_back({operands_[term.first], operands_[term.first + 1]});
  } else if (term.kind == TermKind::kProduct) {
    for (uint32_t i = 0; i < term.count; ++i) CollectFactor(operands_[term.first + i], parts, coefficient);
  } else {
    parts.push_back({factor, one_});
  }
}

// 0 · x is 0, but 0/0 and 0 · ∞ are nothing.
TermId Terms::ZeroTimes(const std::vector<Part>& parts) {
  for (const Part& part : parts) {
    if (part.key == zero_ || Has(part.key, kNoNumber))
      return Intern(TermKind::kProduct, 0, {zero_, RawPower(part.key, part.value)}, 0);
  }
  return zero_;
}

TermId Terms::Product(absl::Span<const TermId> factors) {
  Charge(20);
  std::vector<TermId> current(factors.begin(), factors.end()), next;
  Rational coefficient(1);
  std::vector<Part> parts;
  for (int round = 0; round < 8; ++round) {
    parts.clear();
    next.clear();
    for (const TermId factor : current) CollectFactor(factor, parts, coefficient);
    if (work_->UsedUp()) return one_;
    if (coefficient.IsZero()) return ZeroTimes(parts);
    std::stable_sort(parts.begin(), parts.end(), [](const Part& a, const Part& b) { return a.key < b.key; });
    bool again = false;
    std::vector<TermId> exponents;
    for (size_t i = 0; i < parts.size();) {
      size_t j = i + 1;
      while (j < parts.size() && parts[j].key == parts[i].key) ++j;
      if (j == i + 1) {
        next.push_back(RawPower(parts[i].key, parts[i].value));
      } else {
        exponents.clear();
        for (size_t k = i; k < j; ++k) exponents.push_back(parts[k].value);
        const TermId power = Power(parts[i].key, Sum(exponents));
        const Term& made = terms_[power];
        // Something else than the same base to a power has to be collected once more.
        again = again || !(power == parts[i].key ||
                           (made.kind == TermKind::kPower && operands_[made.first] == parts[i].key));
        next.push_back(power);
      }
      i = j;
    }
    current.swap(next);
    if (!again) break;
  }
  if (current.empty()) return Number(coefficient);
  std::sort(current.begin(), current.end());
  if (coefficient.IsOne()) {
    if (current.size() == 1) return current[0];
    return Intern(TermKind::kProduct, 0, current, 0);
  }
  const TermId number = Number(coefficient);
  if (current.size() == 1 && terms_[current[0]].kind == TermKind::kSum) {
    // The coefficient goes into a sum that stands alone.
    const TermId product[] = {Intern(TermKind::kProduct, 0, {number, current[0]}, 0)};
    return Sum(product);
  }
  current.insert(current.begin(), number);
  return Intern(TermKind::kProduct, 0, current, 0);
}

TermId Terms::RawPower(TermId base, TermId exponent) {
  if (exponent == one_) return base;
  const Rational* value = AsRational(exponent);
  uint8_t flags = value != nullptr && value->IsInteger() ? 0 : kNotRationalFunction;
  if (base == zero_ && value != nullptr && value->Sign() < 0) flags |= kNoNumber;
  return Intern(TermKind::kPower, 0, {base, exponent}, flags);
}

TermId Terms::PrimePower(TermId prime, TermId exponent) {
  // The whole part of the exponent is computed; what is left of a rational one lies in [0, 1).
  const Rational* whole_exponent = AsRational(exponent);
  const bool is_sum = terms_[exponent].kind == TermKind::kSum;
  const Rational* constant = is_sum ? AsRational(operands_[terms_[exponent].first]) : whole_exponent;
  if (constant == nullptr) return RawPower(prime, exponent);
  const Rational whole = constant->Floor();
  const Rational base = *AsRational(prime);
  const std::optional<uint64_t> bits = BitsOfPower(base, whole);
  if (whole.IsZero() || !bits.has_value() || *bits > kMaxFoldedBits) return RawPower(prime, exponent);
  Charge(2 * Work::OfProduct(*bits, *bits));
  Rational power;
  fmpq_pow_si(power.get(), base.get(), whole.SmallInteger());
  const TermId minus_whole = Number(-whole);
  const TermId rest = Sum({exponent, minus_whole});
  if (rest == zero_) return Number(power);
  return Intern(TermKind::kProduct, 0, {Number(power), RawPower(prime, rest)}, 0);
}

TermId Terms::PowerOfPrimes(const Rational& base, TermId exponent) {
  Charge(30 + static_cast<int64_t>(base.Bits() / 8));
  std::vector<TermId> factors;
  for (const bool below : {false, true}) {
    for (const PrimeFactor& prime : PrimeFactors(below ? base.denominator() : base.numerator())) {
      const int64_t times = static_cast<int64_t>(prime.times);
      factors.push_back(PrimePower(Number(prime.factor), Scaled(Rational(below ? -times : times), exponent)));
    }
  }
  if (factors.empty()) return one_;
  if (factors.size() == 1) return factors[0];
  // Different primes: nothing to collect but the rationals in front.
  Rational coefficient(1);
  std::vector<Part> parts;
  for (const TermId factor : factors) CollectFactor(factor, parts, coefficient);
  std::vector<TermId> out;
  for (const Part& part : parts) out.push_back(RawPower(part.key, part.value));
  std::sort(out.begin(), out.end());
  if (out.empty()) return Number(coefficient);
  if (!coefficient.IsOne()) out.insert(out.begin(), Number(coefficient));
  return out.size() == 1 ? out[0] : Intern(TermKind::kProduct, 0, out, 0);
}

TermId Terms::FoldPower(const Rational& base, const Rational& exponent) {
  if (exponent.IsZero()) return one_;
  if (base.IsZero()) return exponent.Sign() > 0 ? zero_ : RawPower(zero_, Number(exponent));
  if (base.IsOne()) return one_;
  const bool negative = base.Sign() < 0;
  if (exponent.IsInteger()) {
    if (base == Rational(-1)) return IsOdd(exponent) ? minus_one_ : one_;
    if (const std::optional<uint64_t> bits = BitsOfPower(base, exponent); bits.has_value()) {
      if (*bits <= kMaxFoldedBits) {
        Charge(2 * Work::OfProduct(*bits, *bits));
        Rational power;
        fmpq_pow_si(power.get(), base.get(), exponent.SmallInteger());
        return Number(power);
      }
    }
    const TermId size = PowerOfPrimes(negative ? -base : base, Number(exponent));
    return negative && IsOdd(exponent) ? Negative(size) : size;
  }
  if (!negative) return PowerOfPrimes(base, Number(exponent));
  const TermId size = PowerOfPrimes(-base, Number(exponent));
  if (fmpz_is_odd(exponent.denominator()))  // the real root
    return fmpz_is_odd(exponent.numerator()) ? Negative(size) : size;
  if (fmpz_equal_ui(exponent.denominator(), 2)) {
    Rational numerator = Rational::Of(exponent.numerator());
    const TermId turn = Power(Of(Constant::kI), Number(numerator));
    return Product({turn, size});
  }
  return RawPower(Number(base), Number(exponent));
}

TermId Terms::Power(TermId base, TermId exponent) {
  if (work_->UsedUp()) return one_;
  if (exponent == one_) return base;
  const Rational* e_pointer = AsRational(exponent);
  const Rational* base_pointer = AsRational(base);
  if (e_pointer == nullptr) {
    if (base == one_ && Has(exponent, kNoNumber)) return RawPower(base, exponent);
    if (base_pointer != nullptr && base_pointer->Sign() > 0) {
      const Rational copy = *base_pointer;
      return PowerOfPrimes(copy, exponent);
    }
    return RawPower(base, exponent);
  }
  const Rational e = *e_pointer;
  if (e.IsZero()) return Has(base, kNoNumber) ? RawPower(base, exponent) : one_;
  if (base_pointer != nullptr) {
    const Rational copy = *base_pointer;
    return FoldPower(copy, e);
  }
  if (IsConstant(base, Constant::kI) && e.IsInteger()) {
    switch (fmpz_fdiv_ui(e.numerator(), 4)) {
      case 0:
        return one_;
      case 1:
        return base;
      case 2:
        return minus_one_;
      default:
        return Negative(base);
    }
  }
  const TermKind kind = terms_[base].kind;
  if (kind == TermKind::kPower) {
    const TermId inner_base = operands_[terms_[base].first], inner = operands_[terms_[base].first + 1];
    const Rational* value = AsRational(inner_base);
    const bool positive = (value != nullptr && value->Sign() > 0) || IsConstant(inner_base, Constant::kE);
    if (e.IsInteger() || (positive && !Has(inner, kHasImaginary))) return Power(inner_base, Scaled(e, inner));
  }
  if (kind == TermKind::kProduct) {
    const std::vector<TermId> operands(Operands(base).begin(), Operands(base).end());
    std::vector<TermId> out;
    if (e.IsInteger()) {
      for (const TermId operand : operands) out.push_back(Power(operand, exponent));
      return Product(out);
    }
    // Only what is positive may leave the root.
    std::vector<TermId> inside;
    for (const TermId operand : operands) {
      if (const Rational* number = AsRational(operand)) {
        const bool negative = number->Sign() < 0;
        const Rational size = negative ? -*number : *number;
        out.push_back(FoldPower(size, e));
        if (negative) inside.push_back(minus_one_);
        continue;
      }
      const Term& term = terms_[operand];
      const Rational* root_of =
          term.kind == TermKind::kPower ? AsRational(operands_[term.first]) : AsRational(operand);
      const bool positive = root_of != nullptr && root_of->Sign() > 0 && !Has(operand, kHasImaginary);
      if (positive) {
        out.push_back(Power(operand, exponent));
      } else {
        inside.push_back(operand);
      }
    }
    if (!out.empty()) {
      if (!inside.empty()) {
        const TermId rest = inside.size() == 1 ? inside[0] : Intern(TermKind::kProduct, 0, inside, 0);
        if (rest != base) {
          out.push_back(Power(rest, exponent));
          return Product(out);
        }
      } else {
        return Product(out);
      }
    }
  }
  return RawPower(base, exponent);
}

TermId Terms::Log(TermId of) {
  if (IsConstant(of, Constant::kE)) return one_;
  const Term term = terms_[of];
  if (const Rational* value = AsRational(of); value != nullptr && value->Sign() > 0) {
    Charge(30 + static_cast<int64_t>(value->Bits() / 8));
    const Rational copy = *value;
    std::vector<TermId> out;
    for (const bool below : {false, true}) {
      for (const PrimeFactor& prime : PrimeFactors(below ? copy.denominator() : copy.numerator())) {
        const int64_t times = static_cast<int64_t>(prime.times);
        const TermId log = Intern(TermKind::kLog, 0, {Number(prime.factor)}, kNotRationalFunction);
        out.push_back(Scaled(Rational(below ? -times : times), log));
      }
    }
    return Sum(out);
  }
  if (term.kind == TermKind::kPower) {
    const TermId base = operands_[term.first], exponent = operands_[term.first + 1];
    const Rational* value = AsRational(base);
    const bool positive = (value != nullptr && value->Sign() > 0) || IsConstant(base, Constant::kE);
    if (positive && !Has(exponent, kHasImaginary)) return Product({exponent, Log(base)});
  }
  return Intern(TermKind::kLog, 0, {of}, kNotRationalFunction | (of == zero_ ? kNoNumber : 0));
}

TermId Terms::Apply(Function function, absl::Span<const TermId> arguments) {
  if (work_->UsedUp()) return one_;
  const bool one = arguments.size() == 1;
  if (one && function == Function::kExp) return Power(Of(Constant::kE), arguments[0]);
  if (one && function == Function::kLn) return Log(arguments[0]);
  if (const TermId folded = FoldFunction(function, arguments); folded != kNone) return folded;
  uint8_t flags = kNotRationalFunction;
  if (function == Function::kAbs) flags |= kHasAbs;
  if (function == Function::kRe || function == Function::kIm || function == Function::kConjugate)
    flags |= kHasImaginary;
  std::vector<TermId> sorted(arguments.begin(), arguments.end());
  if (function == Function::kGcd || function == Function::kLcm || function == Function::kMin ||
      function == Function::kMax) {
    std::sort(sorted.begin(), sorted.end());
    sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  }
  return Intern(TermKind::kFunction, static_cast<uint32_t>(function), sorted, flags);
}

TermId Terms::Scaled(const Rational& factor, TermId a) {
  if (factor.IsOne()) return a;
  return Product({Number(factor), a});
}

TermId Terms::Negative(TermId a) { return Product({minus_one_, a}); }

TermId Terms::Difference(TermId a, TermId b) { return Sum({a, Negative(b)}); }

TermId Terms::Quotient(TermId a, TermId b) { return Product({a, Power(b, minus_one_)}); }

TermId Terms::WithoutDenominators(TermId id) {
  const std::vector<TermId> summands = terms_[id].kind == TermKind::kSum
                                           ? std::vector<TermId>(Operands(id).begin(), Operands(id).end())
                                           : std::vector<TermId>{id};
  // For each base the lowest negative power.
  std::unordered_map<TermId, Rational> lowest;
  std::vector<Part> parts;
  for (const TermId summand : summands) {
    parts.clear();
    Rational coefficient(1);
    CollectFactor(summand, parts, coefficient);
    for (const Part& part : parts) {
      const Rational* exponent = AsRational(part.value);
      if (exponent == nullptr || exponent->Sign() >= 0) continue;
      Rational& low = lowest[part.key];
      if (*exponent < low) low = *exponent;
    }
  }
  if (lowest.empty()) return id;
  std::vector<TermId> bases;
  for (const auto& [base, exponent] : lowest) bases.push_back(base);
  std::sort(bases.begin(), bases.end());
  std::vector<TermId> factors;
  for (const TermId base : bases) factors.push_back(Power(base, Number(-lowest[base])));
  std::vector<TermId> out;
  for (const TermId summand : summands) {
    factors.push_back(summand);
    out.push_back(Product(factors));
    factors.pop_back();
  }
  return Sum(out);
}

Subterms Terms::Below(absl::Span<const TermId> roots) const {
  Subterms out;
  place_.resize(terms_.size(), 0);
  std::vector<TermId> stack(roots.begin(), roots.end());
  constexpr uint32_t kSeen = ~uint32_t{0};
  for (const TermId root : roots) {
    if (place_[root] == kSeen) continue;
    place_[root] = kSeen;
    out.ids.push_back(root);
  }
  size_t operand_count = 0;
  while (!stack.empty()) {
    const TermId id = stack.back();
    stack.pop_back();
    operand_count += terms_[id].count;
    for (const TermId operand : Operands(id)) {
      if (place_[operand] == kSeen) continue;
      place_[operand] = kSeen;
      out.ids.push_back(operand);
      stack.push_back(operand);
    }
  }
  std::sort(out.ids.begin(), out.ids.end());
  out.operands.reserve(operand_count);
  out.first.reserve(out.ids.size() + 1);
  for (uint32_t i = 0; i < out.ids.size(); ++i) {
    place_[out.ids[i]] = i;
    out.first.push_back(static_cast<uint32_t>(out.operands.size()));
    for (const TermId operand : Operands(out.ids[i])) out.operands.push_back(place_[operand]);
  }
  out.first.push_back(static_cast<uint32_t>(out.operands.size()));
  for (const TermId root : roots) out.roots.push_back(place_[root]);
  for (const TermId id : out.ids) place_[id] = 0;
  return out;
}

}  // namespace entrain
