#include "verifier/math/answer_side.h"

#include <algorithm>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace entrain {
namespace {

constexpr uint32_t kMaxPlusMinus = 4;  // ± in one part: 16 values

}  // namespace

bool IsEquality(Relation relation) {
  return relation == Relation::kEqual || relation == Relation::kApproximately;
}

bool IsInequality(Relation relation) {
  return relation >= Relation::kLess && relation <= Relation::kGreaterEqual;
}

AnswerSide::AnswerSide(const Formula& of, Terms& terms, const EquivalenceOptions& options, Work& its_work)
    : formula(of), work(its_work), builder_(terms, of), options_(options), inside_(of.nodes.size(), 0) {
  for (NodeId id = 0; id < of.nodes.size(); ++id) {
    const Node& node = of.nodes[id];
    uint8_t inside = 0;
    for (uint32_t i = 0; i < node.child_count; ++i) inside |= inside_[of.children[node.first_child + i]];
    if (node.op == Op::kPlusMinus) {
      inside |= kPlusMinusInside;
      plus_minus_.push_back(id);
    }
    if (node.op == Op::kTuple || node.op == Op::kMatrix) inside |= kVectorInside;
    if (node.op == Op::kPercent) inside |= kPercentInside;
    if (node.op == Op::kDegrees) inside |= kDegreesInside;
    if (node.op == Op::kRelation && node.child_count >= 2) {
      const Relation relation = of.relations[node.payload];
      if (IsInequality(relation) || relation == Relation::kNotEqual) {
        inside |= kInequalityInside | kBareInequalityInside;
      }
    }
    if (node.op == Op::kIntersect && node.child_count == 1) inside &= ~kBareInequalityInside;
    inside_[id] = inside;
  }
}

TermId AnswerSide::Term(const Part& part, bool bare) {
  return builder_.Build(part.node, {.bare = bare,
                                    .signs = part.signs & ~kDecided,
                                    .units = options_.units,
                                    .names = options_.symbol_names});
}

std::optional<NodeId> AnswerSide::PointOf(NodeId id) const {
  if ((*this)[id].op != Op::kMultiply || (*this)[id].child_count != 2) return std::nullopt;
  const Node& letter = (*this)[Child(id, 0)];
  if (letter.op != Op::kSymbol || (*this)[Child(id, 1)].op != Op::kTuple) return std::nullopt;
  const std::string& name = formula.names[letter.payload];
  if (name.empty() || !absl::ascii_isupper(static_cast<unsigned char>(name[0]))) return std::nullopt;
  return Child(id, 1);
}

Part AnswerSide::Unwrapped(Part part) const {
  for (;;) {
    const Node& node = (*this)[part.node];
    if (node.op == Op::kUnit && !options_.units) {
      part.node = Child(part.node, 0);
    } else if (node.op == Op::kRelation && node.child_count == 2 &&
               formula.relations[node.payload] == Relation::kIn) {
      part.node = Child(part.node, 1);
    } else {
      return part;
    }
  }
}

Shape AnswerSide::ShapeOf(NodeId id) const {
  const Node& node = (*this)[id];
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
      if (IsEmptySet(id)) return Shape::kCollection;
      return node.payload > static_cast<uint32_t>(Constant::kEmptySet) ? Shape::kRealSet : Shape::kScalar;
    case Op::kOpaque:
    case Op::kFunction:
      return Shape::kScalar;
    default:
      return Has(id, kVectorInside) ? Shape::kMatrix : Shape::kScalar;
  }
}

std::optional<Parts> AnswerSide::Members(Part part) const {
  Parts out, stack;
  const auto push_children = [&](const Part& of) {
    for (uint32_t i = (*this)[of.node].child_count; i-- > 0;) stack.push_back({Child(of.node, i), of.signs});
  };
  const Op op = (*this)[part.node].op;
  if (op == Op::kList || op == Op::kSet) {
    push_children(part);
  } else if (!IsEmptySet(part.node)) {
    stack.push_back(part);
  }
  while (!stack.empty()) {
    const Part next = Unwrapped(stack.back());
    stack.pop_back();
    if ((*this)[next.node].op == Op::kList && !HasRelation(next.node)) {
      push_children(next);
    } else if (HasAlternatives(next)) {
      if (!ExpandPlusMinus(next, out)) return std::nullopt;
    } else {
      out.push_back(next);
    }
  }
  return out;
}

bool AnswerSide::IsEmptySet(NodeId id) const {
  return (*this)[id].op == Op::kConstant && (*this)[id].payload == static_cast<uint32_t>(Constant::kEmptySet);
}

bool AnswerSide::HasAlternatives(const Part& part) const {
  return Has(part.node, kPlusMinusInside) && (part.signs & kDecided) == 0;
}

bool AnswerSide::ExpandPlusMinus(const Part& part, Parts& out) const {
  std::vector<uint32_t> which;
  std::vector<NodeId> stack = {part.node};
  while (!stack.empty()) {
    const NodeId node = stack.back();
    stack.pop_back();
    if (!Has(node, kPlusMinusInside)) continue;
    if ((*this)[node].op == Op::kPlusMinus) {
      const auto found = std::lower_bound(plus_minus_.begin(), plus_minus_.end(), node);
      which.push_back(static_cast<uint32_t>(found - plus_minus_.begin()));
    }
    for (uint32_t i = 0; i < (*this)[node].child_count; ++i) stack.push_back(Child(node, i));
  }
  if (which.size() > kMaxPlusMinus || plus_minus_.size() > 30) return false;
  for (uint32_t choice = 0; choice < 1u << which.size(); ++choice) {
    uint32_t signs = kDecided;
    for (size_t k = 0; k < which.size(); ++k) signs |= (choice >> k & 1) << which[k];
    out.push_back({part.node, signs});
  }
  return true;
}

const Relation* AnswerSide::RelationsOf(NodeId id) const { return &formula.relations[(*this)[id].payload]; }

bool AnswerSide::IsEquation(NodeId id) const {
  const Node& node = (*this)[id];
  if (node.op != Op::kRelation || node.child_count < 2) return false;
  const Relation* relations = RelationsOf(id);
  return std::all_of(relations, relations + node.child_count - 1, IsEquality);
}

bool AnswerSide::IsName(NodeId root) const {
  std::vector<NodeId> stack = {root};
  size_t names = 0;
  for (size_t seen = 0; !stack.empty(); ++seen) {
    if (seen > 200) return false;
    const NodeId id = stack.back();
    stack.pop_back();
    const Node& node = (*this)[id];
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
        for (uint32_t i = 0; i < node.child_count; ++i) stack.push_back(Child(id, i));
        continue;
      default:
        return false;
    }
  }
  return names > 0;
}

bool AnswerSide::IsAssignment(NodeId id) const { return IsEquation(id) && IsName(Child(id, 0)); }

NodeId AnswerSide::ValueOf(NodeId id) const {
  const Relation* relations = RelationsOf(id);
  uint32_t last = 1;
  while (last + 1 < (*this)[id].child_count && relations[last] == Relation::kEqual) ++last;
  return Child(id, last);
}

int32_t AnswerSide::DecimalsOf(NodeId id, bool bare) const {
  int32_t more = 0;
  for (;;) {
    const Node& node = (*this)[id];
    switch (node.op) {
      case Op::kNumber: {
        const int32_t decimals = formula.numbers[node.payload].decimals;
        return decimals < 0 ? -1 : decimals + more;
      }
      case Op::kPercent:
        if (!bare) more += 2;
        [[fallthrough]];
      case Op::kNegate:
      case Op::kDegrees:
      case Op::kUnit:
        id = Child(id, 0);
        continue;
      case Op::kMultiply: {
        // 1.5 · 10^3
        if (node.child_count != 2) return -1;
        const Node& power = (*this)[Child(id, 1)];
        if (power.op != Op::kPower) return -1;
        const Node& base = (*this)[Child(Child(id, 1), 0)];
        if (base.op != Op::kNumber || formula.numbers[base.payload].value != 10) return -1;
        id = Child(id, 0);
        continue;
      }
      default:
        return -1;
    }
  }
}

bool AnswerSide::IsInfinite(NodeId id, bool& negative) const {
  negative = false;
  while ((*this)[id].op == Op::kNegate) {
    negative = !negative;
    id = Child(id, 0);
  }
  return (*this)[id].op == Op::kConstant && (*this)[id].payload == static_cast<uint32_t>(Constant::kInfinity);
}

Parts AnswerSide::ChildrenOf(const Part& part) const {
  Parts out;
  for (uint32_t i = 0; i < (*this)[part.node].child_count; ++i)
    out.push_back({Child(part.node, i), part.signs});
  return out;
}

bool AnswerSide::AreNamedApart(const Parts& members) const {
  if (members.size() < 2 || members.size() > 100) return false;
  std::set<std::string> names;
  for (const Part& member : members) {
    if (!IsAssignment(member.node)) return false;
    names.insert(Letters(Child(member.node, 0)));
  }
  return names.size() == members.size();
}

std::vector<std::pair<Part, Part>> AnswerSide::NamedValues(const Part& part) const {
  std::vector<std::pair<Part, Part>> out;
  const Node& node = (*this)[part.node];
  if (node.op == Op::kList || node.op == Op::kSet) {
    const Parts members = ChildrenOf(part);
    if (!AreNamedApart(members)) return out;
    for (const Part& member : members)
      out.push_back({{Child(member.node, 0), part.signs}, {ValueOf(member.node), part.signs}});
  } else if (node.op == Op::kRelation && node.child_count == 2 && IsAssignment(part.node)) {
    const Part names{Child(part.node, 0), part.signs}, values{Child(part.node, 1), part.signs};
    if ((*this)[names.node].op != Op::kTuple || (*this)[values.node].op != Op::kTuple) return out;
    const Parts left = ChildrenOf(names), right = ChildrenOf(values);
    if (left.size() != right.size()) return out;
    for (size_t i = 0; i < left.size(); ++i) out.emplace_back(left[i], right[i]);
  }
  return out;
}

bool AnswerSide::IsDomain(NodeId id) const {
  const Node& node = (*this)[id];
  return node.op == Op::kConstant && node.payload >= static_cast<uint32_t>(Constant::kReals);
}

bool AnswerSide::AreNumbered(const Parts& members) const {
  std::set<std::string> names;
  for (const Part& member : members) {
    const NodeId name = Child(member.node, 0);
    if ((*this)[name].op != Op::kSymbol) return false;
    const std::string letters = Letters(name);
    const size_t mark = letters.find('_');
    if (mark == std::string::npos || letters.find_first_not_of("0123456789", mark + 1) != std::string::npos)
      return false;
    names.insert(letters.substr(0, mark));
  }
  return names.size() == 1;
}

bool AnswerSide::AreAllValues(const Parts& members) const {
  return std::none_of(members.begin(), members.end(),
                      [&](const Part& member) { return (*this)[member.node].op == Op::kRelation; });
}

std::string AnswerSide::Letters(NodeId root) const {
  std::string out;
  std::vector<NodeId> stack = {root};
  for (size_t seen = 0; !stack.empty() && seen < 500; ++seen) {
    const NodeId id = stack.back();
    stack.pop_back();
    const Node& node = (*this)[id];
    if (node.op == Op::kSymbol || node.op == Op::kText) {
      for (const char c : formula.names[node.payload]) {
        if (!absl::ascii_isspace(static_cast<unsigned char>(c))) out += absl::ascii_tolower(c);
      }
    } else if (node.op == Op::kConstant && node.payload <= static_cast<uint32_t>(Constant::kI)) {
      constexpr const char* kNames[] = {"pi", "e", "i"};
      out += kNames[node.payload];
    } else if (node.op == Op::kMultiply || node.op == Op::kTuple || node.op == Op::kOpaque ||
               node.op == Op::kFunction || node.op == Op::kDivide) {
      if (node.op == Op::kOpaque) out += formula.names[node.payload];
      for (uint32_t i = node.child_count; i-- > 0;) stack.push_back(Child(id, i));
    } else if (root != id) {
      out += absl::StrCat("#", static_cast<int>(node.op));
    }
  }
  return out;
}

bool AnswerSide::HasRelation(NodeId collection) const {
  for (uint32_t i = 0; i < (*this)[collection].child_count; ++i) {
    if ((*this)[Child(collection, i)].op == Op::kRelation) return true;
  }
  return false;
}

}  // namespace entrain
