#pragma once

#include <atomic>
#include <memory>
#include <optional>

#include "verifier/sandbox/confine/run_message.h"
#include "verifier/sandbox/helper_process.h"
#include "verifier/sandbox/sandbox.h"

namespace entrain {

// A run in one of this machine's fork servers.
class LocalRun : public SandboxRun {
 public:
  // `probe`: the helper tries its own layers; the exit code is 0 when they hold. `helper` must outlive the
  // run.
  static absl::StatusOr<std::unique_ptr<LocalRun>> Start(HelperProcess& helper, const SandboxRequest& request,
                                                         bool probe);
  ~LocalRun() override;

  int input() const override { return input_.get(); }
  int output() const override { return output_.get(); }
  int error_output() const override { return error_output_.get(); }
  void CloseInput() override { input_.Close(); }
  bool CountOutput(int64_t bytes) override;
  void BeginStep() override { Order(confine::RunOrder::kBeginStep); }
  void Kill() override { Order(confine::RunOrder::kStop); }
  absl::StatusOr<SandboxOutcome> Wait() override;

 private:
  LocalRun(HelperProcess& helper, const SandboxLimits& limits) : helper_(helper), limits_(limits) {}
  void Order(confine::RunOrder order);
  absl::StatusOr<SandboxOutcome> ReadReport();

  HelperProcess& helper_;
  const SandboxLimits limits_;
  Descriptor control_, input_, output_, error_output_;
  int64_t output_bytes_ = 0;
  std::atomic<bool> too_much_output_ = false;
  std::optional<absl::StatusOr<SandboxOutcome>> outcome_;
};

}  // namespace entrain
