#include "learner/metrics_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace entrain {
namespace {

using Json = nlohmann::ordered_json;

// 3.0 is written 3: counts are whole numbers.
Json NumberJson(double value) {
  if (std::nearbyint(value) == value && std::abs(value) < 9e15) return static_cast<int64_t>(value);
  return value;
}

}  // namespace

std::string StepRecordJson(const StepRecord& record) {
  Json out;
  out["step"] = record.step;
  std::vector<std::string> unfinite;
  for (const auto& [name, value] : record.numbers) {
    if (std::isfinite(value)) {
      out[name] = NumberJson(value);
    } else {
      out[name] = nullptr;
      unfinite.push_back(name);
    }
  }
  for (const auto& [name, text] : record.texts) out[name] = text;
  if (!unfinite.empty()) out["error"] = absl::StrCat("not finite: ", absl::StrJoin(unfinite, ", "));
  return out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string EventJson(const std::string& event, const std::map<std::string, std::string>& texts,
                      const std::map<std::string, double>& numbers) {
  Json out;
  out["event"] = event;
  for (const auto& [name, text] : texts) out[name] = text;
  for (const auto& [name, value] : numbers)
    out[name] = std::isfinite(value) ? NumberJson(value) : Json(nullptr);
  return out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

absl::StatusOr<std::unique_ptr<LineWriter>> LineWriter::Open(const std::string& path) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (file < 0)
    return absl::UnavailableError(absl::StrCat(path, ": cannot be written: ", std::strerror(errno)));
  return std::unique_ptr<LineWriter>(new LineWriter(path, file));
}

LineWriter::~LineWriter() { close(file_); }

absl::Status LineWriter::Write(const std::string& line) {
  const std::string text = line + "\n";
  for (size_t done = 0; done < text.size();) {
    const ssize_t written = write(file_, text.data() + done, text.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0)
      return absl::UnavailableError(absl::StrCat(path_, ": cannot be written: ", std::strerror(errno)));
    done += static_cast<size_t>(written);
  }
  return absl::OkStatus();
}

}  // namespace entrain
