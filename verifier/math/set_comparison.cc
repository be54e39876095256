#include <algorithm>
#include <utility>

#include "verifier/math/answer_comparison.h"
#include "verifier/math/numeric.h"

namespace entrain {

std::optional<RealSet> AnswerComparison::SetOfInterval(AnswerSide& side, const Part& part, uint32_t closed) {
  if (side[part.node].child_count != 2) return std::nullopt;
  Piece piece;
  for (const bool high : {false, true}) {
    Bound& bound = high ? piece.high : piece.low;
    const Part end{side.Child(part.node, high ? 1 : 0), part.signs};
    bool negative = false;
    if (side.IsInfinite(end.node, negative)) {
      if (negative == high) return std::nullopt;
      bound.infinite = true;
    } else {
      if (side.ShapeOf(end.node) != Shape::kScalar) return std::nullopt;
      bound.at = ValueOfScalar(side, end);
      bound.closed = (closed >> (high ? 1 : 0) & 1) != 0;
    }
  }
  RealSets sets(terms_, given_work_);
  return sets.Normal({piece});
}

std::optional<RealSet> AnswerComparison::SetOfConditions(AnswerSide& side, const Parts& members, int depth) {
  RealSets sets(terms_, given_work_);
  RealSet all = RealSets::All(), any;
  bool excludes = false;
  for (const Part& member : members) {
    std::optional<RealSet> next = SetOf(side, member, depth + 1);
    if (!next.has_value()) return std::nullopt;
    if (side[member.node].op == Op::kRelation) {
      excludes = side.formula.relations[side[member.node].payload] == Relation::kNotEqual;
    } else if (!excludes) {
      return std::nullopt;
    } else {
      next = sets.Complement(*next);
      if (!next.has_value()) return std::nullopt;
    }
    any.insert(any.end(), next->begin(), next->end());
    std::optional<RealSet> both = sets.Intersection(all, *next);
    if (!both.has_value()) return std::nullopt;
    all = *std::move(both);
  }
  return all.empty() ? sets.Normal(std::move(any)) : std::move(all);
}

std::optional<RealSet> AnswerComparison::SetOf(AnswerSide& side, const Part& raw, int depth) {
  if (depth > kMaxDepth) return std::nullopt;
  const Part part = side.Unwrapped(raw);
  const Node& node = side[part.node];
  RealSets sets(terms_, given_work_);
  switch (side.ShapeOf(part.node)) {
    case Shape::kCollection: {
      const std::optional<Parts> members = side.Members(part);
      if (!members.has_value()) return std::nullopt;
      if (side.Has(part.node, kInequalityInside)) return SetOfConditions(side, *members, depth);
      RealSet out;
      for (const Part& member : *members) {
        if (side.ShapeOf(member.node) != Shape::kScalar) return std::nullopt;
        out.push_back(RealSets::Point(ValueOfScalar(side, member)));
      }
      return sets.Normal(std::move(out));
    }
    case Shape::kScalar:
      return RealSet{RealSets::Point(ValueOfScalar(side, part))};
    case Shape::kRelation:
      return SetOfRelation(side, part);
    case Shape::kTuple: {  // (1, 2) beside 1 < x < 2; (2, 1) is a point
      std::optional<RealSet> interval = SetOfInterval(side, part, 0);
      if (interval.has_value() && interval->empty()) return std::nullopt;
      return interval;
    }
    case Shape::kRealSet:
      break;
    default:
      return std::nullopt;
  }
  if (node.op == Op::kConstant) {
    if (node.payload == static_cast<uint32_t>(Constant::kReals)) return RealSets::All();
    return std::nullopt;
  }
  if (node.op == Op::kInterval) return SetOfInterval(side, part, node.payload);
  std::optional<RealSet> out;
  for (uint32_t i = 0; i < node.child_count; ++i) {
    std::optional<RealSet> next = SetOf(side, {side.Child(part.node, i), part.signs}, depth + 1);
    if (!next.has_value()) return std::nullopt;
    if (!out.has_value()) {
      out = std::move(next);
    } else if (node.op == Op::kUnion) {
      out->insert(out->end(), next->begin(), next->end());
      if (out->size() > RealSets::kMaxPieces) return std::nullopt;
    } else if (node.op == Op::kIntersect) {
      out = sets.Intersection(*out, *next);
    } else {
      const std::optional<RealSet> rest = sets.Complement(*next);
      if (!rest.has_value()) return std::nullopt;
      out = sets.Intersection(*out, *rest);
    }
    if (!out.has_value()) return std::nullopt;
  }
  if (!out.has_value()) return std::nullopt;
  return sets.Normal(*std::move(out));
}

std::optional<RealSet> AnswerComparison::SetOfRelation(AnswerSide& side, const Part& chain) {
  TermId& variable = set_variable_[&side == &given_ ? 0 : 1];
  RealSets sets(terms_, given_work_);
  RealSet out = RealSets::All();
  bool decimal = false;
  int32_t decimals = -1;
  for (uint32_t i = 0; i < side[chain.node].child_count; ++i) {
    const int32_t found = side.DecimalsOf(side.Child(chain.node, i), false);
    decimal = decimal || found >= 0;
    decimals = std::max(decimals, found);
  }
  for (const Constraint& constraint : ConstraintsOf(side, chain)) {
    if (given_work_.UsedUp() || reference_work_.UsedUp()) return std::nullopt;
    if (!IsInequality(constraint.relation) && constraint.relation != Relation::kNotEqual) return std::nullopt;
    // difference = factor · symbolic + rest
    std::vector<TermId> rest, symbolic;
    const bool is_sum = terms_[constraint.difference].kind == TermKind::kSum;
    const std::vector<TermId> summands =
        is_sum ? std::vector<TermId>(terms_.Operands(constraint.difference).begin(),
                                     terms_.Operands(constraint.difference).end())
               : std::vector<TermId>{constraint.difference};
    for (const TermId summand : summands) {
      if (terms_.IsConstant(summand, Constant::kInfinity)) return std::nullopt;
      (terms_.Has(summand, kHasSymbol) ? symbolic : rest).push_back(summand);
    }
    if (symbolic.size() != 1) return std::nullopt;
    std::vector<TermId> factors;
    TermId unknown = symbolic[0];
    if (terms_[unknown].kind == TermKind::kProduct) {
      std::vector<TermId> with_symbol;
      for (const TermId factor : terms_.Operands(unknown))
        (terms_.Has(factor, kHasSymbol) ? with_symbol : factors).push_back(factor);
      if (with_symbol.size() != 1) return std::nullopt;
      unknown = with_symbol[0];
    }
    const TermId factor = terms_.Product(factors);
    const std::optional<int> sign = SignOf(terms_, factor, given_work_);
    if (!sign.has_value() || *sign == 0) return std::nullopt;
    const TermId at = terms_.Negative(terms_.Quotient(terms_.Sum(rest), factor));
    const ScalarValue end{at, terms_.AsRational(at) != nullptr && decimal ? decimals : -1};
    bool absolute = false;
    if (terms_[unknown].kind == TermKind::kFunction &&
        terms_[unknown].payload == static_cast<uint32_t>(Function::kAbs)) {
      absolute = true;
      unknown = terms_.Operands(unknown)[0];
    }
    if (terms_[unknown].kind != TermKind::kSymbol && terms_[unknown].kind != TermKind::kOpaque)
      return std::nullopt;
    if (variable != 0 && variable != unknown) return std::nullopt;
    variable = unknown;
    std::optional<RealSet> holds = SetOfLink(constraint.relation, *sign > 0, end, absolute);
    if (!holds.has_value()) return std::nullopt;
    std::optional<RealSet> both = sets.Intersection(out, *holds);
    if (!both.has_value()) return std::nullopt;
    out = *std::move(both);
  }
  return out;
}

std::optional<RealSet> AnswerComparison::SetOfLink(Relation relation, bool below, const ScalarValue& end,
                                                   bool absolute) {
  RealSets sets(terms_, given_work_);
  const Bound bound{.at = end, .closed = relation == Relation::kLessEqual};
  const ScalarValue mirrored{terms_.Negative(end.term), end.decimals};
  const Bound mirrored_bound{.at = mirrored, .closed = bound.closed};
  if (relation == Relation::kNotEqual) {
    RealSet points = {RealSets::Point(end)};
    if (absolute) points.push_back(RealSets::Point(mirrored));
    const std::optional<RealSet> normal = sets.Normal(std::move(points));
    if (!normal.has_value()) return std::nullopt;
    return sets.Complement(*normal);
  }
  if (!absolute) {
    if (below) return RealSet{{.low = {.infinite = true}, .high = bound}};
    return RealSet{{.low = bound, .high = {.infinite = true}}};
  }
  if (below) return sets.Normal({{.low = mirrored_bound, .high = bound}});
  return sets.Normal(
      {{.low = {.infinite = true}, .high = mirrored_bound}, {.low = bound, .high = {.infinite = true}}});
}

Sameness AnswerComparison::CompareSets(const RealSet& given, const RealSet& reference) {
  if (given.size() != reference.size()) return Differs("sets of another number of pieces");
  for (size_t i = 0; i < given.size(); ++i) {
    for (const bool high : {false, true}) {
      const Bound& g = high ? given[i].high : given[i].low;
      const Bound& r = high ? reference[i].high : reference[i].low;
      if (g.infinite != r.infinite) return Differs("an end at infinity against one that is not");
      if (g.infinite) continue;
      if (g.closed != r.closed) return Differs("an open end against a closed one");
      const Sameness ends = scalars_.Compare(g.at, r.at, detail_);
      if (ends != Sameness::kSame) return ends;
    }
  }
  return Sameness::kSame;
}

Sameness AnswerComparison::CompareAsSets(const Part& given, const Part& reference, Shape g, Shape r,
                                         int depth) {
  // An inequality is no solution where the reference is the solved set.
  if (given_.Has(given.node, kBareInequalityInside) && !reference_.Has(reference.node, kInequalityInside) &&
      !options_.inequality_for_set)
    return Differs("a relation against a set");
  const auto is_open_interval = [](const AnswerSide& side, NodeId id) {
    return side[id].op == Op::kInterval && side[id].payload == 0;
  };
  // A point (1, 2) may have been read as an interval, and the other way round.
  if ((g == Shape::kTuple && is_open_interval(reference_, reference.node)) ||
      (r == Shape::kTuple && is_open_interval(given_, given.node)) ||
      (given_[given.node].op == Op::kInterval && reference_[reference.node].op == Op::kInterval &&
       given_[given.node].payload == reference_[reference.node].payload)) {
    const Sameness ends = CompareInOrder(given_.ChildrenOf(given), reference_.ChildrenOf(reference), depth);
    if (ends != Sameness::kDifferent || g == Shape::kTuple || r == Shape::kTuple) return ends;
  }
  set_variable_[0] = set_variable_[1] = 0;
  const std::optional<RealSet> wanted = SetOf(reference_, reference, depth);
  const std::optional<RealSet> found = SetOf(given_, given, depth);
  if (Sameness whose; StepsUsedUp(whose)) return whose;
  if (wanted.has_value() && found.has_value()) {
    if (set_variable_[0] != 0 && set_variable_[1] != 0 && set_variable_[0] != set_variable_[1])
      return Differs("conditions for another variable");
    return CompareSets(*found, *wanted);
  }
  // Ends that cannot be ordered: part by part.
  const Node& a = given_[given.node];
  const Node& b = reference_[reference.node];
  if (a.op == b.op && (a.op == Op::kUnion || a.op == Op::kIntersect))
    return CompareCollections(given_.ChildrenOf(given), reference_.ChildrenOf(reference), depth);
  if (a.op == b.op && a.op == Op::kMinusSet)
    return CompareInOrder(given_.ChildrenOf(given), reference_.ChildrenOf(reference), depth);
  if (MakeTerm(given_, given) == MakeTerm(reference_, reference)) return Sameness::kSame;
  if (Sameness whose; StepsUsedUp(whose)) return whose;
  return Differs("sets that differ, or that cannot be ordered");
}

}  // namespace entrain
