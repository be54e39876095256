#pragma once

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include <cmath>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace entrain {

// InvalidArgument that names a field: "group.completions[3].finish: expected FINISH_STOP or FINISH_LENGTH,
// found 0".
absl::Status FieldError(absl::string_view field, absl::string_view expected, absl::string_view found);

// Ok when the number is neither infinite nor NaN.
absl::Status CheckFinite(absl::string_view field, double value);

// Durations on the wire. InvalidArgument for values outside the format's own range (nanoseconds of another
// sign, more than 10,000 years).
google::protobuf::Duration DurationToProto(absl::Duration duration);
absl::StatusOr<absl::Duration> DurationFromProto(absl::string_view field,
                                                 const google::protobuf::Duration& message);
google::protobuf::Timestamp TimeToProto(absl::Time time);
absl::Time TimeFromProto(const google::protobuf::Timestamp& message);

}  // namespace entrain
