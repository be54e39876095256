#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "services/runtime/grpc_server.h"
#include "services/runtime/http_server.h"

namespace entrain {

// The one place that knows in which order a process stops: health says NOT_SERVING → Close() of the domain
// objects, which wakes every waiter with Cancelled → the gRPC server drains for `grace` → workers are joined
// and state is flushed → the HTTP server, which served /metrics until then, stops. Single-threaded: main owns
// it. Nothing here is owned.
//   ServerLifecycle lifecycle(*server, http.get());
//   lifecycle.OnClose([&] { desk->Close(); });
//   lifecycle.OnDrained([&] { loop.join(); return checkpoint.Flush(); });
//   lifecycle.Serving();
//   signals.Wait();
//   return lifecycle.Shutdown(absl::Seconds(5)).ok() ? 0 : 1;
class ServerLifecycle {
 public:
  ServerLifecycle(GrpcServer& server, HttpServer* http) : server_(server), http_(http) {}

  // Runs in the order given. Must not block.
  void OnClose(std::function<void()> close) { close_.push_back(std::move(close)); }
  // Runs in the order given, all of them, even after a failure.
  void OnDrained(std::function<absl::Status()> drained) { drained_.push_back(std::move(drained)); }
  void Serving() { server_.SetServing(true); }
  // The first failure of the drained hooks. Call once.
  absl::Status Shutdown(absl::Duration grace);

 private:
  GrpcServer& server_;
  HttpServer* http_;
  std::vector<std::function<void()>> close_;
  std::vector<std::function<absl::Status()>> drained_;
};

}  // namespace entrain
