#pragma once

#include <linux/filter.h>

#include <string>
#include <vector>

namespace entrain::confine {

// A seccomp program that refuses (EPERM) whatever reaches another process, the network, mounts, the kernel's
// settings or memory that nobody counts, and lets the rest pass. Compiled once, installed by every run.
class SystemCallFilter {
 public:
  // `signals_are_scoped`: something else keeps signals inside the run. Without it, only the first process may
  // send any, and only to itself or its group. Returns what failed, or "".
  std::string Build(bool signals_are_scoped);
  // In the process to be confined, with no_new_privs set.
  bool Install() const;

 private:
  std::vector<sock_filter> program_;
  bool signals_are_scoped_ = true;
};

}  // namespace entrain::confine
