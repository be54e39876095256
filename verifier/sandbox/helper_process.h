#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "common/mutex.h"
#include "verifier/sandbox/confine/run_message.h"
#include "verifier/sandbox/descriptor.h"

namespace entrain {

// How one fork server is started.
struct HelperOptions {
  std::string folder;  // of entrain-sandbox
  bool namespaces = false;
  bool python = false;
  std::string python_path, python_programs;  // JSON (confine/server_arguments.h)
  uid_t user = 0;                            // to become, as root; 0: stay
  std::string base_path;                     // without namespaces
  std::vector<std::string> readable;
};

// A fork server in a process of its own, started when it is first asked and again when it has died.
// Thread-safe.
class HelperProcess {
 public:
  explicit HelperProcess(HelperOptions options) : options_(std::move(options)) {}
  // The runs must have ended. Waits until the process has.
  ~HelperProcess();

  // Hands the descriptors of a run over. Unavailable: the helper cannot be started.
  absl::Status Begin(const int (&descriptors)[confine::kRunDescriptors]);
  // What it wrote to its standard error since its start.
  std::string Complaint();

 private:
  absl::Status Start() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool Send(const int (&descriptors)[confine::kRunDescriptors]) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Stop() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const HelperOptions options_;
  Mutex mutex_;
  pid_t process_ ABSL_GUARDED_BY(mutex_) = -1;
  Descriptor socket_ ABSL_GUARDED_BY(mutex_), log_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace entrain
