#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "verifier/math/equivalence.h"
#include "verifier/math/term_builder.h"
#include "verifier/math/work.h"

namespace entrain {

// A part of one of the two formulas, with its ± decided.
struct Part {
  NodeId node = 0;
  uint32_t signs = 0;  // bit k: the k-th ± of the formula is a minus; kDecided
};
using Parts = std::vector<Part>;

// What kind of answer a part is.
enum class Shape : uint8_t { kScalar, kText, kCollection, kTuple, kMatrix, kRealSet, kRelation };

// What is somewhere inside a node.
enum Inside : uint8_t {
  kPlusMinusInside = 1,
  kVectorInside = 2,  // a tuple or matrix in arithmetic
  kPercentInside = 4,
  kDegreesInside = 8,
  kInequalityInside = 16,
  kBareInequalityInside = 32,  // one that is no condition of a set {x : x > 3}
};

bool IsEquality(Relation relation);    // =, ≈
bool IsInequality(Relation relation);  // <, ≤, >, ≥

// One of the two formulas and what its structure tells. Single-threaded; the formula must outlive it.
class AnswerSide {
 public:
  AnswerSide(const Formula& of, Terms& terms, const EquivalenceOptions& options, Work& its_work);

  const Node& operator[](NodeId id) const { return formula.nodes[id]; }
  NodeId Child(NodeId id, uint32_t i) const { return formula.children[formula.nodes[id].first_child + i]; }
  bool Has(NodeId id, uint8_t inside) const { return (inside_[id] & inside) != 0; }

  // A scalar as a term, charged to whom the terms are charged just now. `bare`: without percent and degrees.
  TermId Term(const Part& part, bool bare);
  void Rename(std::map<std::string, std::string> names) { builder_.Rename(std::move(names)); }

  // P(1, 2): a point and its letter.
  std::optional<NodeId> PointOf(NodeId id) const;
  // Units that do not count, and x ∈ in front of a set, are left away.
  Part Unwrapped(Part part) const;
  Shape ShapeOf(NodeId id) const;
  // The members of a set, a list or of alternatives; nullopt: too many ±. Lists in lists are taken apart,
  // unless they say what several names are: p = 5, q = 2; p = 7, q = 2.
  std::optional<Parts> Members(Part part) const;
  bool IsEmptySet(NodeId id) const;
  // Does it stand for several values, its ± not being decided?
  bool HasAlternatives(const Part& part) const;
  // Of a kRelation, in order.
  const Relation* RelationsOf(NodeId id) const;
  bool IsEquation(NodeId id) const;
  // Only names: x, AB, f(2), |AB|, (x, y), A / B.
  bool IsName(NodeId root) const;
  bool IsAssignment(NodeId id) const;
  // What an equation says in the end: behind its last "=", before the first "≈" that follows one.
  NodeId ValueOf(NodeId id) const;
  // Of a number that was written with a decimal point, perhaps with a sign, a percent sign, a unit or a power
  // of ten; −1: it is none.
  int32_t DecimalsOf(NodeId id, bool bare) const;
  // ∞ or −∞.
  bool IsInfinite(NodeId id, bool& negative) const;
  Parts ChildrenOf(const Part& part) const;
  // x = 1, y = 2: different names, one value each.
  bool AreNamedApart(const Parts& members) const;
  // x = 1, y = 2 or (x, y) = (1, 2): each name with its value; empty: it is neither.
  std::vector<std::pair<Part, Part>> NamedValues(const Part& part) const;
  // ℤ, which is what is left of k ∈ ℤ: where a variable comes from, not a value.
  bool IsDomain(NodeId id) const;
  // x_1 = 1, x_2 = 2: the values of one name, numbered.
  bool AreNumbered(const Parts& members) const;
  // None is a relation.
  bool AreAllValues(const Parts& members) const;
  // The letters of a text or of a product of names, lower case, without spaces; "" when it is neither.
  std::string Letters(NodeId root) const;
  // Is one of the children a relation?
  bool HasRelation(NodeId collection) const;

  const Formula& formula;
  Work& work;

 private:
  static constexpr uint32_t kDecided = 1u << 31;  // of Part::signs

  // One part for each choice of signs; false: too many ±.
  bool ExpandPlusMinus(const Part& part, Parts& out) const;

  TermBuilder builder_;
  const EquivalenceOptions& options_;
  std::vector<uint8_t> inside_;
  std::vector<NodeId> plus_minus_;  // the ± in order
};

}  // namespace entrain
