#pragma once

#include <cstdint>

namespace entrain {

// Runs that a sandbox failed, cumulative. Never the program's fault; each is a verdict "error".
struct SandboxFailures {
  int64_t unavailable = 0;  // there was no sandbox on this machine
  int64_t lost = 0;         // the run did not begin, or how it ended is not known
};

}  // namespace entrain
