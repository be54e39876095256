#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "learner/run_folder.h"

namespace entrain {

// One line of metrics.jsonl, numbers only.
using MetricsLine = std::map<std::string, double>;

// What `entrain run` and the commands that look at a run read and write in its folder.

// Makes RUN and RUN/run.json, or reads the id that is there.
absl::StatusOr<std::string> OpenRunId(const std::string& run);
absl::StatusOr<std::string> ReadRunId(const std::string& run);
// The next attempt folder, made, with logs/.
absl::StatusOr<RunFolder> NewAttempt(const std::string& run);
// The newest attempt; NotFound when RUN is no run folder.
absl::StatusOr<RunFolder> NewestAttempt(const std::string& run);

// The steps of all attempts, in order; of overlapping ones the last attempt's.
std::vector<MetricsLine> ReadMetrics(const std::string& run);
// What was appended to a metrics file since `offset`, which moves.
std::vector<MetricsLine> ReadNewMetrics(const std::string& path, uint64_t& offset);

// host:port by process name ("controller", "learner", …) of the newest attempt, from its events.
struct ProcessAddress {
  std::string grpc, http;
  int64_t pid = 0;
};
std::map<std::string, ProcessAddress> ReadAddresses(const RunFolder& folder);

// Folders with a run.json in `folder`.
std::vector<std::string> FindRuns(const std::string& folder);

// The last lines of a text file.
std::string Tail(const std::string& path, size_t lines);

}  // namespace entrain
