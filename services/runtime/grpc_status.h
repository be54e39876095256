#pragma once

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace entrain {

// The codes are the same numbers. A message beyond 4 KB is cut: it travels as an HTTP/2 trailer, and peers
// accept 8 KB of those.
grpc::Status ToGrpcStatus(const absl::Status& status);

// UNKNOWN "Stream removed" is what gRPC says when a connection broke under a call: it becomes Unavailable, as
// every other lost connection is.
absl::Status FromGrpcStatus(const grpc::Status& status);

// FromGrpcStatus with `what` ("LeasePrompts of 127.0.0.1:4000") before the message.
absl::Status FromGrpcStatus(const grpc::Status& status, absl::string_view what);

}  // namespace entrain
