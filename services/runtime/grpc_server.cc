#include "services/runtime/grpc_server.h"

#include <grpc/health/v1/health.pb.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/server_builder.h>

#include <atomic>
#include <mutex>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/status_macros.h"
#include "services/runtime/address.h"
#include "services/runtime/channel.h"

namespace entrain {

struct GrpcServer::State {
  std::atomic<bool> serving = false;
  std::once_flag shutdown;
};

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(const GrpcServerOptions& options,
                                                              std::span<grpc::Service* const> services) {
  ENTRAIN_ASSIGN_OR_RETURN(HostPort address, ParseHostPort(options.listen));
  ENTRAIN_ASSIGN_OR_RETURN(const std::shared_ptr<grpc::ServerCredentials> credentials,
                           MakeServerCredentials(options.listen, options.tls, options.insecure));
  // Both plugins apply to every builder made after the call; calling them again changes nothing.
  static const bool plugins = [] {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    // Named here so that the linker keeps it: reflection then describes the health service too.
    grpc::health::v1::HealthCheckRequest::descriptor();
    return true;
  }();
  (void)plugins;
  std::unique_ptr<GrpcServer> result(new GrpcServer());
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address.ToString(), credentials, &result->port_);
  // Two processes on one port would share its calls at random; better to fail.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 20000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10000);
  // Somewhat above the limit of SubmitGroup, so that the service itself can refuse by name.
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes + kMaxMessageBytes / 4);
  builder.SetMaxSendMessageSize(-1);
  for (grpc::Service* service : services) builder.RegisterService(service);
  result->server_ = builder.BuildAndStart();
  if (!result->server_ || result->port_ == 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", options.listen, " (in use, or not an address of this machine)"));
  }
  address.port = static_cast<uint16_t>(result->port_);
  result->address_ = address.ToString();
  result->state_ = std::make_shared<State>();
  result->SetServing(false);
  return result;
}

GrpcServer::~GrpcServer() {
  if (server_) Shutdown(absl::ZeroDuration());
}

void GrpcServer::SetServing(bool serving) {
  state_->serving = serving;
  if (auto* health = server_->GetHealthCheckService()) health->SetServingStatus(serving);
}

bool GrpcServer::serving() const { return state_->serving; }

void GrpcServer::Shutdown(absl::Duration grace) {
  std::call_once(state_->shutdown, [&] {
    state_->serving = false;
    if (auto* health = server_->GetHealthCheckService()) health->Shutdown();
    server_->Shutdown(absl::ToChronoTime(absl::Now() + grace));
    server_->Wait();
  });
}

std::shared_ptr<grpc::Channel> GrpcServer::InProcessChannel() {
  return server_->InProcessChannel(ChannelSettings());
}

}  // namespace entrain
