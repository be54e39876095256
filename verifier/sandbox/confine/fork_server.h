#pragma once

#include <string>
#include <vector>

#include "verifier/sandbox/confine/run_message.h"

namespace entrain::confine {

struct ForkServerOptions {
  int listen = -1;  // a SOCK_SEQPACKET; every message carries the descriptors of one run
  bool namespaces = false;
  int base_folder = -1;
  std::string base_path;
  std::vector<std::string> readable;
};

// Forks a keeper for every run that is asked for, until the other end closes `listen`; ends the process then.
// Returns in the processes of programs, confined. Never more than one thread.
RunRequest ServeRuns(const ForkServerOptions& options);

}  // namespace entrain::confine
