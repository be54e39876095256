#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/str_format.h"

namespace entrain {

// Where things stand in a run folder (docs/formats.md, "A run folder").
struct RunFolder {
  std::string root;
  int64_t attempt = 1;

  std::string AttemptFolder() const { return absl::StrFormat("%s/attempt-%04d", root, attempt); }
  std::string MetricsFile() const { return AttemptFolder() + "/metrics.jsonl"; }
  std::string EventsFile() const { return AttemptFolder() + "/events.jsonl"; }
  std::string CheckpointsFolder() const { return root + "/checkpoints"; }
  std::string BatchesFolder() const { return root + "/batches"; }  // recorded steps
  std::string ModelFolder() const {
    return root + "/model";
  }  // where the run began: initialised or warmed up
  std::string ExportFolder() const { return root + "/export"; }  // where it ended
};

}  // namespace entrain
