#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "controller/dial_schedule.h"
#include "entrain/controller/v1/schedule.pb.h"

namespace entrain {

// Domain ⇄ wire of one dial's law. FromProto answers InvalidArgument that names the field below `field`: no
// law, needed fields missing, numbers that are not finite.
controller::v1::DialSchedule DialToProto(const DialSchedule& dial);
absl::StatusOr<DialSchedule> DialFromProto(const std::string& field,
                                           const controller::v1::DialSchedule& message);

}  // namespace entrain
