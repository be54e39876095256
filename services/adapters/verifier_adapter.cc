#include "services/adapters/verifier_adapter.h"

#include <grpcpp/server_context.h>
#include <grpcpp/support/message_allocator.h>
#include <grpcpp/support/server_callback.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/status_macros.h"
#include "entrain/verifier/v1/verifier_service.grpc.pb.h"
#include "services/adapters/caller.h"
#include "services/convert/field.h"
#include "services/convert/verdict_convert.h"
#include "services/runtime/grpc_status.h"

namespace entrain {
namespace {

using verifier::v1::VerifyRequest;
using verifier::v1::VerifyResponse;

constexpr int kMaxItems = 4096;

// The messages of one call. Ours, so that the texts of the request, up to the largest message, are in memory
// once: they are moved into the items.
class CallMessages final : public grpc::MessageHolder<VerifyRequest, VerifyResponse> {
 public:
  CallMessages() {
    set_request(&request_);
    set_response(&response_);
  }
  void Release() override { delete this; }

 private:
  VerifyRequest request_;
  VerifyResponse response_;
};

class CallMessagesAllocator final : public grpc::MessageAllocator<VerifyRequest, VerifyResponse> {
 public:
  CallMessages* AllocateMessages() override { return new CallMessages(); }
};

// Takes the texts out of the request.
absl::StatusOr<std::vector<VerifyItem>> TakeItems(VerifyRequest& request) {
  if (request.items_size() < 1 || request.items_size() > kMaxItems) {
    return FieldError("items", absl::StrCat("1 to ", kMaxItems, " items"),
                      absl::StrCat(request.items_size()));
  }
  std::vector<VerifyItem> items;
  items.reserve(static_cast<size_t>(request.items_size()));
  for (int i = 0; i < request.items_size(); ++i) {
    ENTRAIN_ASSIGN_OR_RETURN(VerifyItem item, VerifyItemFromProto(absl::StrCat("items[", i, "]"),
                                                                  std::move(*request.mutable_items(i))));
    items.push_back(std::move(item));
  }
  return items;
}

// Time for the batch: the request's own timeout or what the call's deadline leaves, whichever is shorter. The
// call's is cut a little, so that verdicts of kind timeout still reach the caller: gRPC rounds deadlines up,
// by at most a hundredth, on their way to a server.
absl::StatusOr<absl::Duration> TimeOf(const grpc::CallbackServerContext& context,
                                      const VerifyRequest& request) {
  // A call without a deadline says infinitely far away, or nearly so.
  absl::Duration time = absl::FromChrono(context.deadline()) - absl::Now();
  time = time < absl::Hours(24) ? time - std::min(absl::Milliseconds(200), time / 10) - time / 100
                                : absl::Hours(24);
  if (!request.has_timeout()) return time;
  ENTRAIN_ASSIGN_OR_RETURN(const absl::Duration timeout, DurationFromProto("timeout", request.timeout()));
  if (timeout <= absl::ZeroDuration())
    return FieldError("timeout", "more than 0 s", absl::FormatDuration(timeout));
  return std::min(time, timeout);
}

// One call. Deletes itself when done.
class VerifyReactor final : public grpc::ServerUnaryReactor {
 public:
  VerifyReactor(JudgingPool& pool, const grpc::CallbackServerContext& context, VerifyRequest& request,
                VerifyResponse& response)
      : pool_(pool) {
    const absl::Status status = Submit(context, request, response);
    if (!status.ok()) Finish(ToGrpcStatus(status));
  }

  // Comes after the constructor, and with OnDone only after it has returned.
  void OnCancel() override { pool_.Cancel(ticket_); }
  void OnDone() override { delete this; }

 private:
  absl::Status Submit(const grpc::CallbackServerContext& context, VerifyRequest& request,
                      VerifyResponse& response) {
    ENTRAIN_ASSIGN_OR_RETURN(std::vector<VerifyItem> items, TakeItems(request));
    ENTRAIN_ASSIGN_OR_RETURN(const absl::Duration time, TimeOf(context, request));
    // `this` and `response` live until Finish.
    ENTRAIN_ASSIGN_OR_RETURN(
        ticket_, pool_.Submit(ClientOf(context), std::move(items), time,
                              [this, &response](const absl::StatusOr<std::vector<Verdict>>& verdicts) {
                                if (verdicts.ok()) {
                                  response.mutable_verdicts()->Reserve(static_cast<int>(verdicts->size()));
                                  for (const Verdict& verdict : *verdicts)
                                    *response.add_verdicts() = VerdictToProto(verdict);
                                }
                                Finish(ToGrpcStatus(verdicts.status()));
                              }));
    return absl::OkStatus();
  }

  JudgingPool& pool_;
  JudgingPool::Ticket ticket_;
};

class VerifierServiceAdapter final : public verifier::v1::VerifierService::CallbackService {
 public:
  explicit VerifierServiceAdapter(JudgingPool& pool) : pool_(pool) {
    SetMessageAllocatorFor_Verify(&messages_);
  }

  grpc::ServerUnaryReactor* Verify(grpc::CallbackServerContext* context, const VerifyRequest* /*request*/,
                                   VerifyResponse* response) override {
    auto& messages = static_cast<CallMessages&>(*context->GetRpcAllocatorState());
    return new VerifyReactor(pool_, *context, *messages.request(), *response);
  }

 private:
  JudgingPool& pool_;
  CallMessagesAllocator messages_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeVerifierService(JudgingPool& pool) {
  return std::make_unique<VerifierServiceAdapter>(pool);
}

}  // namespace entrain
