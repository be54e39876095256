#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace entrain {

// Counts the work of one side of a comparison, in steps of about ten nanoseconds: an estimate that depends on
// the formulas alone, so that the same verdict falls on every machine. Single-threaded.
class Work {
 public:
  explicit Work(int64_t steps) : left_(steps) {}

  // False: the work is used up, from now on for good. Charge before the work is done.
  bool Charge(int64_t steps) {
    left_ -= steps;
    return left_ >= 0;
  }
  bool UsedUp() const { return left_ < 0; }
  int64_t left() const { return left_; }

  // Steps of one multiplication of numbers of these sizes, and of a greatest common divisor.
  static int64_t OfProduct(uint64_t bits_a, uint64_t bits_b) {
    if (bits_a + bits_b <= 256) return 1;
    const double larger = static_cast<double>(std::max(bits_a, bits_b)) / 64;
    const double smaller = 1 + static_cast<double>(std::min(bits_a, bits_b)) / 64;
    return 1 + static_cast<int64_t>(larger * std::sqrt(smaller) / 2);
  }
  static int64_t OfDivisor(uint64_t bits_a, uint64_t bits_b) { return 6 * OfProduct(bits_a, bits_b); }

 private:
  int64_t left_;
};

}  // namespace entrain
