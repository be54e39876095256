#include "services/adapters/pooled_call.h"

#include "services/runtime/grpc_status.h"

namespace entrain {

grpc::ServerUnaryReactor* RunOnPool(WorkerPool& pool, grpc::CallbackServerContext* context,
                                    std::function<absl::Status()> work) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const bool queued =
      pool.TryRun([reactor, work = std::move(work)] { reactor->Finish(ToGrpcStatus(work())); });
  if (!queued)
    reactor->Finish(ToGrpcStatus(absl::ResourceExhaustedError("too many calls wait; try again later")));
  return reactor;
}

}  // namespace entrain
