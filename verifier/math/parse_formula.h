#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "verifier/math/formula.h"

namespace entrain {

// Limits of reading one formula, in work: the same verdict on every machine. Nesting has no limit.
inline constexpr size_t kMaxFormulaBytes = 100'000;
inline constexpr size_t kMaxFormulaNodes = 20'000;
inline constexpr size_t kMaxFormulaDigits = 10'000;  // of one number, and of its power of ten
inline constexpr size_t kMaxTotalDigits = 100'000;   // of all numbers of a formula, powers of ten counted

struct ParseOptions {
  // "1,234" is the list 1, 234 also where it could be one number with a thousands separator. Between brackets
  // it is so in any case, (1,234) is a point, unless spaces stand behind other commas: (1,000, 2,000).
  bool commas_separate = false;
};

enum class ParseStatus : uint8_t { kFormula, kNoFormula, kPastLimit };

struct ParsedFormula {
  ParseStatus status = ParseStatus::kNoFormula;
  Formula formula;     // empty unless kFormula
  std::string detail;  // kNoFormula: what was expected, what was found and where; kPastLimit: which limit
  bool thousands_comma =
      false;  // a comma was read as a thousands separator; commas_separate reads it otherwise
};

// Reads an answer, in LaTeX or in plain text: docs/verifier.md lists what is understood. Linear in the length
// of the text, without recursion; bytes that are no UTF-8 make it no formula. Pure; thread-safe.
ParsedFormula ParseFormula(absl::string_view text, const ParseOptions& options = {});

}  // namespace entrain
