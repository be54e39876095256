#pragma once

#include <initializer_list>
#include <span>
#include <string>

#include "verifier/math/formula.h"

namespace entrain {

// Makes a formula node by node, children first. Single-threaded.
class FormulaBuilder {
 public:
  explicit FormulaBuilder(Formula& formula) : formula_(formula) {}

  NodeId Node(Op op, uint32_t payload, std::span<const NodeId> children);
  NodeId Node(Op op, uint32_t payload, std::initializer_list<NodeId> children) {
    return Node(op, payload, std::span(children.begin(), children.size()));
  }
  NodeId Number(entrain::Number number);
  NodeId Whole(long value) { return Number({.value = mpq_class(value)}); }
  NodeId Named(Op op, std::string name, std::span<const NodeId> children = {});
  NodeId Constant(entrain::Constant constant) {
    return Node(Op::kConstant, static_cast<uint32_t>(constant), {});
  }
  NodeId Function(entrain::Function function, std::span<const NodeId> arguments) {
    return Node(Op::kFunction, static_cast<uint32_t>(function), arguments);
  }
  NodeId Chain(std::span<const NodeId> sides, std::span<const Relation> relations);
  // −node; a number changes its sign in place, because nothing else refers to it.
  NodeId Negate(NodeId node);

  const entrain::Node& node(NodeId id) const { return formula_.nodes[id]; }
  std::span<const NodeId> children(NodeId id) const;
  entrain::Number& number(NodeId id) { return formula_.numbers[formula_.nodes[id].payload]; }
  const std::string& name(NodeId id) const { return formula_.names[formula_.nodes[id].payload]; }
  size_t size() const { return formula_.nodes.size(); }

 private:
  Formula& formula_;
};

}  // namespace entrain
