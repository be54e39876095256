#include "services/cli/run_files.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/status_macros.h"
#include "policy/safetensors.h"

namespace entrain {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

std::vector<int64_t> Attempts(const std::string& run) {
  std::vector<int64_t> numbers;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(run, error)) {
    const std::string name = entry.path().filename().string();
    int64_t number = 0;
    if (name.rfind("attempt-", 0) == 0 && absl::SimpleAtoi(name.substr(8), &number))
      numbers.push_back(number);
  }
  std::ranges::sort(numbers);
  return numbers;
}

MetricsLine NumbersOf(const std::string& text) {
  MetricsLine line;
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return line;
  for (const auto& [name, value] : json.items()) {
    if (value.is_number()) line[name] = value.get<double>();
  }
  return line;
}

}  // namespace

absl::StatusOr<std::string> ReadRunId(const std::string& run) {
  ENTRAIN_ASSIGN_OR_RETURN(const std::string text,
                           ReadWholeFile((fs::path(run) / "run.json").string(), 1 << 20));
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("run_id") || !json["run_id"].is_string()) {
    return absl::DataLossError(absl::StrCat(run, "/run.json: expected {\"run_id\": …}"));
  }
  return json["run_id"].get<std::string>();
}

absl::StatusOr<std::string> OpenRunId(const std::string& run) {
  std::error_code error;
  fs::create_directories(run, error);
  if (error) return absl::UnavailableError(absl::StrCat(run, ": cannot be made: ", error.message()));
  if (fs::exists(fs::path(run) / "run.json")) return ReadRunId(run);
  // Identity, not a decision: it has to differ from every other run's.
  std::random_device device;
  const std::string id = absl::StrFormat("%08x%08x%08x%08x", device(), device(), device(), device());
  const std::string text = Json{{"run_id", id}}.dump() + "\n";
  ENTRAIN_RETURN_IF_ERROR(WriteFileAtomically((fs::path(run) / "run.json").string(), std::span(&text, 1)));
  return id;
}

absl::StatusOr<RunFolder> NewAttempt(const std::string& run) {
  const std::vector<int64_t> attempts = Attempts(run);
  RunFolder folder{.root = run, .attempt = attempts.empty() ? 1 : attempts.back() + 1};
  std::error_code error;
  fs::create_directories(fs::path(folder.AttemptFolder()) / "logs", error);
  if (error)
    return absl::UnavailableError(
        absl::StrCat(folder.AttemptFolder(), ": cannot be made: ", error.message()));
  return folder;
}

absl::StatusOr<RunFolder> NewestAttempt(const std::string& run) {
  const std::vector<int64_t> attempts = Attempts(run);
  if (attempts.empty())
    return absl::NotFoundError(absl::StrCat(run, ": is no run folder (it has no attempt)"));
  return RunFolder{.root = run, .attempt = attempts.back()};
}

std::vector<MetricsLine> ReadNewMetrics(const std::string& path, uint64_t& offset) {
  std::vector<MetricsLine> lines;
  std::ifstream file(path, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(offset));
  std::string text;
  while (std::getline(file, text)) {
    if (file.eof()) break;  // half a line: next time
    offset += text.size() + 1;
    lines.push_back(NumbersOf(text));
  }
  return lines;
}

std::vector<MetricsLine> ReadMetrics(const std::string& run) {
  std::map<double, MetricsLine> steps;
  for (const int64_t attempt : Attempts(run)) {
    uint64_t offset = 0;
    for (MetricsLine& line :
         ReadNewMetrics(RunFolder{.root = run, .attempt = attempt}.MetricsFile(), offset)) {
      if (line.contains("step")) steps[line["step"]] = std::move(line);
    }
  }
  std::vector<MetricsLine> out;
  for (auto& [step, line] : steps) out.push_back(std::move(line));
  return out;
}

std::map<std::string, ProcessAddress> ReadAddresses(const RunFolder& folder) {
  std::map<std::string, ProcessAddress> out;
  std::ifstream file(folder.EventsFile());
  std::string text;
  while (std::getline(file, text)) {
    const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object() || !json.contains("event")) continue;
    if (json["event"] != "process_started" && json["event"] != "process_restarted") continue;
    out[json.value("process", "")] = {
        .grpc = json.value("grpc", ""), .http = json.value("http", ""), .pid = json.value("pid", int64_t{0})};
  }
  return out;
}

std::vector<std::string> FindRuns(const std::string& folder) {
  std::vector<std::string> runs;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (fs::exists(entry.path() / "run.json")) runs.push_back(entry.path().string());
  }
  std::ranges::sort(runs);
  return runs;
}

std::string Tail(const std::string& path, size_t count) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  std::string text;
  while (std::getline(file, text)) {
    lines.push_back(text);
    if (lines.size() > count) lines.erase(lines.begin());
  }
  return absl::StrJoin(lines, "\n");
}

}  // namespace entrain
