#pragma once

#include <grpcpp/impl/service_type.h>

#include <memory>

#include "services/runtime/worker_pool.h"
#include "verifier/verifier.h"

namespace entrain {

// VerifierService (proto/entrain/verifier/v1/verifier_service.proto) over a verifier. Judging runs on `pool`;
// when its queue is full the call is RESOURCE_EXHAUSTED at once. Both must outlive the server. Thread-safe.
std::unique_ptr<grpc::Service> MakeVerifierService(Verifier& verifier, WorkerPool& pool);

}  // namespace entrain
