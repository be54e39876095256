// \frac, \sqrt, functions, \sum: what waits for arguments.

#include "absl/strings/match.h"
#include "verifier/math/formula_parser.h"
#include "verifier/math/runes.h"

namespace entrain {
namespace {

bool IsDigitAt(absl::string_view text, size_t i) {
  return i < text.size() && text[i] >= '0' && text[i] <= '9';
}

// The inverse of a function: \sin^{-1} is arcsin. kReciprocal: it has none here.
bool Inverse(Function function, Function& inverse) {
  switch (function) {
    case Function::kSin:
      inverse = Function::kArcsin;
      return true;
    case Function::kCos:
      inverse = Function::kArccos;
      return true;
    case Function::kTan:
      inverse = Function::kArctan;
      return true;
    default:
      return false;
  }
}

bool TakesMany(uint32_t function) {
  switch (function) {
    case static_cast<uint32_t>(Function::kGcd):
    case static_cast<uint32_t>(Function::kLcm):
    case static_cast<uint32_t>(Function::kMin):
    case static_cast<uint32_t>(Function::kMax):
    case static_cast<uint32_t>(Function::kBinomial):
    case static_cast<uint32_t>(NamedFunction::kOther):
      return true;
    default:
      return false;
  }
}

}  // namespace

bool FormulaParser::Awaiting() const {
  const Awaits awaits = stack_.back().awaits;
  return awaits != Awaits::kNothing && awaits != Awaits::kOperand && awaits != Awaits::kCall;
}

void FormulaParser::StartArgument(bool one_digit) {
  have_operand_ = false;
  if (absl::StartsWith(lexer_.Rest(), "{")) {
    lexer_.Skip(1);
    return Open(FrameKind::kArgument);
  }
  one_digit_ = one_digit;
}

void FormulaParser::StartOver(uint32_t detail) {
  stack_.push_back({.pending = Pending::kOver, .awaits = Awaits::kFirst, .detail = detail});
  StartArgument(true);
}

void FormulaParser::StartRoot(const Token& token) {
  StackEntry root{.pending = Pending::kRoot, .awaits = Awaits::kSecond};
  if (token.detail != 0) root.first = static_cast<int32_t>(build_.Whole(token.detail));
  stack_.push_back(root);
  if (token.detail == 0 && absl::StartsWith(token.text, "\\") && absl::StartsWith(lexer_.Rest(), "[")) {
    stack_.back().awaits = Awaits::kFirst;
    lexer_.Skip(1);
    return Open(FrameKind::kIndex);
  }
  StartArgument(false);
}

void FormulaParser::StartFunction(uint32_t function, absl::string_view name) {
  if (Awaiting()) return Fail("an argument in braces", {.kind = TokenKind::kFunction, .text = name});
  StackEntry entry{.pending = Pending::kFunction, .precedence = precedence::kFunction, .detail = function};
  if (function == static_cast<uint32_t>(NamedFunction::kOther)) {
    out_.formula.names.push_back(SymbolName(name));
    entry.count = static_cast<uint32_t>(out_.formula.names.size() - 1);
  }
  stack_.push_back(entry);
  NextFunctionPart();
}

// What stands between the name of a function and its argument: a base, an exponent, an opening bracket.
void FormulaParser::NextFunctionPart() {
  StackEntry& entry = stack_.back();
  have_operand_ = false;
  absl::string_view rest = lexer_.Rest();
  if (absl::StartsWith(rest, "_") && entry.first < 0) {
    lexer_.Skip(1);
    entry.awaits = Awaits::kBase;
    rest = lexer_.Rest();
    return StartArgument(!(absl::StartsWith(rest, "10") && !IsDigitAt(rest, 2)));  // \log_10 x, but \log_28
  }
  if (absl::StartsWith(rest, "^") && entry.second < 0) {
    lexer_.Skip(1);
    rest = lexer_.Rest();
    if (absl::StartsWith(rest, "-1") && !IsDigitAt(rest, 2)) {
      lexer_.Skip(2);
      entry.second = static_cast<int32_t>(build_.Whole(-1));
      return NextFunctionPart();
    }
    entry.awaits = Awaits::kExponent;
    return StartArgument(false);
  }
  if (const Superscript power = ScanSuperscript(rest); power.bytes > 0 && entry.second < 0) {
    lexer_.Skip(power.bytes);
    entry.second = static_cast<int32_t>(build_.Whole(power.value));
    return NextFunctionPart();
  }
  for (const auto& [open, close] :
       std::initializer_list<std::pair<absl::string_view, TokenKind>>{{"(", TokenKind::kCloseParen},
                                                                      {"[", TokenKind::kCloseSquare},
                                                                      {"{", TokenKind::kCloseBrace},
                                                                      {"\\{", TokenKind::kCloseSet}}) {
    if (!absl::StartsWith(rest, open)) continue;
    lexer_.Skip(open.size());
    entry.awaits = Awaits::kCall;
    return Open(FrameKind::kCall, static_cast<uint32_t>(close));
  }
  if (entry.detail == static_cast<uint32_t>(NamedFunction::kOther))
    return Fail("the arguments of a function", {.kind = TokenKind::kFunction, .text = rest});
  entry.awaits = Awaits::kOperand;
}

void FormulaParser::StartBigOperator(absl::string_view name) {
  if (Awaiting()) return Fail("an argument in braces", {.kind = TokenKind::kBigOperator, .text = name});
  out_.formula.names.emplace_back(name);
  stack_.push_back({.pending = Pending::kBigOperator,
                    .precedence = precedence::kBigOperator,
                    .count = static_cast<uint32_t>(out_.formula.names.size() - 1)});
  NextBigOperatorPart();
}

void FormulaParser::NextBigOperatorPart() {
  StackEntry& entry = stack_.back();
  have_operand_ = false;
  const absl::string_view rest = lexer_.Rest();
  const bool lower = absl::StartsWith(rest, "_") && entry.first < 0;
  if (lower || (absl::StartsWith(rest, "^") && entry.second < 0)) {
    lexer_.Skip(1);
    entry.awaits = lower ? Awaits::kLower : Awaits::kUpper;
    return StartArgument(true);
  }
  entry.awaits = Awaits::kOperand;
}

// The operand on top is what the owner below it waits for.
void FormulaParser::Deliver() {
  StackEntry& owner = stack_.back();
  const NodeId value = Top();
  operands_.pop_back();
  have_operand_ = false;
  switch (owner.awaits) {
    case Awaits::kFirst:
      owner.first = static_cast<int32_t>(value);
      owner.awaits = Awaits::kSecond;
      return StartArgument(owner.pending == Pending::kOver);
    case Awaits::kSecond: {
      const StackEntry done = owner;
      stack_.pop_back();
      NodeId node;
      if (done.pending == Pending::kRoot) {
        const NodeId index = done.first < 0 ? build_.Whole(2) : static_cast<NodeId>(done.first);
        node = build_.Node(Op::kRoot, 0, {value, index});
      } else if (done.detail == 1) {
        node = build_.Node(Op::kFunction, static_cast<uint32_t>(Function::kBinomial),
                           {static_cast<NodeId>(done.first), value});
      } else {
        node = build_.Node(Op::kDivide, 0, {static_cast<NodeId>(done.first), value});
      }
      operands_.push_back({.id = node});
      have_operand_ = true;
      return;
    }
    case Awaits::kBase:
      owner.first = static_cast<int32_t>(value);
      owner.awaits = Awaits::kNothing;
      return NextFunctionPart();
    case Awaits::kExponent:
      owner.second = static_cast<int32_t>(value);
      owner.awaits = Awaits::kNothing;
      return NextFunctionPart();
    case Awaits::kLower:
      owner.first = static_cast<int32_t>(value);
      owner.awaits = Awaits::kNothing;
      return NextBigOperatorPart();
    case Awaits::kUpper:
      owner.second = static_cast<int32_t>(value);
      owner.awaits = Awaits::kNothing;
      return NextBigOperatorPart();
    default:
      return Fail("an operator", {});
  }
}

// Takes the function from the stack; the result is an operand.
void FormulaParser::FinishFunction(std::span<const NodeId> arguments) {
  const StackEntry entry = stack_.back();
  stack_.pop_back();
  if (arguments.size() != 1 && !TakesMany(entry.detail)) return Fail("one argument of a function", {});
  NodeId node;
  bool inverted = false;
  if (entry.detail < static_cast<uint32_t>(NamedFunction::kLog)) {
    auto function = static_cast<Function>(entry.detail);
    if (entry.second >= 0) {
      const NodeId exponent = static_cast<NodeId>(entry.second);
      inverted = build_.node(exponent).op == Op::kNumber && build_.number(exponent).value == -1 &&
                 Inverse(function, function);
    }
    if (function == Function::kLn && entry.first >= 0) {
      node = build_.Node(Op::kLog, 0, {arguments[0], static_cast<NodeId>(entry.first)});
    } else if (entry.first >= 0) {
      return Fail("a function without an index", {});
    } else if (function == Function::kBinomial && arguments.size() != 2) {
      return Fail("two arguments", {});
    } else {
      node = build_.Function(function, arguments);
    }
  } else {
    switch (static_cast<NamedFunction>(entry.detail)) {
      case NamedFunction::kLog:
      case NamedFunction::kLog10:
      case NamedFunction::kLog2: {
        const long base = entry.detail == static_cast<uint32_t>(NamedFunction::kLog2) ? 2 : 10;
        const NodeId of = entry.first >= 0 ? static_cast<NodeId>(entry.first) : build_.Whole(base);
        node = build_.Node(Op::kLog, 0, {arguments[0], of});
        break;
      }
      case NamedFunction::kDet:
        node = build_.Named(Op::kOpaque, "det", arguments);
        break;
      default:
        node = build_.Node(Op::kOpaque, entry.count, arguments);
        break;
    }
  }
  if (entry.second >= 0 && !inverted)
    node = build_.Node(Op::kPower, 0, {node, static_cast<NodeId>(entry.second)});
  operands_.push_back({.id = node});
  have_operand_ = true;
}

void FormulaParser::FinishBigOperator(NodeId body) {
  const StackEntry entry = stack_.back();
  stack_.pop_back();
  NodeId parts[3];
  size_t count = 0;
  std::string& name = out_.formula.names[entry.count];
  if (entry.first >= 0) {
    parts[count++] = static_cast<NodeId>(entry.first);
    name += '_';
  }
  if (entry.second >= 0) {
    parts[count++] = static_cast<NodeId>(entry.second);
    name += '^';
  }
  parts[count++] = body;
  operands_.push_back({.id = build_.Node(Op::kOpaque, entry.count, std::span<const NodeId>(parts, count))});
  have_operand_ = true;
}

}  // namespace entrain
