// Brackets, lists, sets and matrices.
#include <algorithm>
#include <array>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "verifier/math/formula_parser.h"

namespace entrain {

namespace {

// The bracket whose inside begins with `text` holds a comma with a space behind it. Looks no further than the
// next bracket or command, and not far, so that brackets within each other cost no more than others.
bool HasSpacedComma(absl::string_view text) {
  constexpr size_t kMaxBytes = 80;
  for (size_t i = 0; i + 1 < text.size() && i < kMaxBytes; ++i) {
    switch (text[i]) {
      case '(':
      case ')':
      case '[':
      case ']':
      case '{':
      case '}':
      case '|':
      case '\\':
        return false;
      case ',':
        if (text[i + 1] == ' ') return true;
        break;
      default:
        break;
    }
  }
  return false;
}

}  // namespace

void FormulaParser::Open(FrameKind frame, uint32_t detail) {
  frames_.push_back(static_cast<uint32_t>(stack_.size()));
  stack_.push_back({.pending = Pending::kFrame,
                    .frame = frame,
                    .spaced = frame != FrameKind::kRoot && HasSpacedComma(text_.substr(lexer_.position())),
                    .base = static_cast<uint32_t>(operands_.size()),
                    .detail = detail});
  have_operand_ = false;
}

bool FormulaParser::Closes(const StackEntry& frame, TokenKind kind) const {
  switch (frame.frame) {
    case FrameKind::kParen:
    case FrameKind::kSquare:
      return kind == TokenKind::kCloseParen || kind == TokenKind::kCloseSquare;
    case FrameKind::kReversed:
      return kind == TokenKind::kOpenSquare || kind == TokenKind::kCloseSquare;
    case FrameKind::kIndex:
      return kind == TokenKind::kCloseSquare;
    case FrameKind::kBrace:
    case FrameKind::kArgument:
      return kind == TokenKind::kCloseBrace;
    case FrameKind::kSet:
      return kind == TokenKind::kCloseSet || kind == TokenKind::kCloseNothing;
    case FrameKind::kAngle:
      return kind == TokenKind::kCloseAngle;
    case FrameKind::kAbs:
      return kind == TokenKind::kBar || kind == TokenKind::kCloseBar || kind == TokenKind::kSuchThat;
    case FrameKind::kNorm:
      return kind == TokenKind::kNorm;
    case FrameKind::kFloor:
      return kind == TokenKind::kCloseFloor;
    case FrameKind::kCeil:
      return kind == TokenKind::kCloseCeil;
    case FrameKind::kCall:
      return kind == static_cast<TokenKind>(frame.detail);
    default:
      return false;
  }
}

std::vector<NodeId> FormulaParser::PopElements(const StackEntry& frame) {
  const std::span<const NodeId> elements = Pop(operands_.size() - frame.base);
  return {elements.begin(), elements.end()};
}

// a; b, c; d: what stands between semicolons is one element.
void FormulaParser::CollapseRun(StackEntry& frame) {
  const uint32_t length = frame.count - frame.run;
  if (length > 1) {
    Replace(length, Op::kList);
    frame.count -= length - 1;
  }
  frame.run = frame.count;
}

void FormulaParser::FinishElements(StackEntry& frame) {
  if (frame.saw_semicolon && frame.saw_comma) CollapseRun(frame);
}

bool FormulaParser::IsInequality(NodeId id) const {
  const Node& node = build_.node(id);
  if (node.op == Op::kUnion || node.op == Op::kIntersect) return true;
  if (node.op != Op::kRelation) return false;
  for (uint32_t i = 0; i + 1 < node.child_count; ++i) {
    const Relation relation = out_.formula.relations[node.payload + i];
    if (relation == Relation::kEqual || relation == Relation::kApproximately || relation == Relation::kTo ||
        relation == Relation::kCongruent)
      return false;
  }
  return true;
}

// "x < 1 or x > 3" is a union and "x > 1 and x < 3" an intersection; all else is a list.
NodeId FormulaParser::ListOf(const StackEntry& frame, std::span<const NodeId> elements) {
  const bool inequalities =
      std::ranges::all_of(elements, [this](NodeId element) { return IsInequality(element); });
  Op op = Op::kList;
  if (inequalities && frame.saw_or && !frame.saw_and) op = Op::kUnion;
  if (inequalities && frame.saw_and && !frame.saw_or) op = Op::kIntersect;
  return build_.Node(op, 0, elements);
}

void FormulaParser::Separate(const Token& token) {
  StackEntry& frame = Frame();
  const FrameKind kind = frame.frame;
  const bool matrix = kind == FrameKind::kMatrix || kind == FrameKind::kDeterminant;
  if (token.kind == TokenKind::kAmpersand || (token.kind == TokenKind::kRowEnd && kind != FrameKind::kRoot)) {
    if (matrix) return EndCell(token);
    const bool rows = kind == FrameKind::kCases || kind == FrameKind::kAligned;
    if (!rows) return Fail(have_operand_ ? "an operator" : "a number or a variable", token);
    if (token.kind == TokenKind::kAmpersand && kind == FrameKind::kAligned) return;
    if (!have_operand_) {
      if (stack_.back().pending != Pending::kFrame) return Fail("a number or a variable", token);
      return;
    }
  }
  const bool lists = kind == FrameKind::kRoot || kind == FrameKind::kParen || kind == FrameKind::kSquare ||
                     kind == FrameKind::kReversed || kind == FrameKind::kBrace || kind == FrameKind::kSet ||
                     kind == FrameKind::kAngle || kind == FrameKind::kCall || kind == FrameKind::kCases ||
                     kind == FrameKind::kAligned || kind == FrameKind::kAbs || kind == FrameKind::kArgument;
  if (!lists) return Fail("a closing bracket", token);
  const bool word = token.kind == TokenKind::kAnd || token.kind == TokenKind::kOr;
  if (!have_operand_) {
    // "1, 2, and 3"; "and/or" and ", \\" are one separator too.
    const bool after = frame.separator != TokenKind::kEnd && stack_.back().pending == Pending::kFrame;
    if (!after || !(word || frame.separator == TokenKind::kRowEnd || token.kind == TokenKind::kRowEnd))
      return Fail("a number or a variable", token);
  } else {
    Reduce(0);
    if (stopped_) return;
    if (stack_.back().pending != Pending::kFrame) return Fail("a closing bracket", token);
    StackEntry& reduced = Frame();
    ++reduced.count;
    have_operand_ = false;
    if (token.kind == TokenKind::kSemicolon) CollapseRun(reduced);
    reduced.separator = token.kind;
  }
  StackEntry& now = Frame();
  now.cells |= token.kind == TokenKind::kAmpersand;
  now.saw_and |= token.kind == TokenKind::kAnd;
  now.saw_or |= token.kind == TokenKind::kOr;
  now.saw_semicolon |= token.kind == TokenKind::kSemicolon;
  now.saw_comma |= token.kind != TokenKind::kSemicolon;
  have_operand_ = false;
}

void FormulaParser::EndCell(const Token& token) {
  if (!have_operand_) return Fail("a number or a variable", token);
  Reduce(0);
  if (stopped_) return;
  StackEntry& frame = Frame();
  ++frame.count;
  ++frame.row;
  have_operand_ = false;
  if (token.kind != TokenKind::kRowEnd) return;
  if (frame.detail == 0) frame.detail = frame.row;
  if (frame.row != frame.detail) return Fail("rows of the same length", token);
  frame.row = 0;
}

// { x : x > 3 }: what follows are conditions.
void FormulaParser::SuchThat(const Token& token) {
  if (Frame().frame != FrameKind::kSet && Frame().frame != FrameKind::kBrace)
    return Fail("an operator", token);
  Reduce(0);
  if (stopped_) return;
  StackEntry& frame = Frame();
  if (frame.builder || frame.count > 0) return Fail("a closing bracket", token);
  frame.builder = true;
  ++frame.count;
  frame.run = frame.count;
  have_operand_ = false;
}

// The set of all x that fulfil conditions is what the conditions say about x.
NodeId FormulaParser::SetOf(const StackEntry& frame, std::span<const NodeId> elements) {
  if (!frame.builder) return build_.Node(Op::kSet, 0, elements);
  const Node head = build_.node(elements[0]);
  bool plain = head.op == Op::kSymbol;
  if (head.op == Op::kRelation && head.child_count == 2 &&
      out_.formula.relations[head.payload] == Relation::kIn) {
    const Node& domain = build_.node(build_.children(elements[0])[1]);
    plain = domain.op == Op::kConstant && domain.payload == static_cast<uint32_t>(Constant::kReals);
  }
  if (!plain) return build_.Named(Op::kOpaque, "such that", elements);
  if (elements.size() == 2) return build_.Node(Op::kIntersect, 0, elements.subspan(1));
  const NodeId conditions = build_.Node(frame.saw_or ? Op::kUnion : Op::kIntersect, 0, elements.subspan(1));
  return build_.Node(Op::kIntersect, 0, std::array{conditions});
}

// [[1, 2], [3, 4]]: rows of the same length.
NodeId FormulaParser::MatrixOfRows(std::span<const NodeId> rows) {
  std::vector<NodeId> cells;
  const size_t columns = build_.node(rows[0]).child_count;
  for (const NodeId row : rows) {
    const std::span<const NodeId> of_row = build_.children(row);
    cells.insert(cells.end(), of_row.begin(), of_row.end());
  }
  return build_.Node(Op::kMatrix, static_cast<uint32_t>(columns), cells);
}

// The rows of a system of equations, which came as a matrix.
NodeId FormulaParser::System(NodeId rows) {
  const Node matrix = build_.node(rows);
  if (matrix.op != Op::kMatrix) return rows;
  const std::vector<NodeId> cells(build_.children(rows).begin(), build_.children(rows).end());
  if (matrix.payload == 1) return build_.Node(Op::kList, 0, cells);
  return build_.Named(Op::kOpaque, "cases", cells);
}

void FormulaParser::Close(const Token& token) {
  if (have_operand_) Reduce(0);
  if (stopped_) return;
  StackEntry& open = Frame();
  if (stack_.back().pending != Pending::kFrame || open.frame == FrameKind::kRoot || !Closes(open, token.kind))
    return Fail(have_operand_ ? "the bracket that closes" : "a number or a variable", token);
  if (have_operand_) {
    ++open.count;
  } else if (open.count > 0 || (open.frame != FrameKind::kSet && text_ != "{}")) {
    return Fail("a number or a variable", token);
  }
  FinishElements(open);
  const StackEntry frame = open;
  const bool single = frame.count == 1 && !frame.builder;
  bool rows = frame.frame == FrameKind::kSquare && frame.count > 0;
  for (size_t i = frame.base; i < operands_.size() && rows; ++i) {
    rows = operands_[i].row &&
           build_.node(operands_[i].id).child_count == build_.node(operands_[frame.base].id).child_count;
  }
  const StackOperand inside = single ? operands_.back() : StackOperand();
  const std::vector<NodeId> elements = single ? std::vector<NodeId>{inside.id} : PopElements(frame);
  if (single) operands_.pop_back();
  stack_.pop_back();
  frames_.pop_back();
  const bool right_closed = token.kind == TokenKind::kCloseSquare;

  switch (frame.frame) {
    case FrameKind::kCall:
      return FinishFunction(elements);
    case FrameKind::kAbs:
      if (!single) break;
      return PushOperand(build_.Function(Function::kAbs, elements));
    case FrameKind::kFloor:
      if (!single) break;
      return PushOperand(build_.Function(Function::kFloor, elements));
    case FrameKind::kCeil:
      if (!single) break;
      return PushOperand(build_.Function(Function::kCeil, elements));
    case FrameKind::kNorm:
      if (!single) break;
      return PushOperand(build_.Named(Op::kOpaque, "norm", elements));
    case FrameKind::kSet:
      // \left\{ \begin{array}… \right. is a system of equations.
      if (token.kind == TokenKind::kCloseNothing && single) return PushOperand(System(inside.id));
      return PushOperand(SetOf(frame, elements));
    case FrameKind::kBrace:
      if (single) return PushOperand(inside.id, {.unit = inside.unit});
      if (frame.builder) return PushOperand(SetOf(frame, elements));
      if (frame.saw_and || frame.saw_or || frame.detail == 1) return PushOperand(ListOf(frame, elements));
      return PushOperand(build_.Node(Op::kSet, 0, elements));
    case FrameKind::kArgument:
    case FrameKind::kIndex:
      if (!single) return PushOperand(build_.Node(Op::kList, 0, elements));
      return PushOperand(inside.id);
    case FrameKind::kReversed:
      if (elements.size() != 2) break;
      return PushOperand(build_.Node(Op::kInterval, right_closed ? 2 : 0, elements));
    case FrameKind::kAngle:
      return PushOperand(single ? inside.id : build_.Node(Op::kTuple, 0, elements));
    case FrameKind::kParen:
    case FrameKind::kSquare: {
      const bool left_closed = frame.frame == FrameKind::kSquare;
      if (rows && right_closed) return PushOperand(MatrixOfRows(elements));
      if (single && left_closed == right_closed)
        return PushOperand(inside.id, {.digits = inside.whole && !left_closed});
      if (elements.size() == 2 && (left_closed || right_closed)) {
        const NodeId interval =
            build_.Node(Op::kInterval, (left_closed ? 1 : 0) | (right_closed ? 2 : 0), elements);
        return PushOperand(interval, {.row = left_closed && right_closed});
      }
      if (left_closed != right_closed) break;
      return PushOperand(build_.Node(Op::kTuple, 0, elements), {.row = left_closed});
    }
    default:
      break;
  }
  Fail("another number of elements", token);
}

void FormulaParser::OpenEnvironment(const Token& token) {
  absl::string_view name = token.text;
  absl::ConsumeSuffix(&name, "*");
  FrameKind frame;
  if (name == "vmatrix") {
    frame = FrameKind::kDeterminant;
  } else if (name == "array" || absl::EndsWith(name, "matrix")) {
    frame = FrameKind::kMatrix;
  } else if (name == "cases") {
    frame = FrameKind::kCases;
  } else if (absl::StartsWith(name, "align") || name == "gathered" || name == "gather" || name == "split" ||
             name == "equation") {
    frame = FrameKind::kAligned;
  } else {
    return Fail("an environment that is known", token);
  }
  if (name == "array" && absl::StartsWith(lexer_.Rest(), "{")) {
    const size_t end = lexer_.Rest().find('}');
    if (end == absl::string_view::npos || end > 80) return Fail("the columns of an array", token);
    lexer_.Skip(end + 1);
  }
  Open(frame);
}

void FormulaParser::CloseEnvironment(const Token& token) {
  if (have_operand_) Reduce(0);
  if (stopped_) return;
  StackEntry& open = Frame();
  const bool environment = open.frame == FrameKind::kMatrix || open.frame == FrameKind::kDeterminant ||
                           open.frame == FrameKind::kCases || open.frame == FrameKind::kAligned;
  if (!environment || stack_.back().pending != Pending::kFrame)
    return Fail("the end of what was begun", token);
  if (have_operand_) {
    ++open.count;
    ++open.row;
  }
  const bool matrix = open.frame == FrameKind::kMatrix || open.frame == FrameKind::kDeterminant;
  if (open.count == 0) return Fail("a number or a variable", token);
  if (open.detail == 0) open.detail = open.row;
  if (matrix && open.row != 0 && open.row != open.detail) return Fail("rows of the same length", token);
  const StackEntry frame = open;
  const std::vector<NodeId> elements = PopElements(frame);
  stack_.pop_back();
  frames_.pop_back();
  if (matrix) {
    const NodeId node = build_.Node(Op::kMatrix, frame.detail, elements);
    if (frame.frame == FrameKind::kMatrix) return PushOperand(node);
    return PushOperand(build_.Named(Op::kOpaque, "det", std::span(&node, 1)));
  }
  if (elements.size() == 1) return PushOperand(elements[0]);
  if (frame.frame == FrameKind::kCases && frame.cells)
    return PushOperand(build_.Named(Op::kOpaque, "cases", elements));
  PushOperand(ListOf(frame, elements));
}

}  // namespace entrain
