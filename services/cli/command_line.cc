#include "services/cli/command_line.h"

#include <iostream>

namespace entrain {

int Unusable(const absl::Status& status) {
  std::cerr << "entrain: " << status.message() << "\n";
  return 2;
}

}  // namespace entrain
