#pragma once

#include <gmpxx.h>

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace entrain {

// Limits of reading a document, in work: the same on every machine.
inline constexpr size_t kMaxJsonBytes = 1 << 20;
inline constexpr int64_t kMaxJsonDepth = 64;
inline constexpr int64_t kMaxJsonValues = 100'000;
inline constexpr int64_t kMaxJsonNumberBytes = 4 << 20;  // of all numbers, as exact fractions

// A JSON value with exact numbers. Plain data.
struct JsonValue {
  enum class Kind : uint8_t { kNull, kBoolean, kNumber, kString, kArray, kObject };
  struct Member;

  Kind kind = Kind::kNull;
  bool flag = false;                // kBoolean
  std::optional<mpq_class> number;  // kNumber
  std::string text;                 // kString, UTF-8
  std::vector<JsonValue> items;     // kArray
  std::vector<Member> members;      // kObject, sorted by key, each key once

  // The member's value; nullptr when there is none. Logarithmic.
  const JsonValue* Find(absl::string_view key) const;
};
struct JsonValue::Member {
  std::string key;
  JsonValue value;
};

// "null", "boolean", "number", "string", "array", "object".
absl::string_view JsonKindName(JsonValue::Kind kind);

// The order of two values: negative, 0 or positive. Numbers by value, so that 1 and 1.0 are the same; members
// in any order. Total; linear in the smaller of the two.
int CompareJson(const JsonValue& left, const JsonValue& right);

struct ParsedJson {
  std::optional<JsonValue> value;
  std::string problem;  // why there is no value
  bool past_limit = false;
};
// Exactly one document, RFC 8259; a key that comes twice in an object is a problem.
ParsedJson ParseJson(absl::string_view text);

// The same value; a number that the library holds as a double is the decimal that it writes for it.
// nullopt past the limits.
std::optional<JsonValue> JsonValueOf(const nlohmann::json& json);

// The JSON pointer (RFC 6901) one level further: "/a" + "b/c" → "/a/b~1c".
std::string JsonPointer(absl::string_view parent, absl::string_view key);

}  // namespace entrain
