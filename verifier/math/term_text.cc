#include <iterator>
#include <string>

#include "absl/strings/str_cat.h"
#include "verifier/math/term.h"

namespace entrain {

void Terms::AppendText(TermId id, int depth, std::string& out) const {
  constexpr size_t kMaxText = 60;
  constexpr int kMaxTextDepth = 12;
  if (out.size() > kMaxText || depth > kMaxTextDepth) {
    if (!out.ends_with("…")) out += "…";
    return;
  }
  const Term& term = terms_[id];
  const auto operands = [&](const char* between) {
    out += '(';
    for (size_t i = 0; i < term.count && out.size() <= kMaxText; ++i) {
      if (i > 0) out += between;
      AppendText(operands_[term.first + i], depth + 1, out);
    }
    out += ')';
  };
  switch (term.kind) {
    case TermKind::kRational: {
      const Rational& value = rationals_[term.payload];
      if (value.Bits() > 160) {
        absl::StrAppend(&out, "a number of ", fmpz_sizeinbase(value.numerator(), 10), " digits");
        return;
      }
      char* text = fmpq_get_str(nullptr, 10, value.get());
      out += text;
      flint_free(text);
      return;
    }
    case TermKind::kConstant: {
      constexpr const char* kNames[] = {"pi", "e", "i", "infinity"};
      out += term.payload < std::size(kNames) ? kNames[term.payload] : "a set";
      return;
    }
    case TermKind::kSymbol:
      out += names_[term.payload];
      return;
    case TermKind::kSum:
      return operands(" + ");
    case TermKind::kProduct:
      return operands(" * ");
    case TermKind::kPower:
      return operands(" ^ ");
    case TermKind::kLog:
      out += "ln";
      return operands(", ");
    case TermKind::kFunction: {
      constexpr const char* kNames[] = {
          "sin",  "cos",  "tan", "cot", "sec", "csc",   "arcsin", "arccos",    "arctan",           "sinh",
          "cosh", "tanh", "exp", "ln",  "abs", "floor", "ceil",   "factorial", "double factorial", "binomial",
          "gcd",  "lcm",  "min", "max", "mod", "re",    "im",     "conjugate"};
      out += term.payload < std::size(kNames) ? kNames[term.payload] : "function";
      return operands(", ");
    }
    case TermKind::kOpaque:
      out += names_[term.payload];
      return operands(", ");
  }
}

std::string Terms::ToText(TermId id) const {
  std::string out;
  AppendText(id, 0, out);
  if (out.size() > 2 && out.front() == '(' && out.back() == ')' &&
      (terms_[id].kind == TermKind::kSum || terms_[id].kind == TermKind::kProduct))
    out = out.substr(1, out.size() - 2);
  return out;
}

}  // namespace entrain
