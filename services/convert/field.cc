#include "services/convert/field.h"

#include <cstdint>

namespace entrain {

absl::Status FieldError(absl::string_view field, absl::string_view expected, absl::string_view found) {
  return absl::InvalidArgumentError(absl::StrCat(field, ": expected ", expected, ", found ", found));
}

absl::Status CheckFinite(absl::string_view field, double value) {
  if (std::isfinite(value)) return absl::OkStatus();
  return FieldError(field, "a finite number", absl::StrCat(value));
}

google::protobuf::Duration DurationToProto(absl::Duration duration) {
  google::protobuf::Duration message;
  constexpr int64_t kMaxSeconds = 315576000000;
  if (duration > absl::Seconds(kMaxSeconds)) duration = absl::Seconds(kMaxSeconds);
  if (duration < -absl::Seconds(kMaxSeconds)) duration = -absl::Seconds(kMaxSeconds);
  message.set_seconds(absl::IDivDuration(duration, absl::Seconds(1), &duration));
  message.set_nanos(static_cast<int32_t>(absl::IDivDuration(duration, absl::Nanoseconds(1), &duration)));
  return message;
}

absl::StatusOr<absl::Duration> DurationFromProto(absl::string_view field,
                                                 const google::protobuf::Duration& message) {
  constexpr int64_t kMaxSeconds = 315576000000;
  const bool signs_differ =
      (message.seconds() > 0 && message.nanos() < 0) || (message.seconds() < 0 && message.nanos() > 0);
  if (message.seconds() > kMaxSeconds || message.seconds() < -kMaxSeconds || message.nanos() > 999999999 ||
      message.nanos() < -999999999 || signs_differ) {
    return FieldError(field, "a duration within 10,000 years with parts of one sign",
                      absl::StrCat(message.seconds(), " s and ", message.nanos(), " ns"));
  }
  return absl::Seconds(message.seconds()) + absl::Nanoseconds(message.nanos());
}

google::protobuf::Timestamp TimeToProto(absl::Time time) {
  google::protobuf::Timestamp message;
  const int64_t seconds = absl::ToUnixSeconds(time);  // rounds down, so that the nanoseconds are not negative
  message.set_seconds(seconds);
  message.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
  return message;
}

absl::Time TimeFromProto(const google::protobuf::Timestamp& message) {
  return absl::FromUnixSeconds(message.seconds()) + absl::Nanoseconds(message.nanos());
}

}  // namespace entrain
