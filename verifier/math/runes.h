#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"

namespace entrain {

// The UTF-8 character at the beginning of `text`; bytes is 0 where it is none (overlong, surrogate, cut off).
struct DecodedRune {
  char32_t rune = 0;
  size_t bytes = 0;
};
DecodedRune DecodeRune(absl::string_view text);

// The length of a space beyond ASCII, or of a mark that has no width, at the beginning of `text`; 0: none.
size_t SpaceRuneLength(absl::string_view text);

// The length of a subscript digit (₀ to ₉) at the beginning of `text`; 0: none. Its last four bits are the
// digit.
size_t SubscriptRuneLength(absl::string_view text);

// A run of superscript digits with its sign ("⁻¹²") at the beginning of `text`; bytes is 0: none. At most six
// digits are taken.
struct Superscript {
  int32_t value = 0;
  size_t bytes = 0;
};
Superscript ScanSuperscript(absl::string_view text);

}  // namespace entrain
