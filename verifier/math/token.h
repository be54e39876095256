#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"

namespace entrain {

// What a piece of an answer's text is, in LaTeX, plain text and Unicode alike: "\le", "<=" and "≤" are one
// kind.
enum class TokenKind : uint8_t {
  kEnd,
  kNumber,       // text: the literal
  kFraction,     // one character such as ½; detail: 100 × numerator + denominator
  kSymbol,       // text: a letter with its subscript and primes, or the name of a Greek letter
  kConstant,     // detail: a Constant
  kFunction,     // detail: a Function, or a NamedFunction
  kBigOperator,  // \sum, \int, \lim …; text: its name
  kWords,        // text: words that are no mathematics
  kOpenParen,
  kCloseParen,
  kOpenSquare,
  kCloseSquare,
  kOpenBrace,  // of TeX, or of a set in plain text; detail 1: of a command that says how its argument looks,
               // as \text{1,000}
  kCloseBrace,
  kOpenSet,  // \{
  kCloseSet,
  kOpenAngle,
  kCloseAngle,
  kOpenFloor,
  kCloseFloor,
  kOpenCeil,
  kCloseCeil,
  kBar,           // |, of either side
  kOpenBar,       // \left|, \lvert
  kCloseBar,      // \right|, \rvert
  kCloseNothing,  // \right.
  kNorm,          // \|
  kSuchThat,      // \mid
  kPlus,
  kMinus,
  kPlusMinus,
  kTimes,
  kDivide,
  kColon,
  kCaret,
  kSuperscript,  // ² ³ ⁻¹; detail: the exponent as an int32
  kUnderscore,
  kBang,
  kPrime,
  kPercent,
  kDegree,
  kComma,
  kSemicolon,
  kAnd,
  kOr,
  kAmpersand,
  kRowEnd,
  kRelation,  // detail: a Relation
  kUnion,
  kIntersect,
  kSetMinus,
  kOver,              // \frac; detail 1: \binom
  kChoose,            // {n \choose k}; detail 1: {a \over b}
  kRoot,              // \sqrt, √; detail 3: a cube root
  kMod,               // a \bmod b
  kBeginEnvironment,  // text: its name
  kEndEnvironment,
  kDots,
  kCurrency,  // text: the sign
  kUnknown,   // text: what it is
};

// Functions that are not nodes of their own: logarithms by their base, and those that only have a name
// (\operatorname{name}: kOther).
enum class NamedFunction : uint32_t { kLog = 1000, kLog10, kLog2, kDet, kOther };

struct Token {
  TokenKind kind = TokenKind::kEnd;
  uint32_t detail = 0;
  absl::string_view text;
  bool spaced = false;  // white space before it
};

}  // namespace entrain
