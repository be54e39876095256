#pragma once

#include <grpcpp/impl/service_type.h>

#include <memory>

#include "verifier/service/judging_pool.h"

namespace entrain {

// VerifierService (proto/entrain/verifier/v1/verifier_service.proto) over a judging pool, which must outlive
// the server. A batch that does not fit is RESOURCE_EXHAUSTED at once. Thread-safe.
std::unique_ptr<grpc::Service> MakeVerifierService(JudgingPool& pool);

}  // namespace entrain
