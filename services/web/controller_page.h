#pragma once

#include <vector>

#include "controller/controller_port.h"
#include "services/runtime/http_server.h"

namespace entrain {

// The controller's web page and the JSON it reads; read-only. `controller` must outlive the server.
//   /                              runs, the newest directive, and the entropy and thresholds of one run,
//   drawn /api/runs                      [{"run_id", "name", "attempt", "last_step", "total_steps",
//   "revision", "held", "entropy", "directive"}] /api/runs/ID/observations      [{"step", "entropy",
//   "metrics"}]; ?from=STEP&max=N /api/runs/ID/directives        [{"step", "id", "revision", "upper",
//   "lower", "state", "reason"}]; a line is [intercept, slope], off is null /api/runs/ID/revisions
//   [{"revision", "author", "reason", "effective_step", "time"}]
// Errors: {"error": "…"} with 404 for an unknown run, 400 for a malformed number, else 500.
std::vector<HttpRoute> ControllerPageRoutes(ControllerPort& controller);

}  // namespace entrain
