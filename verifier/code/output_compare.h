#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace entrain {

// What counts as the same output.
enum class OutputCompare {
  kExact,    // byte by byte
  kLines,    // white space at the end of a line and empty lines at the end do not count
  kTokens,   // the words between white space
  kNumbers,  // as kTokens; two numbers within the tolerance are the same word
};

// "" when `found` is the wanted output, else the first difference for people: "line 2: expected …, found …".
// tolerance: |found − expected| ≤ tolerance · max(1, |expected|), in double. Linear.
std::string OutputDifference(absl::string_view found, absl::string_view expected, OutputCompare compare,
                             double tolerance);

}  // namespace entrain
