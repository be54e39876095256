#pragma once

#include <flint/fmpq.h>
#include <gmpxx.h>

#include <cstdint>

namespace entrain {

// An exact fraction in lowest terms. FLINT's small numbers need no allocation, which GMP's do. A value type;
// as thread-safe as an int.
class Rational {
 public:
  Rational() { fmpq_init(value_); }
  Rational(int64_t numerator, uint64_t denominator = 1) {
    fmpq_init(value_);
    fmpq_set_si(value_, numerator, denominator);
  }
  explicit Rational(const mpq_class& value) {
    fmpq_init(value_);
    fmpq_set_mpq(value_, value.get_mpq_t());
  }
  Rational(const Rational& other) {
    fmpq_init(value_);
    fmpq_set(value_, other.value_);
  }
  Rational(Rational&& other) noexcept {
    fmpq_init(value_);
    fmpq_swap(value_, other.value_);
  }
  Rational& operator=(const Rational& other) {
    fmpq_set(value_, other.value_);
    return *this;
  }
  Rational& operator=(Rational&& other) noexcept {
    fmpq_swap(value_, other.value_);
    return *this;
  }
  ~Rational() { fmpq_clear(value_); }

  static Rational Of(const fmpz_t integer) {
    Rational out;
    fmpz_set(fmpq_numref(out.value_), integer);
    return out;
  }

  fmpq* get() { return value_; }
  const fmpq* get() const { return value_; }
  const fmpz* numerator() const { return fmpq_numref(value_); }
  const fmpz* denominator() const { return fmpq_denref(value_); }

  bool IsZero() const { return fmpq_is_zero(value_) != 0; }
  bool IsOne() const { return fmpq_is_one(value_) != 0; }
  bool IsInteger() const { return fmpz_is_one(denominator()) != 0; }
  int Sign() const { return fmpq_sgn(value_); }
  uint64_t Bits() const { return fmpz_bits(numerator()) + fmpz_bits(denominator()); }
  // Whole and small enough for a machine word.
  bool IsSmallInteger() const { return IsInteger() && fmpz_fits_si(numerator()) != 0; }
  int64_t SmallInteger() const { return fmpz_get_si(numerator()); }

  friend bool operator==(const Rational& a, const Rational& b) { return fmpq_equal(a.value_, b.value_) != 0; }
  friend bool operator<(const Rational& a, const Rational& b) { return fmpq_cmp(a.value_, b.value_) < 0; }
  friend Rational operator+(const Rational& a, const Rational& b) {
    Rational out;
    fmpq_add(out.value_, a.value_, b.value_);
    return out;
  }
  friend Rational operator-(const Rational& a, const Rational& b) {
    Rational out;
    fmpq_sub(out.value_, a.value_, b.value_);
    return out;
  }
  friend Rational operator*(const Rational& a, const Rational& b) {
    Rational out;
    fmpq_mul(out.value_, a.value_, b.value_);
    return out;
  }
  // b is not zero.
  friend Rational operator/(const Rational& a, const Rational& b) {
    Rational out;
    fmpq_div(out.value_, a.value_, b.value_);
    return out;
  }
  Rational operator-() const {
    Rational out;
    fmpq_neg(out.value_, value_);
    return out;
  }
  // The largest integer that is not larger.
  Rational Floor() const {
    Rational out;
    fmpz_fdiv_q(fmpq_numref(out.value_), numerator(), denominator());
    return out;
  }

 private:
  fmpq_t value_;
};

}  // namespace entrain
