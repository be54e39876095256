#pragma once

#include <optional>
#include <string>

#include "controller/schedule.h"
#include "services/config/config_tree.h"

namespace entrain {

// The schedule at `section` of a tree ("" for the root), checked; nullopt: the problems are in the tree.
std::optional<Schedule> ReadScheduleSection(ConfigTree& tree, const std::string& section);

}  // namespace entrain
