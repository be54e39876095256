#pragma once

#include <optional>
#include <vector>

#include "verifier/math/scalar_comparison.h"
#include "verifier/math/term.h"

namespace entrain {

// One end of a piece of the real line.
struct Bound {
  bool infinite = false;  // −∞ for a low end, ∞ for a high one
  ScalarValue at;
  bool closed = false;
};

// From low to high; a point is closed at both ends.
struct Piece {
  Bound low, high;
};

using RealSet = std::vector<Piece>;

// Sets of real numbers as unions of pieces. An operation has no result where the order of two ends cannot be
// told (they hold symbols) or where there are too many pieces. Single-threaded.
class RealSets {
 public:
  static constexpr size_t kMaxPieces = 128;

  RealSets(Terms& terms, Work& work) : terms_(terms), work_(work) {}

  static RealSet All() { return {{.low = {.infinite = true}, .high = {.infinite = true}}}; }
  static Piece Point(const ScalarValue& at) {
    return {.low = {.at = at, .closed = true}, .high = {.at = at, .closed = true}};
  }

  // The union in normal form: sorted, without empty pieces, pieces that touch joined.
  std::optional<RealSet> Normal(RealSet pieces);
  // Of sets in normal form.
  std::optional<RealSet> Intersection(const RealSet& a, const RealSet& b);
  std::optional<RealSet> Complement(const RealSet& a);

 private:
  std::optional<int> Order(const ScalarValue& a, const ScalarValue& b);
  std::optional<bool> IsEmpty(const Piece& piece);
  // Which low end comes first; which high end comes first.
  std::optional<int> OrderLow(const Bound& a, const Bound& b);
  std::optional<int> OrderHigh(const Bound& a, const Bound& b);

  Terms& terms_;
  Work& work_;
};

}  // namespace entrain
