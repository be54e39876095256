#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "controller/directive.h"
#include "controller/observation.h"
#include "controller/schedule.h"
#include "controller/steering.h"
#include "entrain/controller/v1/schedule.pb.h"
#include "entrain/controller/v1/steering.pb.h"
#include "entrain/controller/v1/telemetry_service.pb.h"

namespace entrain {

// Domain ⇄ wire. From-functions answer InvalidArgument that names the field below `field` ("schedule"): enums
// not set, needed fields missing, numbers that are not finite. Legal ranges of a schedule are
// Schedule::Validate's business.

controller::v1::ClipBounds BoundsToProto(const ClipBounds& bounds);
absl::StatusOr<ClipBounds> BoundsFromProto(const std::string& field,
                                           const controller::v1::ClipBounds& message);

controller::v1::Schedule ScheduleToProto(const Schedule& schedule);
// `ratio_bounds` becomes the two lines that it means: eps_minus = 1 − low, eps_plus = high − 1.
absl::StatusOr<Schedule> ScheduleFromProto(const std::string& field, const controller::v1::Schedule& message);

controller::v1::Observation ObservationToProto(const Observation& observation);
absl::StatusOr<Observation> ObservationFromProto(const std::string& field,
                                                 const controller::v1::Observation& message);

controller::v1::Directive DirectiveToProto(const Directive& directive);
absl::StatusOr<Directive> DirectiveFromProto(const std::string& field,
                                             const controller::v1::Directive& message);

controller::v1::RegisterRunRequest RegistrationToProto(const Registration& registration);
absl::StatusOr<Registration> RegistrationFromProto(const controller::v1::RegisterRunRequest& message);

controller::v1::RegisterRunResponse RegistrationReplyToProto(const RegistrationReply& reply);
RegistrationReply RegistrationReplyFromProto(const controller::v1::RegisterRunResponse& message);

}  // namespace entrain
