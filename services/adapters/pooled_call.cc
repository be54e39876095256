#include "services/adapters/pooled_call.h"

#include <grpcpp/security/auth_context.h>

#include "absl/strings/str_cat.h"
#include "services/convert/utf8.h"
#include "services/runtime/grpc_status.h"

namespace entrain {
namespace {

constexpr char kUserKey[] = "entrain-user";

}  // namespace

grpc::ServerUnaryReactor* RunOnPool(WorkerPool& pool, grpc::CallbackServerContext* context,
                                    std::function<absl::Status()> work) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const bool queued =
      pool.TryRun([reactor, work = std::move(work)] { reactor->Finish(ToGrpcStatus(work())); });
  if (!queued)
    reactor->Finish(ToGrpcStatus(absl::ResourceExhaustedError("too many calls wait; try again later")));
  return reactor;
}

std::string AuthorOf(const grpc::CallbackServerContext& context) {
  const auto peer = context.auth_context();
  if (peer && peer->IsPeerAuthenticated()) {
    for (const grpc::string_ref& name : peer->FindPropertyValues("x509_common_name"))
      return ToUtf8({name.data(), name.size()});
  }
  const auto& metadata = context.client_metadata();
  const auto user = metadata.find(kUserKey);
  if (user == metadata.end()) return "unverified:unknown";
  return absl::StrCat("unverified:", ToUtf8({user->second.data(), user->second.size()}));
}

}  // namespace entrain
