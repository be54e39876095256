#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

// The project's executable definition of its formulas, tests/golden/objectives/objectives.py (NumPy,
// float64), as a child process.

namespace entrain {

// Debian's interpreter, which python3-numpy belongs to.
inline constexpr char kPython[] = "/usr/bin/python3";

struct ChildOutput {
  int status = -1;
  std::string text;
};

inline ChildOutput RunChild(const std::string& command) {
  ChildOutput output;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return output;
  std::array<char, 4096> buffer{};
  for (size_t count = 0; (count = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
    output.text.append(buffer.data(), count);
  output.status = pclose(pipe);
  return output;
}

// ENTRAIN_TEST_SEED draws other cases.
inline uint64_t Seed() {
  const char* seed = std::getenv("ENTRAIN_TEST_SEED");
  return seed == nullptr ? 20260210 : std::strtoull(seed, nullptr, 10);
}

inline bool NumPyIsThere() {
  return RunChild(std::string(kPython) + " -c 'import numpy' 2>/dev/null").status == 0;
}

}  // namespace entrain
