#include "verifier/math/real_set.h"

#include <utility>

#include "verifier/math/numeric.h"

namespace entrain {

std::optional<int> RealSets::Order(const ScalarValue& a, const ScalarValue& b) {
  if (a.term == b.term) return 0;
  const TermId difference = terms_.Difference(a.term, b.term);
  if (work_.UsedUp()) return std::nullopt;
  return SignOf(terms_, difference, work_);
}

std::optional<int> RealSets::OrderLow(const Bound& a, const Bound& b) {
  if (a.infinite || b.infinite) return static_cast<int>(b.infinite) - static_cast<int>(a.infinite);
  const std::optional<int> order = Order(a.at, b.at);
  if (order != 0) return order;
  return static_cast<int>(b.closed) - static_cast<int>(a.closed);  // [1 begins before (1
}

std::optional<int> RealSets::OrderHigh(const Bound& a, const Bound& b) {
  if (a.infinite || b.infinite) return static_cast<int>(a.infinite) - static_cast<int>(b.infinite);
  const std::optional<int> order = Order(a.at, b.at);
  if (order != 0) return order;
  return static_cast<int>(a.closed) - static_cast<int>(b.closed);
}

std::optional<bool> RealSets::IsEmpty(const Piece& piece) {
  if (piece.low.infinite || piece.high.infinite) return false;
  const std::optional<int> order = Order(piece.low.at, piece.high.at);
  if (!order.has_value()) return std::nullopt;
  return *order > 0 || (*order == 0 && !(piece.low.closed && piece.high.closed));
}

std::optional<RealSet> RealSets::Normal(RealSet pieces) {
  if (pieces.size() > kMaxPieces) return std::nullopt;
  RealSet sorted;
  for (Piece& piece : pieces) {
    const std::optional<bool> empty = IsEmpty(piece);
    if (!empty.has_value()) return std::nullopt;
    if (*empty) continue;
    // Insertion from the end: what people write is sorted already.
    size_t at = sorted.size();
    for (; at > 0; --at) {
      const std::optional<int> order = OrderLow(sorted[at - 1].low, piece.low);
      if (!order.has_value()) return std::nullopt;
      if (*order <= 0) break;
    }
    sorted.insert(sorted.begin() + static_cast<std::ptrdiff_t>(at), piece);
  }
  RealSet out;
  for (Piece& piece : sorted) {
    if (!out.empty()) {
      Piece& last = out.back();
      // Do they touch? (1,2] and (2,3) do, (1,2) and (2,3) do not.
      bool touch = last.high.infinite || piece.low.infinite;
      if (!touch) {
        const std::optional<int> order = Order(last.high.at, piece.low.at);
        if (!order.has_value()) return std::nullopt;
        touch = *order > 0 || (*order == 0 && (last.high.closed || piece.low.closed));
      }
      if (touch) {
        const std::optional<int> order = OrderHigh(last.high, piece.high);
        if (!order.has_value()) return std::nullopt;
        if (*order < 0) last.high = piece.high;
        continue;
      }
    }
    out.push_back(piece);
  }
  return out;
}

std::optional<RealSet> RealSets::Intersection(const RealSet& a, const RealSet& b) {
  if (a.size() * b.size() > kMaxPieces) return std::nullopt;
  RealSet out;
  for (const Piece& x : a) {
    for (const Piece& y : b) {
      const std::optional<int> low = OrderLow(x.low, y.low), high = OrderHigh(x.high, y.high);
      if (!low.has_value() || !high.has_value()) return std::nullopt;
      Piece both{.low = *low < 0 ? y.low : x.low, .high = *high < 0 ? x.high : y.high};
      const std::optional<bool> empty = IsEmpty(both);
      if (!empty.has_value()) return std::nullopt;
      if (!*empty) out.push_back(both);
    }
  }
  return Normal(std::move(out));
}

std::optional<RealSet> RealSets::Complement(const RealSet& a) {
  if (a.size() >= kMaxPieces) return std::nullopt;
  RealSet out;
  Bound low{.infinite = true};
  bool open_end = true;
  for (const Piece& piece : a) {
    if (!piece.low.infinite) {
      Bound high = piece.low;
      high.closed = !high.closed;
      out.push_back({low, high});
    }
    low = piece.high;
    low.closed = !low.closed;
    open_end = !piece.high.infinite;
  }
  if (open_end) out.push_back({low, {.infinite = true}});
  return out;
}

}  // namespace entrain
