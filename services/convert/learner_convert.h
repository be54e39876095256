#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "entrain/learner/v1/group.pb.h"
#include "entrain/learner/v1/learner_service.pb.h"
#include "entrain/learner/v1/lease.pb.h"
#include "policy/generator.h"
#include "rollout_worker/learner_link.h"
#include "trajectory/group.h"

namespace entrain {

// Domain ⇄ wire. From-functions answer InvalidArgument that names the field below `field` ("group"): enums
// not set, lengths that differ, numbers that are not finite or outside their range, negative positions.

learner::v1::Group GroupToProto(const Group& group);
absl::StatusOr<Group> GroupFromProto(const std::string& field, const learner::v1::Group& message);

learner::v1::Lease LeaseToProto(const Lease& lease);
absl::StatusOr<Lease> LeaseFromProto(const std::string& field, const learner::v1::Lease& message);

learner::v1::SamplingSettings SamplingToProto(const SamplingOptions& options);
absl::StatusOr<SamplingOptions> SamplingFromProto(const std::string& field,
                                                  const learner::v1::SamplingSettings& message);

learner::v1::JoinRequest JoinRequestToProto(const JoinRequest& request);
absl::StatusOr<JoinRequest> JoinRequestFromProto(const learner::v1::JoinRequest& message);

learner::v1::JoinResponse JoinReplyToProto(const JoinReply& reply);
absl::StatusOr<JoinReply> JoinReplyFromProto(const learner::v1::JoinResponse& message);

learner::v1::LeasePromptsResponse LeaseReplyToProto(const LeaseReply& reply);
absl::StatusOr<LeaseReply> LeaseReplyFromProto(const learner::v1::LeasePromptsResponse& message);

learner::v1::SubmitResult SubmitResultToProto(SubmitResult result);
absl::StatusOr<SubmitResult> SubmitResultFromProto(const std::string& field,
                                                   learner::v1::SubmitResult result);

}  // namespace entrain
