#include "services/runtime/server_lifecycle.h"

#include "common/log.h"

namespace entrain {

absl::Status ServerLifecycle::Shutdown(absl::Duration grace) {
  server_.SetServing(false);
  for (const auto& close : close_) close();
  server_.Shutdown(grace);
  absl::Status first;
  for (const auto& drained : drained_) {
    const absl::Status status = drained();
    if (status.ok()) continue;
    LogError("shutdown_failed", {{"error", std::string(status.message())}});
    first.Update(status);
  }
  if (http_ != nullptr) http_->Stop();
  return first;
}

}  // namespace entrain
