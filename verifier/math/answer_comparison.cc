#include "verifier/math/answer_comparison.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace entrain {

AnswerComparison::AnswerComparison(const Formula& given, const Formula& reference,
                                   const EquivalenceOptions& options)
    : options_(options),
      given_(given, terms_, options, given_work_),
      reference_(reference, terms_, options, reference_work_),
      scalars_(terms_, options, given_work_) {}

Comparison AnswerComparison::Run() {
  const Sameness sameness = Compare({given_.formula.root(), 0}, {reference_.formula.root(), 0}, 0);
  if (sameness == Sameness::kSame) detail_.clear();
  if (sameness == Sameness::kDifferent && detail_.empty()) detail_ = "another kind of answer";
  return {sameness, std::move(detail_)};
}

Sameness AnswerComparison::PastLimit(Sameness whose, const char* limit) {
  detail_ = whose == Sameness::kReferencePastLimit ? absl::StrCat("reference: ", limit) : limit;
  return whose;
}

Sameness AnswerComparison::Differs(const char* why) {
  detail_ = why;
  return Sameness::kDifferent;
}

bool AnswerComparison::StepsUsedUp(Sameness& whose) {
  if (reference_work_.UsedUp()) {
    whose = PastLimit(Sameness::kReferencePastLimit, "more than the allowed work");
    return true;
  }
  if (given_work_.UsedUp()) {
    whose = PastLimit(Sameness::kGivenPastLimit, "more than the allowed work");
    return true;
  }
  return false;
}

TermId AnswerComparison::MakeTerm(AnswerSide& side, const Part& part, bool bare) {
  terms_.SetWork(&side.work);
  const TermId term = side.Term(part, bare);
  terms_.SetWork(&given_work_);
  return term;
}

ScalarValue AnswerComparison::ValueOfScalar(AnswerSide& side, const Part& part, bool bare) {
  const TermId term = MakeTerm(side, part, bare);
  return {term, terms_.AsRational(term) != nullptr ? side.DecimalsOf(part.node, bare) : -1};
}

Sameness AnswerComparison::CompareInOrder(const Parts& given, const Parts& reference, int depth) {
  if (given.size() != reference.size()) {
    detail_ = absl::StrCat(given.size(), " parts against ", reference.size());
    return Sameness::kDifferent;
  }
  for (size_t i = 0; i < given.size(); ++i) {
    const Sameness parts = Compare(given[i], reference[i], depth + 1);
    if (parts != Sameness::kSame) return parts;
  }
  return Sameness::kSame;
}

Sameness AnswerComparison::CompareTexts(const Part& given, const Part& reference) {
  const std::string g = given_.Letters(given.node), r = reference_.Letters(reference.node);
  if (!g.empty() && g == r) return Sameness::kSame;
  const auto set_of = [this](const AnswerSide& side, NodeId id, const std::string& letters) {
    const Node& node = side[id];
    if (side.ShapeOf(id) == Shape::kCollection && node.child_count == 0) return Constant::kEmptySet;
    if (node.op == Op::kConstant) return static_cast<Constant>(node.payload);
    for (const char* words : {"allrealnumbers", "allreals", "realnumbers", "allrealx"}) {
      if (letters == words) return Constant::kReals;
    }
    for (const char* words : {"nosolution", "nosolutions", "nosolutionexists", "nosolutionsexist",
                              "norealsolution", "norealsolutions", "emptyset", "theemptyset"}) {
      if (letters == words) return Constant::kEmptySet;
    }
    return Constant::kPi;  // no set
  };
  const Constant set = set_of(given_, given.node, g);
  if (set >= Constant::kEmptySet && set == set_of(reference_, reference.node, r)) return Sameness::kSame;
  detail_ = absl::StrCat("differs: \"", g.substr(0, 40), "\" against \"", r.substr(0, 40), "\"");
  return Sameness::kDifferent;
}

Sameness AnswerComparison::CompareScalars(const Part& given, const Part& reference) {
  const ScalarValue wanted = ValueOfScalar(reference_, reference);
  const ScalarValue found = ValueOfScalar(given_, given);
  if (Sameness whose; StepsUsedUp(whose)) return whose;
  // A percent or degree sign on one side only: what it is worth is a question of the option.
  const auto only = [&](const AnswerSide& side, NodeId id, const AnswerSide& other, NodeId other_id,
                        uint8_t inside) { return side.Has(id, inside) && !other.Has(other_id, inside); };
  const bool given_percent = only(given_, given.node, reference_, reference.node, kPercentInside);
  const bool reference_percent = only(reference_, reference.node, given_, given.node, kPercentInside);
  const bool given_degrees = only(given_, given.node, reference_, reference.node, kDegreesInside);
  const bool reference_degrees = only(reference_, reference.node, given_, given.node, kDegreesInside);
  const bool percent = given_percent || reference_percent;
  const bool bare_given = given_degrees || (given_percent && options_.percent != PercentRule::kFraction);
  const bool bare_reference =
      reference_degrees || (reference_percent && options_.percent != PercentRule::kFraction);
  if (bare_given || bare_reference) {
    const ScalarValue bare_wanted = bare_reference ? ValueOfScalar(reference_, reference, true) : wanted;
    const ScalarValue bare_found = bare_given ? ValueOfScalar(given_, given, true) : found;
    if (Sameness whose; StepsUsedUp(whose)) return whose;
    const Sameness bare = scalars_.Compare(bare_found, bare_wanted, detail_);
    if (bare != Sameness::kDifferent || (percent && options_.percent == PercentRule::kNumber)) return bare;
  }
  return scalars_.Compare(found, wanted, detail_);
}

Sameness AnswerComparison::Compare(Part given, Part reference, int depth) {
  if (depth > kMaxDepth) return PastLimit(Sameness::kGivenPastLimit, "nested deeper than is compared");
  given = given_.Unwrapped(given);
  reference = reference_.Unwrapped(reference);
  if (const auto point = given_.PointOf(given.node); point && reference_[reference.node].op == Op::kTuple)
    given.node = *point;
  if (const auto point = reference_.PointOf(reference.node); point && given_[given.node].op == Op::kTuple)
    reference.node = *point;
  const Shape g = given_.ShapeOf(given.node), r = reference_.ShapeOf(reference.node);
  const bool alternatives = given_.HasAlternatives(given) || reference_.HasAlternatives(reference);
  if (AreCongruences(given.node, reference.node)) return CompareCongruences(given, reference);
  if (g == Shape::kScalar && r == Shape::kScalar && !alternatives) return CompareScalars(given, reference);
  if (const auto named = CompareNamedValues(given, reference, depth)) return *named;
  // An equation against what is none: its value.
  if (g == Shape::kRelation && r != Shape::kRelation && given_.IsEquation(given.node) &&
      !(r == Shape::kCollection && reference_.HasRelation(reference.node))) {
    if (IsFalse(given_, given)) return Differs("an equation that is false");
    const Sameness value = Compare({given_.ValueOf(given.node), given.signs}, reference, depth + 1);
    if (value != Sameness::kDifferent) return value;
    const std::optional<Part> other = OtherValue(given);
    return other.has_value() ? Compare(*other, reference, depth + 1) : value;
  }
  if (r == Shape::kRelation && g != Shape::kRelation && reference_.IsAssignment(reference.node) &&
      !(g == Shape::kCollection && given_.HasRelation(given.node))) {
    return Compare(given, {reference_.ValueOf(reference.node), reference.signs}, depth + 1);
  }
  if (g == Shape::kText || r == Shape::kText) return CompareTexts(given, reference);
  if (g == Shape::kCollection || r == Shape::kCollection || alternatives)
    return CompareMembers(given, reference, g, r, depth);
  if (g == Shape::kRelation && r == Shape::kRelation) return CompareRelations(given, reference, depth);
  if (g == Shape::kRelation || r == Shape::kRelation || g == Shape::kRealSet || r == Shape::kRealSet)
    return CompareAsSets(given, reference, g, r, depth);
  if (g == Shape::kTuple && r == Shape::kTuple)
    return CompareInOrder(given_.ChildrenOf(given), reference_.ChildrenOf(reference), depth);
  if (g == Shape::kScalar || r == Shape::kScalar) {
    const bool scalar_tuple = g == Shape::kTuple && given_[given.node].child_count == 1;
    if (scalar_tuple) return Compare({given_.Child(given.node, 0), given.signs}, reference, depth + 1);
    return Differs("a number against a vector");
  }
  return CompareMatrices(given, reference);
}

}  // namespace entrain
