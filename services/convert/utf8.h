#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace entrain {

// `text` with every byte that is no part of valid UTF-8 (shortest form, no surrogates, at most U+10FFFF)
// replaced by U+FFFD: one for each maximal invalid piece, as the Unicode standard recommends (3.9, "U+FFFD
// substitution of maximal subparts"). Proto3 strings may hold nothing else.
std::string ToUtf8(absl::string_view text);

}  // namespace entrain
