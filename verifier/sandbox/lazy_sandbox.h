#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/mutex.h"
#include "verifier/sandbox/sandbox.h"
#include "verifier/sandbox/sandbox_failures.h"

namespace entrain {

// Makes its sandbox when the first program is to run. A machine that has none (FailedPrecondition) is asked
// once; after another failure the next run tries again. Thread-safe.
class LazySandbox final : public Sandbox {
 public:
  using Maker = std::function<absl::StatusOr<std::unique_ptr<Sandbox>>()>;
  explicit LazySandbox(Maker maker) : maker_(std::move(maker)) {}

  absl::StatusOr<std::unique_ptr<SandboxRun>> Start(const SandboxRequest& request) override;
  std::vector<std::string> layers() const override;

  // Makes it now, if it is not there.
  absl::Status Prepare();

  SandboxFailures failures() const { return {.unavailable = unavailable_, .lost = lost_}; }

 private:
  const Maker maker_;
  std::atomic<int64_t> unavailable_ = 0, lost_ = 0;
  mutable Mutex mutex_;
  absl::Status failed_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<Sandbox> made_ ABSL_GUARDED_BY(mutex_);  // set once
};

}  // namespace entrain
