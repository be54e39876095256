#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "verifier/json/find_json.h"
#include "verifier/json/json_schema.h"
#include "verifier/judges.h"

namespace entrain {
namespace {

struct Settings {
  JsonPlace place = JsonPlace::kAuto;
  std::optional<JsonSchema> schema;
  std::optional<JsonValue> wanted;
  std::string problem;
};

Settings ReadSettings(absl::string_view answer, const nlohmann::json& options) {
  JudgeOptions read(options);
  Settings out;
  const std::string place = read.Word("extract", {"auto", "whole", "block", "last"}, "auto");
  const nlohmann::json* schema = read.Any("schema");
  const bool equals = read.Flag("equals", schema == nullptr);
  out.problem = read.Problem();
  if (!out.problem.empty()) return out;
  out.place = place == "whole"   ? JsonPlace::kWhole
              : place == "block" ? JsonPlace::kBlock
              : place == "last"  ? JsonPlace::kLast
                                 : JsonPlace::kAuto;
  if (schema != nullptr) {
    absl::StatusOr<JsonSchema> compiled = JsonSchema::Compile(*schema);
    if (!compiled.ok()) {
      out.problem = absl::StrCat("verifier_options.schema: ", compiled.status().message());
      return out;
    }
    out.schema = *std::move(compiled);
  }
  if (equals) {
    ParsedJson parsed = ParseJson(answer);
    if (!parsed.value.has_value())
      out.problem = absl::StrCat("answer: expected a JSON document: ", parsed.problem);
    out.wanted = std::move(parsed.value);
  }
  return out;
}

// Where two documents differ first, and how.
std::string Difference(const JsonValue& given, const JsonValue& wanted, const std::string& pointer) {
  const std::string place = pointer.empty() ? "the document" : pointer;
  if (given.kind != wanted.kind) {
    return absl::StrCat(place, ": expected ", JsonKindName(wanted.kind), ", found ",
                        JsonKindName(given.kind));
  }
  if (given.kind == JsonValue::Kind::kArray) {
    if (given.items.size() != wanted.items.size()) {
      return absl::StrCat(place, ": expected ", wanted.items.size(), " items, found ", given.items.size());
    }
    for (size_t i = 0; i < given.items.size(); ++i) {
      if (CompareJson(given.items[i], wanted.items[i]) != 0)
        return Difference(given.items[i], wanted.items[i], JsonPointer(pointer, absl::StrCat(i)));
    }
  }
  if (given.kind == JsonValue::Kind::kObject) {
    for (const auto& [key, value] : wanted.members) {
      if (given.Find(key) == nullptr) return absl::StrCat(place, ": expected the key \"", key, "\"");
    }
    for (const auto& [key, value] : given.members) {
      const JsonValue* other = wanted.Find(key);
      if (other == nullptr) return absl::StrCat(JsonPointer(pointer, key), ": expected no such key");
      if (CompareJson(value, *other) != 0) return Difference(value, *other, JsonPointer(pointer, key));
    }
  }
  return absl::StrCat(place, ": another value");
}

class JsonJudge final : public Judge {
 public:
  VerifierInfo Describe() const override {
    return {.summary = "The completion holds a JSON document that fits a schema, or equals the reference.",
            .options = {{"schema", "none", "a JSON Schema of draft 7"},
                        {"equals", "true without schema, else false",
                         "the document is the reference; keys in any order, numbers by value"},
                        {"extract", "auto", "where the document stands: auto, whole, block or last"}}};
  }

  std::string Problem(absl::string_view answer, const nlohmann::json& options) const override {
    return ReadSettings(answer, options).problem;
  }

  Verdict Decide(absl::string_view completion, absl::string_view answer, const nlohmann::json& options,
                 const JudgeContext&) const override {
    const Settings settings = ReadSettings(answer, options);
    if (!settings.problem.empty()) return OurError(settings.problem);
    if (auto limit = PastMaxBytes(completion); limit.has_value()) return *std::move(limit);
    FoundJson found = FindJson(completion, settings.place);
    if (!found.parsed.value.has_value())
      return found.parsed.past_limit ? Limit(found.parsed.problem) : Unparsable(found.parsed.problem);
    const JsonValue& document = *found.parsed.value;
    if (settings.schema.has_value()) {
      JsonSchema::Result result = settings.schema->Check(document);
      if (result.outcome == JsonSchema::Outcome::kLimit) return Limit(std::move(result.detail));
      if (result.outcome == JsonSchema::Outcome::kInvalid)
        return Wrong(std::move(found.text), std::move(result.detail));
    }
    if (settings.wanted.has_value() && CompareJson(document, *settings.wanted) != 0)
      return Wrong(std::move(found.text), Difference(document, *settings.wanted, ""));
    return Correct(std::move(found.text));
  }
};

}  // namespace

std::unique_ptr<Judge> MakeJsonJudge() { return std::make_unique<JsonJudge>(); }

}  // namespace entrain
