#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "absl/status/statusor.h"
#include "verifier/json/json_value.h"

namespace entrain {

// Limits of a schema. What may come back to the same place of a document, over allOf, anyOf, $ref and the
// like, is bounded when the schema is read, so that checking a document is linear in its size.
inline constexpr size_t kMaxSchemaNodes = 10'000;
inline constexpr int64_t kMaxSchemaVisits = 10'000;  // subschemas applied to one value
inline constexpr int64_t kMaxSchemaChain = 32;       // subschemas that lead from one to the next at one value
inline constexpr int64_t kMaxSchemaWork =
    1'000'000;  // values looked at and comparisons; a pattern's match is 20

// A JSON Schema of draft 7 (json-schema.org/draft-07): all of its assertions, `definitions` and `$defs`, and
// `$ref` within the schema. `format`, `contentEncoding` and `contentMediaType` say nothing, as the draft lets
// them. Patterns are PCRE2's, bounded. Immutable; thread-safe.
class JsonSchema {
 public:
  // InvalidArgument names the place as a JSON pointer: an unknown keyword (a later draft's, or a slip: such a
  // schema would accept too much), a value of the wrong type, a reference that leads elsewhere or in a
  // circle.
  static absl::StatusOr<JsonSchema> Compile(const nlohmann::json& schema);

  JsonSchema(JsonSchema&&) noexcept;
  JsonSchema& operator=(JsonSchema&&) noexcept;
  ~JsonSchema();

  enum class Outcome { kValid, kInvalid, kLimit };
  struct Result {
    Outcome outcome = Outcome::kValid;
    std::string detail;  // kInvalid: "/a/0: expected …, found …", the first found; kLimit: which
  };
  Result Check(const JsonValue& document) const;

 private:
  struct Compiled;
  explicit JsonSchema(std::unique_ptr<Compiled> compiled);

  std::unique_ptr<Compiled> compiled_;
};

}  // namespace entrain
