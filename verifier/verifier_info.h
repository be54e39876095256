#pragma once

#include <string>
#include <vector>

namespace entrain {

// A verifier as people read about it (`entrain verify --list`).
struct VerifierOptionInfo {
  std::string name, fallback, meaning;
};
struct VerifierInfo {
  std::string name;     // as it is registered
  std::string summary;  // what a correct completion is
  std::vector<VerifierOptionInfo> options;
};

}  // namespace entrain
