#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "verifier/sandbox/sandbox.h"

namespace entrain {

// What confines a run (docs/verifier.md, Sandbox).
enum class SandboxWay {
  kAuto,        // the first of the two below that a probe run finds to hold
  kBubblewrap,  // namespaces
  kLandlock,    // none needed: an ordinary pod
};

struct SandboxOptions {
  SandboxWay way = SandboxWay::kAuto;
  // Programs that SandboxRequest::python_program names: name → source. Each is compiled once; a run executes
  // it as `__main__` in a fork of an interpreter that has imported `python_imports`.
  std::map<std::string, std::string> python_programs;
  std::vector<std::string> python_imports;
  std::string python = "/usr/bin/python3";
  // More folders that programs may read, beside /usr, /bin, /sbin, /lib*.
  std::vector<std::string> readable;
  // Where working folders are made without bubblewrap. "": $TMPDIR, or else /tmp.
  std::string folder;
  // The programs entrain-sandbox and entrain-sandbox-python.so are in it. "": beside this process's program,
  // or in ../bin from there.
  std::string helper_folder;
};

// FailedPrecondition, with what failed in each way, when nothing confines programs on this machine. Probes
// with a real run, and takes some 50 ms. As root, programs run under an unused user id. The sandbox must
// outlive its runs.
absl::StatusOr<std::unique_ptr<Sandbox>> CreateSandbox(const SandboxOptions& options);

}  // namespace entrain
