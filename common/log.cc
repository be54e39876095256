#include "common/log.h"

#include <unistd.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/mutex.h"

namespace entrain {
namespace {

Mutex& LogMutex() {
  static Mutex* mutex = new Mutex;
  return *mutex;
}

std::string& ProcessName() {
  static std::string* name = new std::string("entrain");
  return *name;
}

bool NeedsQuotes(absl::string_view value) {
  if (value.empty()) return true;
  for (const char c : value) {
    if (c == ' ' || c == '"' || c == '=' || c == '\\' || static_cast<unsigned char>(c) < 0x20) return true;
  }
  return false;
}

}  // namespace

void SetLogProcessName(absl::string_view name) {
  MutexLock lock(LogMutex());
  ProcessName() = std::string(name);
}

std::string FormatLogLine(LogLevel level, absl::string_view process, absl::string_view event,
                          const std::vector<LogField>& fields) {
  const char letter = level == LogLevel::kInfo ? 'I' : level == LogLevel::kWarning ? 'W' : 'E';
  std::string line = absl::StrFormat("%c %s %s", letter, process, event);
  for (const LogField& field : fields) {
    absl::StrAppend(&line, " ", field.key, "=");
    if (NeedsQuotes(field.value)) {
      absl::StrAppend(&line, "\"", absl::Utf8SafeCEscape(field.value), "\"");
    } else {
      absl::StrAppend(&line, field.value);
    }
  }
  return line;
}

void Log(LogLevel level, absl::string_view event, const std::vector<LogField>& fields) {
  MutexLock lock(LogMutex());
  const std::string stamp = absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::Now(), absl::UTCTimeZone());
  const std::string line = absl::StrCat(stamp, " ", FormatLogLine(level, ProcessName(), event, fields), "\n");
  // A log that cannot be written has nobody left to be told.
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace entrain
