#include "services/adapters/verifier_adapter.h"

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/status_macros.h"
#include "entrain/verifier/v1/verifier_service.grpc.pb.h"
#include "services/convert/field.h"
#include "services/convert/verdict_convert.h"
#include "services/runtime/grpc_status.h"

namespace entrain {
namespace {

using verifier::v1::VerifyRequest;
using verifier::v1::VerifyResponse;

constexpr int kMaxItems = 4096;

absl::StatusOr<std::vector<VerifyItem>> ItemsOf(const VerifyRequest& request) {
  if (request.items_size() < 1 || request.items_size() > kMaxItems) {
    return FieldError("items", absl::StrCat("1 to ", kMaxItems, " items"),
                      absl::StrCat(request.items_size()));
  }
  std::vector<VerifyItem> items;
  for (int i = 0; i < request.items_size(); ++i) {
    ENTRAIN_ASSIGN_OR_RETURN(VerifyItem item,
                             VerifyItemFromProto(absl::StrCat("items[", i, "]"), request.items(i)));
    items.push_back(std::move(item));
  }
  return items;
}

// When the last verdict must be there: the request's own timeout or the call's deadline, whichever is
// earlier. The call's is cut a little, so that verdicts of kind timeout still reach the caller.
absl::StatusOr<absl::Time> DeadlineOf(const grpc::CallbackServerContext& context,
                                      const VerifyRequest& request) {
  const absl::Time now = absl::Now();
  absl::Time deadline = absl::FromChrono(context.deadline());
  if (deadline < now + absl::Hours(24)) {
    deadline -= std::min(absl::Milliseconds(200), (deadline - now) / 10);
  } else {
    deadline = now + absl::Hours(24);  // none, or as good as none
  }
  if (!request.has_timeout()) return deadline;
  ENTRAIN_ASSIGN_OR_RETURN(const absl::Duration timeout, DurationFromProto("timeout", request.timeout()));
  if (timeout <= absl::ZeroDuration())
    return FieldError("timeout", "more than 0 s", absl::FormatDuration(timeout));
  return std::min(deadline, now + timeout);
}

absl::Status Judge(Verifier& verifier, const std::vector<VerifyItem>& items, absl::Time deadline,
                   VerifyResponse& response) {
  const absl::Duration left = deadline - absl::Now();
  if (left <= absl::ZeroDuration())
    return absl::DeadlineExceededError("the deadline passed while the call waited for a free thread");
  ENTRAIN_ASSIGN_OR_RETURN(const std::vector<Verdict> verdicts, verifier.Verify(items, left));
  for (const Verdict& verdict : verdicts) *response.add_verdicts() = VerdictToProto(verdict);
  return absl::OkStatus();
}

class VerifierServiceAdapter final : public verifier::v1::VerifierService::CallbackService {
 public:
  VerifierServiceAdapter(Verifier& verifier, WorkerPool& pool) : verifier_(verifier), pool_(pool) {}

  grpc::ServerUnaryReactor* Verify(grpc::CallbackServerContext* context, const VerifyRequest* request,
                                   VerifyResponse* response) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    absl::StatusOr<std::vector<VerifyItem>> items = ItemsOf(*request);
    const absl::StatusOr<absl::Time> deadline = DeadlineOf(*context, *request);
    if (!items.ok() || !deadline.ok()) {
      reactor->Finish(ToGrpcStatus(items.ok() ? deadline.status() : items.status()));
      return reactor;
    }
    const bool queued =
        pool_.TryRun([this, context, reactor, response, deadline = *deadline, items = *std::move(items)] {
          // Nobody waits for the answer of a cancelled call.
          const absl::Status status = context->IsCancelled() ? absl::CancelledError("the caller went away")
                                                             : Judge(verifier_, items, deadline, *response);
          reactor->Finish(ToGrpcStatus(status));
        });
    if (!queued)
      reactor->Finish(ToGrpcStatus(
          absl::ResourceExhaustedError("the verifier's queue is full; ask another replica or later")));
    return reactor;
  }

 private:
  Verifier& verifier_;
  WorkerPool& pool_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeVerifierService(Verifier& verifier, WorkerPool& pool) {
  return std::make_unique<VerifierServiceAdapter>(verifier, pool);
}

}  // namespace entrain
