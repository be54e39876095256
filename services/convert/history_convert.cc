#include "services/convert/history_convert.h"

#include "common/status_macros.h"
#include "services/convert/field.h"
#include "services/convert/steering_convert.h"
#include "services/convert/utf8.h"

namespace entrain {

controller::v1::ScheduleRevision RevisionToProto(const ControllerPort::Revision& revision) {
  controller::v1::ScheduleRevision message;
  message.set_run_id(ToUtf8(revision.run_id));
  message.set_revision(revision.revision);
  *message.mutable_schedule() = ScheduleToProto(revision.schedule);
  message.set_etag(ToUtf8(revision.etag));
  message.set_author(ToUtf8(revision.author));
  message.set_reason(ToUtf8(revision.reason));
  message.set_effective_step(revision.effective_step);
  *message.mutable_create_time() = TimeToProto(revision.create_time);
  return message;
}

absl::StatusOr<ControllerPort::Revision> RevisionFromProto(const std::string& field,
                                                           const controller::v1::ScheduleRevision& message) {
  ControllerPort::Revision revision{.run_id = message.run_id(),
                                    .revision = message.revision(),
                                    .etag = message.etag(),
                                    .author = message.author(),
                                    .reason = message.reason(),
                                    .effective_step = message.effective_step(),
                                    .create_time = TimeFromProto(message.create_time())};
  ENTRAIN_ASSIGN_OR_RETURN(revision.schedule, ScheduleFromProto(field + ".schedule", message.schedule()));
  return revision;
}

controller::v1::SchedulePoint PointToProto(const ControllerPort::Point& point) {
  controller::v1::SchedulePoint message;
  message.set_step(point.step);
  *message.mutable_bounds() = BoundsToProto(point.bounds);
  for (const auto& [name, value] : point.dials) (*message.mutable_dials())[ToUtf8(name)] = value;
  message.set_state(ToUtf8(point.state));
  message.set_reason(ToUtf8(point.reason));
  return message;
}

absl::StatusOr<ControllerPort::Point> PointFromProto(const std::string& field,
                                                     const controller::v1::SchedulePoint& message) {
  ControllerPort::Point point{.step = message.step(), .state = message.state(), .reason = message.reason()};
  ENTRAIN_ASSIGN_OR_RETURN(point.bounds, BoundsFromProto(field + ".bounds", message.bounds()));
  point.dials.insert(message.dials().begin(), message.dials().end());
  return point;
}

controller::v1::RunSummary RunToProto(const ControllerPort::Run& run) {
  controller::v1::RunSummary message;
  message.set_run_id(ToUtf8(run.run_id));
  message.set_name(ToUtf8(run.name));
  message.set_total_steps(run.total_steps);
  message.set_attempt(run.attempt);
  message.set_last_step(run.last_step);
  message.set_revision(run.revision);
  message.set_held(run.held);
  if (run.last_entropy_nats) message.set_last_entropy_nats(*run.last_entropy_nats);
  if (run.last_directive) *message.mutable_last_directive() = DirectiveToProto(*run.last_directive);
  *message.mutable_create_time() = TimeToProto(run.create_time);
  *message.mutable_update_time() = TimeToProto(run.update_time);
  return message;
}

absl::StatusOr<ControllerPort::Run> RunFromProto(const std::string& field,
                                                 const controller::v1::RunSummary& message) {
  ControllerPort::Run run{.run_id = message.run_id(),
                          .name = message.name(),
                          .total_steps = message.total_steps(),
                          .attempt = message.attempt(),
                          .last_step = message.last_step(),
                          .revision = message.revision(),
                          .held = message.held(),
                          .create_time = TimeFromProto(message.create_time()),
                          .update_time = TimeFromProto(message.update_time())};
  if (message.has_last_entropy_nats()) run.last_entropy_nats = message.last_entropy_nats();
  if (message.has_last_directive()) {
    ENTRAIN_ASSIGN_OR_RETURN(run.last_directive,
                             DirectiveFromProto(field + ".last_directive", message.last_directive()));
  }
  return run;
}

controller::v1::AuditEntry AuditToProto(const ControllerPort::AuditEntry& entry) {
  controller::v1::AuditEntry message;
  message.set_entry_id(entry.id);
  message.set_run_id(ToUtf8(entry.run_id));
  *message.mutable_time() = TimeToProto(entry.time);
  message.set_author(ToUtf8(entry.author));
  message.set_action(ToUtf8(entry.action));
  message.set_reason(ToUtf8(entry.reason));
  message.set_detail(ToUtf8(entry.detail));
  return message;
}

ControllerPort::AuditEntry AuditFromProto(const controller::v1::AuditEntry& message) {
  return {.id = message.entry_id(),
          .run_id = message.run_id(),
          .time = TimeFromProto(message.time()),
          .author = message.author(),
          .action = message.action(),
          .reason = message.reason(),
          .detail = message.detail()};
}

controller::v1::RunEvent EventToProto(const ControllerPort::Event& event) {
  struct Visitor {
    controller::v1::RunEvent& message;
    void operator()(const Observation& o) const { *message.mutable_observation() = ObservationToProto(o); }
    void operator()(const Directive& d) const { *message.mutable_directive() = DirectiveToProto(d); }
    void operator()(const ControllerPort::Revision& r) const {
      *message.mutable_revision() = RevisionToProto(r);
    }
    void operator()(const ControllerPort::AuditEntry& a) const {
      *message.mutable_audit_entry() = AuditToProto(a);
    }
  };
  controller::v1::RunEvent message;
  std::visit(Visitor{message}, event);
  return message;
}

absl::StatusOr<ControllerPort::Event> EventFromProto(const std::string& field,
                                                     const controller::v1::RunEvent& message) {
  switch (message.event_case()) {
    case controller::v1::RunEvent::kObservation:
      return ObservationFromProto(field + ".observation", message.observation());
    case controller::v1::RunEvent::kDirective:
      return DirectiveFromProto(field + ".directive", message.directive());
    case controller::v1::RunEvent::kRevision:
      return RevisionFromProto(field + ".revision", message.revision());
    case controller::v1::RunEvent::kAuditEntry:
      return ControllerPort::Event(AuditFromProto(message.audit_entry()));
    case controller::v1::RunEvent::EVENT_NOT_SET:
      break;
  }
  return FieldError(field, "an event", "nothing");
}

}  // namespace entrain
