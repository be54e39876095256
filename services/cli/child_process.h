#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace entrain {

// A program that was started, with its standard output on a pipe and its standard error appended to a log
// file. Single-threaded.
class ChildProcess {
 public:
  // `arguments[0]` is the program. Signals that are blocked here are unblocked there.
  static absl::StatusOr<ChildProcess> Start(const std::vector<std::string>& arguments,
                                            const std::string& log_file);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ~ChildProcess();  // kills and reaps what still runs

  pid_t pid() const { return pid_; }
  // The first line of its output. Unavailable when it ends before it says one; DeadlineExceeded after
  // `timeout`.
  absl::StatusOr<std::string> ReadLine(absl::Duration timeout);
  // Its exit status (128 + n for signal n) once it has ended.
  std::optional<int> Poll();
  void Signal(int signal) const;

 private:
  ChildProcess(pid_t pid, int out) : pid_(pid), out_(out) {}
  pid_t pid_ = -1;
  int out_ = -1;
  std::string buffer_;
  std::optional<int> status_;
};

}  // namespace entrain
