#pragma once

#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "verifier/math/formula_builder.h"
#include "verifier/math/lexer.h"
#include "verifier/math/parse_formula.h"
#include "verifier/math/parser_stack.h"

namespace entrain {

// The operator-precedence parser behind ParseFormula. One pass over the tokens with a stack of its own, so
// that the depth of the text costs memory in proportion and no recursion. Used once, on one thread.
class FormulaParser {
 public:
  FormulaParser(absl::string_view text, const ParseOptions& options, ParsedFormula& out);
  void Run();

 private:
  // Tokens (formula_parser.cc).
  void AtOperand(const Token& token);
  void AtOperator(const Token& token);
  bool BeginsOperand(TokenKind kind) const;
  void AfterWords(const Token& token);
  bool InCongruence() const;
  void ParenBehindOperand(const Token& token);
  void Implicit(const Token& token);
  Lexer::Context LexerContext() const;
  void Fail(absl::string_view expected, const Token& found);
  void PastLimit(std::string limit);

  // Operands (parser_operands.cc).
  void PushOperand(NodeId id, StackOperand flags = {});
  void PushNumber(const Token& token);
  void PushSymbol(const Token& token);
  void PushWords(const Token& token);
  bool ReadNumber(absl::string_view text, const NumberLiteral& literal, Number& number);
  bool MixedNumber(const Token& token);
  bool MixedFraction();
  bool UnitFraction();
  bool MetresPerSecond();
  void BaseSubscript();
  void Unit(const Token& token);
  void UnitExponent(std::string& name);
  void WrapUnit(std::string name);
  void Factorial();

  // Owners (parser_owners.cc).
  void StartOver(uint32_t detail);
  void StartRoot(const Token& token);
  void StartFunction(uint32_t function, absl::string_view name);
  void StartBigOperator(absl::string_view name);
  void StartArgument(bool one_digit);
  void NextFunctionPart();
  void NextBigOperatorPart();
  void Deliver();
  bool Awaiting() const;
  void FinishFunction(std::span<const NodeId> arguments);
  void FinishBigOperator(NodeId body);

  // Operators (parser_operators.cc).
  void PushOperator(Pending pending, uint8_t precedence, uint32_t detail = 0);
  void PushAdd(bool minus);
  void PushSign(Pending pending);
  void PushRelation(Relation relation);
  void Reduce(uint8_t least);
  void ReduceTop();
  NodeId Power(NodeId base, NodeId exponent);
  NodeId Ratio(std::span<const NodeId> terms, bool clock);
  bool InFunctionArgument() const;

  // Brackets and lists (parser_groups.cc).
  void Open(FrameKind frame, uint32_t detail = 0);
  void Close(const Token& token);
  bool Closes(const StackEntry& frame, TokenKind kind) const;
  void Separate(const Token& token);
  void EndCell(const Token& token);
  void SuchThat(const Token& token);
  void OpenEnvironment(const Token& token);
  void CloseEnvironment(const Token& token);
  void CollapseRun(StackEntry& frame);
  void FinishElements(StackEntry& frame);
  NodeId ListOf(const StackEntry& frame, std::span<const NodeId> elements);
  NodeId System(NodeId rows);
  NodeId MatrixOfRows(std::span<const NodeId> rows);
  NodeId SetOf(const StackEntry& frame, std::span<const NodeId> elements);
  std::vector<NodeId> PopElements(const StackEntry& frame);
  bool IsInequality(NodeId id) const;
  StackEntry& Frame() { return stack_[frames_.back()]; }
  const StackEntry& Frame() const { return stack_[frames_.back()]; }

  // The last `count` operands as nodes, taken from the stack.
  std::span<const NodeId> Pop(size_t count);
  NodeId Top() const { return operands_.back().id; }
  // A node whose children are the last `count` operands becomes an operand, without being delivered.
  void Replace(size_t count, Op op, uint32_t payload = 0);

  const absl::string_view text_;
  const ParseOptions options_;
  ParsedFormula& out_;
  FormulaBuilder build_;
  Lexer lexer_;
  absl::InlinedVector<StackEntry, 8> stack_;
  absl::InlinedVector<uint32_t, 8> frames_;  // where the frames stand on stack_
  absl::InlinedVector<StackOperand, 16> operands_;
  absl::InlinedVector<Relation, 8> relations_;  // of the chains that are not complete
  std::vector<NodeId> popped_;
  std::string currency_;       // a sign that waits for its number
  bool have_operand_ = false;  // a complete operand stands on top
  bool one_digit_ = false;     // the next token is an argument without braces
  bool stopped_ = false;
  size_t digits_used_ = 0;
};

}  // namespace entrain
