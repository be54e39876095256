#include "services/convert/dial_convert.h"

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "services/convert/field.h"

namespace entrain {
namespace {

namespace v1 = controller::v1;

void Write(const StaticDial& law, v1::DialSchedule& message) {
  message.mutable_static_()->set_value(law.value);
}
void Write(const PiecewiseDial& law, v1::DialSchedule& message) {
  v1::PiecewiseDial& out = *message.mutable_piecewise();
  out.set_by_position(law.by_position);
  for (const DialPoint& point : law.points) {
    v1::DialPoint& added = *out.add_points();
    added.set_at(point.at);
    added.set_value(point.value);
  }
}
void Write(const StageDial&, v1::DialSchedule& message) { message.mutable_stage(); }
void Write(const EpochDial& law, v1::DialSchedule& message) {
  message.mutable_epoch()->set_num_epochs(law.epochs);
}
void Write(const EntropyGuidedDial& law, v1::DialSchedule& message) {
  v1::EntropyGuidedDial& out = *message.mutable_entropy_guided();
  out.set_target_entropy_nats(law.target);
  out.set_delta(law.delta);
  out.set_initial(law.initial);
}
void Write(const AerDial& law, v1::DialSchedule& message) {
  v1::AerDial& out = *message.mutable_aer();
  out.set_tau(law.tau);
  out.set_rate(law.rate);
  out.set_max(law.max);
  out.set_initial(law.initial);
  if (law.h_init.has_value()) out.set_initial_entropy_nats(*law.h_init);
}
void Write(const EntropicDial& law, v1::DialSchedule& message) {
  v1::EntropicDial& out = *message.mutable_entropic();
  out.set_target_entropy_nats(law.target);
  out.set_kp(law.kp);
  out.set_ki(law.ki);
}
void Write(const MagicDial& law, v1::DialSchedule& message) {
  v1::MagicDial& out = *message.mutable_magic();
  out.set_target_entropy_nats(law.target);
  out.set_delta(law.delta);
  out.set_min(law.min);
  out.set_max(law.max);
  out.set_initial(law.initial);
}
void Write(const PiDial& law, v1::DialSchedule& message) {
  v1::PiDial& out = *message.mutable_pi();
  out.set_target_entropy_nats(law.target);
  out.set_kp(law.kp);
  out.set_ki(law.ki);
  out.set_min(law.min);
  out.set_max(law.max);
  out.set_initial(law.initial);
  out.set_lowers_entropy(!law.raises);
}

// Reads the numbers of one law; the domain's default stays where the wire has none.
class NumberReader {
 public:
  explicit NumberReader(std::string field) : field_(std::move(field)) {}
  absl::Status status;

  template <typename Number>
  void Read(const char* key, bool present, double value, Number& number) {
    if (!present) return;
    status.Update(CheckFinite(absl::StrCat(field_, ".", key), value));
    number = value;
  }
  void Needed(const char* key, bool present) {
    if (!present) status.Update(FieldError(absl::StrCat(field_, ".", key), "a number", "none"));
  }

 private:
  const std::string field_;
};

void Read(const v1::StaticDial& message, StaticDial& law, NumberReader& reader) {
  reader.Needed("value", message.has_value());
  reader.Read("value", message.has_value(), message.value(), law.value);
}
void Read(const v1::PiecewiseDial& message, PiecewiseDial& law, NumberReader& reader) {
  law.by_position = message.by_position();
  for (int i = 0; i < message.points_size(); ++i) {
    DialPoint point;
    reader.Read(absl::StrCat("points[", i, "].at").c_str(), true, message.points(i).at(), point.at);
    reader.Read(absl::StrCat("points[", i, "].value").c_str(), true, message.points(i).value(), point.value);
    law.points.push_back(point);
  }
}
void Read(const v1::StageDial&, StageDial&, NumberReader&) {}
void Read(const v1::EpochDial& message, EpochDial& law, NumberReader&) { law.epochs = message.num_epochs(); }
void Read(const v1::EntropyGuidedDial& message, EntropyGuidedDial& law, NumberReader& reader) {
  reader.Read("target_entropy_nats", message.has_target_entropy_nats(), message.target_entropy_nats(),
              law.target);
  reader.Read("delta", message.has_delta(), message.delta(), law.delta);
  reader.Read("initial", message.has_initial(), message.initial(), law.initial);
}
void Read(const v1::AerDial& message, AerDial& law, NumberReader& reader) {
  reader.Read("tau", message.has_tau(), message.tau(), law.tau);
  reader.Read("rate", message.has_rate(), message.rate(), law.rate);
  reader.Read("max", message.has_max(), message.max(), law.max);
  reader.Read("initial", message.has_initial(), message.initial(), law.initial);
  reader.Read("initial_entropy_nats", message.has_initial_entropy_nats(), message.initial_entropy_nats(),
              law.h_init);
}
void Read(const v1::EntropicDial& message, EntropicDial& law, NumberReader& reader) {
  reader.Read("target_entropy_nats", message.has_target_entropy_nats(), message.target_entropy_nats(),
              law.target);
  reader.Read("kp", message.has_kp(), message.kp(), law.kp);
  reader.Read("ki", message.has_ki(), message.ki(), law.ki);
}
void Read(const v1::MagicDial& message, MagicDial& law, NumberReader& reader) {
  reader.Read("target_entropy_nats", message.has_target_entropy_nats(), message.target_entropy_nats(),
              law.target);
  reader.Read("delta", message.has_delta(), message.delta(), law.delta);
  reader.Read("min", message.has_min(), message.min(), law.min);
  reader.Read("max", message.has_max(), message.max(), law.max);
  reader.Read("initial", message.has_initial(), message.initial(), law.initial);
}
void Read(const v1::PiDial& message, PiDial& law, NumberReader& reader) {
  reader.Needed("target_entropy_nats", message.has_target_entropy_nats());
  reader.Needed("min", message.has_min());
  reader.Needed("max", message.has_max());
  reader.Read("target_entropy_nats", message.has_target_entropy_nats(), message.target_entropy_nats(),
              law.target);
  reader.Read("kp", message.has_kp(), message.kp(), law.kp);
  reader.Read("ki", message.has_ki(), message.ki(), law.ki);
  reader.Read("min", message.has_min(), message.min(), law.min);
  reader.Read("max", message.has_max(), message.max(), law.max);
  law.initial = law.min;
  reader.Read("initial", message.has_initial(), message.initial(), law.initial);
  law.raises = !message.lowers_entropy();
}

template <typename Law, typename Message>
absl::StatusOr<DialSchedule> ReadLaw(const std::string& field, const Message& message) {
  Law law;
  NumberReader reader(field);
  Read(message, law, reader);
  if (!reader.status.ok()) return reader.status;
  return DialSchedule(std::move(law));
}

}  // namespace

v1::DialSchedule DialToProto(const DialSchedule& dial) {
  v1::DialSchedule message;
  std::visit([&](const auto& law) { Write(law, message); }, dial);
  return message;
}

absl::StatusOr<DialSchedule> DialFromProto(const std::string& field, const v1::DialSchedule& message) {
  switch (message.law_case()) {
    case v1::DialSchedule::kStatic:
      return ReadLaw<StaticDial>(field + ".static", message.static_());
    case v1::DialSchedule::kPiecewise:
      return ReadLaw<PiecewiseDial>(field + ".piecewise", message.piecewise());
    case v1::DialSchedule::kStage:
      return ReadLaw<StageDial>(field + ".stage", message.stage());
    case v1::DialSchedule::kEpoch:
      return ReadLaw<EpochDial>(field + ".epoch", message.epoch());
    case v1::DialSchedule::kEntropyGuided:
      return ReadLaw<EntropyGuidedDial>(field + ".entropy_guided", message.entropy_guided());
    case v1::DialSchedule::kAer:
      return ReadLaw<AerDial>(field + ".aer", message.aer());
    case v1::DialSchedule::kEntropic:
      return ReadLaw<EntropicDial>(field + ".entropic", message.entropic());
    case v1::DialSchedule::kMagic:
      return ReadLaw<MagicDial>(field + ".magic", message.magic());
    case v1::DialSchedule::kPi:
      return ReadLaw<PiDial>(field + ".pi", message.pi());
    case v1::DialSchedule::LAW_NOT_SET:
      break;
  }
  return FieldError(field, "a law", "none");
}

}  // namespace entrain
