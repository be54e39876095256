#pragma once

#include <string>
#include <vector>

namespace entrain::confine {

// Landlock: what a run may read, write and signal. https://docs.kernel.org/userspace-api/landlock.html
class FileAccess {
 public:
  // The ABI of this kernel; 0 where there is none.
  static int Abi();
  // Opens what every run may read and execute; paths that do not exist are left out.
  void Allow(const std::vector<std::string>& readable);
  // In the process to be confined, with no_new_privs set: reads and executes the above, does as it likes in
  // `folder` (an open descriptor), connects nowhere and signals nobody outside (as far as the ABI goes).
  bool Restrict(int folder) const;

 private:
  struct Place {
    int descriptor;
    unsigned long long access;
  };
  std::vector<Place> places_;
};

// From this ABI on signals and abstract sockets stay inside.
inline constexpr int kAbiOfScopedSignals = 6;

}  // namespace entrain::confine
