// Answer finder, formula parser and comparison on two texts: "\frac{1}{2}\x1f0.5". Checks the promises of
// their headers: a formula is a well-formed tree, a formula is the same as itself, the same call gives the
// same result, and all of it takes bounded work.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/fuzz/fuzz_input.h"
#include "verifier/math/answer_finder.h"
#include "verifier/math/equivalence.h"
#include "verifier/math/formula_text.h"
#include "verifier/math/parse_formula.h"

namespace entrain {
namespace {

struct Children {
  uint32_t least, most;
};

constexpr uint32_t kAny = UINT32_MAX;

Children ChildrenOf(Op op) {
  switch (op) {
    case Op::kNumber:
    case Op::kConstant:
    case Op::kSymbol:
    case Op::kText:
      return {0, 0};
    case Op::kAdd:
    case Op::kMultiply:
    case Op::kUnion:
    case Op::kIntersect:
    case Op::kRelation:
      return {2, kAny};
    case Op::kDivide:
    case Op::kPower:
    case Op::kRoot:
    case Op::kLog:
    case Op::kInterval:
    case Op::kMinusSet:
      return {2, 2};
    case Op::kNegate:
    case Op::kPercent:
    case Op::kDegrees:
    case Op::kUnit:
      return {1, 1};
    case Op::kPlusMinus:
      return {1, 2};
    case Op::kFunction:
    case Op::kMatrix:
      return {1, kAny};
    case Op::kTuple:
    case Op::kList:
    case Op::kSet:
    case Op::kOpaque:
      return {0, kAny};
  }
  return {0, kAny};
}

void CheckTree(const Formula& formula) {
  Require(!formula.nodes.empty(), "a formula has a root");
  Require(formula.nodes.size() <= kMaxFormulaNodes, "a formula keeps to the limit of nodes");
  // From the root down: nodes that the parser gave up are left over and belong to nobody.
  std::vector<bool> reached(formula.nodes.size(), false);
  reached[formula.root()] = true;
  for (NodeId id = formula.root() + 1; id-- > 0;) {
    if (!reached[id]) continue;
    const Node& node = formula.nodes[id];
    const auto [least, most] = ChildrenOf(node.op);
    Require(node.child_count >= least && node.child_count <= most, "an operator has its operands");
    Require(size_t{node.first_child} + node.child_count <= formula.children.size(), "children are in range");
    for (uint32_t i = 0; i < node.child_count; ++i) {
      const NodeId child = formula.children[node.first_child + i];
      Require(child < id, "a node's children come before it");
      reached[child] = true;
    }
    if (node.op == Op::kNumber) {
      Require(node.payload < formula.numbers.size(), "a number is there");
      mpq_class value = formula.numbers[node.payload].value;
      value.canonicalize();
      Require(value == formula.numbers[node.payload].value && value.get_den() > 0,
              "a number is in lowest terms");
    }
    if (node.op == Op::kSymbol || node.op == Op::kText || node.op == Op::kUnit || node.op == Op::kOpaque)
      Require(node.payload < formula.names.size(), "a name is there");
    if (node.op == Op::kRelation)
      Require(size_t{node.payload} + node.child_count - 1 <= formula.relations.size(), "relations are there");
    if (node.op == Op::kMatrix)
      Require(node.payload > 0 && node.child_count % node.payload == 0, "a matrix is full");
  }
}

ParsedFormula Parse(absl::string_view text, const ParseOptions& options) {
  const WorkBound bound;
  ParsedFormula parsed = ParseFormula(text, options);
  bound.Check("parsing");
  if (parsed.status == ParseStatus::kFormula) {
    CheckTree(parsed.formula);
    Require(FormulaToText(parsed.formula, 1000).size() < 2000 + 2 * kMaxFormulaDigits + text.size(),
            "text of a formula is bounded");
  } else {
    Require(parsed.formula.nodes.empty(), "no formula, no nodes");
    Require(!parsed.detail.empty(), "what is no formula says why");
  }
  return parsed;
}

Comparison CompareTwo(const Formula& given, const Formula& reference, const EquivalenceOptions& options) {
  const WorkBound bound;
  Comparison comparison = Compare(given, reference, options);
  bound.Check("comparing");
  Require((comparison.sameness == Sameness::kSame) == comparison.detail.empty(),
          "what is not the same says why");
  return comparison;
}

bool PastLimit(const Comparison& comparison) {
  return comparison.sameness == Sameness::kGivenPastLimit ||
         comparison.sameness == Sameness::kReferencePastLimit;
}

void CheckComparison(const Formula& given, const Formula& reference, const EquivalenceOptions& options) {
  const Comparison comparison = CompareTwo(given, reference, options);
  const Comparison itself = CompareTwo(reference, reference, options);
  Require(itself.sameness != Sameness::kDifferent, "a formula is the same as itself");
  const Comparison again = CompareTwo(given, reference, options);
  Require(again.sameness == comparison.sameness && again.detail == comparison.detail, "a comparison is pure");
  // Options that only say what else is the same make nothing different.
  EquivalenceOptions looser = options;
  looser.absolute_tolerance = 1;
  const Comparison loose = CompareTwo(given, reference, looser);
  Require(comparison.sameness != Sameness::kSame || PastLimit(loose) || loose.sameness == Sameness::kSame,
          "a tolerance makes nothing different");
}

void CheckFinder(absl::string_view text) {
  const WorkBound bound;
  for (const AnswerSource source :
       {AnswerSource::kBoxed, AnswerSource::kHash, AnswerSource::kPhrase, AnswerSource::kLastNumber}) {
    const auto found = FindAnswer(text, {source});
    Require(!found.has_value() || found->size() <= text.size(), "an answer is a part of the text");
  }
  bound.Check("finding");
}

}  // namespace
}  // namespace entrain

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace entrain;  // NOLINT: the entry point is C
  const auto [given_text, reference_text] = SplitFields<2>({reinterpret_cast<const char*>(data), size});
  CheckFinder(given_text);
  const ParseOptions options{.commas_separate = size % 4 == 0};
  const ParsedFormula given = Parse(given_text, options), reference = Parse(reference_text, options);
  if (given.status == ParseStatus::kFormula && reference.status == ParseStatus::kFormula) {
    EquivalenceOptions equivalence;
    if (size % 3 == 1) equivalence = {.decimals = -1, .ordered_lists = true, .units = true};
    if (size % 3 == 2)
      equivalence = {
          .round_to_reference = true, .percent = PercentRule::kFraction, .inequality_for_set = true};
    CheckComparison(given.formula, reference.formula, equivalence);
  }
  return 0;
}
