#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace entrain {

// A number that a directive may move beside the clip bounds. Ends of the legal range belong to it unless they
// are open; infinity is no value.
struct DialInfo {
  std::string name;
  double low = 0;
  double high = 0;
  bool open_low = false;
  bool open_high = false;
  std::string meaning;  // what it does, and which way it moves entropy where that is known

  bool Legal(double value) const;
  std::string Range() const;  // "from 0 to 1", "more than 0", …
};

// Every dial there is, by name. Names and ranges are those of the objectives' parameters that they move
// (docs/methods.md 12); which of them a trainer takes it says when it registers.
const std::vector<DialInfo>& Dials();
const DialInfo* FindDial(absl::string_view name);
std::vector<std::string> DialNames();

}  // namespace entrain
