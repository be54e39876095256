#pragma once

#include <grpcpp/support/server_callback.h>

#include "entrain/learner/v1/learner_service.grpc.pb.h"
#include "learner/front_desk.h"

namespace entrain {

// Longest long poll; keeps proxies and drains short.
inline constexpr absl::Duration kMaxLeaseWait = absl::Seconds(60);

// One LeasePrompts call: asks the desk and finishes when it answers or when the caller goes away; then
// whatever was or will be granted goes back to the desk. Deletes itself when done.
grpc::ServerUnaryReactor* StartLeasePoll(FrontDesk& desk, const learner::v1::LeasePromptsRequest& request,
                                         learner::v1::LeasePromptsResponse* response);

}  // namespace entrain
