#pragma once

#include <cstdint>

#include "verifier/math/formula.h"
#include "verifier/math/token.h"

namespace entrain {

// What waits on the parser's stack. An operator waits for its right side, an owner (\frac, \sqrt, a function,
// \sum) for its arguments, a frame for its closing bracket.
enum class Pending : uint8_t {
  // Operators, by precedence.
  kChoose,  // {n \choose k}; detail 1: {a \over b}
  kModulo,  // a \pmod b
  kRelation,
  kSetOperation,  // detail: the Op
  kRatio,
  kAdd,
  kPlusMinus,
  kSignPlusMinus,
  kNegate,
  kMultiply,
  kDivide,
  kRemainder,  // a \bmod b
  kPower,
  // Owners.
  kOver,
  kRoot,
  kFunction,
  kBigOperator,
  // Brackets.
  kFrame,
};

// Precedences; a higher one binds more tightly.
namespace precedence {
inline constexpr uint8_t kChoose = 5, kModulo = 15, kRelation = 20, kSetOperation = 30, kRatio = 35,
                         kAdd = 40, kSign = 45, kBigOperator = 46, kMultiply = 50, kFunction = 55,
                         kInFunction = 57,  // the product in \sin 2x
    kSignInProduct = 58,                    // the sign in 2 · −3
    kPower = 70;
}  // namespace precedence

enum class FrameKind : uint8_t {
  kRoot,
  kParen,
  kSquare,
  kReversed,  // ]a, b[
  kBrace,  // {…} where no argument is expected: a group, or a set in plain text; detail 1: surely a group
  kSet,    // \{…\}
  kAngle,
  kAbs,
  kNorm,
  kFloor,
  kCeil,
  kArgument,  // {…} of \frac, \sqrt, …
  kIndex,     // [3] of \sqrt[3]{…}
  kCall,      // (…) of a function; detail: the closing TokenKind
  kMatrix,
  kDeterminant,
  kCases,
  kAligned,
};

// What an owner waits for.
enum class Awaits : uint8_t { kNothing, kFirst, kSecond, kBase, kExponent, kLower, kUpper, kCall, kOperand };

struct StackEntry {
  Pending pending = Pending::kFrame;
  uint8_t precedence = 0;
  FrameKind frame = FrameKind::kRoot;
  Awaits awaits = Awaits::kNothing;
  bool negate_last = false;  // kAdd: a minus stands before the last operand
  bool saw_and = false, saw_or = false, saw_comma = false, saw_semicolon = false;  // frames
  bool spaced = false;   // brackets: spaces stand behind the commas that separate, "(1,000, 2,000)"
  bool cells = false;    // kCases: a row has two cells, a value and its condition
  bool builder = false;  // frames: {x : …}
  TokenKind separator = TokenKind::kEnd;  // frames: the last one, if nothing followed yet
  uint32_t count = 0;                     // operators: operands so far; frames: elements
  uint32_t run = 0;                       // frames: elements up to the last semicolon
  uint32_t base = 0;                      // frames: operands below
  uint32_t detail = 0;                    // a Function, an Op, columns, …
  uint32_t row = 0;                       // matrices: cells in the current row
  int32_t first = -1, second = -1;        // owners: nodes that were read; −1: none
};

struct StackOperand {
  NodeId id = 0;
  bool whole = false;   // a whole number without sign: "1" in 1 1/2
  bool digits = false;  // a whole number in parentheses: "(101)" in (101)_2
  bool clock = false;   // two digits or more with a zero in front: the minutes of 12:05
  bool number = false;  // a number literal
  bool words = false;   // words that stand before something
  bool unit = false;    // a quantity with its unit
  bool row = false;     // a list in square brackets: a row of [[1,2],[3,4]]
};

}  // namespace entrain
