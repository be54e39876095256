#include "controller/record_json.h"

#include <functional>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "controller/schedule_json.h"

namespace entrain {
namespace {

using Json = nlohmann::ordered_json;

// Our own bytes: what does not parse has been damaged.
template <typename T>
absl::StatusOr<T> Parsed(const std::string& text, const std::function<absl::Status(const Json&, T&)>& read) {
  T out;
  try {
    if (const absl::Status status = read(Json::parse(text), out); !status.ok())
      return absl::DataLossError(absl::StrCat("a damaged record: ", status.message()));
  } catch (const Json::exception& error) {
    return absl::DataLossError(absl::StrCat("a damaged record: ", error.what()));
  }
  return out;
}

}  // namespace

std::string WriteObservationJson(const Observation& observation) {
  Json out;
  out["run_id"] = observation.run_id;
  out["attempt"] = observation.attempt;
  out["step"] = observation.step;
  out["for_step"] = observation.for_step;
  if (observation.entropy_nats.has_value()) out["entropy_nats"] = *observation.entropy_nats;
  out["metrics"] = observation.metrics;
  out["applied_directive_id"] = observation.applied_directive_id;
  if (observation.applied_bounds.has_value())
    out["applied_bounds"] = Json::parse(WriteBoundsJson(*observation.applied_bounds));
  if (!observation.applied_dials.empty()) out["applied_dials"] = observation.applied_dials;
  return out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

absl::StatusOr<Observation> ReadObservationJson(const std::string& text) {
  return Parsed<Observation>(text, [](const Json& json, Observation& out) -> absl::Status {
    out.run_id = json.at("run_id").get<std::string>();
    out.attempt = json.at("attempt").get<int64_t>();
    out.step = json.at("step").get<int64_t>();
    out.for_step = json.at("for_step").get<int64_t>();
    if (json.contains("entropy_nats")) out.entropy_nats = json["entropy_nats"].get<double>();
    out.metrics = json.at("metrics").get<std::map<std::string, double>>();
    out.applied_directive_id = json.at("applied_directive_id").get<int64_t>();
    if (json.contains("applied_bounds")) {
      ENTRAIN_ASSIGN_OR_RETURN(out.applied_bounds, ReadBoundsJson(json["applied_bounds"].dump()));
    }
    if (json.contains("applied_dials"))
      out.applied_dials = json["applied_dials"].get<std::map<std::string, double>>();
    return absl::OkStatus();
  });
}

std::string WriteNamesJson(const std::vector<std::string>& names) {
  return Json(names).dump(-1, ' ', false, Json::error_handler_t::replace);
}

absl::StatusOr<std::vector<std::string>> ReadNamesJson(const std::string& text) {
  return Parsed<std::vector<std::string>>(text, [](const Json& json, std::vector<std::string>& out) {
    out = json.get<std::vector<std::string>>();
    return absl::OkStatus();
  });
}

std::string WriteDirectiveJson(const Directive& directive) {
  Json out;
  out["id"] = directive.id;
  out["run_id"] = directive.run_id;
  out["attempt"] = directive.attempt;
  out["step"] = directive.step;
  out["revision"] = directive.revision;
  out["bounds"] = Json::parse(WriteBoundsJson(directive.bounds));
  out["dials"] = directive.dials;
  out["state"] = directive.state;
  out["reason"] = directive.reason;
  out["law_state"] = directive.law_state;
  return out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

absl::StatusOr<Directive> ReadDirectiveJson(const std::string& text) {
  return Parsed<Directive>(text, [](const Json& json, Directive& out) -> absl::Status {
    out.id = json.at("id").get<int64_t>();
    out.run_id = json.at("run_id").get<std::string>();
    out.attempt = json.at("attempt").get<int64_t>();
    out.step = json.at("step").get<int64_t>();
    out.revision = json.at("revision").get<int64_t>();
    ENTRAIN_ASSIGN_OR_RETURN(out.bounds, ReadBoundsJson(json.at("bounds").dump()));
    out.dials = json.at("dials").get<std::map<std::string, double>>();
    out.state = json.at("state").get<std::string>();
    out.reason = json.at("reason").get<std::string>();
    out.law_state = json.at("law_state").get<std::string>();
    return absl::OkStatus();
  });
}

}  // namespace entrain
