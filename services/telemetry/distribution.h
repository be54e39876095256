#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace entrain {

// How many values fell where: what a Prometheus histogram shows. Thread-compatible.
class Distribution {
 public:
  Distribution() : Distribution(std::vector<double>()) {}
  // `bounds` rise. Bucket i holds the values in (bounds[i−1], bounds[i]], the last one those above all
  // bounds.
  explicit Distribution(std::vector<double> bounds)
      : bounds_(std::move(bounds)), buckets_(bounds_.size() + 1) {}

  void Observe(double value) {
    ++buckets_[static_cast<size_t>(std::ranges::lower_bound(bounds_, value) - bounds_.begin())];
    sum_ += value;
  }

  const std::vector<double>& bounds() const { return bounds_; }
  const std::vector<int64_t>& buckets() const { return buckets_; }
  double sum() const { return sum_; }

 private:
  std::vector<double> bounds_;
  std::vector<int64_t> buckets_;
  double sum_ = 0;
};

}  // namespace entrain
