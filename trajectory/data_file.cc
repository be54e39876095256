#include "trajectory/data_file.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/status_macros.h"

namespace entrain {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxReported = 20;

// Writing a document out again is recursive in the library, so that depth is bounded here.
constexpr int kMaxDepth = 64;

absl::StatusOr<Json> ParseObject(absl::string_view text) {
  bool too_deep = false;
  const auto watch_depth = [&too_deep](int depth, Json::parse_event_t, Json&) {
    too_deep = too_deep || depth > kMaxDepth;
    return !too_deep;
  };
  Json json;
  try {
    json = Json::parse(text.begin(), text.end(), watch_depth);
  } catch (const Json::exception& problem) {
    return absl::InvalidArgumentError(absl::StrCat("expected one JSON object: ", problem.what()));
  }
  if (too_deep)
    return absl::InvalidArgumentError(
        absl::StrCat("expected at most ", kMaxDepth, " levels of nesting, found more"));
  if (!json.is_object())
    return absl::InvalidArgumentError(absl::StrCat("expected one JSON object, found ", json.type_name()));
  return json;
}

// Reads one line into `out`; the message of a failure has no place yet.
absl::Status ParseLine(absl::string_view text, DataLine& out) {
  ENTRAIN_ASSIGN_OR_RETURN(const Json json, ParseObject(text));
  if (json.contains("messages")) {
    return absl::InvalidArgumentError(
        "\"messages\": expected \"prompt\"; render the chat template when you prepare the data (the Python "
        "client does it)");
  }
  for (const auto& [key, value] : json.items()) {
    if (key == "prompt" || key == "answer" || key == "verifier") {
      if (!value.is_string())
        return absl::InvalidArgumentError(
            absl::StrCat("\"", key, "\": expected a string, found ", value.type_name()));
    } else if (key == "id") {
      if (!value.is_string() && !value.is_number_integer()) {
        return absl::InvalidArgumentError(
            absl::StrCat("\"id\": expected a string or a whole number, found ", value.type_name()));
      }
    } else if (key == "verifier_options" || key == "meta") {
      if (!value.is_object())
        return absl::InvalidArgumentError(
            absl::StrCat("\"", key, "\": expected an object, found ", value.type_name()));
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat("unknown key \"", key.substr(0, 60),
                       "\"; known: id, prompt, answer, verifier, verifier_options, meta"));
    }
  }
  if (!json.contains("prompt")) return absl::InvalidArgumentError("\"prompt\" is missing");
  out.prompt = json["prompt"].get<std::string>();
  if (out.prompt.empty())
    return absl::InvalidArgumentError("\"prompt\": expected text, found an empty string");
  out.answer = json.value("answer", "");
  out.verifier = json.value("verifier", out.verifier);
  if (json.contains("id"))
    out.id = json["id"].is_string() ? json["id"].get<std::string>() : json["id"].dump();
  if (json.contains("verifier_options"))
    out.verifier_options_json = json["verifier_options"].dump(-1, ' ', false, Json::error_handler_t::replace);
  if (json.contains("meta"))
    out.meta_json = json["meta"].dump(-1, ' ', false, Json::error_handler_t::replace);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<DataLine>> ParseData(const std::string& name, absl::string_view text) {
  std::vector<DataLine> lines;
  std::vector<std::string> problems;
  std::map<std::string, int64_t> seen;
  int64_t number = 0;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const absl::string_view line = text.substr(0, end);
    text.remove_prefix(end == absl::string_view::npos ? text.size() : end + 1);
    ++number;
    if (line.find_first_not_of(" \t\r") == absl::string_view::npos) continue;
    DataLine parsed{.line = number};
    absl::Status status = ParseLine(line, parsed);
    if (parsed.id.empty()) parsed.id = absl::StrCat(number);
    if (status.ok()) {
      const auto [first, fresh] = seen.emplace(parsed.id, number);
      if (!fresh)
        status = absl::InvalidArgumentError(
            absl::StrCat("id \"", parsed.id.substr(0, 60), "\" stands on line ", first->second, " already"));
    }
    if (status.ok()) {
      lines.push_back(std::move(parsed));
    } else {
      problems.push_back(absl::StrCat(name, ":", number, ": ", status.message()));
    }
  }
  if (problems.empty() && lines.empty())
    problems.push_back(absl::StrCat(name, ": expected at least one line, found none"));
  ENTRAIN_RETURN_IF_ERROR(DataProblems(std::move(problems)));
  return lines;
}

absl::Status DataProblems(std::vector<std::string> problems) {
  if (problems.empty()) return absl::OkStatus();
  const size_t more = problems.size() > kMaxReported ? problems.size() - kMaxReported : 0;
  problems.resize(problems.size() - more);
  if (more > 0) problems.push_back(absl::StrCat("… and ", more, " more"));
  return absl::InvalidArgumentError(absl::StrJoin(problems, "\n"));
}

absl::StatusOr<std::vector<DataLine>> ReadDataFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat(path, ": cannot be read: ", std::strerror(errno)));
  std::ostringstream text;
  text << file.rdbuf();
  if (file.bad()) return absl::DataLossError(absl::StrCat(path, ": reading stopped in the middle"));
  return ParseData(path, text.str());
}

std::string MetaText(const DataLine& line, const std::string& key) {
  const Json meta = Json::parse(line.meta_json, nullptr, /*allow_exceptions=*/false);
  return meta.is_object() && meta.contains(key) && meta[key].is_string() ? meta[key].get<std::string>()
                                                                         : std::string();
}

}  // namespace entrain
