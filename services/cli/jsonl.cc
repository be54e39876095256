#include "services/cli/jsonl.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iostream>
#include <istream>

#include "absl/strings/str_cat.h"

namespace entrain {
namespace {

JsonLine ParseLine(const std::string& source, int64_t number, const std::string& text,
                   std::initializer_list<const char*> known_keys) {
  JsonLine line{.number = number, .object = nullptr, .error = absl::OkStatus()};
  const std::string where = absl::StrCat(source, ":", number, ": ");
  line.object = nlohmann::ordered_json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (line.object.is_discarded() || !line.object.is_object()) {
    line.object = nullptr;
    line.error = absl::InvalidArgumentError(absl::StrCat(where, "expected one JSON object"));
    return line;
  }
  for (const auto& [key, value] : line.object.items()) {
    const auto same = [&key](const char* known) { return key == known; };
    if (std::none_of(known_keys.begin(), known_keys.end(), same)) {
      line.error = absl::InvalidArgumentError(absl::StrCat(where, "unknown key \"", key, "\""));
      return line;
    }
  }
  return line;
}

}  // namespace

absl::StatusOr<std::vector<JsonLine>> ReadJsonLines(const std::string& path,
                                                    std::initializer_list<const char*> known_keys) {
  const bool standard_input = path.empty() || path == "-";
  std::ifstream file;
  if (!standard_input) {
    file.open(path);
    if (!file) return absl::NotFoundError(absl::StrCat(path, ": cannot be read: ", std::strerror(errno)));
  }
  std::istream& in = standard_input ? std::cin : file;
  const std::string source = standard_input ? "standard input" : path;
  std::vector<JsonLine> lines;
  std::string text;
  for (int64_t number = 1; std::getline(in, text); ++number) {
    if (text.find_first_not_of(" \t\r") == std::string::npos) continue;
    lines.push_back(ParseLine(source, number, text, known_keys));
  }
  if (in.bad()) return absl::DataLossError(absl::StrCat(source, ": reading stopped in the middle"));
  return lines;
}

absl::StatusOr<std::string> TextMember(const JsonLine& line, const char* key) {
  const auto member = line.object.find(key);
  if (member == line.object.end())
    return absl::InvalidArgumentError(absl::StrCat("line ", line.number, ": \"", key, "\" is missing"));
  if (!member->is_string()) {
    return absl::InvalidArgumentError(absl::StrCat("line ", line.number, ": \"", key,
                                                   "\": expected a string, found ", member->type_name()));
  }
  return member->get<std::string>();
}

absl::StatusOr<std::vector<int32_t>> IdsMember(const JsonLine& line, const char* key) {
  const auto member = line.object.find(key);
  if (member == line.object.end())
    return absl::InvalidArgumentError(absl::StrCat("line ", line.number, ": \"", key, "\" is missing"));
  std::vector<int32_t> ids;
  if (member->is_array()) {
    for (const auto& id : *member) {
      if (!id.is_number_integer() || id < 0 || id > INT32_MAX) break;
      ids.push_back(id.get<int32_t>());
    }
    if (ids.size() == member->size()) return ids;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("line ", line.number, ": \"", key, "\": expected a list of token ids"));
}

std::string ErrorLine(const JsonLine& line, const absl::Status& status) {
  nlohmann::ordered_json out;
  out["id"] = line.id();
  out["error"] = std::string(status.message());
  return out.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

nlohmann::ordered_json FiniteOrNull(double value) {
  return std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json(nullptr);
}

nlohmann::ordered_json FiniteOrNull(const std::vector<float>& values, size_t begin, size_t end) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (size_t i = begin; i < end; ++i) list.push_back(FiniteOrNull(values[i]));
  return list;
}

}  // namespace entrain
