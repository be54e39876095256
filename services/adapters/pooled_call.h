#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <functional>

#include "absl/status/status.h"
#include "services/runtime/worker_pool.h"

namespace entrain {

// A unary call whose work runs on a pool, because it may wait for a disk. `work` fills the response.
grpc::ServerUnaryReactor* RunOnPool(WorkerPool& pool, grpc::CallbackServerContext* context,
                                    std::function<absl::Status()> work);

}  // namespace entrain
