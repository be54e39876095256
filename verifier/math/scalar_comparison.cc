#include "verifier/math/scalar_comparison.h"

#include <cmath>
#include <optional>

#include "absl/strings/str_cat.h"
#include "verifier/math/modular.h"
#include "verifier/math/numeric.h"

namespace entrain {
namespace {

Rational PowerOfTen(int32_t exponent) {
  Rational out, ten(10);
  fmpq_pow_si(out.get(), ten.get(), exponent);
  return out;
}

// floor(log10 |x|) of x ≠ 0.
int32_t Magnitude(const Rational& x) {
  const Rational size = x.Sign() < 0 ? -x : x;
  const double bits = static_cast<double>(fmpz_bits(x.numerator())) -
                      static_cast<double>(fmpz_bits(x.denominator())) - 1;  // at most one too small
  int32_t magnitude = static_cast<int32_t>(std::floor(bits * 0.30102999566398120));
  while (!(size < PowerOfTen(magnitude + 1))) ++magnitude;
  return magnitude;
}

}  // namespace

Sameness ScalarComparison::Compare(const ScalarValue& given, const ScalarValue& reference,
                                   std::string& detail) {
  if (given.term == reference.term) return Sameness::kSame;
  if ((given.decimals >= 0 || reference.decimals >= 0) && IsRounded(given, reference)) return Sameness::kSame;
  const Sameness sameness = CompareExactly(given.term, reference.term, detail);
  if (sameness == Sameness::kDifferent &&
      (options_.absolute_tolerance > 0 || options_.relative_tolerance > 0) &&
      IsWithinTolerance(given.term, reference.term)) {
    detail.clear();
    return Sameness::kSame;
  }
  return sameness;
}

bool ScalarComparison::IsRounded(const ScalarValue& given, const ScalarValue& reference) {
  if (options_.round_to_reference && reference.decimals >= 0) {
    const Rational scale = PowerOfTen(std::min(reference.decimals, 2000));
    const std::optional<Rational> rounded = RoundedMultiple(terms_, given.term, scale, work_);
    const Rational wanted = *terms_.AsRational(reference.term) * scale;
    if (rounded.has_value() && *rounded == wanted) return true;
  }
  if (options_.decimals < 0) return false;
  const ScalarValue& literal = reference.decimals >= 0 ? reference : given;
  const ScalarValue& other = reference.decimals >= 0 ? given : reference;
  const Rational* value = terms_.AsRational(literal.term);
  if (value == nullptr) return false;
  // Small numbers are rounded to significant digits, lest all of them be 0.
  int32_t places = options_.decimals;
  if (value->IsZero()) return false;
  const Rational size = value->Sign() < 0 ? -*value : *value;
  if (size < Rational(1, 1000)) places = places - Magnitude(*value) - 1;
  if (places > 2000) return false;
  const Rational scale = PowerOfTen(places);
  const std::optional<Rational> a = RoundedMultiple(terms_, literal.term, scale, work_);
  const std::optional<Rational> b = RoundedMultiple(terms_, other.term, scale, work_);
  return a.has_value() && b.has_value() && *a == *b;
}

Sameness ScalarComparison::PastLimit(TermId given, TermId reference, std::string& detail) {
  if (work_.UsedUp()) {
    detail = "comparing the answers takes more than the allowed work";
    return Sameness::kGivenPastLimit;
  }
  // Whoever cannot be computed on its own is past the limit; the given answer first.
  if (IsComputable(terms_, given, work_) && !IsComputable(terms_, reference, work_)) {
    detail = "reference: a number too large to be computed";
    return Sameness::kReferencePastLimit;
  }
  detail = "a number too large, or a precision too high, to be computed";
  return Sameness::kGivenPastLimit;
}

Sameness ScalarComparison::CompareExactly(TermId given, TermId reference, std::string& detail) {
  const auto different = [&] {
    detail = absl::StrCat("differs: ", terms_.ToText(given), " against ", terms_.ToText(reference));
    return Sameness::kDifferent;
  };
  if (terms_.AsRational(given) != nullptr && terms_.AsRational(reference) != nullptr) return different();
  // What infinity or 1/0 is part of is no number.
  if (terms_.Has(given, kNoNumber) != terms_.Has(reference, kNoNumber)) return different();
  const TermId difference = terms_.Difference(given, reference);
  if (work_.UsedUp()) return PastLimit(given, reference, detail);
  if (const Rational* value = terms_.AsRational(difference))
    return value->IsZero() ? Sameness::kSame : different();
  switch (IsZeroModulo(terms_, difference, work_)) {
    case Certainty::kYes:
      return Sameness::kSame;
    case Certainty::kNo:
      return different();
    case Certainty::kUnknown:
      break;
  }
  switch (IsZero(terms_, difference, given, reference, work_)) {
    case Nullity::kZero:
      return Sameness::kSame;
    case Nullity::kNotZero:
    case Nullity::kUndefined:
      return different();
    case Nullity::kTooLarge:
    case Nullity::kUndecided:
      break;
  }
  return PastLimit(given, reference, detail);
}

bool ScalarComparison::IsWithinTolerance(TermId given, TermId reference) {
  const TermId distance = terms_.Apply(Function::kAbs, {terms_.Difference(given, reference)});
  const auto within = [&](TermId bound) {
    return SignOf(terms_, terms_.Difference(bound, distance), work_).value_or(-1) >= 0;
  };
  const TermId size = terms_.Apply(Function::kAbs, {reference});
  return within(terms_.Number(Rational(options_.absolute_tolerance))) ||
         within(terms_.Scaled(Rational(options_.relative_tolerance), size));
}

int ScalarComparison::SignOfRatio(TermId a, TermId b) {
  if (a == b) return 1;
  if (IsProportionalModulo(terms_, a, b, work_) == Certainty::kNo) return 0;
  return entrain::SignOfRatio(terms_, a, b, work_);
}

}  // namespace entrain
