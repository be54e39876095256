#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "verifier/math/answer_comparison.h"
#include "verifier/math/numeric.h"

namespace entrain {

bool AnswerComparison::SameName(NodeId given, NodeId reference) {
  return !options_.symbol_names || MakeTerm(given_, {given, 0}) == MakeTerm(reference_, {reference, 0});
}

void AnswerComparison::RenameOperands(NodeId given, NodeId reference) {
  const Node& g = given_[given];
  const Node& r = reference_[reference];
  if (g.op != Op::kOpaque || r.op != Op::kOpaque || g.child_count != r.child_count ||
      given_.formula.names[g.payload] != reference_.formula.names[r.payload])
    return;
  std::map<std::string, std::string> names;
  for (uint32_t i = 0; i < g.child_count; ++i) {
    const Node& from = given_[given_.Child(given, i)];
    const Node& to = reference_[reference_.Child(reference, i)];
    if (from.op != Op::kSymbol || to.op != Op::kSymbol) return;
    const std::string& old_name = given_.formula.names[from.payload];
    const std::string& new_name = reference_.formula.names[to.payload];
    if (old_name == new_name) continue;
    if (!names.emplace(old_name, new_name).second || !names.emplace(new_name, old_name).second) return;
  }
  if (!names.empty()) given_.Rename(std::move(names));
}

std::optional<Sameness> AnswerComparison::CompareNamedValues(const Part& given, const Part& reference,
                                                             int depth) {
  const bool one_relation =
      (given_[given.node].op == Op::kRelation) != (reference_[reference.node].op == Op::kRelation);
  if (!one_relation) return std::nullopt;
  const auto wanted = reference_.NamedValues(reference);
  if (wanted.empty()) return std::nullopt;
  const auto found = given_.NamedValues(given);
  if (found.empty()) return std::nullopt;
  if (found.size() != wanted.size()) return Differs("another number of values");
  for (const auto& [name, value] : wanted) {
    const auto same = std::find_if(found.begin(), found.end(), [&, n = name](const auto& pair) {
      return SameName(pair.first.node, n.node);
    });
    if (same == found.end()) return Differs("a name that is missing");
    const Sameness values = Compare(same->second, value, depth + 1);
    if (values != Sameness::kSame) return values;
  }
  return Sameness::kSame;
}

bool AnswerComparison::IsFalse(AnswerSide& side, const Part& equation) {
  constexpr uint32_t kMaxSides = 16;
  const Node& node = side[equation.node];
  if (node.child_count > kMaxSides || side.Has(equation.node, kPercentInside | kDegreesInside)) return false;
  const Relation* relations = side.RelationsOf(equation.node);
  std::optional<TermId> before;
  for (uint32_t i = 0; i < node.child_count; ++i) {
    const NodeId child = side.Child(equation.node, i);
    if (side.ShapeOf(child) != Shape::kScalar || side[child].op == Op::kUnit) return false;
    const TermId term = MakeTerm(side, {child, equation.signs});
    const bool exact = terms_.AsRational(term) != nullptr && side.DecimalsOf(child, false) < 0;
    const bool equal = i > 0 && relations[i - 1] == Relation::kEqual;
    if (exact && equal && before.has_value() && *before != term) return true;
    before = exact ? std::optional(term) : std::nullopt;
  }
  return false;
}

std::optional<Part> AnswerComparison::OtherValue(const Part& equation) {
  const Node& node = given_[equation.node];
  const uint32_t sides = node.child_count;
  if (given_.RelationsOf(equation.node)[sides - 2] != Relation::kApproximately) return std::nullopt;
  const Part exact{given_.Child(equation.node, sides - 2), equation.signs};
  const Part rounded{given_.Child(equation.node, sides - 1), equation.signs};
  constexpr int32_t kMaxDecimals = 100;
  const int32_t decimals = given_.DecimalsOf(rounded.node, false);
  if (decimals < 0 || decimals > kMaxDecimals || given_.ShapeOf(exact.node) != Shape::kScalar)
    return std::nullopt;
  const TermId value = MakeTerm(given_, exact), literal = MakeTerm(given_, rounded);
  if (terms_.Has(value, kHasSymbol) || terms_.AsRational(literal) == nullptr) return std::nullopt;
  Rational scale, ten(10);
  fmpq_pow_si(scale.get(), ten.get(), decimals);
  const std::optional<Rational> wanted = RoundedMultiple(terms_, value, scale, given_work_);
  if (!wanted.has_value() || !(*wanted == *terms_.AsRational(literal) * scale)) return std::nullopt;
  return given_.ValueOf(equation.node) == exact.node ? rounded : exact;
}

std::vector<AnswerComparison::Constraint> AnswerComparison::ConstraintsOf(AnswerSide& side,
                                                                          const Part& chain) {
  std::vector<Constraint> out;
  for (uint32_t i = 0; i + 1 < side[chain.node].child_count; ++i) {
    Relation relation = side.RelationsOf(chain.node)[i];
    TermId left = MakeTerm(side, {side.Child(chain.node, i), chain.signs});
    TermId right = MakeTerm(side, {side.Child(chain.node, i + 1), chain.signs});
    if (relation == Relation::kApproximately) relation = Relation::kEqual;
    if (relation == Relation::kGreater || relation == Relation::kGreaterEqual) {
      std::swap(left, right);
      relation = relation == Relation::kGreater ? Relation::kLess : Relation::kLessEqual;
    }
    terms_.SetWork(&side.work);
    out.push_back({left, right, terms_.Difference(left, right), relation});
    terms_.SetWork(&given_work_);
  }
  return out;
}

bool AnswerComparison::SameConstraint(const Constraint& given, const Constraint& reference) {
  if (given.relation != reference.relation) return false;
  if (given.left == reference.left && given.right == reference.right) return true;
  // What says nothing about anything, 2 + 2 = 4, is the same only with the same sides; and so are relations
  // that are neither equations nor inequalities.
  const bool plain = given.relation <= Relation::kGreaterEqual;
  if (!plain || !terms_.Has(given.difference, kHasSymbol) || !terms_.Has(reference.difference, kHasSymbol))
    return false;
  if (given.difference == reference.difference) return true;
  const int sign = scalars_.SignOfRatio(given.difference, reference.difference);
  if (IsInequality(given.relation)) return sign > 0;
  if (sign != 0) return true;
  // y = 1/x is x y = 1.
  const TermId g = terms_.WithoutDenominators(given.difference);
  const TermId r = terms_.WithoutDenominators(reference.difference);
  return (g != given.difference || r != reference.difference) && scalars_.SignOfRatio(g, r) != 0;
}

bool AnswerComparison::AreCongruences(NodeId given, NodeId reference) const {
  const auto is_one = [](const AnswerSide& side, NodeId id) {
    const Node& node = side[id];
    if (node.op != Op::kOpaque || node.child_count != 2 || side.formula.names[node.payload] != "modulo")
      return false;
    const NodeId relation = side.Child(id, 0);
    return side[relation].op == Op::kRelation && side[relation].child_count == 2 &&
           *side.RelationsOf(relation) == Relation::kCongruent;
  };
  return is_one(given_, given) && is_one(reference_, reference);
}

Sameness AnswerComparison::CompareCongruences(const Part& given, const Part& reference) {
  const Constraint g = ConstraintsOf(given_, {given_.Child(given.node, 0), given.signs})[0];
  const Constraint r = ConstraintsOf(reference_, {reference_.Child(reference.node, 0), reference.signs})[0];
  const TermId g_modulus = MakeTerm(given_, {given_.Child(given.node, 1), given.signs});
  const TermId r_modulus = MakeTerm(reference_, {reference_.Child(reference.node, 1), reference.signs});
  if (Sameness whose; StepsUsedUp(whose)) return whose;
  if (g_modulus != r_modulus) return Differs("another modulus");
  // Both differences are whole multiples of the modulus, as soon as one is.
  for (const bool turned : {false, true}) {
    const TermId other = turned ? terms_.Negative(r.difference) : r.difference;
    const Rational* quotient =
        terms_.AsRational(terms_.Quotient(terms_.Difference(g.difference, other), g_modulus));
    if (quotient != nullptr && quotient->IsInteger()) return Sameness::kSame;
  }
  return Differs("another congruence");
}

Sameness AnswerComparison::CompareRelations(const Part& given, const Part& reference, int depth) {
  RenameOperands(given_.Child(given.node, 0), reference_.Child(reference.node, 0));
  const Sameness sameness = CompareRenamedRelations(given, reference, depth);
  given_.Rename({});
  return sameness;
}

Sameness AnswerComparison::CompareRenamedRelations(const Part& given, const Part& reference, int depth) {
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
