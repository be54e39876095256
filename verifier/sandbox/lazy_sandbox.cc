#include "verifier/sandbox/lazy_sandbox.h"

#include <utility>

namespace entrain {
namespace {

// Counts the run as lost when how it ended is not known.
class CountedRun final : public SandboxRun {
 public:
  CountedRun(std::unique_ptr<SandboxRun> run, std::atomic<int64_t>& lost)
      : run_(std::move(run)), lost_(lost) {}

  int input() const override { return run_->input(); }
  int output() const override { return run_->output(); }
  int error_output() const override { return run_->error_output(); }
  void CloseInput() override { run_->CloseInput(); }
  bool CountOutput(int64_t bytes) override { return run_->CountOutput(bytes); }
  void BeginStep() override { run_->BeginStep(); }
  void Kill() override { run_->Kill(); }
  absl::StatusOr<SandboxOutcome> Wait() override {
    absl::StatusOr<SandboxOutcome> outcome = run_->Wait();
    if (!outcome.ok() && !std::exchange(counted_, true)) ++lost_;
    return outcome;
  }

 private:
  const std::unique_ptr<SandboxRun> run_;
  std::atomic<int64_t>& lost_;
  bool counted_ = false;
};

}  // namespace

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
  if (absl::Status prepared = Prepare(); !prepared.ok()) {
    ++unavailable_;
    return prepared;
  }
  Sandbox* sandbox = nullptr;
  {
    MutexLock lock(mutex_);
    sandbox = made_.get();
  }
  absl::StatusOr<std::unique_ptr<SandboxRun>> run = sandbox->Start(request);
  if (!run.ok()) {
    ++lost_;
    return run.status();
  }
  return std::make_unique<CountedRun>(*std::move(run), lost_);
}

std::vector<std::string> LazySandbox::layers() const {
  MutexLock lock(mutex_);
  return made_ == nullptr ? std::vector<std::string>{} : made_->layers();
}

}  // namespace entrain
