#include "services/convert/steering_convert.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "services/convert/dial_convert.h"
#include "services/convert/field.h"
#include "services/convert/utf8.h"

namespace entrain {
namespace {

using NumberMap = google::protobuf::Map<std::string, double>;

controller::v1::ClipLine LineToProto(const ClipLine& line) {
  controller::v1::ClipLine message;
  message.set_intercept(line.intercept);
  message.set_slope(line.slope);
  return message;
}

controller::v1::ClipSide SideToProto(const ClipSide& side) {
  controller::v1::ClipSide message;
  if (side.off) {
    message.mutable_off();
  } else {
    *message.mutable_line() = LineToProto(side.line);
  }
  return message;
}

absl::StatusOr<ClipSide> SideFromProto(const std::string& field, const controller::v1::ClipSide& message) {
  switch (message.side_case()) {
    case controller::v1::ClipSide::kOff:
      return ClipSide{.off = true};
    case controller::v1::ClipSide::kLine:
      break;
    case controller::v1::ClipSide::SIDE_NOT_SET:
      return FieldError(field, "a line or off", "neither");
  }
  ENTRAIN_RETURN_IF_ERROR(CheckFinite(field + ".line.intercept", message.line().intercept()));
  ENTRAIN_RETURN_IF_ERROR(CheckFinite(field + ".line.slope", message.line().slope()));
  return ClipSide{.line = {.intercept = message.line().intercept(), .slope = message.line().slope()}};
}

ClipSide SideOf(const std::optional<ClipLine>& line) {
  return line ? ClipSide{.line = *line} : ClipSide{.off = true};
}

std::optional<ClipLine> LineOf(const ClipSide& side) {
  return side.off ? std::nullopt : std::optional<ClipLine>(side.line);
}

controller::v1::ClipLaw LawToProto(ClipLaw law) {
  switch (law) {
    case ClipLaw::kStatic:
      return controller::v1::CLIP_LAW_STATIC;
    case ClipLaw::kId:
      return controller::v1::CLIP_LAW_ID;
    case ClipLaw::kDid:
      return controller::v1::CLIP_LAW_DID;
    case ClipLaw::kOd:
      return controller::v1::CLIP_LAW_OD;
    case ClipLaw::kPiecewise:
      return controller::v1::CLIP_LAW_PIECEWISE;
    case ClipLaw::kThermostat:
      return controller::v1::CLIP_LAW_THERMOSTAT;
  }
  return controller::v1::CLIP_LAW_UNSPECIFIED;
}

absl::StatusOr<ClipLaw> LawFromProto(const std::string& field, controller::v1::ClipLaw law) {
  switch (law) {
    case controller::v1::CLIP_LAW_STATIC:
      return ClipLaw::kStatic;
    case controller::v1::CLIP_LAW_ID:
      return ClipLaw::kId;
    case controller::v1::CLIP_LAW_DID:
      return ClipLaw::kDid;
    case controller::v1::CLIP_LAW_OD:
      return ClipLaw::kOd;
    case controller::v1::CLIP_LAW_PIECEWISE:
      return ClipLaw::kPiecewise;
    case controller::v1::CLIP_LAW_THERMOSTAT:
      return ClipLaw::kThermostat;
    default:
      return FieldError(field,
                        "CLIP_LAW_STATIC, CLIP_LAW_ID, CLIP_LAW_DID, CLIP_LAW_OD, CLIP_LAW_PIECEWISE or "
                        "CLIP_LAW_THERMOSTAT",
                        absl::StrCat(static_cast<int>(law)));
  }
}

void PhaseToProto(const PhaseSchedule& phase, controller::v1::PhaseSchedule& message) {
  message.set_advance(phase.advance == PhaseAdvance::kSteps  ? controller::v1::PHASE_ADVANCE_STEPS
                      : phase.advance == PhaseAdvance::kHand ? controller::v1::PHASE_ADVANCE_HAND
                                                             : controller::v1::PHASE_ADVANCE_INFLECTION);
  if (phase.begin) message.set_begin_step(*phase.begin);
  controller::v1::Inflection& detector = *message.mutable_inflection();
  detector.set_num_base(phase.inflection.n_base);
  detector.set_margin(phase.inflection.margin);
  detector.set_ema_weight(phase.inflection.ema);
  detector.set_num_hits(phase.inflection.hits);
  detector.set_num_refractory(phase.inflection.refractory);
}

void BoxToProto(const EpsilonBox& box, controller::v1::EpsilonBox& message) {
  for (const auto& [epsilon, side] :
       {std::pair(box.low, message.mutable_low()), {box.high, message.mutable_high()}}) {
    if (epsilon.has_value()) {
      side->set_epsilon(*epsilon);
    } else {
      side->mutable_off();
    }
  }
}

void ThermostatToProto(const ThermostatSettings& settings, controller::v1::Thermostat& message) {
  message.set_target_entropy_nats(settings.target);
  message.set_band_nats(settings.band);
  message.set_ema_weight(settings.ema);
  message.set_num_interval(settings.interval);
  BoxToProto(settings.up, *message.mutable_up());
  BoxToProto(settings.down, *message.mutable_down());
}

controller::v1::ClipSchedule ClipToProto(const ClipSchedule& clip) {
  controller::v1::ClipSchedule message;
  message.set_law(LawToProto(clip.law));
  if (clip.total_steps) message.set_total_steps(*clip.total_steps);
  message.set_phase_split(clip.phase_split);
  message.set_eps_std(clip.eps_std);
  if (clip.upper) *message.mutable_upper() = SideToProto(*clip.upper);
  if (clip.lower) *message.mutable_lower() = SideToProto(*clip.lower);
  if (clip.od_h_init) message.mutable_od()->set_initial_entropy_nats(*clip.od_h_init);
  message.mutable_od()->set_min_entropy_ratio(clip.od_h_min_ratio);
  for (const PiecewisePoint& point : clip.points) {
    controller::v1::PiecewisePoint& added = *message.add_points();
    added.set_step(point.step);
    *added.mutable_upper() = SideToProto(point.upper);
    *added.mutable_lower() = SideToProto(point.lower);
  }
  PhaseToProto(clip.phase, *message.mutable_phase());
  ThermostatToProto(clip.thermostat, *message.mutable_thermostat());
  return message;
}

// Sets `number` when the wire has one; the domain's default stays otherwise.
template <typename Number>
absl::Status ReadNumber(const std::string& field, bool present, double value, Number& number) {
  if (!present) return absl::OkStatus();
  ENTRAIN_RETURN_IF_ERROR(CheckFinite(field, value));
  number = value;
  return absl::OkStatus();
}

absl::StatusOr<PiecewisePoint> PointFromProto(const std::string& field,
                                              const controller::v1::PiecewisePoint& message) {
  PiecewisePoint point{.step = message.step()};
  ENTRAIN_ASSIGN_OR_RETURN(point.upper, SideFromProto(field + ".upper", message.upper()));
  ENTRAIN_ASSIGN_OR_RETURN(point.lower, SideFromProto(field + ".lower", message.lower()));
  return point;
}

absl::Status ReadPhase(const std::string& field, const controller::v1::PhaseSchedule& message,
                       PhaseSchedule& phase) {
  switch (message.advance()) {
    case controller::v1::PHASE_ADVANCE_STEPS:
      phase.advance = PhaseAdvance::kSteps;
      break;
    case controller::v1::PHASE_ADVANCE_HAND:
      phase.advance = PhaseAdvance::kHand;
      break;
    case controller::v1::PHASE_ADVANCE_INFLECTION:
      phase.advance = PhaseAdvance::kInflection;
      break;
    default:
      return FieldError(field + ".advance",
                        "PHASE_ADVANCE_STEPS, PHASE_ADVANCE_HAND or PHASE_ADVANCE_INFLECTION",
                        absl::StrCat(static_cast<int>(message.advance())));
  }
  if (message.has_begin_step()) phase.begin = message.begin_step();
  const controller::v1::Inflection& detector = message.inflection();
  InflectionSettings& out = phase.inflection;
  if (detector.has_num_base()) out.n_base = detector.num_base();
  if (detector.has_num_hits()) out.hits = detector.num_hits();
  if (detector.has_num_refractory()) out.refractory = detector.num_refractory();
  ENTRAIN_RETURN_IF_ERROR(
      ReadNumber(field + ".inflection.margin", detector.has_margin(), detector.margin(), out.margin));
  return ReadNumber(field + ".inflection.ema_weight", detector.has_ema_weight(), detector.ema_weight(),
                    out.ema);
}

absl::Status ReadEpsilon(const std::string& field, bool present, const controller::v1::EpsilonSide& message,
                         std::optional<double>& epsilon) {
  if (!present) return absl::OkStatus();
  epsilon.reset();
  if (message.side_case() == controller::v1::EpsilonSide::SIDE_NOT_SET)
    return FieldError(field, "an epsilon or off", "neither");
  return ReadNumber(field + ".epsilon", message.has_epsilon(), message.epsilon(), epsilon);
}

absl::Status ReadBox(const std::string& field, const controller::v1::EpsilonBox& message, EpsilonBox& box) {
  ENTRAIN_RETURN_IF_ERROR(ReadEpsilon(field + ".low", message.has_low(), message.low(), box.low));
  return ReadEpsilon(field + ".high", message.has_high(), message.high(), box.high);
}

absl::Status ReadThermostat(const std::string& field, const controller::v1::Thermostat& message,
                            ThermostatSettings& settings) {
  ENTRAIN_RETURN_IF_ERROR(ReadNumber(field + ".target_entropy_nats", message.has_target_entropy_nats(),
                                     message.target_entropy_nats(), settings.target));
  ENTRAIN_RETURN_IF_ERROR(
      ReadNumber(field + ".band_nats", message.has_band_nats(), message.band_nats(), settings.band));
  ENTRAIN_RETURN_IF_ERROR(
      ReadNumber(field + ".ema_weight", message.has_ema_weight(), message.ema_weight(), settings.ema));
  if (message.has_num_interval()) settings.interval = message.num_interval();
  ENTRAIN_RETURN_IF_ERROR(ReadBox(field + ".up", message.up(), settings.up));
  return ReadBox(field + ".down", message.down(), settings.down);
}

// Absolute bounds of the ratio → the box of epsilons they mean.
absl::Status ApplyRatioBounds(const std::string& field, const controller::v1::ClipSchedule& message,
                              ClipSchedule& clip) {
  if (!message.has_ratio_bounds()) return absl::OkStatus();
  const controller::v1::RatioBounds& bounds = message.ratio_bounds();
  if (clip.law != ClipLaw::kStatic) {
    return FieldError(field, "law CLIP_LAW_STATIC", controller::v1::ClipLaw_Name(message.law()));
  }
  if (message.has_upper() || message.has_lower() || message.has_eps_std()) {
    return FieldError(field, "neither upper, lower nor eps_std beside it", "one of them");
  }
  if (!(bounds.low() >= 0 && bounds.low() <= 1))
    return FieldError(field + ".low", "a number in [0, 1]", absl::StrCat(bounds.low()));
  if (!(bounds.high() >= 1))
    return FieldError(field + ".high", "a number of at least 1", absl::StrCat(bounds.high()));
  ENTRAIN_RETURN_IF_ERROR(CheckFinite(field + ".high", bounds.high()));
  clip.upper = ClipSide{.line = {.intercept = bounds.high() - 1}};
  clip.lower = ClipSide{.line = {.intercept = 1 - bounds.low()}};
  return absl::OkStatus();
}

absl::StatusOr<ClipSchedule> ClipFromProto(const std::string& field,
                                           const controller::v1::ClipSchedule& message) {
  ClipSchedule clip;
  ENTRAIN_ASSIGN_OR_RETURN(clip.law, LawFromProto(field + ".law", message.law()));
  if (message.has_total_steps()) clip.total_steps = message.total_steps();
  ENTRAIN_RETURN_IF_ERROR(
      ReadNumber(field + ".phase_split", message.has_phase_split(), message.phase_split(), clip.phase_split));
  ENTRAIN_RETURN_IF_ERROR(
      ReadNumber(field + ".eps_std", message.has_eps_std(), message.eps_std(), clip.eps_std));
  if (message.has_upper()) {
    ENTRAIN_ASSIGN_OR_RETURN(clip.upper, SideFromProto(field + ".upper", message.upper()));
  }
  if (message.has_lower()) {
    ENTRAIN_ASSIGN_OR_RETURN(clip.lower, SideFromProto(field + ".lower", message.lower()));
  }
  const controller::v1::OscillatingDecay& od = message.od();
  ENTRAIN_RETURN_IF_ERROR(ReadNumber(field + ".od.initial_entropy_nats", od.has_initial_entropy_nats(),
                                     od.initial_entropy_nats(), clip.od_h_init));
  ENTRAIN_RETURN_IF_ERROR(ReadNumber(field + ".od.min_entropy_ratio", od.has_min_entropy_ratio(),
                                     od.min_entropy_ratio(), clip.od_h_min_ratio));
  for (int i = 0; i < message.points_size(); ++i) {
    ENTRAIN_ASSIGN_OR_RETURN(PiecewisePoint point,
                             PointFromProto(absl::StrCat(field, ".points[", i, "]"), message.points(i)));
    clip.points.push_back(point);
  }
  if (message.has_phase()) ENTRAIN_RETURN_IF_ERROR(ReadPhase(field + ".phase", message.phase(), clip.phase));
  ENTRAIN_RETURN_IF_ERROR(ReadThermostat(field + ".thermostat", message.thermostat(), clip.thermostat));
  ENTRAIN_RETURN_IF_ERROR(ApplyRatioBounds(field + ".ratio_bounds", message, clip));
  return clip;
}

void NumbersToProto(const std::map<std::string, double>& numbers, NumberMap& message) {
  for (const auto& [name, value] : numbers) message[ToUtf8(name)] = value;
}

absl::StatusOr<std::map<std::string, double>> NumbersFromProto(const std::string& field,
                                                               const NumberMap& message) {
  std::map<std::string, double> numbers(message.begin(), message.end());
  for (const auto& [name, value] : numbers)
    ENTRAIN_RETURN_IF_ERROR(CheckFinite(absl::StrCat(field, "[\"", name, "\"]"), value));
  return numbers;
}

absl::Status CheckRunId(const std::string& field, const std::string& run_id) {
  return run_id.empty() ? FieldError(field, "the id of a run", "nothing") : absl::OkStatus();
}

controller::v1::TrainerCapabilities CapabilitiesToProto(const TrainerCapabilities& capabilities) {
  controller::v1::TrainerCapabilities message;
  message.set_lines(capabilities.lines);
  message.set_plain_box(capabilities.plain_box);
  for (const std::string& dial : capabilities.dials) message.add_dials(ToUtf8(dial));
  for (const std::string& dial : capabilities.needed_dials) message.add_needed_dials(ToUtf8(dial));
  return message;
}

}  // namespace

controller::v1::ClipBounds BoundsToProto(const ClipBounds& bounds) {
  controller::v1::ClipBounds message;
  *message.mutable_upper() = SideToProto(SideOf(bounds.upper));
  *message.mutable_lower() = SideToProto(SideOf(bounds.lower));
  return message;
}

absl::StatusOr<ClipBounds> BoundsFromProto(const std::string& field,
                                           const controller::v1::ClipBounds& message) {
  ENTRAIN_ASSIGN_OR_RETURN(const ClipSide upper, SideFromProto(field + ".upper", message.upper()));
  ENTRAIN_ASSIGN_OR_RETURN(const ClipSide lower, SideFromProto(field + ".lower", message.lower()));
  return ClipBounds{.upper = LineOf(upper), .lower = LineOf(lower)};
}

controller::v1::Schedule ScheduleToProto(const Schedule& schedule) {
  controller::v1::Schedule message;
  *message.mutable_clip() = ClipToProto(schedule.clip);
  controller::v1::Guards& guards = *message.mutable_guards();
  if (schedule.guards.max_change_per_step)
    guards.set_max_change_per_step(*schedule.guards.max_change_per_step);
  guards.set_dead_band(schedule.guards.dead_band);
  for (const auto& [name, dial] : schedule.dials)
    (*message.mutable_dials())[ToUtf8(name)] = DialToProto(dial);
  return message;
}

absl::StatusOr<Schedule> ScheduleFromProto(const std::string& field,
                                           const controller::v1::Schedule& message) {
  Schedule schedule;
  if (!message.has_clip()) return FieldError(field + ".clip", "a clip schedule", "none");
  ENTRAIN_ASSIGN_OR_RETURN(schedule.clip, ClipFromProto(field + ".clip", message.clip()));
  const controller::v1::Guards& guards = message.guards();
  ENTRAIN_RETURN_IF_ERROR(ReadNumber(field + ".guards.max_change_per_step", guards.has_max_change_per_step(),
                                     guards.max_change_per_step(), schedule.guards.max_change_per_step));
  ENTRAIN_RETURN_IF_ERROR(ReadNumber(field + ".guards.dead_band", guards.has_dead_band(), guards.dead_band(),
                                     schedule.guards.dead_band));
  for (const auto& [name, dial] : message.dials()) {
    ENTRAIN_ASSIGN_OR_RETURN(schedule.dials[name],
                             DialFromProto(absl::StrCat(field, ".", DialField(name)), dial));
  }
  return schedule;
}

controller::v1::Observation ObservationToProto(const Observation& observation) {
  controller::v1::Observation message;
  message.set_run_id(ToUtf8(observation.run_id));
  message.set_attempt(observation.attempt);
  message.set_step(observation.step);
  message.set_for_step(observation.for_step);
  if (observation.entropy_nats) message.set_entropy_nats(*observation.entropy_nats);
  NumbersToProto(observation.metrics, *message.mutable_metrics());
  message.set_applied_directive_id(observation.applied_directive_id);
  if (observation.applied_bounds)
    *message.mutable_applied_bounds() = BoundsToProto(*observation.applied_bounds);
  NumbersToProto(observation.applied_dials, *message.mutable_applied_dials());
  return message;
}

absl::StatusOr<Observation> ObservationFromProto(const std::string& field,
                                                 const controller::v1::Observation& message) {
  ENTRAIN_RETURN_IF_ERROR(CheckRunId(field + ".run_id", message.run_id()));
  Observation observation{.run_id = message.run_id(), .attempt = message.attempt(), .step = message.step()};
  observation.for_step = message.has_for_step() ? message.for_step() : message.step();
  if (message.step() < 0) return FieldError(field + ".step", "at least 0", absl::StrCat(message.step()));
  if (observation.for_step < message.step()) {
    return FieldError(field + ".for_step", absl::StrCat("at least step ", message.step()),
                      absl::StrCat(message.for_step()));
  }
  ENTRAIN_RETURN_IF_ERROR(ReadNumber(field + ".entropy_nats", message.has_entropy_nats(),
                                     message.entropy_nats(), observation.entropy_nats));
  ENTRAIN_ASSIGN_OR_RETURN(observation.metrics, NumbersFromProto(field + ".metrics", message.metrics()));
  observation.applied_directive_id = message.applied_directive_id();
  if (message.has_applied_bounds()) {
    ENTRAIN_ASSIGN_OR_RETURN(observation.applied_bounds,
                             BoundsFromProto(field + ".applied_bounds", message.applied_bounds()));
  }
  ENTRAIN_ASSIGN_OR_RETURN(observation.applied_dials,
                           NumbersFromProto(field + ".applied_dials", message.applied_dials()));
  return observation;
}

controller::v1::Directive DirectiveToProto(const Directive& directive) {
  controller::v1::Directive message;
  message.set_directive_id(directive.id);
  message.set_run_id(ToUtf8(directive.run_id));
  message.set_attempt(directive.attempt);
  message.set_step(directive.step);
  message.set_revision(directive.revision);
  *message.mutable_bounds() = BoundsToProto(directive.bounds);
  NumbersToProto(directive.dials, *message.mutable_dials());
  message.set_state(ToUtf8(directive.state));
  message.set_reason(ToUtf8(directive.reason));
  message.set_law_state(directive.law_state);
  return message;
}

absl::StatusOr<Directive> DirectiveFromProto(const std::string& field,
                                             const controller::v1::Directive& message) {
  Directive directive{.id = message.directive_id(),
                      .run_id = message.run_id(),
                      .attempt = message.attempt(),
                      .step = message.step(),
                      .revision = message.revision(),
                      .state = message.state(),
                      .reason = message.reason(),
                      .law_state = message.law_state()};
  if (!message.has_bounds()) return FieldError(field + ".bounds", "clip bounds", "none");
  ENTRAIN_ASSIGN_OR_RETURN(directive.bounds, BoundsFromProto(field + ".bounds", message.bounds()));
  ENTRAIN_ASSIGN_OR_RETURN(directive.dials, NumbersFromProto(field + ".dials", message.dials()));
  return directive;
}

controller::v1::RegisterRunRequest RegistrationToProto(const Registration& registration) {
  controller::v1::RegisterRunRequest message;
  message.set_run_id(ToUtf8(registration.run_id));
  message.set_name(ToUtf8(registration.name));
  message.set_config_digest(registration.config_digest);
  message.set_total_steps(registration.total_steps);
  message.set_attempt(registration.attempt);
  *message.mutable_schedule() = ScheduleToProto(registration.schedule);
  message.set_apply_schedule(registration.apply_schedule);
  *message.mutable_capabilities() = CapabilitiesToProto(registration.capabilities);
  message.set_resume_from_step(registration.resume_from);
  if (registration.last_directive)
    *message.mutable_last_directive() = DirectiveToProto(*registration.last_directive);
  return message;
}

absl::StatusOr<Registration> RegistrationFromProto(const controller::v1::RegisterRunRequest& message) {
  ENTRAIN_RETURN_IF_ERROR(CheckRunId("run_id", message.run_id()));
  Registration registration{.run_id = message.run_id(),
                            .name = message.name(),
                            .config_digest = message.config_digest(),
                            .total_steps = message.total_steps(),
                            .attempt = message.attempt(),
                            .apply_schedule = message.apply_schedule(),
                            .resume_from = message.resume_from_step()};
  if (message.attempt() < 1) return FieldError("attempt", "at least 1", absl::StrCat(message.attempt()));
  if (message.total_steps() < 0)
    return FieldError("total_steps", "at least 0", absl::StrCat(message.total_steps()));
  if (message.resume_from_step() < 0)
    return FieldError("resume_from_step", "at least 0", absl::StrCat(message.resume_from_step()));
  if (!message.has_schedule()) return FieldError("schedule", "a schedule", "none");
  ENTRAIN_ASSIGN_OR_RETURN(registration.schedule, ScheduleFromProto("schedule", message.schedule()));
  if (message.has_capabilities()) {
    const auto& dials = message.capabilities().dials();
    const auto& needed = message.capabilities().needed_dials();
    registration.capabilities = {.lines = message.capabilities().lines(),
                                 .plain_box = message.capabilities().plain_box(),
                                 .dials = std::vector<std::string>(dials.begin(), dials.end()),
                                 .needed_dials = std::vector<std::string>(needed.begin(), needed.end())};
  }
  if (message.has_last_directive()) {
    ENTRAIN_ASSIGN_OR_RETURN(registration.last_directive,
                             DirectiveFromProto("last_directive", message.last_directive()));
  }
  return registration;
}

controller::v1::RegisterRunResponse RegistrationReplyToProto(const RegistrationReply& reply) {
  controller::v1::RegisterRunResponse message;
  message.set_revision(reply.revision);
  message.set_schedule_differs(reply.schedule_differs);
  message.set_schedule_diff(ToUtf8(reply.schedule_diff));
  return message;
}

RegistrationReply RegistrationReplyFromProto(const controller::v1::RegisterRunResponse& message) {
  return {.revision = message.revision(),
          .schedule_differs = message.schedule_differs(),
          .schedule_diff = message.schedule_diff()};
}

}  // namespace entrain
