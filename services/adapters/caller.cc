#include "services/adapters/caller.h"

#include <grpcpp/security/auth_context.h>

#include <optional>

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

}  // namespace

std::string AuthorOf(const grpc::CallbackServerContext& context) {
  return NameOf(context).value_or("unverified:unknown");
}

std::string ClientOf(const grpc::CallbackServerContext& context) {
  std::optional<std::string> name = NameOf(context);
  return name.has_value() ? *std::move(name) : context.peer();
}

}  // namespace entrain
