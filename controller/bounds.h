#pragma once

#include <string>
#include <vector>

#include "controller/directive.h"

namespace entrain {

// What to say beside a number that could be an epsilon or an absolute ratio bound.
extern const char kEpsilonOrRatio[];

// The legal range of one line (docs/methods.md 12); problems name `field`. ValidateBounds
// (controller/schedule.h) checks both sides.
void CheckUpperLine(const std::string& field, const ClipLine& line, std::vector<std::string>& problems);
void CheckLowerLine(const std::string& field, const ClipLine& line, std::vector<std::string>& problems);

}  // namespace entrain
