#include "services/convert/dial_convert.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "services/convert/field.h"

namespace entrain {
namespace {

namespace v1 = controller::v1;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// Laws and their numbers have the same names on the wire; the target has its unit there.
const FieldDescriptor* NumberField(const Message& message, absl::string_view number) {
  return message.GetDescriptor()->FindFieldByName(number == "target" ? "target_entropy_nats"
                                                                     : std::string(number));
}

// --- What is no plain number of a law. ---
void WriteMore(const PiecewiseDial& law, v1::DialSchedule& message) {
  v1::PiecewiseDial& out = *message.mutable_piecewise();
  out.set_by_position(law.by_position);
  for (const DialPoint& point : law.points) {
    v1::DialPoint& added = *out.add_points();
    added.set_at(point.at);
    added.set_value(point.value);
  }
}
void WriteMore(const EpochDial& law, v1::DialSchedule& message) {
  message.mutable_epoch()->set_num_epochs(law.epochs);
}
void WriteMore(const AerDial& law, v1::DialSchedule& message) {
  if (law.h_init.has_value()) message.mutable_aer()->set_initial_entropy_nats(*law.h_init);
}
void WriteMore(const PiDial& law, v1::DialSchedule& message) {
  message.mutable_pi()->set_lowers_entropy(!law.raises);
}
template <typename Law>
void WriteMore(const Law&, v1::DialSchedule&) {}

absl::Status ReadMore(const std::string& field, const v1::DialSchedule& message, PiecewiseDial& law) {
  law.by_position = message.piecewise().by_position();
  for (const v1::DialPoint& point : message.piecewise().points()) {
    const std::string name = absl::StrCat(field, ".points[", law.points.size(), "]");
    ENTRAIN_RETURN_IF_ERROR(CheckFinite(name + ".at", point.at()));
    ENTRAIN_RETURN_IF_ERROR(CheckFinite(name + ".value", point.value()));
    law.points.push_back({.at = point.at(), .value = point.value()});
  }
  return absl::OkStatus();
}
absl::Status ReadMore(const std::string&, const v1::DialSchedule& message, EpochDial& law) {
  law.epochs = message.epoch().num_epochs();
  return absl::OkStatus();
}
absl::Status ReadMore(const std::string& field, const v1::DialSchedule& message, AerDial& law) {
  if (!message.aer().has_initial_entropy_nats()) return absl::OkStatus();
  law.h_init = message.aer().initial_entropy_nats();
  return CheckFinite(field + ".initial_entropy_nats", *law.h_init);
}
absl::Status ReadMore(const std::string&, const v1::DialSchedule& message, PiDial& law) {
  if (!message.pi().has_initial()) law.initial = law.min;
  law.raises = !message.pi().lowers_entropy();
  return absl::OkStatus();
}
template <typename Law>
absl::Status ReadMore(const std::string&, const v1::DialSchedule&, Law&) {
  return absl::OkStatus();
}

// The domain's default stays where the wire has no number.
absl::Status ReadNumbers(const std::string& field, const Message& message, DialSchedule& dial) {
  absl::Status status;
  const std::vector<std::string> needed = NeededDialNumbers(dial);
  VisitDialNumbers(dial, [&](const char* key, double& number) {
    const FieldDescriptor* const wire = NumberField(message, key);
    const std::string name = absl::StrCat(field, ".", wire->name());
    if (message.GetReflection()->HasField(message, wire)) {
      number = message.GetReflection()->GetDouble(message, wire);
      status.Update(CheckFinite(name, number));
    } else if (std::ranges::find(needed, key) != needed.end()) {
      status.Update(FieldError(name, "a number", "none"));
    }
  });
  return status;
}

}  // namespace

v1::DialSchedule DialToProto(const DialSchedule& dial) {
  v1::DialSchedule message;
  Message& law = *message.GetReflection()->MutableMessage(
      &message, message.GetDescriptor()->FindFieldByName(DialLawName(dial)));
  VisitDialNumbers(dial, [&](const char* key, const double& number) {
    law.GetReflection()->SetDouble(&law, NumberField(law, key), number);
  });
  std::visit([&](const auto& one) { WriteMore(one, message); }, dial);
  return message;
}

absl::StatusOr<DialSchedule> DialFromProto(const std::string& field, const v1::DialSchedule& message) {
  const FieldDescriptor* const law = message.GetReflection()->GetOneofFieldDescriptor(
      message, message.GetDescriptor()->FindOneofByName("law"));
  if (law == nullptr) return FieldError(field, "a law", "none");
  DialSchedule dial = *DialLawFromName(std::string(law->name()));
  const std::string name = absl::StrCat(field, ".", law->name());
  ENTRAIN_RETURN_IF_ERROR(ReadNumbers(name, message.GetReflection()->GetMessage(message, law), dial));
  ENTRAIN_RETURN_IF_ERROR(std::visit([&](auto& one) { return ReadMore(name, message, one); }, dial));
  return dial;
}

}  // namespace entrain
