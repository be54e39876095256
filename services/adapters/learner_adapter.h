#pragma once

#include <grpcpp/impl/service_type.h>

#include <memory>

#include "learner/front_desk.h"

namespace entrain {

// LearnerService (proto/entrain/learner/v1/learner_service.proto) over a front desk, which must outlive it.
// Leases granted to a caller that went away before the answer are returned at once. Thread-safe; no call
// blocks a thread.
std::unique_ptr<grpc::Service> MakeLearnerService(FrontDesk& desk);

}  // namespace entrain
