#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

// What the sandbox and the keeper of one run tell each other over the run's socket. Plain data, without
// Abseil: the keeper is small, and lives in a fork of an interpreter.
namespace entrain::confine {

struct RunLimits {
  int64_t cpu_ns = 0, wall_ns = 0, memory_bytes = 0, disk_bytes = 0;
  int32_t processes = 0, open_files = 0, disk_files = 0;
};

struct RunRequest {
  RunLimits limits;
  bool probe = false;  // run ProbeLayers instead of a program
  std::vector<std::string> argv;
  std::string python_program;
  std::vector<std::pair<std::string, std::string>> files;  // name, content
};

// A length of 8 bytes in front, in the byte order of the machine: both ends are on it.
std::string Encode(const RunRequest& request);
// `body` is without the length. False: not what Encode writes.
bool Decode(const std::string& body, RunRequest& request);

enum class ReportKind : int32_t { kExited, kSignalled, kLimit, kStopped, kFailed };
enum class LimitKind : int32_t { kNone, kCpu, kWall, kMemory, kProcesses, kDiskBytes, kDiskFiles };

struct RunReport {
  ReportKind kind = ReportKind::kFailed;
  LimitKind limit = LimitKind::kNone;
  int32_t code = 0;
  int64_t cpu_ns = 0, wall_ns = 0;
  char failure[200] = {};  // of kFailed
};

// The descriptors of a run, in the order in which they travel to the fork server.
enum RunDescriptor { kControl, kInput, kOutput, kErrorOutput, kRunDescriptors };

}  // namespace entrain::confine
