#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/types/span.h"
#include "verifier/math/formula.h"
#include "verifier/math/rational.h"
#include "verifier/math/work.h"

namespace entrain {

using TermId = uint32_t;

enum class TermKind : uint8_t {
  kRational,  // payload: which rational
  kConstant,  // payload: a Constant (pi, e, i, infinity)
  kSymbol,    // payload: a name
  kSum,       // sorted by id; at most one rational, the others with different parts behind their coefficients
  kProduct,   // sorted by id; at most one rational, the others with different bases
  kPower,     // base, exponent
  kLog,       // natural logarithm of one
  kFunction,  // payload: a Function
  kOpaque,    // payload: a name; arguments that nothing is known about
};

// What is somewhere inside a term.
enum TermFlag : uint8_t {
  kHasSymbol = 1,
  kHasImaginary = 2,         // i, or a function that asks for parts of complex numbers
  kHasAbs = 4,               // |…|
  kNotRationalFunction = 8,  // anything but rationals, symbols, i, sums, products and whole powers
  kNoNumber = 16  // infinity, 1/0, ln 0: ∞ − ∞, ∞/∞, 0 · ∞, 1^∞ and the like are nothing
};

struct Term {
  TermKind kind = TermKind::kRational;
  uint8_t flags = 0;
  uint32_t payload = 0;
  uint32_t first = 0, count = 0;  // operands
  uint64_t hash = 0;              // of the content
};

// What some terms are made of, numbered anew from 0 and in an order in which operands come first.
struct Subterms {
  std::vector<TermId> ids;
  std::vector<uint32_t> operands, first;  // operands of i: operands[first[i]] to operands[first[i + 1] − 1]
  std::vector<uint32_t> roots;

  size_t size() const { return ids.size(); }
  absl::Span<const uint32_t> Operands(size_t i) const {
    return absl::MakeConstSpan(operands).subspan(first[i], first[i + 1] - first[i]);
  }
};

// Scalars in a normal form, each stored once: equal ids mean equal values, however large (9^(9^(9^9)) is a
// power of a power, and itself). Rationals are computed exactly where the result has at most kMaxFoldedBits,
// which is estimated before it is tried; what is larger stays as it was written. Operands come before what is
// made of them. Single-threaded.
//
// The normal form: sums and products are flat and sorted and like parts collected; x^a x^b = x^(a+b);
// (x y)^n = x^n y^n and (x^a)^n = x^(a n) for whole n; roots and logarithms of positive rationals are split
// into those of primes (sqrt(12) = 2 3^(1/2), log_2 8 = 3), and so are the bases of powers that are not
// computed (4^x = 2^(2x)); a negative rational has the real root when the root is odd ((−8)^(1/3) = −2).
// Nothing is multiplied out: that is for modular.h and numeric.h.
class Terms {
 public:
  static constexpr uint64_t kMaxFoldedBits = 1u << 17;  // 39,000 digits

  Terms();
  Terms(const Terms&) = delete;
  Terms& operator=(const Terms&) = delete;

  // Whom the next terms are charged to. When its work is used up, what is made is meaningless; look at
  // work->UsedUp() when done.
  void SetWork(Work* work) { work_ = work; }

  TermId Number(const Rational& value);
  TermId Integer(int64_t value);
  TermId Of(Constant constant);
  TermId Symbol(std::string_view name);
  TermId Sum(absl::Span<const TermId> terms);
  TermId Product(absl::Span<const TermId> factors);
  TermId Power(TermId base, TermId exponent);
  TermId Log(TermId of);
  TermId Apply(Function function, absl::Span<const TermId> arguments);
  TermId Opaque(std::string_view name, absl::Span<const TermId> arguments);

  TermId Negative(TermId a);
  TermId Difference(TermId a, TermId b);
  TermId Quotient(TermId a, TermId b);
  TermId Scaled(const Rational& factor, TermId a);

  const Term& operator[](TermId id) const { return terms_[id]; }
  size_t size() const { return terms_.size(); }
  absl::Span<const TermId> Operands(TermId id) const {
    return absl::MakeConstSpan(operands_).subspan(terms_[id].first, terms_[id].count);
  }
  // Null when it is none.
  const Rational* AsRational(TermId id) const {
    return terms_[id].kind == TermKind::kRational ? &rationals_[terms_[id].payload] : nullptr;
  }
  const std::string& Name(TermId id) const { return names_[terms_[id].payload]; }
  bool Has(TermId id, uint8_t flags) const { return (terms_[id].flags & flags) != 0; }
  bool IsConstant(TermId id, Constant constant) const {
    return terms_[id].kind == TermKind::kConstant && terms_[id].payload == static_cast<uint32_t>(constant);
  }
  // The term times every denominator that a summand of it has.
  TermId WithoutDenominators(TermId id);

  // Linear in what the roots are made of, however many other terms there are.
  Subterms Below(absl::Span<const TermId> roots) const;
  // For people: at most some 60 characters.
  std::string ToText(TermId id) const;

 private:
  struct Part {  // coefficient · rest in a sum, base ^ exponent in a product
    TermId key;
    TermId value;
  };

  TermId Intern(TermKind kind, uint32_t payload, absl::Span<const TermId> operands, uint8_t flags);
  void GrowTable();
  uint32_t NameIndex(std::string_view name);
  bool Charge(int64_t steps) { return work_->Charge(steps); }
  TermId Coefficient(TermId id) const;   // the rational in front, or 1
  TermId WithoutCoefficient(TermId id);  // the rest, or 1
  TermId ZeroTimes(const std::vector<Part>& parts);
  TermId FoldPower(const Rational& base, const Rational& exponent);
  TermId PowerOfPrimes(const Rational& base, TermId exponent);
  TermId PrimePower(TermId prime, TermId exponent);
  TermId RawPower(TermId base, TermId exponent);
  // kNone: it has no rational value.
  static constexpr TermId kNone = ~TermId{0};
  TermId FoldFunction(Function function, absl::Span<const TermId> arguments);
  void CollectFactor(TermId factor, std::vector<Part>& parts, Rational& coefficient);
  void AppendText(TermId id, int depth, std::string& out) const;

  std::vector<Term> terms_;
  std::vector<TermId> operands_;
  std::vector<Rational> rationals_;
  std::vector<std::string> names_;
  std::unordered_map<std::string, uint32_t> name_index_;
  std::vector<uint32_t> table_;          // open addressing: id + 1, or 0
  mutable std::vector<uint32_t> place_;  // of Below, all 0 between two calls
  Work* work_ = nullptr;
  TermId zero_ = 0, one_ = 0, minus_one_ = 0;
};

}  // namespace entrain
