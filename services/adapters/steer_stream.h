#pragma once

#include <grpcpp/support/server_callback.h>

#include <stop_token>

#include "controller/controller_port.h"
#include "entrain/controller/v1/telemetry_service.grpc.pb.h"
#include "services/runtime/worker_pool.h"

namespace entrain {

// The server's side of Steer: reads one observation, answers one directive, and so on. Ends with the error of
// the first observation that has one, and with UNAVAILABLE when `stop` is requested. Deletes itself.
grpc::ServerBidiReactor<controller::v1::SteerRequest, controller::v1::SteerResponse>* StartSteerStream(
    ControllerPort& controller, WorkerPool& pool, std::stop_token stop);

}  // namespace entrain
