#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "verifier/math/answer_side.h"
#include "verifier/math/equivalence.h"
#include "verifier/math/real_set.h"
#include "verifier/math/scalar_comparison.h"
#include "verifier/math/term.h"

namespace entrain {

// One comparison of two answers: their structure is walked side by side, down to scalars. Each kind of
// structure has a file of its own: relation_comparison.cc, set_comparison.cc, matrix_comparison.cc,
// collection_comparison.cc. Single-threaded, used once.
class AnswerComparison {
 public:
  AnswerComparison(const Formula& given, const Formula& reference, const EquivalenceOptions& options);

  Comparison Run();

 private:
  static constexpr int64_t kMaxSteps = 400'000;  // of Work, for each side
  static constexpr int kMaxDepth = 64;           // of structures: sets of tuples of sets …

  struct Matrix {
    uint32_t rows = 0, columns = 0;    // rows = 0: a scalar
    std::vector<ScalarValue> entries;  // row by row
  };

  struct Constraint {
    TermId left = 0, right = 0;
    TermId difference = 0;  // left − right
    Relation relation = Relation::kEqual;
  };

  static bool IsLimit(Sameness sameness) { return sameness >= Sameness::kGivenPastLimit; }
  // The verdict, with its detail.
  Sameness PastLimit(Sameness whose, const char* limit);
  Sameness Differs(const char* why);
  // Then `whose` is the verdict.
  bool StepsUsedUp(Sameness& whose);
  // Charged to the side that it is of.
  TermId MakeTerm(AnswerSide& side, const Part& part, bool bare = false);
  ScalarValue ValueOfScalar(AnswerSide& side, const Part& part, bool bare = false);
  Sameness CompareInOrder(const Parts& given, const Parts& reference, int depth);
  Sameness CompareTexts(const Part& given, const Part& reference);
  Sameness CompareScalars(const Part& given, const Part& reference);
  Sameness Compare(Part given, Part reference, int depth);

  // Relations.
  bool SameName(NodeId given, NodeId reference);
  // f(t) = … is read as f(x) = … where the reference says f(x): t and x change places.
  void RenameOperands(NodeId given, NodeId reference);
  bool AreCongruences(NodeId given, NodeId reference) const;
  // x ≡ 8 (mod 5) is x ≡ 3 (mod 5).
  Sameness CompareCongruences(const Part& given, const Part& reference);
  // x = 1, y = 2 is (x, y) = (1, 2); nullopt: not both are such, or both are written alike.
  std::optional<Sameness> CompareNamedValues(const Part& given, const Part& reference, int depth);
  // 43 = 42: an equation between numbers that are written exactly and differ.
  bool IsFalse(AnswerSide& side, const Part& equation);
  // Of √51 ≈ 7.14 the side that ValueOf does not take, where the rounding is right.
  std::optional<Part> OtherValue(const Part& equation);
  std::vector<Constraint> ConstraintsOf(AnswerSide& side, const Part& chain);
  bool SameConstraint(const Constraint& given, const Constraint& reference);
  Sameness CompareRelations(const Part& given, const Part& reference, int depth);
  Sameness CompareRenamedRelations(const Part& given, const Part& reference, int depth);

  // Sets of real numbers; nullopt: none, or its ends cannot be ordered.
  // `closed` bit 0: on the left, bit 1: on the right.
  std::optional<RealSet> SetOfInterval(AnswerSide& side, const Part& part, uint32_t closed);
  // x ≠ 1, 2, or x < 1, x > 3: conditions that hold together, or else (none would do) one of them.
  std::optional<RealSet> SetOfConditions(AnswerSide& side, const Parts& members, int depth);
  std::optional<RealSet> SetOf(AnswerSide& side, const Part& raw, int depth);
  // The values of the one variable for which a chain of inequalities holds, where each link is linear in it
  // or in its absolute value. The variable is left in set_variable_.
  std::optional<RealSet> SetOfRelation(AnswerSide& side, const Part& chain);
  // unknown R end, or |unknown| R end; `below`: R is < or ≤, else it is turned round.
  std::optional<RealSet> SetOfLink(Relation relation, bool below, const ScalarValue& end, bool absolute);
  Sameness CompareSets(const RealSet& given, const RealSet& reference);
  Sameness CompareAsSets(const Part& given, const Part& reference, Shape g, Shape r, int depth);

  // Matrices, vectors and arithmetic on them; nullopt: none, too large, or shapes that do not fit.
  std::optional<Matrix> MatrixOf(AnswerSide& side, const Part& part, int depth);
  std::optional<Matrix> Multiplied(const Matrix& a, const Matrix& b);
  Sameness CompareMatrices(const Part& given, const Part& reference);

  // Sets and lists.
  Sameness CompareCollections(const Parts& given, const Parts& reference, int depth);
  // x = π/4 + kπ, k ∈ ℤ: where only one side says where k comes from, it does not count.
  void LeaveDomainsAway(Parts& given, Parts& reference) const;
  Sameness CompareMembers(const Part& given, const Part& reference, Shape g, Shape r, int depth);

  const EquivalenceOptions& options_;
  Work given_work_{kMaxSteps}, reference_work_{kMaxSteps};
  Terms terms_;
  AnswerSide given_, reference_;
  ScalarComparison scalars_;
  TermId set_variable_[2] = {0, 0};  // of the conditions of the given answer and of the reference; 0: none
  std::string detail_;
};

}  // namespace entrain
