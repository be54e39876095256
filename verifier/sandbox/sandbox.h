#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace entrain {

// What one run may use. Past a limit the run ends as RunEnd::kLimit: the program's fault, never ours.
struct SandboxLimits {
  absl::Duration cpu = absl::Seconds(10);  // of all its processes together
  // From its start, less the time for which it was starved: what it ran, slept and waited.
  absl::Duration wall = absl::Seconds(20);
  // The same two for a step: from the start or the last BeginStep.
  absl::Duration step_cpu = absl::InfiniteDuration(), step_wall = absl::InfiniteDuration();
  // From its start, of the clock. Past it the run is RunEnd::kStopped: not the program's fault by itself.
  absl::Duration deadline = absl::InfiniteDuration();
  int64_t memory_bytes = int64_t{512} << 20;
  int32_t processes = 32;  // and threads, at one time
  int32_t open_files = 64;
  int64_t output_bytes = int64_t{1} << 20;  // standard output and error together
  int64_t disk_bytes = int64_t{16} << 20;   // in its working folder, the only place where it may write
  int32_t disk_files = 256;
};

// A file that stands in the working folder when the run begins. `name` has no '/'.
struct SandboxFile {
  std::string name;
  std::string content;
};

// What to run: a command line, or one of the Python programs that the sandbox was made with (those start from
// a warm interpreter).
struct SandboxRequest {
  std::vector<std::string> argv;  // argv[0] is an absolute path of a program that the read-only root has
  std::string python_program;     // instead of argv: a name
  std::vector<SandboxFile> files;
  SandboxLimits limits;
};

enum class RunEnd {
  kExited,     // `code` is the exit status
  kSignalled,  // `code` is the signal
  kLimit,      // past a limit; `limit` names it
  kStopped,    // Kill was called, or the deadline passed
};

// What kind of limit a run went past: a time may differ when the same program runs again.
enum class LimitKind { kNone, kCpu, kWall, kSize };
inline bool IsTime(LimitKind kind) { return kind == LimitKind::kCpu || kind == LimitKind::kWall; }

struct SandboxOutcome {
  RunEnd end = RunEnd::kExited;
  int code = 0;
  std::string limit;  // "cpu time of 10 s", "memory of 512 MiB", …
  LimitKind limit_kind = LimitKind::kNone;
  absl::Duration cpu, wall;
  // For how long it could have run and was given no processor, because others had them: the longest wait of
  // one of its threads, less what its other threads ran meanwhile; zero where the kernel does not tell.
  absl::Duration starved;
};

// One run: a tree of processes without network, with a read-only root, a private working folder, and nothing
// of the parent's environment. The destructor kills the tree. One thread at a time, but Kill and
// BeginStep from any.
class SandboxRun {
 public:
  virtual ~SandboxRun() = default;

  // The parent's ends of its standard input, output and error: non-blocking descriptors that this object
  // owns. Bytes read from output and error count against `output_bytes` through CountOutput.
  virtual int input() const = 0;
  virtual int output() const = 0;
  virtual int error_output() const = 0;
  virtual void CloseInput() = 0;
  // The reader reports what it took. False: past the limit, and the tree is being killed.
  virtual bool CountOutput(int64_t bytes) = 0;

  // What the run does from here on is another step.
  virtual void BeginStep() = 0;
  virtual void Kill() = 0;
  // Waits until no process of the tree is left. A status is our own failure.
  virtual absl::StatusOr<SandboxOutcome> Wait() = 0;
};

// Confines programs that nobody trusts. Thread-safe.
class Sandbox {
 public:
  virtual ~Sandbox() = default;
  // A status is our own failure (Unavailable: no process or namespace to be had), never the program's.
  virtual absl::StatusOr<std::unique_ptr<SandboxRun>> Start(const SandboxRequest& request) = 0;
  // What confines a run on this machine, for people: "bubblewrap", "landlock (ABI 7)", "seccomp", …
  virtual std::vector<std::string> layers() const = 0;
};

}  // namespace entrain
