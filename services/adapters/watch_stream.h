#pragma once

#include <grpcpp/support/server_callback.h>

#include <stop_token>
#include <string>

#include "controller/controller_port.h"
#include "entrain/controller/v1/run_service.grpc.pb.h"

namespace entrain {

// Events a slow watcher may be behind before it is ended with RESOURCE_EXHAUSTED.
inline constexpr size_t kMaxWatchBacklog = 4096;

// The server's side of WatchRun. Ends with UNAVAILABLE when `stop` is requested. Deletes itself.
grpc::ServerWriteReactor<controller::v1::WatchRunResponse>* StartWatchStream(ControllerPort& controller,
                                                                             const std::string& run_id,
                                                                             std::stop_token stop);

}  // namespace entrain
