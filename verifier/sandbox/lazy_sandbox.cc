#include "verifier/sandbox/lazy_sandbox.h"

#include "common/status_macros.h"

namespace entrain {

absl::Status LazySandbox::Prepare() {
  MutexLock lock(mutex_);
  if (made_ != nullptr) return absl::OkStatus();
  if (absl::IsFailedPrecondition(failed_)) return failed_;
  absl::StatusOr<std::unique_ptr<Sandbox>> made = maker_();
  failed_ = made.status();
  if (made.ok()) made_ = *std::move(made);
  return failed_;
}

absl::StatusOr<std::unique_ptr<SandboxRun>> LazySandbox::Start(const SandboxRequest& request) {
  ENTRAIN_RETURN_IF_ERROR(Prepare());
  Sandbox* sandbox = nullptr;
  {
    MutexLock lock(mutex_);
    sandbox = made_.get();
  }
  return sandbox->Start(request);
}

std::vector<std::string> LazySandbox::layers() const {
  MutexLock lock(mutex_);
  return made_ == nullptr ? std::vector<std::string>{} : made_->layers();
}

}  // namespace entrain
