#pragma once

#include <grpcpp/impl/service_type.h>

#include <memory>
#include <stop_token>

#include "controller/controller_port.h"
#include "services/runtime/worker_pool.h"

namespace entrain {

// The three services of the controller (proto/entrain/controller/v1). Calls run on `pool`; when its queue is
// full they are RESOURCE_EXHAUSTED. Open streams (Steer, WatchRun) end with UNAVAILABLE when `stop` is
// requested, so request it before the server drains. Controller and pool must outlive the server.
std::unique_ptr<grpc::Service> MakeTelemetryService(ControllerPort& controller, WorkerPool& pool,
                                                    std::stop_token stop);
std::unique_ptr<grpc::Service> MakeScheduleService(ControllerPort& controller, WorkerPool& pool);
std::unique_ptr<grpc::Service> MakeRunService(ControllerPort& controller, WorkerPool& pool,
                                              std::stop_token stop);

}  // namespace entrain
