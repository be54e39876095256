#pragma once

#include <gmpxx.h>

#include <cstdint>
#include <string>
#include <vector>

namespace entrain {

// What a node of a formula is, and its children in order.
enum class Op : uint8_t {
  // Leaves.
  kNumber,    // numbers[payload]
  kConstant,  // payload: a Constant
  kSymbol,    // names[payload]: a variable, "x", "alpha", "x_1"
  kText,      // names[payload]: words that are no mathematics, lower case, single spaces ("no solution",
              // "monday")
  // Arithmetic.
  kAdd,        // two or more
  kMultiply,   // two or more
  kNegate,     // a
  kDivide,     // a / b
  kPower,      // a ^ b
  kRoot,       // the b-th root of a
  kLog,        // the logarithm of a to base b
  kFunction,   // payload: a Function; one argument or more
  kPlusMinus,  // a ± b, or ± b: two values
  kPercent,    // a %
  kDegrees,    // a °
  // Things with parts.
  kTuple,      // (a, b, …), a point or a vector
  kList,       // a, b, … without brackets
  kSet,        // {a, b, …}; none: the empty set
  kInterval,   // (a, b), [a, b), …: payload bit 0: closed on the left, bit 1: on the right
  kUnion,      // two or more
  kIntersect,  // two or more; one: the set of all that it holds for, {x : x > 3}
  kMinusSet,   // a \ b
  kMatrix,     // payload: columns; rows in order
  kRelation,   // a chain a R1 b R2 c: relations[payload], relations[payload + 1], … between the children
  kUnit,       // a with a unit: names[payload]; the unit was written, whether it counts is an option
  kOpaque,     // names[payload] with arguments that nothing is known about: \sum, \int, f(x), …
};

enum class Constant : uint32_t {
  kPi,
  kE,
  kI,
  kInfinity,
  kEmptySet,
  kReals,
  kIntegers,
  kNaturals,
  kRationals,
  kComplex
};

enum class Function : uint32_t {
  kSin,
  kCos,
  kTan,
  kCot,
  kSec,
  kCsc,
  kArcsin,
  kArccos,
  kArctan,
  kSinh,
  kCosh,
  kTanh,
  kExp,
  kLn,
  kAbs,
  kFloor,
  kCeil,
  kFactorial,
  kDoubleFactorial,
  kBinomial,
  kGcd,
  kLcm,
  kMin,
  kMax,
  kMod,
  kRe,
  kIm,
  kConjugate,
};

enum class Relation : uint8_t {
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kIn,
  kApproximately,
  kTo,         // x \to 0
  kCongruent,  // a \equiv b
};

// A number as it was written. Its value is exact.
struct Number {
  mpq_class value;
  int32_t decimals = -1;  // digits behind the decimal point; -1: no decimal point was written
};

using NodeId = uint32_t;

struct Node {
  Op op = Op::kNumber;
  uint32_t payload = 0;
  uint32_t first_child = 0, child_count = 0;  // in Formula::children
};

// A formula as a flat tree: a node's children come before it, so that whoever walks it needs a loop and no
// recursion, however deep the text was nested. The last node is the root. Plain data.
struct Formula {
  std::vector<Node> nodes;
  std::vector<NodeId> children;
  std::vector<Number> numbers;
  std::vector<std::string> names;
  std::vector<Relation> relations;

  NodeId root() const { return static_cast<NodeId>(nodes.size() - 1); }
};

}  // namespace entrain
