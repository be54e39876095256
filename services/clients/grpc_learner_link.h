#pragma once

#include <grpcpp/channel.h>

#include <memory>

#include "absl/time/time.h"
#include "entrain/learner/v1/learner_service.grpc.pb.h"
#include "rollout_worker/learner_link.h"
#include "services/clients/call.h"

namespace entrain {

struct GrpcLearnerLinkOptions {
  absl::Duration call_deadline =
      absl::Seconds(30);  // of one unary call, with its retries; a long poll's `wait` is added
  absl::Duration weights_deadline = absl::Minutes(10);  // of one FetchWeights, with its retries
  absl::Duration retry_for =
      absl::Seconds(2);  // how long a learner that is away is asked again before the caller hears Unavailable
};

// A rollout worker's way to its learner over gRPC. Every call has a deadline; Unavailable is retried with
// growing pauses for `retry_for`. Thread-safe.
class GrpcLearnerLink final : public LearnerLink {
 public:
  explicit GrpcLearnerLink(const std::shared_ptr<grpc::Channel>& channel,
                           GrpcLearnerLinkOptions options = {});

  absl::StatusOr<JoinReply> Join(const JoinRequest& request) override;
  absl::StatusOr<LeaseReply> LeasePrompts(const std::string& worker, int32_t max_leases,
                                          const std::string& held_digest, absl::Duration wait) override;
  absl::StatusOr<std::vector<std::string>> RenewLeases(const std::string& worker,
                                                       std::span<const std::string> lease_ids) override;
  absl::Status ReturnLeases(const std::string& worker, std::span<const std::string> lease_ids) override;
  // ResourceExhausted, without sending, for a group of more than 64 MB.
  absl::StatusOr<SubmitResult> SubmitGroup(const Group& group) override;
  // DataLoss when the stream was cut, is out of order, or its bytes have another digest.
  absl::StatusOr<std::shared_ptr<const WeightsSnapshot>> FetchWeights(PolicyVersion version) override;

  // Ends running calls and refuses later ones with Cancelled, for a worker that stops. ReturnLeases still
  // works: it is how one leaves.
  void Cancel() { calls_.CancelAll(); }

 private:
  absl::Status Retry(absl::string_view what, absl::Duration deadline,
                     const std::function<grpc::Status(grpc::ClientContext&)>& call);

  const GrpcLearnerLinkOptions options_;
  const std::unique_ptr<learner::v1::LearnerService::StubInterface> stub_;
  Calls calls_;
  Calls farewell_;
};

}  // namespace entrain
