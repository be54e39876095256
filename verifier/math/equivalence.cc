#include "verifier/math/equivalence.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "verifier/math/numeric.h"
#include "verifier/math/real_set.h"
#include "verifier/math/scalar_comparison.h"
#include "verifier/math/term.h"
#include "verifier/math/term_builder.h"

namespace entrain {
namespace {

// Steps of about ten nanoseconds for each side.
constexpr int64_t kMaxSteps = 400'000;
constexpr int kMaxDepth = 64;          // of structures: sets of tuples of sets …
constexpr uint32_t kMaxPlusMinus = 4;  // ± in one answer: 16 values
constexpr size_t kMaxMatrixEntries = 1024;

// What is somewhere inside a node.
enum Inside : uint8_t {
  kPlusMinusInside = 1,
  kVectorInside = 2,  // a tuple or matrix in arithmetic
  kPercentInside = 4,
  kDegreesInside = 8,
  kInequalityInside = 16,
};

bool IsEquality(Relation relation) {
  return relation == Relation::kEqual || relation == Relation::kApproximately;
}

bool IsInequality(Relation relation) {
  return relation >= Relation::kLess && relation <= Relation::kGreaterEqual;
}

// One formula and what is known of it.
class Side {
 public:
  Side(const Formula& of, Terms& terms, const EquivalenceOptions& options, Work& its_work)
      : formula(of), work(its_work), builder_(terms, of), options_(options), inside_(of.nodes.size(), 0) {
    uint32_t plus_minus = 0;
    for (NodeId id = 0; id < of.nodes.size(); ++id) {
      const Node& node = of.nodes[id];
      uint8_t inside = 0;
      for (uint32_t i = 0; i < node.child_count; ++i) inside |= inside_[of.children[node.first_child + i]];
      if (node.op == Op::kPlusMinus) {
        inside |= kPlusMinusInside;
        plus_minus_.push_back({id, plus_minus++});
      }
      if (node.op == Op::kTuple || node.op == Op::kMatrix) inside |= kVectorInside;
      if (node.op == Op::kPercent) inside |= kPercentInside;
      if (node.op == Op::kDegrees) inside |= kDegreesInside;
      if (node.op == Op::kRelation && node.child_count >= 2) {
        const Relation relation = of.relations[node.payload];
        if (IsInequality(relation) || relation == Relation::kNotEqual) inside |= kInequalityInside;
      }
      inside_[id] = inside;
    }
  }

  const Node& operator[](NodeId id) const { return formula.nodes[id]; }
  NodeId Child(NodeId id, uint32_t i) const { return formula.children[formula.nodes[id].first_child + i]; }
  NodeId LastChild(NodeId id) const { return Child(id, formula.nodes[id].child_count - 1); }
  bool Has(NodeId id, uint8_t inside) const { return (inside_[id] & inside) != 0; }
  uint32_t PlusMinusCount() const { return static_cast<uint32_t>(plus_minus_.size()); }
  const std::vector<std::pair<NodeId, uint32_t>>& PlusMinus() const { return plus_minus_; }

  TermId Term(NodeId id, uint32_t signs, bool bare = false) {
    return builder_.Build(
        id, {.bare = bare, .signs = signs, .units = options_.units, .names = options_.symbol_names});
  }

  const Formula& formula;
  Work& work;

 private:
  TermBuilder builder_;
  const EquivalenceOptions& options_;
  std::vector<uint8_t> inside_;
  std::vector<std::pair<NodeId, uint32_t>> plus_minus_;
};

// A part of one of the formulas, with its ± decided.
struct Part {
  NodeId node = 0;
  uint32_t signs = 0;
};
using Parts = std::vector<Part>;

enum class Shape : uint8_t { kScalar, kText, kCollection, kTuple, kMatrix, kRealSet, kRelation };

struct Matrix {
  uint32_t rows = 0, columns = 0;
  std::vector<ScalarValue> entries;  // row by row
};

class AnswerComparison {
 public:
  AnswerComparison(const Formula& given, const Formula& reference, const EquivalenceOptions& options)
      : options_(options),
        given_(given, terms_, options, given_work_),
        reference_(reference, terms_, options, reference_work_),
        scalars_(terms_, options, given_work_) {}

  Comparison Run() {
    const Sameness sameness = Compare({given_.formula.root(), 0}, {reference_.formula.root(), 0}, 0);
    if (sameness == Sameness::kSame) detail_.clear();
    if (sameness == Sameness::kDifferent && detail_.empty()) detail_ = "another kind of answer";
    return {sameness, std::move(detail_)};
  }

 private:
  Sameness PastLimit(Sameness whose, const char* limit) {
    detail_ = whose == Sameness::kReferencePastLimit ? absl::StrCat("reference: ", limit) : limit;
    return whose;
  }
  // The first that is not kDifferent or kSame ends everything.
  static bool IsLimit(Sameness sameness) { return sameness >= Sameness::kGivenPastLimit; }
  Sameness Differs(const char* why) {
    detail_ = why;
    return Sameness::kDifferent;
  }
  static Sameness Of(bool same) { return same ? Sameness::kSame : Sameness::kDifferent; }

  bool StepsUsedUp(Sameness& whose) {
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

  // P(1, 2): a point and its letter.
  static std::optional<NodeId> PointOf(const Side& side, NodeId id) {
    if (side[id].op != Op::kMultiply || side[id].child_count != 2) return std::nullopt;
    const Node& letter = side[side.Child(id, 0)];
    if (letter.op != Op::kSymbol || side[side.Child(id, 1)].op != Op::kTuple) return std::nullopt;
    const std::string& name = side.formula.names[letter.payload];
    if (name.empty() || !absl::ascii_isupper(static_cast<unsigned char>(name[0]))) return std::nullopt;
    return side.Child(id, 1);
  }

  // Units that do not count, and x ∈ in front of a set, are left away.
  Part Unwrapped(const Side& side, Part part) const {
    for (;;) {
      const Node& node = side[part.node];
      if (node.op == Op::kUnit && !options_.units) {
        part.node = side.Child(part.node, 0);
      } else if (node.op == Op::kRelation && node.child_count == 2 &&
                 side.formula.relations[node.payload] == Relation::kIn) {
        part.node = side.Child(part.node, 1);
      } else {
        return part;
      }
    }
  }

  Shape ShapeOf(const Side& side, NodeId id) const {
    const Node& node = side[id];
    switch (node.op) {
      case Op::kText:
        return Shape::kText;
      case Op::kTuple:
        return Shape::kTuple;
      case Op::kList:
      case Op::kSet:
        return Shape::kCollection;
      case Op::kInterval:
      case Op::kUnion:
      case Op::kIntersect:
      case Op::kMinusSet:
        return Shape::kRealSet;
      case Op::kMatrix:
        return Shape::kMatrix;
      case Op::kRelation:
        return Shape::kRelation;
      case Op::kConstant:
        if (IsEmptySet(side, id)) return Shape::kCollection;
        return node.payload > static_cast<uint32_t>(Constant::kEmptySet) ? Shape::kRealSet : Shape::kScalar;
      case Op::kOpaque:
      case Op::kFunction:
        return Shape::kScalar;
      default:
        return side.Has(id, kVectorInside) ? Shape::kMatrix : Shape::kScalar;
    }
  }

  // The members of a set, a list or of alternatives; nullopt: too many ±. Lists in lists are taken apart,
  // unless they say what several names are: p = 5, q = 2; p = 7, q = 2.
  std::optional<Parts> Members(const Side& side, Part part) const {
    Parts out, stack;
    const auto push_children = [&](const Part& of) {
      for (uint32_t i = side[of.node].child_count; i-- > 0;)
        stack.push_back({side.Child(of.node, i), of.signs});
    };
    const Op op = side[part.node].op;
    if (op == Op::kList || op == Op::kSet) {
      push_children(part);
    } else if (!IsEmptySet(side, part.node)) {
      stack.push_back(part);
    }
    while (!stack.empty()) {
      const Part next = Unwrapped(side, stack.back());
      stack.pop_back();
      if (side[next.node].op == Op::kList && !HasRelation(side, next.node)) {
        push_children(next);
      } else if (HasAlternatives(side, next)) {
        if (!ExpandPlusMinus(side, next, out)) return std::nullopt;
      } else {
        out.push_back(next);
      }
    }
    return out;
  }

  static bool IsEmptySet(const Side& side, NodeId id) {
    return side[id].op == Op::kConstant && side[id].payload == static_cast<uint32_t>(Constant::kEmptySet);
  }

  // Bit 31 of the signs says that the ± of a part are decided.
  static constexpr uint32_t kDecided = 1u << 31;
  static bool HasAlternatives(const Side& side, const Part& part) {
    return side.Has(part.node, kPlusMinusInside) && (part.signs & kDecided) == 0;
  }

  static bool ExpandPlusMinus(const Side& side, const Part& part, Parts& out) {
    std::vector<uint32_t> which;
    std::vector<NodeId> stack = {part.node};
    while (!stack.empty()) {
      const NodeId node = stack.back();
      stack.pop_back();
      if (!side.Has(node, kPlusMinusInside)) continue;
      if (side[node].op == Op::kPlusMinus) {
        const auto found = std::lower_bound(side.PlusMinus().begin(), side.PlusMinus().end(),
                                            std::pair<NodeId, uint32_t>{node, 0});
        which.push_back(found->second);
      }
      for (uint32_t i = 0; i < side[node].child_count; ++i) stack.push_back(side.Child(node, i));
    }
    if (which.size() > kMaxPlusMinus || side.PlusMinusCount() > 30) return false;
    for (uint32_t choice = 0; choice < 1u << which.size(); ++choice) {
      uint32_t signs = kDecided;
      for (size_t k = 0; k < which.size(); ++k) signs |= (choice >> k & 1) << which[k];
      out.push_back({part.node, signs});
    }
    return true;
  }

  // --- Relations -------------------------------------------------------------------------------------------

  const Relation* RelationsOf(const Side& side, NodeId id) const {
    return &side.formula.relations[side[id].payload];
  }

  bool IsEquation(const Side& side, NodeId id) const {
    const Node& node = side[id];
    if (node.op != Op::kRelation || node.child_count < 2) return false;
    const Relation* relations = RelationsOf(side, id);
    return std::all_of(relations, relations + node.child_count - 1, IsEquality);
  }

  // Only names: x, AB, f(2), |AB|, (x, y), A / B.
  bool IsName(const Side& side, NodeId root) const {
    std::vector<NodeId> stack = {root};
    size_t names = 0;
    for (size_t seen = 0; !stack.empty(); ++seen) {
      if (seen > 200) return false;
      const NodeId id = stack.back();
      stack.pop_back();
      const Node& node = side[id];
      switch (node.op) {
        case Op::kSymbol:
        case Op::kText:
        case Op::kOpaque:
          ++names;
          continue;
        case Op::kConstant:  // E, i as names
          if (node.payload == static_cast<uint32_t>(Constant::kInfinity)) return false;
          continue;
        case Op::kMultiply:
        case Op::kDivide:
        case Op::kTuple:
        case Op::kUnit:
        case Op::kFunction:
          for (uint32_t i = 0; i < node.child_count; ++i) stack.push_back(side.Child(id, i));
          continue;
        default:
          return false;
      }
    }
    return names > 0;
  }

  bool IsAssignment(const Side& side, NodeId id) const {
    return IsEquation(side, id) && IsName(side, side.Child(id, 0));
  }

  // What an equation says in the end: behind its last "=", before the first "≈" that follows one.
  NodeId ValueOf(const Side& side, NodeId id) const {
    const Relation* relations = RelationsOf(side, id);
    uint32_t last = 1;
    while (last + 1 < side[id].child_count && relations[last] == Relation::kEqual) ++last;
    return side.Child(id, last);
  }

  // The same name on the left: W(n) and W(x) name the same.
  bool SameName(NodeId given, NodeId reference) {
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

  TermId MakeTerm(Side& side, const Part& part, bool bare = false) {
    terms_.SetWork(&side.work);
    const TermId term = side.Term(part.node, part.signs & ~kDecided, bare);
    terms_.SetWork(&given_work_);
    return term;
  }

  // left − right of one link of a chain.
  TermId LinkDifference(Side& side, const Part& chain, uint32_t link) {
    const TermId left = MakeTerm(side, {side.Child(chain.node, link), chain.signs});
    const TermId right = MakeTerm(side, {side.Child(chain.node, link + 1), chain.signs});
    terms_.SetWork(&side.work);
    const TermId difference = terms_.Difference(left, right);
    terms_.SetWork(&given_work_);
    return difference;
  }

  struct Constraint {
    TermId difference = 0;  // R 0
    Relation relation = Relation::kEqual;
  };

  std::vector<Constraint> ConstraintsOf(Side& side, const Part& chain) {
    std::vector<Constraint> out;
    for (uint32_t i = 0; i + 1 < side[chain.node].child_count; ++i) {
      Relation relation = RelationsOf(side, chain.node)[i];
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

  bool SameConstraint(const Constraint& given, const Constraint& reference) {
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

  Sameness CompareRelations(const Part& given, const Part& reference, int depth) {
    const bool given_equation = IsEquation(given_, given.node);
    const bool reference_equation = IsEquation(reference_, reference.node);
    if (given_equation != reference_equation) return Differs("an equation against another relation");
    if (given_equation && IsAssignment(given_, given.node) && IsAssignment(reference_, reference.node) &&
        SameName(given_.Child(given.node, 0), reference_.Child(reference.node, 0))) {
      const Sameness values = Compare({ValueOf(given_, given.node), given.signs},
                                      {ValueOf(reference_, reference.node), reference.signs}, depth + 1);
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

  // --- Sets of real numbers --------------------------------------------------------------------------------

  int32_t DecimalsOf(const Side& side, NodeId id) const {
    for (;;) {
      const Node& node = side[id];
      switch (node.op) {
        case Op::kNumber:
          return side.formula.numbers[node.payload].decimals;
        case Op::kNegate:
        case Op::kPercent:
        case Op::kDegrees:
        case Op::kUnit:
          id = side.Child(id, 0);
          continue;
        case Op::kMultiply: {
          // 1.5 · 10^3
          if (node.child_count != 2) return -1;
          const Node& power = side[side.Child(id, 1)];
          if (power.op != Op::kPower) return -1;
          const Node& base = side[side.Child(side.Child(id, 1), 0)];
          if (base.op != Op::kNumber || side.formula.numbers[base.payload].value != 10) return -1;
          id = side.Child(id, 0);
          continue;
        }
        default:
          return -1;
      }
    }
  }

  ScalarValue ValueOfScalar(Side& side, const Part& part, bool bare = false) {
    const TermId term = MakeTerm(side, part, bare);
    return {term, terms_.AsRational(term) != nullptr ? DecimalsOf(side, part.node) : -1};
  }

  bool IsInfinite(const Side& side, NodeId id, bool& negative) const {
    negative = false;
    while (side[id].op == Op::kNegate) {
      negative = !negative;
      id = side.Child(id, 0);
    }
    return side[id].op == Op::kConstant && side[id].payload == static_cast<uint32_t>(Constant::kInfinity);
  }

  // From one part to another; `closed` bit 0: on the left, bit 1: on the right.
  std::optional<RealSet> SetOfInterval(Side& side, const Part& part, uint32_t closed) {
    if (side[part.node].child_count != 2) return std::nullopt;
    Piece piece;
    for (const bool high : {false, true}) {
      Bound& bound = high ? piece.high : piece.low;
      const Part end{side.Child(part.node, high ? 1 : 0), part.signs};
      bool negative = false;
      if (IsInfinite(side, end.node, negative)) {
        if (negative == high) return std::nullopt;
        bound.infinite = true;
      } else {
        if (ShapeOf(side, end.node) != Shape::kScalar) return std::nullopt;
        bound.at = ValueOfScalar(side, end);
        bound.closed = (closed >> (high ? 1 : 0) & 1) != 0;
      }
    }
    RealSets sets(terms_, given_work_);
    return sets.Normal({piece});
  }

  // x ≠ 1, 2, or x < 1, x > 3: conditions that hold together, or else (none would do) one of them.
  std::optional<RealSet> SetOfConditions(Side& side, const Parts& members, int depth) {
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

  std::optional<RealSet> SetOf(Side& side, const Part& raw, int depth) {
    if (depth > kMaxDepth) return std::nullopt;
    const Part part = Unwrapped(side, raw);
    const Node& node = side[part.node];
    RealSets sets(terms_, given_work_);
    switch (ShapeOf(side, part.node)) {
      case Shape::kCollection: {
        const std::optional<Parts> members = Members(side, part);
        if (!members.has_value()) return std::nullopt;
        if (side.Has(part.node, kInequalityInside)) return SetOfConditions(side, *members, depth);
        RealSet out;
        for (const Part& member : *members) {
          if (ShapeOf(side, member.node) != Shape::kScalar) return std::nullopt;
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

  // The values of the one variable for which a chain of inequalities holds, where each link is linear in it
  // or in its absolute value. The variable is left in set_variable_.
  std::optional<RealSet> SetOfRelation(Side& side, const Part& chain) {
    TermId& variable = set_variable_[&side == &given_ ? 0 : 1];
    RealSets sets(terms_, given_work_);
    RealSet out = RealSets::All();
    bool decimal = false;
    int32_t decimals = -1;
    for (uint32_t i = 0; i < side[chain.node].child_count; ++i) {
      const int32_t found = DecimalsOf(side, side.Child(chain.node, i));
      decimal = decimal || found >= 0;
      decimals = std::max(decimals, found);
    }
    for (const Constraint& constraint : ConstraintsOf(side, chain)) {
      if (given_work_.UsedUp() || reference_work_.UsedUp()) return std::nullopt;
      if (!IsInequality(constraint.relation) && constraint.relation != Relation::kNotEqual)
        return std::nullopt;
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

  // unknown R end, or |unknown| R end; `below`: R is < or ≤, else it is turned round.
  std::optional<RealSet> SetOfLink(Relation relation, bool below, const ScalarValue& end, bool absolute) {
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

  Sameness CompareSets(const RealSet& given, const RealSet& reference) {
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

  // --- Tuples, matrices ------------------------------------------------------------------------------------

  static Parts ChildrenOf(const Side& side, const Part& part) {
    Parts out;
    for (uint32_t i = 0; i < side[part.node].child_count; ++i)
      out.push_back({side.Child(part.node, i), part.signs});
    return out;
  }

  Sameness CompareInOrder(const Parts& given, const Parts& reference, int depth) {
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

  // Matrices, vectors and arithmetic on them.
  std::optional<Matrix> MatrixOf(Side& side, const Part& part, int depth) {
    if (depth > kMaxDepth) return std::nullopt;
    const Node& node = side[part.node];
    const auto child = [&](uint32_t i) { return Part{side.Child(part.node, i), part.signs}; };
    if (node.op == Op::kMatrix || node.op == Op::kTuple) {
      Matrix out;
      if (node.child_count == 0 || node.child_count > kMaxMatrixEntries) return std::nullopt;
      if (node.op == Op::kTuple && side[side.Child(part.node, 0)].op == Op::kTuple) {
        // ((1, 2), (3, 4)): rows
        for (uint32_t i = 0; i < node.child_count; ++i) {
          const std::optional<Matrix> row = MatrixOf(side, child(i), depth + 1);
          if (!row.has_value() || row->columns != 1 || (i > 0 && row->rows != out.columns))
            return std::nullopt;
          out.columns = row->rows;
          out.entries.insert(out.entries.end(), row->entries.begin(), row->entries.end());
          if (out.entries.size() > kMaxMatrixEntries) return std::nullopt;
        }
        out.rows = node.child_count;
        return out;
      }
      out.columns = node.op == Op::kTuple ? 1 : node.payload;
      if (out.columns == 0 || node.child_count % out.columns != 0) return std::nullopt;
      out.rows = node.child_count / out.columns;
      for (uint32_t i = 0; i < node.child_count; ++i) {
        if (ShapeOf(side, child(i).node) != Shape::kScalar) return std::nullopt;
        out.entries.push_back(ValueOfScalar(side, child(i)));
      }
      return out;
    }
    if (!side.Has(part.node, kVectorInside)) {
      return Matrix{.rows = 0, .columns = 0, .entries = {ValueOfScalar(side, part)}};  // a scalar
    }
    if (node.op == Op::kPower) {
      const Rational* exponent = terms_.AsRational(MakeTerm(side, child(1)));
      if (exponent == nullptr || !exponent->IsSmallInteger()) return std::nullopt;
      const int64_t times = exponent->SmallInteger();
      if (times < 1 || times > 16) return std::nullopt;
      const std::optional<Matrix> base = MatrixOf(side, child(0), depth + 1);
      std::optional<Matrix> out = base;
      for (int64_t i = 1; i < times && out.has_value(); ++i) out = Multiplied(*out, *base);
      return out;
    }
    if (node.op == Op::kNegate || node.op == Op::kUnit) {
      std::optional<Matrix> out = MatrixOf(side, child(0), depth + 1);
      if (out.has_value() && node.op == Op::kNegate) {
        for (ScalarValue& entry : out->entries) entry.term = terms_.Negative(entry.term);
      }
      return out;
    }
    if (node.op == Op::kDivide) {
      if (side.Has(side.Child(part.node, 1), kVectorInside)) return std::nullopt;
      std::optional<Matrix> out = MatrixOf(side, child(0), depth + 1);
      const TermId below = MakeTerm(side, child(1));
      if (out.has_value()) {
        for (ScalarValue& entry : out->entries) entry = {terms_.Quotient(entry.term, below), -1};
      }
      return out;
    }
    if (node.op != Op::kAdd && node.op != Op::kMultiply) return std::nullopt;
    std::optional<Matrix> out = MatrixOf(side, child(0), depth + 1);
    for (uint32_t i = 1; i < node.child_count && out.has_value(); ++i) {
      const std::optional<Matrix> next = MatrixOf(side, child(i), depth + 1);
      if (!next.has_value() || given_work_.UsedUp()) return std::nullopt;
      if (node.op == Op::kMultiply) {
        out = Multiplied(*out, *next);
      } else {
        if (out->rows != next->rows || out->columns != next->columns) return std::nullopt;
        for (size_t k = 0; k < out->entries.size(); ++k)
          out->entries[k] = {terms_.Sum({out->entries[k].term, next->entries[k].term}), -1};
      }
    }
    return out;
  }

  // rows = 0: a scalar.
  std::optional<Matrix> Multiplied(const Matrix& a, const Matrix& b) {
    if (a.rows == 0 || b.rows == 0) {
      Matrix out = a.rows == 0 ? b : a;
      const TermId factor = a.rows == 0 ? a.entries[0].term : b.entries[0].term;
      for (ScalarValue& entry : out.entries) entry = {terms_.Product({factor, entry.term}), -1};
      return out;
    }
    if (a.columns != b.rows || static_cast<size_t>(a.rows) * b.columns > kMaxMatrixEntries)
      return std::nullopt;
    Matrix out{.rows = a.rows, .columns = b.columns};
    for (uint32_t i = 0; i < a.rows; ++i) {
      for (uint32_t j = 0; j < b.columns; ++j) {
        std::vector<TermId> summands;
        for (uint32_t k = 0; k < a.columns; ++k) {
          if (given_work_.UsedUp()) return std::nullopt;
          summands.push_back(
              terms_.Product({a.entries[i * a.columns + k].term, b.entries[k * b.columns + j].term}));
        }
        out.entries.push_back({terms_.Sum(summands), -1});
      }
    }
    return out;
  }

  Sameness CompareMatrices(const Part& given, const Part& reference) {
    const std::optional<Matrix> g = MatrixOf(given_, given, 0), r = MatrixOf(reference_, reference, 0);
    if (Sameness whose; StepsUsedUp(whose)) return whose;
    if (!g.has_value() || !r.has_value()) {
      // What cannot be computed is still the same when it is written the same.
      return MakeTerm(given_, given) == MakeTerm(reference_, reference) ? Sameness::kSame
                                                                        : Differs("matrices that differ");
    }
    // A tuple is the same as a row or a column.
    const auto is_tuple = [](const Side& side, NodeId id) { return side[id].op == Op::kTuple; };
    const bool any_tuple = is_tuple(given_, given.node) || is_tuple(reference_, reference.node);
    const auto is_vector = [](const Matrix& matrix) { return matrix.rows == 1 || matrix.columns == 1; };
    const bool shapes =
        (g->rows == r->rows && g->columns == r->columns) ||
        (any_tuple && is_vector(*g) && is_vector(*r) && g->entries.size() == r->entries.size());
    if (!shapes) return Differs("matrices of another shape");
    for (size_t i = 0; i < g->entries.size(); ++i) {
      const Sameness entries = scalars_.Compare(g->entries[i], r->entries[i], detail_);
      if (entries != Sameness::kSame) return entries;
    }
    return Sameness::kSame;
  }

  // --- Collections -----------------------------------------------------------------------------------------

  // x = 1, y = 2: different names, one value each.
  bool AreNamedApart(const Side& side, const Parts& members) const {
    if (members.size() < 2 || members.size() > 100) return false;
    std::set<std::string> names;
    for (const Part& member : members) {
      if (!IsAssignment(side, member.node)) return false;
      names.insert(Letters(side, side.Child(member.node, 0)));
    }
    return names.size() == members.size();
  }

  bool AreAllValues(const Side& side, const Parts& members) const {
    return std::none_of(members.begin(), members.end(),
                        [&](const Part& member) { return side[member.node].op == Op::kRelation; });
  }

  Sameness CompareCollections(const Parts& given, const Parts& reference, int depth) {
    const bool in_order = options_.ordered_lists ||
                          (AreNamedApart(given_, given) && AreAllValues(reference_, reference)) ||
                          (AreNamedApart(reference_, reference) && AreAllValues(given_, given));
    if (in_order) return CompareInOrder(given, reference, depth);
    // Every member has its like on the other side; repeats count once.
    std::vector<bool> matched(reference.size(), false);
    std::multimap<TermId, size_t> by_term;
    for (size_t i = 0; i < reference.size(); ++i) {
      if (ShapeOf(reference_, reference[i].node) == Shape::kScalar)
        by_term.emplace(MakeTerm(reference_, reference[i]), i);
      if (Sameness whose; StepsUsedUp(whose)) return whose;
    }
    for (const Part& member : given) {
      bool found = false;
      if (ShapeOf(given_, member.node) == Shape::kScalar) {
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

  // --- Text ------------------------------------------------------------------------------------------------

  // The letters of a text or of a product of names, lower case, without spaces; "" when it is neither.
  std::string Letters(const Side& side, NodeId root) const {
    std::string out;
    std::vector<NodeId> stack = {root};
    for (size_t seen = 0; !stack.empty() && seen < 500; ++seen) {
      const NodeId id = stack.back();
      stack.pop_back();
      const Node& node = side[id];
      if (node.op == Op::kSymbol || node.op == Op::kText) {
        for (const char c : side.formula.names[node.payload]) {
          if (!absl::ascii_isspace(static_cast<unsigned char>(c))) out += absl::ascii_tolower(c);
        }
      } else if (node.op == Op::kConstant && node.payload <= static_cast<uint32_t>(Constant::kI)) {
        constexpr const char* kNames[] = {"pi", "e", "i"};
        out += kNames[node.payload];
      } else if (node.op == Op::kMultiply || node.op == Op::kTuple || node.op == Op::kOpaque ||
                 node.op == Op::kFunction || node.op == Op::kDivide) {
        if (node.op == Op::kOpaque) out += side.formula.names[node.payload];
        for (uint32_t i = node.child_count; i-- > 0;) stack.push_back(side.Child(id, i));
      } else if (root != id) {
        out += absl::StrCat("#", static_cast<int>(node.op));
      }
    }
    return out;
  }

  Sameness CompareTexts(const Part& given, const Part& reference) {
    const std::string g = Letters(given_, given.node), r = Letters(reference_, reference.node);
    if (!g.empty() && g == r) return Sameness::kSame;
    const auto set_of = [this](const Side& side, NodeId id, const std::string& letters) {
      const Node& node = side[id];
      if (ShapeOf(side, id) == Shape::kCollection && node.child_count == 0) return Constant::kEmptySet;
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

  // --- Scalars ---------------------------------------------------------------------------------------------

  Sameness CompareScalars(const Part& given, const Part& reference) {
    const ScalarValue wanted = ValueOfScalar(reference_, reference);
    const ScalarValue found = ValueOfScalar(given_, given);
    if (Sameness whose; StepsUsedUp(whose)) return whose;
    // A percent or degree sign on one side only: what it is worth is a question of the option.
    const auto only = [&](const Side& side, NodeId id, const Side& other, NodeId other_id, uint8_t inside) {
      return side.Has(id, inside) && !other.Has(other_id, inside);
    };
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

  // --- All together ----------------------------------------------------------------------------------------

  Sameness Compare(Part given, Part reference, int depth) {
    if (depth > kMaxDepth) return PastLimit(Sameness::kGivenPastLimit, "nested deeper than is compared");
    given = Unwrapped(given_, given);
    reference = Unwrapped(reference_, reference);
    if (const auto point = PointOf(given_, given.node); point && reference_[reference.node].op == Op::kTuple)
      given.node = *point;
    if (const auto point = PointOf(reference_, reference.node); point && given_[given.node].op == Op::kTuple)
      reference.node = *point;
    const Shape g = ShapeOf(given_, given.node), r = ShapeOf(reference_, reference.node);
    const bool alternatives = HasAlternatives(given_, given) || HasAlternatives(reference_, reference);
    if (g == Shape::kScalar && r == Shape::kScalar && !alternatives) return CompareScalars(given, reference);
    // An equation against what is none: its value.
    if (g == Shape::kRelation && r != Shape::kRelation && IsEquation(given_, given.node) &&
        !(r == Shape::kCollection && HasRelation(reference_, reference.node))) {
      return Compare({ValueOf(given_, given.node), given.signs}, reference, depth + 1);
    }
    if (r == Shape::kRelation && g != Shape::kRelation && IsAssignment(reference_, reference.node) &&
        !(g == Shape::kCollection && HasRelation(given_, given.node))) {
      return Compare(given, {ValueOf(reference_, reference.node), reference.signs}, depth + 1);
    }
    if (g == Shape::kText || r == Shape::kText) return CompareTexts(given, reference);
    if (g == Shape::kCollection || r == Shape::kCollection || alternatives)
      return CompareMembers(given, reference, g, r, depth);
    if (g == Shape::kRelation && r == Shape::kRelation) return CompareRelations(given, reference, depth);
    if (g == Shape::kRelation || r == Shape::kRelation || g == Shape::kRealSet || r == Shape::kRealSet)
      return CompareAsSets(given, reference, g, r, depth);
    if (g == Shape::kTuple && r == Shape::kTuple)
      return CompareInOrder(ChildrenOf(given_, given), ChildrenOf(reference_, reference), depth);
    if (g == Shape::kScalar || r == Shape::kScalar) {
      const bool scalar_tuple = g == Shape::kTuple && given_[given.node].child_count == 1;
      if (scalar_tuple) return Compare({given_.Child(given.node, 0), given.signs}, reference, depth + 1);
      return Differs("a number against a vector");
    }
    return CompareMatrices(given, reference);
  }

  bool HasRelation(const Side& side, NodeId collection) const {
    for (uint32_t i = 0; i < side[collection].child_count; ++i) {
      if (side[side.Child(collection, i)].op == Op::kRelation) return true;
    }
    return false;
  }

  Sameness CompareMembers(const Part& given, const Part& reference, Shape g, Shape r, int depth) {
    // A list of conditions is a set.
    if (given_.Has(given.node, kInequalityInside) != reference_.Has(reference.node, kInequalityInside))
      return CompareAsSets(given, reference, g, r, depth);
    // A set of numbers may be part of a union: {1} ∪ [2, 3].
    if ((g == Shape::kRealSet && given_[given.node].op != Op::kInterval) ||
        (r == Shape::kRealSet && reference_[reference.node].op != Op::kInterval))
      return CompareAsSets(given, reference, g, r, depth);
    // (1, 2) is the list 1, 2 in this order, and may have been read as an interval.
    const auto is_open_interval = [](const Side& side, NodeId id) {
      return side[id].op == Op::kInterval && side[id].payload == 0;
    };
    const std::optional<Parts> found = Members(given_, given);
    if (!found.has_value()) return PastLimit(Sameness::kGivenPastLimit, "too many ±");
    const std::optional<Parts> wanted = Members(reference_, reference);
    if (!wanted.has_value()) return PastLimit(Sameness::kReferencePastLimit, "too many ±");
    if (g == Shape::kCollection && (r == Shape::kTuple || is_open_interval(reference_, reference.node)) &&
        found->size() > 1 && !HasAlternatives(reference_, reference))
      return CompareInOrder(*found, ChildrenOf(reference_, reference), depth);
    if (r == Shape::kCollection && wanted->size() > 1 &&
        (g == Shape::kTuple || is_open_interval(given_, given.node)) && !HasAlternatives(given_, given))
      return CompareInOrder(ChildrenOf(given_, given), *wanted, depth);
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

  Sameness CompareAsSets(const Part& given, const Part& reference, Shape g, Shape r, int depth) {
    // An inequality is no solution where the reference is the solved set.
    if (given_.Has(given.node, kInequalityInside) && !reference_.Has(reference.node, kInequalityInside) &&
        !options_.inequality_for_set)
      return Differs("a relation against a set");
    const auto is_open_interval = [](const Side& side, NodeId id) {
      return side[id].op == Op::kInterval && side[id].payload == 0;
    };
    // A point (1, 2) may have been read as an interval, and the other way round.
    if ((g == Shape::kTuple && is_open_interval(reference_, reference.node)) ||
        (r == Shape::kTuple && is_open_interval(given_, given.node)) ||
        (given_[given.node].op == Op::kInterval && reference_[reference.node].op == Op::kInterval &&
         given_[given.node].payload == reference_[reference.node].payload)) {
      const Sameness ends =
          CompareInOrder(ChildrenOf(given_, given), ChildrenOf(reference_, reference), depth);
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
      return CompareCollections(ChildrenOf(given_, given), ChildrenOf(reference_, reference), depth);
    if (a.op == b.op && a.op == Op::kMinusSet)
      return CompareInOrder(ChildrenOf(given_, given), ChildrenOf(reference_, reference), depth);
    if (MakeTerm(given_, given) == MakeTerm(reference_, reference)) return Sameness::kSame;
    if (Sameness whose; StepsUsedUp(whose)) return whose;
    return Differs("sets that differ, or that cannot be ordered");
  }

  const EquivalenceOptions& options_;
  Work given_work_{kMaxSteps}, reference_work_{kMaxSteps};
  Terms terms_;
  Side given_, reference_;
  ScalarComparison scalars_;
  TermId set_variable_[2] = {0, 0};
  std::string detail_;
};

}  // namespace

Comparison Compare(const Formula& given, const Formula& reference, const EquivalenceOptions& options) {
  if (given.nodes.empty() || reference.nodes.empty())
    return {given.nodes.size() == reference.nodes.size() ? Sameness::kSame : Sameness::kDifferent,
            "an empty formula"};
  AnswerComparison comparison(given, reference, options);
  return comparison.Run();
}

}  // namespace entrain
