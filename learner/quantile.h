#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace entrain {

// The value at position floor(q · (n − 1)) of the sorted values, 0 ≤ q ≤ 1: one of them, nothing between two.
// 0 when there is none. Values must be finite; reorders them. Linear in their number.
template <typename T>
double Quantile(std::vector<T>& values, double q) {
  if (values.empty()) return 0;
  const auto index = static_cast<std::ptrdiff_t>(q * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + index, values.end());
  return static_cast<double>(values[static_cast<size_t>(index)]);
}

}  // namespace entrain
