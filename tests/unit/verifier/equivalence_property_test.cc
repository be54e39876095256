// Random expressions, seeded. Rewritten by identities they stay the same answer; with one constant changed
// they are another one; and every comparison ends, whatever it is given.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/rng.h"
#include "tests/unit/verifier/formula_reader.h"
#include "verifier/math/equivalence.h"

namespace entrain {
namespace {

using testing::FormulaReader;

class Expressions {
 public:
  explicit Expressions(uint64_t seed) : rng_({.seed = seed, .purpose = RngPurpose::kData}) {}

  uint64_t Below(uint64_t bound) { return rng_.Below(bound, position_++); }

  // In prefix notation; smooth and defined for positive symbols.
  std::string Draw(int depth) {
    if (depth == 0) {
      switch (Below(4)) {
        case 0:
          return absl::StrCat(Below(9) + 1);
        case 1:
          return "pi";
        default:
          return Below(2) == 0 ? "x" : "y";
      }
    }
    const std::string a = Draw(depth - 1), b = Draw(depth - 1);
    switch (Below(9)) {
      case 0:
        return absl::StrCat("(+ ", a, " ", b, ")");
      case 1:
        return absl::StrCat("(- ", a, " ", b, ")");
      case 2:
        return absl::StrCat("(* ", a, " ", b, ")");
      case 3:
        return absl::StrCat("(/ ", a, " (+ 1 (^ ", b, " 2)))");
      case 4:
        return absl::StrCat("(^ ", a, " ", Below(3) + 1, ")");
      case 5:
        return absl::StrCat("(sqrt (+ 2 (^ ", a, " 2)))");
      case 6:
        return absl::StrCat("(sin ", a, ")");
      case 7:
        return absl::StrCat("(arctan ", a, ")");
      default:
        return absl::StrCat("(ln (+ 1 (^ ", a, " 2)))");
    }
  }

  // The same value, written differently.
  std::string Rewritten(const std::string& a) {
    const std::string b = Draw(1);
    switch (Below(8)) {
      case 0:
        return absl::StrCat("(- (+ ", a, " ", b, ") ", b, ")");
      case 1:
        return absl::StrCat("(* 2 (/ ", a, " 2))");
      case 2:
        return absl::StrCat("(/ (* ", a, " (+ 1 (^ ", b, " 2))) (+ (^ ", b, " 2) 1))");
      case 3:
        return absl::StrCat("(* ", a, " (+ (^ (sin ", b, ") 2) (^ (cos ", b, ") 2)))");
      case 4:
        return absl::StrCat("(/ (- (^ (+ ", a, " 1) 2) (+ (^ ", a, " 2) 1)) 2)");  // ((a+1)² − a² − 1)/2
      case 5:
        return absl::StrCat("(+ ", a, " (* 0 ", b, "))");
      case 6:
        return absl::StrCat("(- (ln (exp ", a, ")) 0)");
      default:
        return absl::StrCat("(neg (neg ", a, "))");
    }
  }

 private:
  Rng rng_;
  uint64_t position_ = 0;
};

Comparison CompareTexts(const std::string& given, const std::string& reference) {
  return Compare(FormulaReader::Read(given), FormulaReader::Read(reference));
}

TEST(EquivalencePropertyTest, RewrittenExpressionsAreTheSame) {
  for (uint64_t seed = 0; seed < 400; ++seed) {
    Expressions expressions(seed);
    const std::string reference = expressions.Draw(3);
    const std::string given = expressions.Rewritten(expressions.Rewritten(reference));
    const Comparison comparison = CompareTexts(given, reference);
    EXPECT_EQ(comparison.sameness, Sameness::kSame)
        << "seed " << seed << ": " << given << " against " << reference << ": " << comparison.detail;
  }
}

TEST(EquivalencePropertyTest, ExpressionsWithAnotherConstantDiffer) {
  for (uint64_t seed = 0; seed < 400; ++seed) {
    Expressions expressions(seed);
    const std::string reference = expressions.Draw(3);
    // Off by a thousandth, or by a thousandth part.
    const std::string given = expressions.Rewritten(
        absl::StrCat(seed % 2 == 0 ? "(+ (/ 1 1000) " : "(* (/ 1001 1000) ", reference, ")"));
    const Comparison comparison = CompareTexts(given, reference);
    const bool is_zero = seed % 2 == 1 && CompareTexts(reference, "0").sameness == Sameness::kSame;
    EXPECT_EQ(comparison.sameness, is_zero ? Sameness::kSame : Sameness::kDifferent)
        << "seed " << seed << ": " << given << " against " << reference << ": " << comparison.detail;
  }
}

TEST(EquivalencePropertyTest, EveryFormulaIsItself) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Expressions expressions(seed);
    const std::string text = expressions.Draw(4);
    EXPECT_EQ(CompareTexts(text, text).sameness, Sameness::kSame) << text;
  }
}

// A tree of any operations with any operands: nothing is expected but an end, and the same one twice.
TEST(EquivalencePropertyTest, AnyTreesAreCompared) {
  for (uint64_t seed = 0; seed < 3000; ++seed) {
    Expressions draw(seed);
    const auto any = [&] {
      Formula formula;
      const uint64_t size = 1 + draw.Below(30);
      std::vector<NodeId> free;
      const auto take = [&]() -> NodeId {
        const uint64_t at = draw.Below(free.size());
        const NodeId node = free[at];
        free.erase(free.begin() + static_cast<std::ptrdiff_t>(at));
        return node;
      };
      for (uint64_t i = 0; i < size || free.size() > 1; ++i) {
        Node node;
        if (i < size && (free.size() < 2 || draw.Below(2) == 0)) {
          constexpr Op kLeaves[] = {Op::kNumber, Op::kConstant, Op::kSymbol, Op::kText};
          node.op = kLeaves[draw.Below(4)];
          if (node.op == Op::kNumber) {
            const long digits = static_cast<long>(draw.Below(40)) - 20;
            formula.numbers.push_back({mpq_class(draw.Below(5) == 0 ? digits * 100'000'000'000'000L : digits,
                                                 1 + draw.Below(3) * 3),
                                       static_cast<int32_t>(draw.Below(4)) - 1});
            formula.numbers.back().value.canonicalize();
            node.payload = static_cast<uint32_t>(formula.numbers.size() - 1);
          } else if (node.op == Op::kConstant) {
            node.payload = static_cast<uint32_t>(draw.Below(10));
          } else {
            formula.names.push_back(absl::StrCat("n", draw.Below(3)));
            node.payload = static_cast<uint32_t>(formula.names.size() - 1);
          }
        } else {
          node.op = static_cast<Op>(
              static_cast<uint64_t>(Op::kAdd) +
              draw.Below(static_cast<uint64_t>(Op::kOpaque) - static_cast<uint64_t>(Op::kAdd) + 1));
          uint32_t count = 2;
          switch (node.op) {
            case Op::kNegate:
            case Op::kPercent:
            case Op::kDegrees:
            case Op::kUnit:
              count = 1;
              break;
            case Op::kFunction:
              node.payload = static_cast<uint32_t>(draw.Below(28));
              count = 1 + static_cast<uint32_t>(draw.Below(2));
              break;
            case Op::kInterval:
              node.payload = static_cast<uint32_t>(draw.Below(4));
              break;
            case Op::kMatrix:
              node.payload = 1 + static_cast<uint32_t>(draw.Below(2));
              break;
            default:
              break;
          }
          count = std::min(count, static_cast<uint32_t>(free.size()));
          if (count == 1 && (node.op == Op::kDivide || node.op == Op::kPower || node.op == Op::kRoot ||
                             node.op == Op::kLog || node.op == Op::kRelation || node.op == Op::kMinusSet))
            node.op = Op::kNegate;
          if (node.op == Op::kUnit || node.op == Op::kOpaque) {
            formula.names.push_back("cm");
            node.payload = static_cast<uint32_t>(formula.names.size() - 1);
          }
          if (node.op == Op::kRelation) {
            formula.relations.push_back(static_cast<Relation>(draw.Below(8)));
            node.payload = static_cast<uint32_t>(formula.relations.size() - 1);
          }
          std::vector<NodeId> children;
          for (uint32_t k = 0; k < count; ++k) children.push_back(take());
          node.first_child = static_cast<uint32_t>(formula.children.size());
          node.child_count = count;
          formula.children.insert(formula.children.end(), children.begin(), children.end());
        }
        formula.nodes.push_back(node);
        free.push_back(formula.root());
      }
      return formula;
    };
    const Formula a = any(), b = any();
    const Comparison first = Compare(a, b), second = Compare(a, b);
    EXPECT_EQ(first.sameness, second.sameness) << "seed " << seed;
    EXPECT_EQ(first.detail, second.detail) << "seed " << seed;
    const Comparison itself = Compare(a, a);
    EXPECT_TRUE(itself.sameness == Sameness::kSame || itself.sameness >= Sameness::kGivenPastLimit)
        << "seed " << seed << ": " << itself.detail;
  }
}

}  // namespace
}  // namespace entrain
