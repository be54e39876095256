#include "services/adapters/learner_adapter.h"

#include <grpcpp/server_context.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/adapters/lease_poll.h"
#include "services/adapters/weights_stream.h"
#include "services/convert/field.h"
#include "services/convert/learner_convert.h"
#include "services/runtime/channel.h"
#include "services/runtime/grpc_status.h"

namespace entrain {
namespace {

using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;

ServerUnaryReactor* Finish(CallbackServerContext* context, const absl::Status& status) {
  ServerUnaryReactor* reactor = context->DefaultReactor();
  // A closed desk is a learner that stops: to the worker the same as one that is away.
  reactor->Finish(
      ToGrpcStatus(absl::IsCancelled(status) ? absl::UnavailableError("the learner is stopping") : status));
  return reactor;
}

absl::Status CheckSize(const learner::v1::SubmitGroupRequest& request) {
  const size_t bytes = request.ByteSizeLong();
  if (bytes <= static_cast<size_t>(kMaxMessageBytes)) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("group of step ", request.group().step(), ", ordinal ", request.group().ordinal(), " is ",
                   bytes, " bytes; the limit of SubmitGroup is 64 MB (", kMaxMessageBytes, " bytes)"));
}

class LearnerServiceAdapter final : public learner::v1::LearnerService::CallbackService {
 public:
  explicit LearnerServiceAdapter(FrontDesk& desk) : desk_(desk) {}

  ServerUnaryReactor* Join(CallbackServerContext* context, const learner::v1::JoinRequest* request,
                           learner::v1::JoinResponse* response) override {
    const absl::StatusOr<JoinRequest> asked = JoinRequestFromProto(*request);
    const absl::StatusOr<JoinReply> reply = asked.ok() ? desk_.Join(*asked) : asked.status();
    if (reply.ok()) *response = JoinReplyToProto(*reply);
    return Finish(context, reply.status());
  }

  ServerUnaryReactor* LeasePrompts(CallbackServerContext*, const learner::v1::LeasePromptsRequest* request,
                                   learner::v1::LeasePromptsResponse* response) override {
    return StartLeasePoll(desk_, *request, response);
  }

  ServerUnaryReactor* RenewLeases(CallbackServerContext* context,
                                  const learner::v1::RenewLeasesRequest* request,
                                  learner::v1::RenewLeasesResponse* response) override {
    const std::vector<std::string> ids(request->lease_ids().begin(), request->lease_ids().end());
    const absl::StatusOr<std::vector<std::string>> live = desk_.RenewLeases(request->worker(), ids);
    if (live.ok()) response->mutable_live_lease_ids()->Assign(live->begin(), live->end());
    return Finish(context, live.status());
  }

  ServerUnaryReactor* ReturnLeases(CallbackServerContext* context,
                                   const learner::v1::ReturnLeasesRequest* request,
                                   learner::v1::ReturnLeasesResponse*) override {
    const std::vector<std::string> ids(request->lease_ids().begin(), request->lease_ids().end());
    return Finish(context, desk_.ReturnLeases(request->worker(), ids));
  }

  ServerUnaryReactor* SubmitGroup(CallbackServerContext* context,
                                  const learner::v1::SubmitGroupRequest* request,
                                  learner::v1::SubmitGroupResponse* response) override {
    if (const absl::Status size = CheckSize(*request); !size.ok()) return Finish(context, size);
    if (!request->has_group()) return Finish(context, FieldError("group", "a group", "none"));
    absl::StatusOr<Group> group = GroupFromProto("group", request->group());
    const absl::StatusOr<SubmitResult> result =
        group.ok() ? desk_.SubmitGroup(*std::move(group)) : group.status();
    if (result.ok()) response->set_result(SubmitResultToProto(*result));
    return Finish(context, result.status());
  }

  grpc::ServerWriteReactor<learner::v1::FetchWeightsResponse>* FetchWeights(
      CallbackServerContext*, const learner::v1::FetchWeightsRequest* request) override {
    if (request->dtype() == learner::v1::WEIGHTS_DTYPE_BFLOAT16) {
      return RefuseWeights(ToGrpcStatus(
          absl::UnimplementedError("dtype: bfloat16 is not sent yet; ask for WEIGHTS_DTYPE_FLOAT32")));
    }
    if (request->dtype() != learner::v1::WEIGHTS_DTYPE_FLOAT32) {
      return RefuseWeights(ToGrpcStatus(
          FieldError("dtype", "WEIGHTS_DTYPE_FLOAT32", absl::StrCat(static_cast<int>(request->dtype())))));
    }
    absl::StatusOr<std::shared_ptr<const WeightsSnapshot>> snapshot =
        desk_.FetchWeights(request->policy_version());
    return snapshot.ok() ? StreamWeights(*std::move(snapshot))
                         : RefuseWeights(ToGrpcStatus(snapshot.status()));
  }

 private:
  FrontDesk& desk_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeLearnerService(FrontDesk& desk) {
  return std::make_unique<LearnerServiceAdapter>(desk);
}

}  // namespace entrain
