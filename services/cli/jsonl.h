#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace entrain {

// One line of a JSONL input. A line that is no JSON object, or has a key that is not known, has an error
// instead of an object.
struct JsonLine {
  int64_t number = 0;  // from 1
  nlohmann::ordered_json object;
  absl::Status error;  // names file, line and key
  nlohmann::ordered_json id() const {
    return object.is_object() && object.contains("id") ? object["id"] : nlohmann::ordered_json(number);
  }
};

// Reads FILE, or standard input for "-" and "". Empty lines are skipped. NotFound when the file cannot be
// read.
absl::StatusOr<std::vector<JsonLine>> ReadJsonLines(const std::string& path,
                                                    std::initializer_list<const char*> known_keys);

// The member `key` as text or as token ids; InvalidArgument names the key, what was expected and what was
// found.
absl::StatusOr<std::string> TextMember(const JsonLine& line, const char* key);
absl::StatusOr<std::vector<int32_t>> IdsMember(const JsonLine& line, const char* key);

// {"id": …, "error": …} as one line.
std::string ErrorLine(const JsonLine& line, const absl::Status& status);

// A finite number, or null.
nlohmann::ordered_json FiniteOrNull(double value);
nlohmann::ordered_json FiniteOrNull(const std::vector<float>& values, size_t begin, size_t end);

}  // namespace entrain
