#include "services/web/controller_page.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "services/web/page_html.h"

namespace entrain {
namespace {

using nlohmann::json;

constexpr int32_t kMaxPoints = 20000;

json LineJson(const std::optional<ClipLine>& line) {
  return line ? json{line->intercept, line->slope} : json(nullptr);
}

json ToJson(const Directive& directive) {
  return {{"step", directive.step},
          {"id", directive.id},
          {"revision", directive.revision},
          {"upper", LineJson(directive.bounds.upper)},
          {"lower", LineJson(directive.bounds.lower)},
          {"dials", directive.dials},
          {"state", directive.state},
          {"reason", directive.reason}};
}

json ToJson(const Observation& observation) {
  return {{"step", observation.step},
          {"entropy", observation.entropy_nats ? json(*observation.entropy_nats) : json(nullptr)},
          {"metrics", observation.metrics}};
}

json ToJson(const ControllerPort::Revision& revision) {
  return {{"revision", revision.revision},
          {"author", revision.author},
          {"reason", revision.reason},
          {"effective_step", revision.effective_step},
          {"time", absl::FormatTime(absl::RFC3339_sec, revision.create_time, absl::UTCTimeZone())}};
}

json ToJson(const ControllerPort::Run& run) {
  return {{"run_id", run.run_id},
          {"name", run.name},
          {"attempt", run.attempt},
          {"last_step", run.last_step},
          {"total_steps", run.total_steps},
          {"revision", run.revision},
          {"held", run.held},
          {"entropy", run.last_entropy_nats ? json(*run.last_entropy_nats) : json(nullptr)},
          {"directive", run.last_directive ? ToJson(*run.last_directive) : json(nullptr)}};
}

HttpResponse JsonResponse(const json& body, int status = 200) {
  // Text of strangers need not be UTF-8.
  return {.status = status,
          .content_type = "application/json",
          .body = body.dump(-1, ' ', false, json::error_handler_t::replace) + "\n"};
}

int HttpStatusOf(const absl::Status& status) {
  if (absl::IsNotFound(status)) return 404;
  return absl::IsInvalidArgument(status) ? 400 : 500;
}

template <typename T>
HttpResponse ListResponse(const absl::StatusOr<std::vector<T>>& list) {
  if (!list.ok())
    return JsonResponse({{"error", std::string(list.status().message())}}, HttpStatusOf(list.status()));
  json body = json::array();
  for (const T& element : *list) body.push_back(ToJson(element));
  return JsonResponse(body);
}

absl::StatusOr<int64_t> Number(const HttpRequest& request, const std::string& name, int64_t otherwise) {
  const auto found = request.query.find(name);
  if (found == request.query.end()) return otherwise;
  int64_t value = 0;
  if (absl::SimpleAtoi(found->second, &value) && value >= 0) return value;
  return absl::InvalidArgumentError(
      absl::StrCat(name, ": expected a number of at least 0, found \"", found->second, "\""));
}

struct Range {
  int64_t from = 0;
  int32_t max = kMaxPoints;
};

absl::StatusOr<Range> RangeOf(const HttpRequest& request) {
  Range range;
  ENTRAIN_ASSIGN_OR_RETURN(range.from, Number(request, "from", 0));
  ENTRAIN_ASSIGN_OR_RETURN(const int64_t max, Number(request, "max", kMaxPoints));
  range.max = static_cast<int32_t>(std::clamp<int64_t>(max, 1, kMaxPoints));
  return range;
}

HttpRoute Page() {
  return {"/", [](const HttpRequest&) {
            return HttpResponse{.content_type = "text/html; charset=utf-8", .body = kPageHtml};
          }};
}

}  // namespace

std::vector<HttpRoute> ControllerPageRoutes(ControllerPort& controller) {
  return {Page(),
          {"/api/runs", [&controller](const HttpRequest&) { return ListResponse(controller.ListRuns()); }},
          {"/api/runs/([^/]+)/observations",
           [&controller](const HttpRequest& request) {
             const absl::StatusOr<Range> range = RangeOf(request);
             if (!range.ok()) return ListResponse(absl::StatusOr<std::vector<Observation>>(range.status()));
             return ListResponse(controller.ListObservations(request.groups.at(0), range->from, range->max));
           }},
          {"/api/runs/([^/]+)/directives",
           [&controller](const HttpRequest& request) {
             const absl::StatusOr<Range> range = RangeOf(request);
             if (!range.ok()) return ListResponse(absl::StatusOr<std::vector<Directive>>(range.status()));
             return ListResponse(controller.ListDirectives(request.groups.at(0), range->from, range->max));
           }},
          {"/api/runs/([^/]+)/revisions", [&controller](const HttpRequest& request) {
             return ListResponse(controller.ListRevisions(request.groups.at(0), 0));
           }}};
}

}  // namespace entrain
