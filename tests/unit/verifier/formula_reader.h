#pragma once

#include <gtest/gtest.h>

#include <cctype>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "verifier/math/formula.h"

namespace entrain::testing {

// Makes a formula from prefix notation, so that a test of comparing does not depend on the parser:
// (+ (^ x 2) (* 2 x) 1), (rel 1 < x <= 2), (co 1 inf) for [1, ∞), (mat2 1 2 3 4) with two columns, (unit cm
// 3), (opaque f x), 'no_solution for a text, 0.50 for a number with two decimals.
class FormulaReader {
 public:
  static Formula Read(std::string_view text) {
    FormulaReader reader(text);
    reader.Node();
    reader.Space();
    if (reader.at_ != text.size()) ADD_FAILURE() << "more than a formula: " << text;
    return std::move(reader.formula_);
  }

 private:
  explicit FormulaReader(std::string_view text) : text_(text) {}

  void Space() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }

  std::string Word() {
    Space();
    const size_t begin = at_;
    while (at_ < text_.size() && text_[at_] != ' ' && text_[at_] != '(' && text_[at_] != ')') ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }

  bool AtEnd() {
    Space();
    if (at_ >= text_.size()) ADD_FAILURE() << "not closed: " << text_;
    if (at_ < text_.size() && text_[at_] != ')') return false;
    ++at_;
    return true;
  }

  NodeId Make(Op op, uint32_t payload, const std::vector<NodeId>& children) {
    formula_.nodes.push_back({op, payload, static_cast<uint32_t>(formula_.children.size()),
                              static_cast<uint32_t>(children.size())});
    formula_.children.insert(formula_.children.end(), children.begin(), children.end());
    return formula_.root();
  }

  uint32_t Name(const std::string& name) {
    formula_.names.push_back(name);
    return static_cast<uint32_t>(formula_.names.size() - 1);
  }

  NodeId Leaf(const std::string& word) {
    static const std::map<std::string, Constant> kConstants = {{"pi", Constant::kPi},
                                                               {"e", Constant::kE},
                                                               {"i", Constant::kI},
                                                               {"inf", Constant::kInfinity},
                                                               {"empty", Constant::kEmptySet},
                                                               {"R", Constant::kReals},
                                                               {"Z", Constant::kIntegers},
                                                               {"N", Constant::kNaturals},
                                                               {"Q", Constant::kRationals},
                                                               {"C", Constant::kComplex}};
    if (const auto found = kConstants.find(word); found != kConstants.end())
      return Make(Op::kConstant, static_cast<uint32_t>(found->second), {});
    if (word.starts_with("'")) {
      std::string words = word.substr(1);
      for (char& c : words) c = c == '_' ? ' ' : c;
      return Make(Op::kText, Name(words), {});
    }
    const bool negative = word.size() > 1 && word[0] == '-';
    const std::string digits = negative ? word.substr(1) : word;
    if (digits.empty() || !std::isdigit(static_cast<unsigned char>(digits[0]))) {
      return Make(Op::kSymbol, Name(word), {});
    }
    Number number;
    const size_t point = digits.find('.');
    if (point != std::string::npos) {
      number.decimals = static_cast<int32_t>(digits.size() - point - 1);
      const std::string all = digits.substr(0, point) + digits.substr(point + 1);
      mpz_class below;
      mpz_ui_pow_ui(below.get_mpz_t(), 10, static_cast<unsigned long>(number.decimals));
      number.value = mpq_class(mpz_class(all, 10), below);
    } else {
      number.value = mpq_class(digits, 10);
    }
    number.value.canonicalize();
    formula_.numbers.push_back(number);
    const NodeId leaf = Make(Op::kNumber, static_cast<uint32_t>(formula_.numbers.size() - 1), {});
    return negative ? Make(Op::kNegate, 0, {leaf}) : leaf;
  }

  NodeId Chain() {
    static const std::map<std::string, Relation> kRelations = {
        {"=", Relation::kEqual},      {"!=", Relation::kNotEqual},     {"<", Relation::kLess},
        {"<=", Relation::kLessEqual}, {">", Relation::kGreater},       {">=", Relation::kGreaterEqual},
        {"in", Relation::kIn},        {"~", Relation::kApproximately}, {"==", Relation::kCongruent}};
    std::vector<NodeId> children = {Node()};
    std::vector<Relation> relations;
    while (!AtEnd()) {
      relations.push_back(kRelations.at(Word()));
      children.push_back(Node());
    }
    const uint32_t first = static_cast<uint32_t>(formula_.relations.size());
    formula_.relations.insert(formula_.relations.end(), relations.begin(), relations.end());
    return Make(Op::kRelation, first, children);
  }

  NodeId Node() {
    Space();
    if (at_ >= text_.size() || text_[at_] != '(') return Leaf(Word());
    ++at_;
    const std::string head = Word();
    if (head == "rel") return Chain();
    const std::string name = head == "unit" || head == "opaque" ? Word() : "";
    std::vector<NodeId> children;
    while (at_ < text_.size() && !AtEnd()) children.push_back(Node());
    static const std::map<std::string, Op> kOps = {
        {"+", Op::kAdd},     {"*", Op::kMultiply},  {"neg", Op::kNegate},    {"/", Op::kDivide},
        {"^", Op::kPower},   {"root", Op::kRoot},   {"log", Op::kLog},       {"pm", Op::kPlusMinus},
        {"%", Op::kPercent}, {"deg", Op::kDegrees}, {"tuple", Op::kTuple},   {"list", Op::kList},
        {"set", Op::kSet},   {"union", Op::kUnion}, {"cut", Op::kIntersect}, {"minus", Op::kMinusSet}};
    static const std::map<std::string, uint32_t> kIntervals = {{"oo", 0}, {"co", 1}, {"oc", 2}, {"cc", 3}};
    static const char* const kFunctions[] = {"sin",    "cos",    "tan",  "cot",  "sec",  "csc",   "arcsin",
                                             "arccos", "arctan", "sinh", "cosh", "tanh", "exp",   "ln",
                                             "abs",    "floor",  "ceil", "!",    "!!",   "binom", "gcd",
                                             "lcm",    "min",    "max",  "mod",  "re",   "im",    "conj"};
    if (const auto op = kOps.find(head); op != kOps.end()) return Make(op->second, 0, children);
    if (const auto kind = kIntervals.find(head); kind != kIntervals.end())
      return Make(Op::kInterval, kind->second, children);
    if (head == "-") return Make(Op::kAdd, 0, {children[0], Make(Op::kNegate, 0, {children[1]})});
    if (head == "sqrt") return Make(Op::kRoot, 0, {children[0], Leaf("2")});
    if (head == "unit") return Make(Op::kUnit, Name(name), children);
    if (head == "opaque") return Make(Op::kOpaque, Name(name), children);
    if (head.starts_with("mat"))
      return Make(Op::kMatrix, static_cast<uint32_t>(std::stoi(head.substr(3))), children);
    for (uint32_t i = 0; i < std::size(kFunctions); ++i) {
      if (head == kFunctions[i]) return Make(Op::kFunction, i, children);
    }
    ADD_FAILURE() << "no such head: " << head;
    return Leaf("0");
  }

  std::string_view text_;
  size_t at_ = 0;
  Formula formula_;
};

}  // namespace entrain::testing
