#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace entrain {

// What happened at one step, by the names of docs/methods.md 11. Everything that may differ between two equal
// runs is under time/ or sys/.
struct StepRecord {
  int64_t step = 0;
  std::map<std::string, double> numbers;
  std::map<std::string, std::string> texts;  // "digest/weights"
};

// One JSON object: "step" first, then names in order; shortest numbers that read back the same; a number that
// is not finite is null and named under "error".
std::string StepRecordJson(const StepRecord& record);

// Appends lines to a file, each in one write, so that several processes may share it and a reader never sees
// half a line but the last. Thread-compatible.
class LineWriter {
 public:
  static absl::StatusOr<std::unique_ptr<LineWriter>> Open(const std::string& path);
  ~LineWriter();
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;
  absl::Status Write(const std::string& line);

 private:
  LineWriter(std::string path, int file) : path_(std::move(path)), file_(file) {}
  const std::string path_;
  const int file_;
};

// One line of events.jsonl: {"event": …, fields…}; numbers stay numbers.
std::string EventJson(const std::string& event, const std::map<std::string, std::string>& texts,
                      const std::map<std::string, double>& numbers = {});

}  // namespace entrain
