#include <algorithm>
#include <map>
#include <utility>

#include "verifier/math/answer_comparison.h"

namespace entrain {

Sameness AnswerComparison::CompareCollections(const Parts& given, const Parts& reference, int depth) {
  const bool in_order =
      options_.ordered_lists ||
      (given_.AreNamedApart(given) && !given_.AreNumbered(given) && reference_.AreAllValues(reference)) ||
      (reference_.AreNamedApart(reference) && given_.AreAllValues(given));
  if (in_order) return CompareInOrder(given, reference, depth);
  // Every member has its like on the other side; repeats count once.
  std::vector<bool> matched(reference.size(), false);
  std::multimap<TermId, size_t> by_term;
  for (size_t i = 0; i < reference.size(); ++i) {
    if (reference_.ShapeOf(reference[i].node) == Shape::kScalar)
      by_term.emplace(MakeTerm(reference_, reference[i]), i);
    if (Sameness whose; StepsUsedUp(whose)) return whose;
  }
  for (const Part& member : given) {
    bool found = false;
    if (given_.ShapeOf(member.node) == Shape::kScalar) {
      const auto [begin, end] = by_term.equal_range(MakeTerm(given_, member));
      for (auto place = begin; place != end; ++place) {
        matched[place->second] = true;
        found = true;
      }
    }
    for (size_t i = 0; i < reference.size() && !found; ++i) {
      const Sameness members = Compare(member, reference[i], depth + 1);
      if (IsLimit(members)) return members;
      if (members == Sameness::kSame) {
        matched[i] = true;
        found = true;
      }
      given_work_.Charge(20);
      if (Sameness whose; StepsUsedUp(whose)) return whose;
    }
    if (!found) return Differs("a member that the reference has not");
  }
  for (size_t i = 0; i < reference.size(); ++i) {
    bool found = matched[i];
    for (size_t k = 0; k < given.size() && !found; ++k) {
      const Sameness members = Compare(given[k], reference[i], depth + 1);
      if (IsLimit(members)) return members;
      found = members == Sameness::kSame;
      given_work_.Charge(20);
      if (Sameness whose; StepsUsedUp(whose)) return whose;
    }
    if (!found) return Differs("a member of the reference is missing");
  }
  return Sameness::kSame;
}

void AnswerComparison::LeaveDomainsAway(Parts& given, Parts& reference) const {
  const auto has_domain = [](const AnswerSide& side, const Parts& parts) {
    return std::any_of(parts.begin(), parts.end(),
                       [&](const Part& part) { return side.IsDomain(part.node); });
  };
  const auto leave_away = [](const AnswerSide& side, Parts& parts) {
    Parts values;
    for (const Part& part : parts) {
      if (!side.IsDomain(part.node)) values.push_back(part);
    }
    if (!values.empty()) parts = std::move(values);
  };
  const bool of_given = has_domain(given_, given), of_reference = has_domain(reference_, reference);
  if (of_given && !of_reference) leave_away(given_, given);
  if (of_reference && !of_given) leave_away(reference_, reference);
}

Sameness AnswerComparison::CompareMembers(const Part& given, const Part& reference, Shape g, Shape r,
                                          int depth) {
  // A list of conditions is a set.
  if (given_.Has(given.node, kInequalityInside) != reference_.Has(reference.node, kInequalityInside))
    return CompareAsSets(given, reference, g, r, depth);
  // A set of numbers may be part of a union: {1} ∪ [2, 3].
  if ((g == Shape::kRealSet && given_[given.node].op != Op::kInterval) ||
      (r == Shape::kRealSet && reference_[reference.node].op != Op::kInterval))
    return CompareAsSets(given, reference, g, r, depth);
  // (1, 2) is the list 1, 2 in this order, and may have been read as an interval.
  const auto is_open_interval = [](const AnswerSide& side, NodeId id) {
    return side[id].op == Op::kInterval && side[id].payload == 0;
  };
  std::optional<Parts> found = given_.Members(given);
  if (!found.has_value()) return PastLimit(Sameness::kGivenPastLimit, "too many ±");
  std::optional<Parts> wanted = reference_.Members(reference);
  if (!wanted.has_value()) return PastLimit(Sameness::kReferencePastLimit, "too many ±");
  LeaveDomainsAway(*found, *wanted);
  if (g == Shape::kCollection && (r == Shape::kTuple || is_open_interval(reference_, reference.node)) &&
      found->size() > 1 && !reference_.HasAlternatives(reference))
    return CompareInOrder(*found, reference_.ChildrenOf(reference), depth);
  if (r == Shape::kCollection && wanted->size() > 1 &&
      (g == Shape::kTuple || is_open_interval(given_, given.node)) && !given_.HasAlternatives(given))
    return CompareInOrder(given_.ChildrenOf(given), *wanted, depth);
  const bool conditions = given_.Has(given.node, kInequalityInside) && g != r;
  if (g == Shape::kRealSet || r == Shape::kRealSet || conditions)
    return CompareAsSets(given, reference, g, r, depth);
  // 1, 1 is two answers, {1, 1} is the set of one.
  if ((given_[given.node].op == Op::kList && found->size() > 1 && wanted->size() == 1) ||
      (reference_[reference.node].op == Op::kList && wanted->size() > 1 && found->size() == 1))
    return Differs("one part against several");
  if (g == Shape::kMatrix && r == Shape::kCollection && wanted->size() > 1)
    return Differs("a matrix against a list");
  return CompareCollections(*found, *wanted, depth);
}

}  // namespace entrain
