#include "verifier/math/formula_text.h"

#include <vector>

#include "absl/strings/str_cat.h"

namespace entrain {
namespace {

constexpr const char* kOps[] = {"number",    "constant", "symbol",   "text", "+",        "*",     "neg",
                                "/",         "^",        "root",     "log",  "function", "+-",    "%",
                                "deg",       "tuple",    "list",     "set",  "interval", "union", "intersect",
                                "set-minus", "matrix",   "relation", "unit", "opaque"};
constexpr const char* kConstants[] = {"pi", "e", "i", "infinity", "emptyset", "R", "Z", "N", "Q", "C"};
constexpr const char* kFunctions[] = {
    "sin",  "cos",  "tan", "cot", "sec", "csc",   "arcsin", "arccos",    "arctan",     "sinh",
    "cosh", "tanh", "exp", "ln",  "abs", "floor", "ceil",   "factorial", "factorial2", "binomial",
    "gcd",  "lcm",  "min", "max", "mod", "re",    "im",     "conjugate"};
constexpr const char* kRelations[] = {"=", "!=", "<", "<=", ">", ">=", "in", "~", "->", "=="};

std::string Head(const Formula& formula, const Node& node) {
  switch (node.op) {
    case Op::kNumber: {
      const Number& number = formula.numbers[node.payload];
      return number.value.get_str();
    }
    case Op::kConstant:
      return kConstants[node.payload];
    case Op::kSymbol:
      return formula.names[node.payload];
    case Op::kText:
      return absl::StrCat("\"", formula.names[node.payload], "\"");
    case Op::kFunction:
      return kFunctions[node.payload];
    case Op::kUnit:
      return absl::StrCat("unit \"", formula.names[node.payload], "\"");
    case Op::kOpaque:
      return absl::StrCat("opaque \"", formula.names[node.payload], "\"");
    case Op::kInterval:
      return absl::StrCat((node.payload & 1) != 0 ? "[" : "(", "interval",
                          (node.payload & 2) != 0 ? "]" : ")");
    case Op::kMatrix:
      return absl::StrCat("matrix ", node.payload);
    case Op::kRelation: {
      std::string out;
      for (uint32_t i = 0; i + 1 < node.child_count; ++i)
        absl::StrAppend(&out, i > 0 ? " " : "",
                        kRelations[static_cast<size_t>(formula.relations[node.payload + i])]);
      return out;
    }
    default:
      return kOps[static_cast<size_t>(node.op)];
  }
}

}  // namespace

std::string FormulaToText(const Formula& formula, size_t max_bytes) {
  if (formula.nodes.empty()) return "";
  struct Visit {
    NodeId id;
    uint32_t next;
  };
  std::string out;
  std::vector<Visit> path;
  const auto enter = [&](NodeId id) {
    const Node& node = formula.nodes[id];
    const bool list = node.child_count > 0 || node.op == Op::kSet || node.op == Op::kOpaque;
    absl::StrAppend(&out, list ? "(" : "", Head(formula, node));
    if (list) {
      path.push_back({.id = id, .next = 0});
    }
  };
  enter(formula.root());
  while (!path.empty()) {
    if (out.size() > max_bytes) return out + "…";
    Visit& visit = path.back();
    const Node& node = formula.nodes[visit.id];
    if (visit.next == node.child_count) {
      out += ')';
      path.pop_back();
      continue;
    }
    out += ' ';
    enter(formula.children[node.first_child + visit.next++]);
  }
  return out;
}

}  // namespace entrain
