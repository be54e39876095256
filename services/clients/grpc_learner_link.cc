#include "services/clients/grpc_learner_link.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/clock.h"
#include "common/status_macros.h"
#include "services/clients/weights_receiver.h"
#include "services/convert/field.h"
#include "services/convert/learner_convert.h"
#include "services/runtime/channel.h"
#include "services/runtime/retry.h"

namespace entrain {
namespace {

// What an answer may take beyond the long poll's own wait.
constexpr absl::Duration kPollSlack = absl::Seconds(10);

}  // namespace

GrpcLearnerLink::GrpcLearnerLink(const std::shared_ptr<grpc::Channel>& channel,
                                 GrpcLearnerLinkOptions options)
    : options_(options), stub_(learner::v1::LearnerService::NewStub(channel)) {}

absl::Status GrpcLearnerLink::Retry(absl::string_view what, absl::Duration deadline,
                                    const std::function<grpc::Status(grpc::ClientContext&)>& call) {
  const absl::Duration end = Clock::Real().Monotonic() + deadline;
  return RetryUnavailable(std::min(deadline, options_.retry_for), [&](absl::Duration) {
    return calls_.Run(what, end - Clock::Real().Monotonic(), call);
  });
}

absl::StatusOr<JoinReply> GrpcLearnerLink::Join(const JoinRequest& request) {
  learner::v1::JoinResponse response;
  ENTRAIN_RETURN_IF_ERROR(Retry("Join", options_.call_deadline, [&](grpc::ClientContext& context) {
    return stub_->Join(&context, JoinRequestToProto(request), &response);
  }));
  return JoinReplyFromProto(response);
}

absl::StatusOr<LeaseReply> GrpcLearnerLink::LeasePrompts(const std::string& worker, int32_t max_leases,
                                                         const std::string& held_digest,
                                                         absl::Duration wait) {
  learner::v1::LeasePromptsRequest request;
  request.set_worker(worker);
  request.set_max_leases(max_leases);
  request.set_held_weights_digest(held_digest);
  *request.mutable_wait() = DurationToProto(wait);
  learner::v1::LeasePromptsResponse response;
  ENTRAIN_RETURN_IF_ERROR(Retry("LeasePrompts", wait + kPollSlack, [&](grpc::ClientContext& context) {
    return stub_->LeasePrompts(&context, request, &response);
  }));
  return LeaseReplyFromProto(response);
}

absl::StatusOr<std::vector<std::string>> GrpcLearnerLink::RenewLeases(
    const std::string& worker, std::span<const std::string> lease_ids) {
  learner::v1::RenewLeasesRequest request;
  request.set_worker(worker);
  request.mutable_lease_ids()->Assign(lease_ids.begin(), lease_ids.end());
  learner::v1::RenewLeasesResponse response;
  ENTRAIN_RETURN_IF_ERROR(Retry("RenewLeases", options_.call_deadline, [&](grpc::ClientContext& context) {
    return stub_->RenewLeases(&context, request, &response);
  }));
  return std::vector<std::string>(response.live_lease_ids().begin(), response.live_lease_ids().end());
}

absl::Status GrpcLearnerLink::ReturnLeases(const std::string& worker,
                                           std::span<const std::string> lease_ids) {
  learner::v1::ReturnLeasesRequest request;
  request.set_worker(worker);
  request.mutable_lease_ids()->Assign(lease_ids.begin(), lease_ids.end());
  learner::v1::ReturnLeasesResponse response;
  // Without retry: a lease that cannot be given back expires, and a worker that leaves should not wait for a
  // learner that is gone.
  return farewell_.Run(
      "ReturnLeases", std::min(options_.call_deadline, options_.retry_for),
      [&](grpc::ClientContext& context) { return stub_->ReturnLeases(&context, request, &response); });
}

absl::StatusOr<SubmitResult> GrpcLearnerLink::SubmitGroup(const Group& group) {
  learner::v1::SubmitGroupRequest request;
  *request.mutable_group() = GroupToProto(group);
  if (request.ByteSizeLong() > static_cast<size_t>(kMaxMessageBytes)) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "group of step ", group.step, ", ordinal ", group.ordinal, " is ", request.ByteSizeLong(),
        " bytes; the limit of SubmitGroup is 64 MB (", kMaxMessageBytes, " bytes)"));
  }
  learner::v1::SubmitGroupResponse response;
  ENTRAIN_RETURN_IF_ERROR(Retry("SubmitGroup", options_.call_deadline, [&](grpc::ClientContext& context) {
    return stub_->SubmitGroup(&context, request, &response);
  }));
  return SubmitResultFromProto("result", response.result());
}

absl::StatusOr<std::shared_ptr<const WeightsSnapshot>> GrpcLearnerLink::FetchWeights(PolicyVersion version) {
  learner::v1::FetchWeightsRequest request;
  request.set_policy_version(version);
  request.set_dtype(learner::v1::WEIGHTS_DTYPE_FLOAT32);
  absl::StatusOr<std::shared_ptr<const WeightsSnapshot>> snapshot;
  ENTRAIN_RETURN_IF_ERROR(Retry("FetchWeights", options_.weights_deadline, [&](grpc::ClientContext& context) {
    WeightsReceiver receiver(version);
    absl::Status received;
    auto reader = stub_->FetchWeights(&context, request);
    learner::v1::FetchWeightsResponse message;
    while (received.ok() && reader->Read(&message)) received = receiver.Add(message);
    if (!received.ok()) context.TryCancel();
    const grpc::Status status = reader->Finish();
    if (!received.ok()) {
      snapshot = received;
      return grpc::Status::OK;  // the call was answered; what was wrong with it is in `snapshot`
    }
    if (status.ok()) snapshot = receiver.Finish();
    return status;
  }));
  return snapshot;
}

}  // namespace entrain
