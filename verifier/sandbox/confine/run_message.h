#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

// What the sandbox and the keeper of one run tell each other over the run's socket. Plain data, without
// Abseil: the keeper is small, and lives in a fork of an interpreter.
namespace entrain::confine {

struct RunLimits {
  int64_t cpu_ns = 0, wall_ns = 0, step_cpu_ns = 0, step_wall_ns = 0, deadline_ns = 0;
  int64_t memory_bytes = 0, disk_bytes = 0;
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
// Of one byte each, after the request.
enum class RunOrder : char { kStop, kBeginStep };

enum class RunLimit : int32_t {
  kNone,
  kCpu,
  kStepCpu,
  kWall,
  kStepWall,
  kMemory,
  kProcesses,
  kDiskBytes,
  kDiskFiles,
};

struct RunReport {
  ReportKind kind = ReportKind::kFailed;
  RunLimit limit = RunLimit::kNone;
  int32_t code = 0;
  int64_t cpu_ns = 0, wall_ns = 0;
  int64_t starved_ns = 0;  // SandboxOutcome::starved
  char failure[200] = {};  // of kFailed
};

// The descriptors of a run, in the order in which they travel to the fork server.
enum RunDescriptor { kControl, kInput, kOutput, kErrorOutput, kRunDescriptors };

}  // namespace entrain::confine
