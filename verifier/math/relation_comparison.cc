#include <algorithm>

#include "absl/strings/str_cat.h"
#include "verifier/math/answer_comparison.h"

namespace entrain {

bool AnswerComparison::SameName(NodeId given, NodeId reference) {
  const Node& g = given_[given];
  const Node& r = reference_[reference];
  if (g.op == Op::kOpaque && r.op == Op::kOpaque &&
      given_.formula.names[g.payload] == reference_.formula.names[r.payload] &&
      g.child_count == r.child_count) {
    bool all_symbols = true;
    for (uint32_t i = 0; i < g.child_count; ++i) {
      all_symbols = all_symbols && given_[given_.Child(given, i)].op == Op::kSymbol &&
                    reference_[reference_.Child(reference, i)].op == Op::kSymbol;
    }
    if (all_symbols && g.child_count > 0) return true;
  }
  if (!options_.symbol_names) return true;
  return MakeTerm(given_, {given, 0}) == MakeTerm(reference_, {reference, 0});
}

TermId AnswerComparison::LinkDifference(AnswerSide& side, const Part& chain, uint32_t link) {
  const TermId left = MakeTerm(side, {side.Child(chain.node, link), chain.signs});
  const TermId right = MakeTerm(side, {side.Child(chain.node, link + 1), chain.signs});
  terms_.SetWork(&side.work);
  const TermId difference = terms_.Difference(left, right);
  terms_.SetWork(&given_work_);
  return difference;
}

std::vector<AnswerComparison::Constraint> AnswerComparison::ConstraintsOf(AnswerSide& side,
                                                                          const Part& chain) {
  std::vector<Constraint> out;
  for (uint32_t i = 0; i + 1 < side[chain.node].child_count; ++i) {
    Relation relation = side.RelationsOf(chain.node)[i];
    TermId difference = LinkDifference(side, chain, i);
    if (relation == Relation::kApproximately) relation = Relation::kEqual;
    if (relation == Relation::kGreater || relation == Relation::kGreaterEqual) {
      difference = terms_.Negative(difference);
      relation = relation == Relation::kGreater ? Relation::kLess : Relation::kLessEqual;
    }
    out.push_back({difference, relation});
  }
  return out;
}

bool AnswerComparison::SameConstraint(const Constraint& given, const Constraint& reference) {
  if (given.relation != reference.relation) return false;
  if (given.difference == reference.difference) return true;
  const int sign = scalars_.SignOfRatio(given.difference, reference.difference);
  if (IsInequality(given.relation)) return sign > 0;
  if (sign != 0) return true;
  // y = 1/x is x y = 1.
  const TermId g = terms_.WithoutDenominators(given.difference);
  const TermId r = terms_.WithoutDenominators(reference.difference);
  return (g != given.difference || r != reference.difference) && scalars_.SignOfRatio(g, r) != 0;
}

Sameness AnswerComparison::CompareRelations(const Part& given, const Part& reference, int depth) {
  const bool given_equation = given_.IsEquation(given.node);
  const bool reference_equation = reference_.IsEquation(reference.node);
  if (given_equation != reference_equation) return Differs("an equation against another relation");
  if (given_equation && given_.IsAssignment(given.node) && reference_.IsAssignment(reference.node) &&
      SameName(given_.Child(given.node, 0), reference_.Child(reference.node, 0))) {
    const Sameness values = Compare({given_.ValueOf(given.node), given.signs},
                                    {reference_.ValueOf(reference.node), reference.signs}, depth + 1);
    if (values != Sameness::kDifferent) return values;
  }
  set_variable_[0] = set_variable_[1] = 0;
  if (const std::optional<RealSet> wanted = SetOfRelation(reference_, reference);
      wanted.has_value() && !reference_equation) {
    const std::optional<RealSet> found = SetOfRelation(given_, given);
    if (found.has_value() && set_variable_[0] == set_variable_[1]) return CompareSets(*found, *wanted);
  }
  std::vector<Constraint> unmatched = ConstraintsOf(reference_, reference);
  const std::vector<Constraint> constraints = ConstraintsOf(given_, given);
  if (Sameness whose; StepsUsedUp(whose)) return whose;
  if (constraints.size() != unmatched.size() || constraints.size() > 64)
    return Differs("relations of another number of parts");
  for (const Constraint& constraint : constraints) {
    const auto found = std::find_if(unmatched.begin(), unmatched.end(), [&](const Constraint& other) {
      return SameConstraint(constraint, other);
    });
    if (Sameness whose; StepsUsedUp(whose)) return whose;
    if (found == unmatched.end()) {
      detail_ = absl::StrCat("another relation: ", terms_.ToText(constraint.difference));
      return Sameness::kDifferent;
    }
    unmatched.erase(found);
  }
  return Sameness::kSame;
}

}  // namespace entrain
