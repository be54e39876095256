
#include "verifier/math/formula_parser.h"

namespace entrain {

std::span<const NodeId> FormulaParser::Pop(size_t count) {
  popped_.clear();
  for (size_t i = operands_.size() - count; i < operands_.size(); ++i) popped_.push_back(operands_[i].id);
  operands_.erase(operands_.end() - static_cast<std::ptrdiff_t>(count), operands_.end());
  return popped_;
}

void FormulaParser::Replace(size_t count, Op op, uint32_t payload) {
  const NodeId node = build_.Node(op, payload, Pop(count));
  operands_.push_back({.id = node});
}

void FormulaParser::PushOperator(Pending pending, uint8_t precedence, uint32_t detail) {
  // A power binds to the right: 2^3^2 is 2^(3^2). All else of the same precedence binds to the left.
  if (pending == Pending::kPower) {
    Reduce(precedence + 1);
  } else {
    Reduce(precedence + 1);
    StackEntry& top = stack_.back();
    if (top.pending != Pending::kFrame && top.precedence == precedence && top.awaits == Awaits::kNothing) {
      const bool more =
          top.pending == pending && top.detail == detail &&
          (pending == Pending::kMultiply || pending == Pending::kRatio ||
           (pending == Pending::kSetOperation && detail != static_cast<uint32_t>(Op::kMinusSet)));
      if (more) {
        ++top.count;
        have_operand_ = false;
        return;
      }
      Reduce(precedence);
    }
  }
  stack_.push_back({.pending = pending, .precedence = precedence, .count = 1, .detail = detail});
  have_operand_ = false;
}

void FormulaParser::PushAdd(bool minus) {
  Reduce(precedence::kAdd + 1);
  StackEntry& top = stack_.back();
  if (top.pending == Pending::kAdd) {
    if (top.negate_last) operands_.back().id = build_.Negate(Top());
    ++top.count;
    top.negate_last = minus;
  } else {
    Reduce(precedence::kAdd);
    stack_.push_back(
        {.pending = Pending::kAdd, .precedence = precedence::kAdd, .negate_last = minus, .count = 1});
  }
  have_operand_ = false;
}

// A sign binds less than a product, −ab is −(ab), except behind an operator that binds more.
void FormulaParser::PushSign(Pending pending) {
  const StackEntry& top = stack_.back();
  uint8_t precedence = precedence::kSign;
  if (top.pending != Pending::kFrame && top.precedence >= precedence::kMultiply)
    precedence = top.precedence >= precedence::kPower ? precedence::kPower : precedence::kSignInProduct;
  stack_.push_back({.pending = pending, .precedence = precedence, .count = 0});
}

void FormulaParser::PushRelation(Relation relation) {
  Reduce(precedence::kRelation + 1);
  StackEntry& top = stack_.back();
  relations_.push_back(relation);
  if (top.pending == Pending::kRelation) {
    ++top.count;
  } else {
    stack_.push_back({.pending = Pending::kRelation, .precedence = precedence::kRelation, .count = 1});
  }
  have_operand_ = false;
}

// \sin 2x: the product belongs to the argument.
bool FormulaParser::InFunctionArgument() const {
  for (size_t i = stack_.size(); i-- > 0;) {
    const StackEntry& entry = stack_[i];
    if (entry.pending == Pending::kFunction) return true;
    if (entry.pending == Pending::kFrame || entry.precedence <= precedence::kFunction) return false;
  }
  return false;
}

void FormulaParser::Reduce(uint8_t least) {
  while (!stopped_ && stack_.back().pending != Pending::kFrame && stack_.back().precedence >= least)
    ReduceTop();
}

namespace {

bool IsTransposed(const Formula& formula, const Node& exponent) {
  if (exponent.op != Op::kSymbol) return false;
  const std::string& name = formula.names[exponent.payload];
  return name == "T" || name == "top" || name == "intercal";
}

}  // namespace

NodeId FormulaParser::Power(NodeId base, NodeId exponent) {
  const Node matrix = build_.node(base);
  if (matrix.op == Op::kMatrix && IsTransposed(out_.formula, build_.node(exponent))) {
    const uint32_t columns = matrix.payload, rows = matrix.child_count / columns;
    std::vector<NodeId> cells;
    cells.reserve(matrix.child_count);
    for (uint32_t column = 0; column < columns; ++column) {
      for (uint32_t row = 0; row < rows; ++row)
        cells.push_back(build_.children(base)[row * columns + column]);
    }
    return build_.Node(Op::kMatrix, rows, cells);
  }
  return build_.Node(Op::kPower, 0, {base, exponent});
}

// a : b is a / b; "12:05" is a time of day; a : b : c is what it becomes when it is divided by a.
NodeId FormulaParser::Ratio(std::span<const NodeId> given, bool clock) {
  const std::vector<NodeId> terms(given.begin(), given.end());
  if (terms.size() == 2) {
    if (clock) return build_.Named(Op::kOpaque, "time", terms);
    return build_.Node(Op::kDivide, 0, {terms[0], terms[1]});
  }
  std::vector<NodeId> quotients;
  for (size_t i = 1; i < terms.size(); ++i)
    quotients.push_back(build_.Node(Op::kDivide, 0, {terms[i], terms[0]}));
  return build_.Named(Op::kOpaque, "ratio", quotients);
}

void FormulaParser::ReduceTop() {
  const StackEntry top = stack_.back();
  stack_.pop_back();
  const auto binary = [&](Op op, uint32_t payload = 0) { Replace(2, op, payload); };
  switch (top.pending) {
    case Pending::kChoose:
      if (top.detail == 1) return binary(Op::kDivide);
      return binary(Op::kFunction, static_cast<uint32_t>(Function::kBinomial));
    case Pending::kModulo: {
      const std::span<const NodeId> sides = Pop(2);
      operands_.push_back({.id = build_.Named(Op::kOpaque, "modulo", sides)});
      return;
    }
    case Pending::kRelation: {
      const std::span<const Relation> chain(relations_.data() + relations_.size() - top.count, top.count);
      const NodeId node = build_.Chain(Pop(top.count + 1), chain);
      relations_.erase(relations_.end() - static_cast<std::ptrdiff_t>(top.count), relations_.end());
      operands_.push_back({.id = node});
      return;
    }
    case Pending::kSetOperation: {
      // ( a, b ) beside ∪ is an interval.
      for (size_t i = operands_.size() - top.count - 1; i < operands_.size(); ++i) {
        const Node node = build_.node(operands_[i].id);
        if (node.op == Op::kTuple && node.child_count == 2) {
          const std::vector<NodeId> ends(build_.children(operands_[i].id).begin(),
                                         build_.children(operands_[i].id).end());
          operands_[i].id = build_.Node(Op::kInterval, 0, ends);
        }
      }
      return Replace(top.count + 1, static_cast<Op>(top.detail));
    }
    case Pending::kRatio: {
      const bool clock = operands_.back().clock;
      const NodeId node = Ratio(Pop(top.count + 1), clock);
      operands_.push_back({.id = node});
      return;
    }
    case Pending::kAdd:
      if (top.negate_last) operands_.back().id = build_.Negate(Top());
      return Replace(top.count + 1, Op::kAdd);
    case Pending::kPlusMinus:
      return binary(Op::kPlusMinus);
    case Pending::kSignPlusMinus:
      return Replace(1, Op::kPlusMinus);
    case Pending::kNegate: {
      const NodeId node = build_.Negate(Top());
      operands_.back() = {.id = node, .number = operands_.back().number, .unit = operands_.back().unit};
      return;
    }
    case Pending::kMultiply:
      return Replace(top.count + 1, Op::kMultiply);
    case Pending::kDivide:
      return binary(Op::kDivide);
    case Pending::kRemainder:
      return binary(Op::kFunction, static_cast<uint32_t>(Function::kMod));
    case Pending::kPower: {
      const std::span<const NodeId> sides = Pop(2);
      const NodeId node = Power(sides[0], sides[1]);
      operands_.push_back({.id = node});
      return;
    }
    case Pending::kFunction: {
      stack_.push_back(top);  // FinishFunction takes it
      const std::vector<NodeId> argument = {Top()};
      operands_.pop_back();
      return FinishFunction(argument);
    }
    case Pending::kBigOperator: {
      stack_.push_back(top);
      const NodeId body = Top();
      operands_.pop_back();
      return FinishBigOperator(body);
    }
    case Pending::kOver:
    case Pending::kRoot:
    case Pending::kFrame:
      stack_.push_back(top);
      return Fail("an argument", {});
  }
}

}  // namespace entrain
