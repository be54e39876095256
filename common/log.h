#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace entrain {

enum class LogLevel { kInfo, kWarning, kError };

// One line per event on stderr: `2026-01-31T12:00:00.123Z W learner lease_expired ordinal=17 worker="w-1"`.
// Values with spaces are quoted, control characters escaped. Thread-safe; a line is written whole.
//   LogInfo("lease_expired", {{"ordinal", 17}, {"worker", name}});
struct LogField {
  LogField(absl::string_view name, absl::string_view text) : key(name), value(text) {}
  LogField(absl::string_view name, const char* text) : key(name), value(text) {}
  LogField(absl::string_view name, const std::string& text) : key(name), value(text) {}
  template <typename T>
  LogField(absl::string_view name, const T& number) : key(name), value(absl::StrCat(number)) {}
  std::string key;
  std::string value;
};

// Shown in every line; the process's name ("learner"). Call once in main.
void SetLogProcessName(absl::string_view name);
void Log(LogLevel level, absl::string_view event, const std::vector<LogField>& fields);
inline void LogInfo(absl::string_view event, const std::vector<LogField>& fields = {}) {
  Log(LogLevel::kInfo, event, fields);
}
inline void LogWarning(absl::string_view event, const std::vector<LogField>& fields = {}) {
  Log(LogLevel::kWarning, event, fields);
}
inline void LogError(absl::string_view event, const std::vector<LogField>& fields = {}) {
  Log(LogLevel::kError, event, fields);
}

// The line without the time stamp, as Log writes it. For tests.
std::string FormatLogLine(LogLevel level, absl::string_view process, absl::string_view event,
                          const std::vector<LogField>& fields);

}  // namespace entrain
