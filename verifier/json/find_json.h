#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "verifier/json/json_value.h"

namespace entrain {

// Where a completion's document may stand.
enum class JsonPlace {
  kAuto,   // the whole text when that is a document; else the last fenced block if there is one; else kLast
  kWhole,  // the whole text
  kBlock,  // the last ```json block, or the last block without a language
  kLast,   // the last object or array that is in no other
};

// The completion's document, as text and as value. No value: `parsed.problem` says why. Linear in the text,
// up to a constant number of tries.
struct FoundJson {
  std::string text;
  ParsedJson parsed;
};
FoundJson FindJson(absl::string_view completion, JsonPlace place);

}  // namespace entrain
