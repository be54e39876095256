#include "services/clients/call.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/runtime/grpc_status.h"

namespace entrain {

absl::Status Calls::Run(absl::string_view what, absl::Duration left,
                        const std::function<grpc::Status(grpc::ClientContext&)>& call, std::stop_token stop) {
  grpc::ClientContext context;
  // A deadline in the past is a call that cannot be answered; gRPC then says DEADLINE_EXCEEDED itself.
  context.set_deadline(absl::ToChronoTime(absl::Now() + left));
  {
    MutexLock lock(mutex_);
    if (cancelled_) return absl::CancelledError(absl::StrCat(what, ": the client is closed"));
    running_.insert(&context);
  }
  grpc::Status status;
  {
    const std::stop_callback cancel(std::move(stop), [&context] { context.TryCancel(); });
    status = call(context);
  }
  MutexLock lock(mutex_);
  running_.erase(&context);
  return FromGrpcStatus(status, what);
}

void Calls::CancelAll() {
  MutexLock lock(mutex_);
  cancelled_ = true;
  for (grpc::ClientContext* context : running_) context->TryCancel();
}

bool Calls::cancelled() {
  MutexLock lock(mutex_);
  return cancelled_;
}

}  // namespace entrain
