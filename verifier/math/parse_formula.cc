#include "verifier/math/parse_formula.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "verifier/math/formula_parser.h"

namespace entrain {
namespace {

// What stands around an answer and is no part of it: Markdown, quotes, dollars, a full stop, the \[…\] of the
// whole.
absl::string_view Unwrap(absl::string_view text) {
  for (;;) {
    const size_t before = text.size();
    text = absl::StripAsciiWhitespace(text);
    if (text.size() >= 4 && absl::StartsWith(text, "**") && absl::EndsWith(text, "**"))
      text = text.substr(2, text.size() - 4);
    if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
    if (text.size() >= 2 && text.front() == '$' && text.find('$', 1) == text.size() - 1)
      text = text.substr(1, text.size() - 2);
    if (!absl::EndsWith(text, "...") && !absl::EndsWith(text, "\\.") && !absl::EndsWith(text, "\\right."))
      absl::ConsumeSuffix(&text, ".");
    if (!absl::EndsWith(text, "\\,") && !absl::EndsWith(text, "\\;") && !absl::EndsWith(text, "\\:")) {
      for (const absl::string_view mark : {",", ";", ":"}) absl::ConsumeSuffix(&text, mark);
    }
    if (!absl::EndsWith(text, "\\\\\\")) absl::ConsumeSuffix(&text, "\\\\");
    if (text.size() == before) return text;
  }
}

}  // namespace

ParsedFormula ParseFormula(absl::string_view text, const ParseOptions& options) {
  ParsedFormula out;
  if (text.size() > kMaxFormulaBytes) {
    out.status = ParseStatus::kPastLimit;
    out.detail = absl::StrCat("formula: more than ", kMaxFormulaBytes, " bytes");
    return out;
  }
  FormulaParser(Unwrap(text), options, out).Run();
  if (out.status != ParseStatus::kFormula) out.formula = Formula();
  return out;
}

}  // namespace entrain
