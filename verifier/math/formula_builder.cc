#include "verifier/math/formula_builder.h"

#include <utility>

namespace entrain {

NodeId FormulaBuilder::Node(Op op, uint32_t payload, std::span<const NodeId> children) {
  const auto first = static_cast<uint32_t>(formula_.children.size());
  formula_.children.insert(formula_.children.end(), children.begin(), children.end());
  formula_.nodes.push_back({.op = op,
                            .payload = payload,
                            .first_child = first,
                            .child_count = static_cast<uint32_t>(children.size())});
  return formula_.root();
}

NodeId FormulaBuilder::Number(entrain::Number number) {
  formula_.numbers.push_back(std::move(number));
  return Node(Op::kNumber, static_cast<uint32_t>(formula_.numbers.size() - 1), {});
}

NodeId FormulaBuilder::Named(Op op, std::string name, std::span<const NodeId> children) {
  formula_.names.push_back(std::move(name));
  return Node(op, static_cast<uint32_t>(formula_.names.size() - 1), children);
}

NodeId FormulaBuilder::Chain(std::span<const NodeId> sides, std::span<const Relation> relations) {
  const auto first = static_cast<uint32_t>(formula_.relations.size());
  formula_.relations.insert(formula_.relations.end(), relations.begin(), relations.end());
  return Node(Op::kRelation, first, sides);
}

NodeId FormulaBuilder::Negate(NodeId id) {
  if (node(id).op != Op::kNumber) return Node(Op::kNegate, 0, {id});
  mpq_class& value = number(id).value;
  value = -value;
  return id;
}

std::span<const NodeId> FormulaBuilder::children(NodeId id) const {
  const entrain::Node& of = formula_.nodes[id];
  return {formula_.children.data() + of.first_child, of.child_count};
}

}  // namespace entrain
