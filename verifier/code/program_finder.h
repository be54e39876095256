#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace entrain {

// The program of a completion: the last block between ``` fences that says python (or py, python3), else the
// last block, else the whole completion. A block that no fence closes reaches to the end. A fence is a line
// that begins with at least three ` or ~, after white space; it closes a block of the same sign that is not
// longer. Linear.
std::string FindProgram(absl::string_view completion);

}  // namespace entrain
