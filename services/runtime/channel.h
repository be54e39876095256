#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/support/channel_arguments.h>

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "services/runtime/credentials.h"

namespace entrain {

// Largest message on any wire of entrain: a group of completions, or a model's tokenizer files.
inline constexpr int kMaxMessageBytes = 64 * 1024 * 1024;

// Reconnects within 1 s of a peer's return, notices a peer that vanished without a word (keepalive 20 s),
// takes messages up to kMaxMessageBytes, and leaves retries to the clients (services/clients), which know
// which calls may be repeated.
grpc::ChannelArguments ChannelSettings();

// Connects lazily; "host:port". InvalidArgument on a malformed address or unreadable TLS files.
absl::StatusOr<std::shared_ptr<grpc::Channel>> OpenChannel(
    const std::string& address, const std::optional<TlsOptions>& tls = std::nullopt);

}  // namespace entrain
