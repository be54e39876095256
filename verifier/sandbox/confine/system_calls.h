#pragma once

#include <linux/filter.h>

#include <string>
#include <vector>

namespace entrain::confine {

// What else confines a run, so that the filter need not.
struct OtherLayers {
  bool signals = true;   // signals stay inside the run
  bool metadata = true;  // no file outside can be named
};

// A seccomp program that refuses (EPERM) whatever reaches another process, the network, mounts, the kernel's
// settings or memory that nobody counts, hides (ENOSYS) what newer kernels add, and lets the rest pass.
// Compiled once, installed by every run.
class SystemCallFilter {
 public:
  // Where signals are not confined, only the first process may send any, and only to itself or its group.
  // Where metadata is not (Landlock knows reading and writing only), modes and times change by open files
  // alone. Returns what failed, or "".
  std::string Build(const OtherLayers& others);
  // In the process to be confined, with no_new_privs set.
  bool Install() const;

 private:
  std::vector<sock_filter> program_;
  OtherLayers others_;
};

}  // namespace entrain::confine
