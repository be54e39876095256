#include "verifier/math/formula_parser.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "verifier/math/math_words.h"

namespace entrain {
namespace {

// Does `text` begin with a letter and \in: "k \in \mathbb{Z}"?
bool BeginsWithDomain(absl::string_view text) {
  if (text.empty() || !absl::ascii_isalpha(static_cast<unsigned char>(text[0]))) return false;
  text = absl::StripLeadingAsciiWhitespace(text.substr(1));
  return absl::StartsWith(text, "\\in ") || absl::StartsWith(text, "\\in\\") || absl::StartsWith(text, "∈");
}

// "for" before k \in \mathbb{Z}.
bool IsForDomain(absl::string_view words, absl::string_view rest) {
  words = absl::StripAsciiWhitespace(words);
  for (const absl::string_view link :
       {"for", "for all", "for any", "for some", "for every", "where", "with"}) {
    if (words == link) return BeginsWithDomain(rest);
  }
  return false;
}

// "for all x" at the end says nothing about the value.
bool IsForAll(absl::string_view words, absl::string_view rest) {
  words = absl::StripAsciiWhitespace(words);
  rest = absl::StripAsciiWhitespace(rest);
  return (words == "for all" || words == "for any" || words == "for every" || words == "for each") &&
         rest.size() == 1 && absl::ascii_isalpha(static_cast<unsigned char>(rest[0]));
}

}  // namespace

FormulaParser::FormulaParser(absl::string_view text, const ParseOptions& options, ParsedFormula& out)
    : text_(text), options_(options), out_(out), build_(out.formula), lexer_(text) {
  out_.formula.nodes.reserve(16);
  out_.formula.children.reserve(16);
}

void FormulaParser::Fail(absl::string_view expected, const Token& found) {
  if (stopped_) return;
  stopped_ = true;
  out_.status = ParseStatus::kNoFormula;
  out_.detail = absl::StrCat("expected ", expected, ", found ");
  if (found.kind == TokenKind::kEnd) {
    absl::StrAppend(&out_.detail, "the end");
  } else {
    absl::StrAppend(&out_.detail, "\"", found.text.substr(0, 20), "\" before byte ", lexer_.position());
  }
}

void FormulaParser::PastLimit(std::string limit) {
  stopped_ = true;
  out_.status = ParseStatus::kPastLimit;
  out_.detail = std::move(limit);
}

Lexer::Context FormulaParser::LexerContext() const {
  const FrameKind frame = Frame().frame;
  const bool rows = frame == FrameKind::kMatrix || frame == FrameKind::kDeterminant ||
                    frame == FrameKind::kCases || frame == FrameKind::kAligned;
  const bool outer = frame == FrameKind::kRoot || frame == FrameKind::kArgument || rows ||
                     (frame == FrameKind::kBrace && (frames_.back() > 1 || Frame().detail == 1));
  return {.after_operand = have_operand_,
          .commas_join = (outer || Frame().spaced) && !options_.commas_separate,
          .single = one_digit_,
          .rows = rows};
}

void FormulaParser::Run() {
  Open(FrameKind::kRoot);
  while (!stopped_) {
    const Lexer::Context context = LexerContext();
    one_digit_ = false;
    const Token token = lexer_.Next(context);
    if (token.kind == TokenKind::kEnd) break;
    if (have_operand_) {
      AtOperator(token);
    } else {
      AtOperand(token);
    }
    if (build_.size() > kMaxFormulaNodes)
      PastLimit(absl::StrCat("formula: more than ", kMaxFormulaNodes, " parts"));
  }
  if (stopped_) return;
  const Token end;
  if (!have_operand_) return Fail("a number or a variable", end);
  Reduce(0);
  if (stopped_) return;
  if (frames_.size() > 1) return Fail("a closing bracket", end);
  StackEntry& root = Frame();
  ++root.count;
  FinishElements(root);
  if (root.count > 1) {
    const std::vector<NodeId> elements = PopElements(root);
    operands_.push_back({.id = ListOf(root, elements)});
  }
  // The root is the last node; an operand that was made before others must become so.
  if (Top() != out_.formula.root()) {
    const Node root_node = build_.node(Top());
    out_.formula.nodes.push_back(root_node);
  }
  out_.status = ParseStatus::kFormula;
}

bool FormulaParser::BeginsOperand(TokenKind kind) const {
  switch (kind) {
    case TokenKind::kNumber:
    case TokenKind::kFraction:
    case TokenKind::kSymbol:
    case TokenKind::kConstant:
    case TokenKind::kFunction:
    case TokenKind::kBigOperator:
    case TokenKind::kOpenParen:
    case TokenKind::kOpenSquare:
    case TokenKind::kOpenBrace:
    case TokenKind::kOpenSet:
    case TokenKind::kOpenAngle:
    case TokenKind::kOpenFloor:
    case TokenKind::kOpenCeil:
    case TokenKind::kOpenBar:
    case TokenKind::kOver:
    case TokenKind::kRoot:
    case TokenKind::kBeginEnvironment:
      return true;
    default:
      return false;
  }
}

void FormulaParser::AtOperand(const Token& token) {
  const bool argument = Awaiting();  // an argument without braces: no sign, no words
  switch (token.kind) {
    case TokenKind::kNumber:
      return PushNumber(token);
    case TokenKind::kFraction: {
      Number number{.value = mpq_class(token.detail / 100, token.detail % 100)};
      return PushOperand(build_.Number(std::move(number)), {.number = true});
    }
    case TokenKind::kSymbol:
      return PushSymbol(token);
    case TokenKind::kConstant:
      return PushOperand(build_.Constant(static_cast<Constant>(token.detail)));
    case TokenKind::kFunction:
      return StartFunction(token.detail, token.text);
    case TokenKind::kBigOperator:
      return StartBigOperator(token.text);
    case TokenKind::kWords:
      if (argument) return Fail("an argument", token);
      if (Frame().separator != TokenKind::kEnd && IsForDomain(token.text, lexer_.Rest())) return;
      return PushWords(token);
    case TokenKind::kOpenParen:
      return Open(FrameKind::kParen);
    case TokenKind::kOpenSquare:
      return Open(FrameKind::kSquare);
    case TokenKind::kCloseSquare:
      if (!argument && Frame().frame != FrameKind::kSquare && Frame().frame != FrameKind::kParen &&
          Frame().frame != FrameKind::kIndex)
        return Open(FrameKind::kReversed);
      return Close(token);
    case TokenKind::kOpenBrace:
      return Open(FrameKind::kBrace, token.detail);
    case TokenKind::kOpenSet:
      return Open(FrameKind::kSet);
    case TokenKind::kOpenAngle:
      return Open(FrameKind::kAngle);
    case TokenKind::kOpenFloor:
      return Open(FrameKind::kFloor);
    case TokenKind::kOpenCeil:
      return Open(FrameKind::kCeil);
    case TokenKind::kBar:
    case TokenKind::kOpenBar:
      return Open(FrameKind::kAbs);
    case TokenKind::kNorm:
      return Open(FrameKind::kNorm);
    case TokenKind::kOver:
      return StartOver(token.detail);
    case TokenKind::kRoot:
      return StartRoot(token);
    case TokenKind::kBeginEnvironment:
      return OpenEnvironment(token);
    case TokenKind::kEndEnvironment:
      return CloseEnvironment(token);
    case TokenKind::kDots:
      return PushOperand(build_.Named(Op::kOpaque, "..."));
    case TokenKind::kPlus:
      if (argument) return Fail("an argument", token);
      return;  // +5 is 5
    case TokenKind::kMinus:
      if (argument) return Fail("an argument", token);
      return PushSign(Pending::kNegate);
    case TokenKind::kPlusMinus:
      if (argument) return Fail("an argument", token);
      return PushSign(Pending::kSignPlusMinus);
    case TokenKind::kCurrency:
      currency_ = std::string(token.text);
      return;
    case TokenKind::kComma:
    case TokenKind::kSemicolon:
    case TokenKind::kAnd:
    case TokenKind::kOr:
    case TokenKind::kAmpersand:
    case TokenKind::kRowEnd:
      return Separate(token);
    case TokenKind::kRelation:
      // "= 5", "≈ 5": the rest of a chain whose beginning stands elsewhere.
      if ((token.detail == static_cast<uint32_t>(Relation::kEqual) ||
           token.detail == static_cast<uint32_t>(Relation::kApproximately)) &&
          !argument && stack_.back().pending == Pending::kFrame &&
          (Frame().frame == FrameKind::kRoot || Frame().frame == FrameKind::kAligned))
        return;
      return Fail("a number or a variable", token);
    case TokenKind::kCloseParen:
    case TokenKind::kCloseBrace:
    case TokenKind::kCloseSet:
    case TokenKind::kCloseAngle:
      return Close(token);
    default:
      return Fail("a number or a variable", token);
  }
}

// Words were read and something follows: "the answer is 5", "total cost: 5", "volume = 5". They say nothing,
// unless they change what follows.
void FormulaParser::AfterWords(const Token& token) {
  const std::string& words = build_.name(Top());
  if (!HarmlessWords(words)) return Fail("a formula", token);
  if (token.kind == TokenKind::kOpenParen && !token.spaced) return Fail("a function that is known", token);
  operands_.pop_back();
  have_operand_ = false;
  if (token.kind == TokenKind::kColon || token.kind == TokenKind::kRelation) return;
  AtOperand(token);
}

void FormulaParser::Implicit(const Token& token) {
  if (operands_.back().unit) return Fail("an operator", token);
  const bool new_function = token.kind == TokenKind::kFunction || token.kind == TokenKind::kBigOperator;
  const bool inside = !new_function && InFunctionArgument();
  PushOperator(Pending::kMultiply, inside ? precedence::kInFunction : precedence::kMultiply);
  AtOperand(token);
}

bool FormulaParser::InCongruence() const {
  return !relations_.empty() && relations_.back() == Relation::kCongruent;
}

// A product, unless it is the (mod 4) of a congruence or the (k \in \mathbb{Z}) of a family.
void FormulaParser::ParenBehindOperand(const Token& token) {
  absl::string_view rest = lexer_.Rest();
  const size_t before = rest.size();
  if (BeginsWithDomain(rest) && Frame().frame == FrameKind::kRoot) {
    Separate({.kind = TokenKind::kComma});
    if (!stopped_) Open(FrameKind::kParen);
    return;
  }
  if (InCongruence()) {
    for (const absl::string_view open : {"\\text{", "\\mathrm{", "\\operatorname{", "\\"}) {
      if (absl::ConsumePrefix(&rest, open)) break;
    }
    absl::ConsumePrefix(&rest, "b");
    if (absl::ConsumePrefix(&rest, "mod") &&
        (rest.empty() || !absl::ascii_isalpha(static_cast<unsigned char>(rest[0])))) {
      rest = absl::StripLeadingAsciiWhitespace(rest);
      absl::ConsumePrefix(&rest, "}");
      lexer_.Skip(before - rest.size());
      PushOperator(Pending::kModulo, precedence::kModulo);
      return Open(FrameKind::kParen);
    }
  }
  Implicit(token);
}

void FormulaParser::AtOperator(const Token& token) {
  if (operands_.back().words) {
    const bool names = token.kind == TokenKind::kColon ||
                       (token.kind == TokenKind::kRelation &&
                        (token.detail == static_cast<uint32_t>(Relation::kEqual) ||
                         token.detail == static_cast<uint32_t>(Relation::kApproximately)));
    if (names || BeginsOperand(token.kind) || token.kind == TokenKind::kCurrency ||
        token.kind == TokenKind::kMinus || token.kind == TokenKind::kBar ||
        token.kind == TokenKind::kPlusMinus)
      return AfterWords(token);
  }
  switch (token.kind) {
    case TokenKind::kPlus:
      return PushAdd(false);
    case TokenKind::kMinus:
      return PushAdd(true);
    case TokenKind::kPlusMinus:
      return PushOperator(Pending::kPlusMinus, precedence::kAdd);
    case TokenKind::kTimes:
      return PushOperator(Pending::kMultiply, precedence::kMultiply);
    case TokenKind::kDivide:
      return PushOperator(Pending::kDivide, precedence::kMultiply);
    case TokenKind::kMod:
      if (token.detail == 1 || InCongruence()) return PushOperator(Pending::kModulo, precedence::kModulo);
      return PushOperator(Pending::kRemainder, precedence::kMultiply);
    case TokenKind::kColon:
      if (Frame().frame == FrameKind::kSet) return SuchThat(token);
      return PushOperator(Pending::kRatio, precedence::kRatio);
    case TokenKind::kCaret:
      return PushOperator(Pending::kPower, precedence::kPower);
    case TokenKind::kSuperscript: {
      const NodeId exponent = build_.Whole(static_cast<int32_t>(token.detail));
      operands_.back() = {.id = Power(Top(), exponent)};
      return;
    }
    case TokenKind::kChoose:
      return PushOperator(Pending::kChoose, precedence::kChoose, token.detail);
    case TokenKind::kRelation:
      // 12 in, 12 \text{in}^2: inches.
      if (token.detail == static_cast<uint32_t>(Relation::kIn) && operands_.back().number &&
          (absl::StrContains(token.text, "in")) &&
          (lexer_.Rest().empty() || absl::StartsWith(lexer_.Rest(), "^")))
        return Unit({.kind = TokenKind::kWords, .text = "in"});
      return PushRelation(static_cast<Relation>(token.detail));
    case TokenKind::kUnion:
      return PushOperator(Pending::kSetOperation, precedence::kSetOperation,
                          static_cast<uint32_t>(Op::kUnion));
    case TokenKind::kIntersect:
      return PushOperator(Pending::kSetOperation, precedence::kSetOperation,
                          static_cast<uint32_t>(Op::kIntersect));
    case TokenKind::kSetMinus:
      return PushOperator(Pending::kSetOperation, precedence::kSetOperation,
                          static_cast<uint32_t>(Op::kMinusSet));
    case TokenKind::kBang:
      return Factorial();
    case TokenKind::kPercent:
      return Replace(1, Op::kPercent);
    case TokenKind::kDegree: {
      const absl::string_view rest = lexer_.Rest();
      if (rest == "C" || rest == "F") {
        lexer_.Skip(1);
        return WrapUnit(absl::StrCat("°", rest));
      }
      return Replace(1, Op::kDegrees);
    }
    case TokenKind::kUnderscore:
      return BaseSubscript();
    case TokenKind::kComma:
    case TokenKind::kSemicolon:
    case TokenKind::kAnd:
    case TokenKind::kOr:
    case TokenKind::kAmpersand:
    case TokenKind::kRowEnd:
      return Separate(token);
    case TokenKind::kOpenSquare:
      if (Frame().frame == FrameKind::kReversed) return Close(token);
      return Implicit(token);
    case TokenKind::kCloseParen:
    case TokenKind::kCloseSquare:
    case TokenKind::kCloseBrace:
    case TokenKind::kCloseSet:
    case TokenKind::kCloseAngle:
    case TokenKind::kCloseFloor:
    case TokenKind::kCloseCeil:
    case TokenKind::kCloseBar:
      return Close(token);
    case TokenKind::kBar:
      if (Frame().frame == FrameKind::kAbs) return Close(token);
      if (Frame().frame == FrameKind::kSet && !Frame().builder && Frame().count == 0) return SuchThat(token);
      return Implicit(token);
    case TokenKind::kNorm:
      if (Frame().frame == FrameKind::kNorm) return Close(token);
      return Implicit(token);
    case TokenKind::kSuchThat:
      if (Frame().frame == FrameKind::kAbs) return Close(token);
      return SuchThat(token);
    case TokenKind::kCloseNothing:
      if (Frame().frame == FrameKind::kSet) return Close(token);
      return;
    case TokenKind::kEndEnvironment:
      return CloseEnvironment(token);
    case TokenKind::kWords:
      if (IsForDomain(token.text, lexer_.Rest())) return Separate({.kind = TokenKind::kComma});
      if (IsForAll(token.text, lexer_.Rest())) return lexer_.Skip(lexer_.Rest().size());
      return Unit(token);
    case TokenKind::kCurrency:
      return WrapUnit(std::string(token.text));
    case TokenKind::kNumber:
      if (MixedNumber(token)) return;
      if (operands_.back().number || operands_.back().words) return Fail("an operator", token);
      return Implicit(token);
    case TokenKind::kFraction: {
      if (!operands_.back().whole) return Implicit(token);
      mpq_class& value = build_.number(Top()).value;
      value += mpq_class(token.detail / 100, token.detail % 100);
      operands_.back().whole = false;
      return;
    }
    case TokenKind::kOver:
      if (token.detail == 0 && operands_.back().whole && MixedFraction()) return;
      if (token.detail == 0 && operands_.back().number && UnitFraction()) return;
      return Implicit(token);
    case TokenKind::kDots:
      if (operands_.back().number && !operands_.back().whole) return;  // 0.333… stands for its decimals
      return Fail("an operator", token);
    case TokenKind::kSymbol:
      // 6.02 x 10^23: the letter stands for the sign.
      if (operands_.back().number && (token.text == "x" || token.text == "X") &&
          absl::StartsWith(lexer_.Rest(), "10^"))
        return PushOperator(Pending::kMultiply, precedence::kMultiply);
      if (operands_.back().number && token.spaced && token.text == "m" && MetresPerSecond()) return;
      return Implicit(token);
    case TokenKind::kConstant:
    case TokenKind::kFunction:
    case TokenKind::kBigOperator:
    case TokenKind::kOpenBrace:
    case TokenKind::kOpenSet:
    case TokenKind::kOpenAngle:
    case TokenKind::kOpenFloor:
    case TokenKind::kOpenCeil:
    case TokenKind::kOpenBar:
    case TokenKind::kRoot:
    case TokenKind::kBeginEnvironment:
      return Implicit(token);
    case TokenKind::kOpenParen:
      return ParenBehindOperand(token);
    default:
      return Fail("an operator", token);
  }
}

}  // namespace entrain
