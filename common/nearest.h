#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace entrain {

// The known name that is fewest edits (insert, delete, replace, swap neighbours) away from `name`, when it is
// near enough to be meant; else "".
std::string NearestName(absl::string_view name, const std::vector<std::string>& known);

// "; did you mean \"x\"?" when something is near, else "; known: a, b, c".
std::string DidYouMean(absl::string_view name, const std::vector<std::string>& known);

}  // namespace entrain
