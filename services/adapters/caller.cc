#include "services/adapters/caller.h"

#include <grpcpp/security/auth_context.h>

#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/convert/utf8.h"
#include "services/runtime/user_key.h"

namespace entrain {
namespace {

std::optional<std::string> NameOf(const grpc::CallbackServerContext& context) {
  const auto peer = context.auth_context();
  if (peer && peer->IsPeerAuthenticated()) {
    for (const grpc::string_ref& name : peer->FindPropertyValues("x509_common_name"))
      return ToUtf8({name.data(), name.size()});
  }
  const auto& metadata = context.client_metadata();
  const auto user = metadata.find(kUserKey);
  if (user == metadata.end()) return std::nullopt;
  return absl::StrCat("unverified:", ToUtf8({user->second.data(), user->second.size()}));
}

// "ipv4:10.0.0.7:41234" without the port: a caller with many connections is one caller.
std::string MachineOf(const std::string& peer) {
  const bool has_port = absl::StartsWith(peer, "ipv4:") || absl::StartsWith(peer, "ipv6:");
  return has_port ? peer.substr(0, peer.rfind(':')) : peer;
}

}  // namespace

std::string AuthorOf(const grpc::CallbackServerContext& context) {
  return NameOf(context).value_or("unverified:unknown");
}

std::string ClientOf(const grpc::CallbackServerContext& context) {
  std::optional<std::string> name = NameOf(context);
  return name.has_value() ? *std::move(name) : MachineOf(context.peer());
}

}  // namespace entrain
