#include "verifier/math/term_builder.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace entrain {
namespace {

constexpr TermId kNone = ~TermId{0};

bool IsSum(Op op) { return op == Op::kAdd || op == Op::kNegate; }

}  // namespace

TermBuilder::TermBuilder(Terms& terms, const Formula& formula)
    : terms_(terms), formula_(formula), made_(formula.nodes.size(), kNone) {
  for (NodeId id = 0; id < formula.nodes.size(); ++id) {
    if (formula.nodes[id].op == Op::kPlusMinus)
      plus_minus_.emplace(id, static_cast<uint32_t>(plus_minus_.size()));
  }
}

// The operands of a node, sums within sums and products within products taken apart.
void TermBuilder::Operands(NodeId node, std::vector<Operand>& out) const {
  const Op op = formula_.nodes[node].op;
  const auto joins = [&](Op inner) {
    return IsSum(op) ? IsSum(inner) : op == Op::kMultiply && inner == Op::kMultiply;
  };
  std::vector<Operand> stack;
  const auto push_children = [&](const Operand& of) {
    const Node& parent = formula_.nodes[of.node];
    const bool negative = of.negative != (parent.op == Op::kNegate);
    for (uint32_t i = parent.child_count; i-- > 0;)
      stack.push_back({formula_.children[parent.first_child + i], negative});
  };
  push_children({node, false});
  while (!stack.empty()) {
    const Operand next = stack.back();
    stack.pop_back();
    if (joins(formula_.nodes[next.node].op)) {
      push_children(next);
    } else {
      out.push_back(next);
    }
  }
}

void TermBuilder::Forget() {
  for (const NodeId node : touched_) made_[node] = kNone;
  touched_.clear();
}

void TermBuilder::Rename(std::map<std::string, std::string> names) {
  Forget();
  renames_ = std::move(names);
}

TermId TermBuilder::Build(NodeId root, const Reading& reading) {
  if (reading.bare != last_.bare || reading.signs != last_.signs || reading.units != last_.units ||
      reading.names != last_.names) {
    Forget();
    last_ = reading;
  }
  if (made_[root] != kNone) return made_[root];
  std::vector<Visit> stack = {{root, true, false}};
  std::vector<Operand> operands;
  while (!stack.empty()) {
    Visit& visit = stack.back();
    const NodeId node = visit.node;
    const bool top = visit.top;
    if (made_[node] != kNone) {
      stack.pop_back();
      continue;
    }
    if (visit.children_done) {
      stack.pop_back();
      made_[node] = Make(node, top, reading);
      touched_.push_back(node);
      continue;
    }
    visit.children_done = true;
    const Op op = formula_.nodes[node].op;
    const bool inner_top = top && (IsSum(op) || op == Op::kMultiply || op == Op::kDivide ||
                                   op == Op::kPlusMinus || op == Op::kUnit);
    operands.clear();
    Operands(node, operands);
    for (const Operand& operand : operands) stack.push_back({operand.node, inner_top, false});
  }
  return made_[root];
}

TermId TermBuilder::MakeSymbol(const Node& node, const Reading& reading) {
  const std::string& name = formula_.names[node.payload];
  if (reading.names) {
    const auto other = renames_.find(name);
    return terms_.Symbol(other == renames_.end() ? name : other->second);
  }
  const auto [place, is_new] = renamed_.try_emplace(name, "");
  if (is_new) place->second = absl::StrCat("symbol ", renamed_.size());
  return terms_.Symbol(place->second);
}

TermId TermBuilder::Make(NodeId id, bool top, const Reading& reading) {
  const Node& node = formula_.nodes[id];
  std::vector<TermId> parts;
  if (IsSum(node.op) || node.op == Op::kMultiply) {
    std::vector<Operand> operands;
    Operands(id, operands);
    for (const Operand& operand : operands) {
      const TermId part = made_[operand.node];
      parts.push_back(operand.negative ? terms_.Negative(part) : part);
    }
    return IsSum(node.op) ? terms_.Sum(parts) : terms_.Product(parts);
  }
  for (uint32_t i = 0; i < node.child_count; ++i)
    parts.push_back(made_[formula_.children[node.first_child + i]]);
  switch (node.op) {
    case Op::kNumber:
      return terms_.Number(Rational(formula_.numbers[node.payload].value));
    case Op::kConstant:
      return terms_.Of(static_cast<Constant>(node.payload));
    case Op::kSymbol:
      return MakeSymbol(node, reading);
    case Op::kDivide:
      return terms_.Quotient(parts[0], parts[1]);
    case Op::kPower:
      return terms_.Power(parts[0], parts[1]);
    case Op::kRoot:
      return terms_.Power(parts[0], terms_.Power(parts[1], terms_.Integer(-1)));
    case Op::kLog:
      return terms_.Quotient(terms_.Log(parts[0]), terms_.Log(parts[1]));
    case Op::kFunction:
      return terms_.Apply(static_cast<Function>(node.payload), parts);
    case Op::kPlusMinus: {
      const bool minus = (reading.signs >> plus_minus_.at(id) & 1) != 0;
      const TermId last = minus ? terms_.Negative(parts.back()) : parts.back();
      return parts.size() == 1 ? last : terms_.Sum({parts[0], last});
    }
    case Op::kPercent:
      return reading.bare && top ? parts[0] : terms_.Scaled(Rational(1, 100), parts[0]);
    case Op::kDegrees:
      return reading.bare && top
                 ? parts[0]
                 : terms_.Product({terms_.Number(Rational(1, 180)), terms_.Of(Constant::kPi), parts[0]});
    case Op::kUnit:
      if (!reading.units) return parts[0];
      return terms_.Product({parts[0], terms_.Symbol(absl::StrCat("unit ", formula_.names[node.payload]))});
    case Op::kText:
      return terms_.Opaque(absl::StrCat("text ", formula_.names[node.payload]), {});
    case Op::kOpaque:
      return terms_.Opaque(formula_.names[node.payload], parts);
    default: {
      std::string name = absl::StrCat("structure ", static_cast<int>(node.op), " ", node.payload);
      if (node.op == Op::kRelation) {
        name = "relation";
        for (uint32_t i = 0; i + 1 < node.child_count; ++i)
          absl::StrAppend(&name, " ", static_cast<int>(formula_.relations[node.payload + i]));
      }
      if (node.op == Op::kSet || node.op == Op::kUnion || node.op == Op::kIntersect) {
        std::sort(parts.begin(), parts.end());
        parts.erase(std::unique(parts.begin(), parts.end()), parts.end());
      }
      return terms_.Opaque(name, parts);
    }
  }
}

}  // namespace entrain
