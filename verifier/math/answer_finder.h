#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace entrain {

// Where a final answer may stand.
enum class AnswerSource {
  kBoxed,       // the last \boxed{…} or \fbox{…} with balanced braces
  kHash,        // after the last "####", to the end of the line
  kPhrase,      // after the last "the answer is" or "answer:", to the end of the sentence
  kLastNumber,  // the last number of the text
};

std::optional<AnswerSource> AnswerSourceFromName(absl::string_view name);

// The text of the answer in the first of `sources` that has one. Linear in the length of the text.
std::optional<std::string> FindAnswer(absl::string_view text, const std::vector<AnswerSource>& sources);

}  // namespace entrain
