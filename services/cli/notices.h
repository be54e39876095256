#pragma once

#include <map>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/clock.h"

namespace entrain {

// Decides when people hear of a trouble that lasts: at once, and then at most every 30 s for each process.
// Single-threaded.
class Notices {
 public:
  static constexpr absl::Duration kPause = absl::Seconds(30);
  explicit Notices(Clock& clock) : clock_(clock) {}
  // Whether the trouble of that process is to be told now.
  bool Due(const std::string& process);

 private:
  Clock& clock_;
  std::map<std::string, absl::Duration> told_;
};

// What keeps a run from going on, by the events of its attempt (docs/operations.md). Single-threaded.
class Silence {
 public:
  // One line of events.jsonl; other lines than the controller's silence and its end are passed over.
  void Take(absl::string_view event_json);
  // Why the controller is silent and what the learner does about it, while that is so.
  const std::optional<std::string>& why() const { return why_; }

 private:
  std::optional<std::string> why_;
};

}  // namespace entrain
