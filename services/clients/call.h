#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include <functional>
#include <set>
#include <stop_token>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/mutex.h"

namespace entrain {

// The calls of one client that are under way, so that they can be ended together. Thread-safe.
class Calls {
 public:
  // Runs one unary call with a deadline of `left` from now. Cancelled when CancelAll came before or `stop` is
  // requested meanwhile. `what` ("LeasePrompts") goes before the message of an error.
  absl::Status Run(absl::string_view what, absl::Duration left,
                   const std::function<grpc::Status(grpc::ClientContext&)>& call, std::stop_token stop = {});
  // Ends running calls and refuses later ones, all with Cancelled. Idempotent.
  void CancelAll();
  bool cancelled();

 private:
  Mutex mutex_;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  std::set<grpc::ClientContext*> running_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace entrain
