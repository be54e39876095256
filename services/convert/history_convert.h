#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "controller/controller_port.h"
#include "entrain/controller/v1/history.pb.h"
#include "entrain/controller/v1/schedule.pb.h"
#include "entrain/controller/v1/schedule_service.pb.h"

namespace entrain {

// The controller's nouns ⇄ wire. From-functions name the field below `field`.
controller::v1::ScheduleRevision RevisionToProto(const ControllerPort::Revision& revision);
absl::StatusOr<ControllerPort::Revision> RevisionFromProto(const std::string& field,
                                                           const controller::v1::ScheduleRevision& message);
controller::v1::SchedulePoint PointToProto(const ControllerPort::Point& point);
absl::StatusOr<ControllerPort::Point> PointFromProto(const std::string& field,
                                                     const controller::v1::SchedulePoint& message);
controller::v1::RunSummary RunToProto(const ControllerPort::Run& run);
absl::StatusOr<ControllerPort::Run> RunFromProto(const std::string& field,
                                                 const controller::v1::RunSummary& message);
controller::v1::AuditEntry AuditToProto(const ControllerPort::AuditEntry& entry);
ControllerPort::AuditEntry AuditFromProto(const controller::v1::AuditEntry& message);
controller::v1::RunEvent EventToProto(const ControllerPort::Event& event);
absl::StatusOr<ControllerPort::Event> EventFromProto(const std::string& field,
                                                     const controller::v1::RunEvent& message);

}  // namespace entrain
