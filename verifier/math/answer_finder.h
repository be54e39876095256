#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace entrain {

// Where a final answer may stand.
enum class AnswerSource {
  kBoxed,           // the last \boxed{…} or \fbox{…} with balanced braces, and those that belong to it
  kLastBoxed,       // the last \boxed{…} or \fbox{…} alone
  kHash,            // after the last "####", to the end of the line
  kPhrase,          // after the last "the answer is" or "answer:": the formula there, else the sentence
  kLastNumber,      // the last number of the text
  kLastExpression,  // the last formula between $…$, \(…\) or \[…\], or the last number if that comes later
  kWhole,           // the whole text
};

std::optional<AnswerSource> AnswerSourceFromName(absl::string_view name);

// All names, "boxed", "hash", …
std::vector<std::string> AnswerSourceNames();

// The text of the answer in the first of `sources` that has one. Several boxes, or formulas, that stand
// together ("\boxed{1} and \boxed{2}") are one answer, "1, 2". Linear in the length of the text.
std::optional<std::string> FindAnswer(absl::string_view text, std::span<const AnswerSource> sources);
inline std::optional<std::string> FindAnswer(absl::string_view text,
                                             const std::vector<AnswerSource>& sources) {
  return FindAnswer(text, std::span<const AnswerSource>(sources));
}

}  // namespace entrain
