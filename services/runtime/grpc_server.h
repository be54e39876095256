#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/server.h>

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/runtime/credentials.h"

namespace entrain {

struct GrpcServerOptions {
  std::string listen = "127.0.0.1:0";  // host:port; port 0 takes a free one
  std::optional<TlsOptions> tls;
  bool insecure = false;  // plaintext on an address that other machines reach
};

// One gRPC server with its services, grpc.health.v1 and reflection. It says SERVING only after
// SetServing(true). Thread-safe.
class GrpcServer {
 public:
  // The services are not owned and must outlive the server. Unavailable when the address cannot be bound.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(const GrpcServerOptions& options,
                                                           std::span<grpc::Service* const> services);
  ~GrpcServer();  // Shutdown without grace

  // As bound: "127.0.0.1:43211".
  const std::string& address() const { return address_; }
  int port() const { return port_; }
  void SetServing(bool serving);
  bool serving() const;
  // Refuses new calls, lets running ones end until `grace` has passed, cancels the rest, and returns when all
  // have ended. Close the domain objects first, so that no call waits for them. Idempotent.
  void Shutdown(absl::Duration grace);
  std::shared_ptr<grpc::Channel> InProcessChannel();

 private:
  GrpcServer() = default;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
  int port_ = 0;
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace entrain
