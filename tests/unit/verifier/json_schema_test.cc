// Each row's verdict follows from draft 7 of JSON Schema (json-schema.org/draft-07/json-schema-validation),
// and is checked against an independent implementation, valijson, as well.
#include "verifier/json/json_schema.h"

// GCC 12 sees overlaps in valijson's string sums that are not there.
#pragma GCC diagnostic ignored "-Wrestrict"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

#include "absl/strings/str_cat.h"

namespace entrain {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

JsonSchema::Result Check(const std::string& schema, const std::string& document) {
  const auto compiled = JsonSchema::Compile(Json::parse(schema));
  EXPECT_TRUE(compiled.ok()) << schema << ": " << compiled.status();
  const ParsedJson parsed = ParseJson(document);
  EXPECT_TRUE(parsed.value.has_value()) << document << ": " << parsed.problem;
  if (!compiled.ok() || !parsed.value.has_value()) return {.outcome = JsonSchema::Outcome::kLimit};
  return compiled->Check(*parsed.value);
}

bool ByValijson(const std::string& schema, const std::string& document) {
  const Json schema_json = Json::parse(schema), document_json = Json::parse(document);
  valijson::Schema compiled;
  valijson::SchemaParser(valijson::SchemaParser::kDraft7)
      .populateSchema(valijson::adapters::NlohmannJsonAdapter(schema_json), compiled);
  return valijson::Validator().validate(compiled, valijson::adapters::NlohmannJsonAdapter(document_json),
                                        nullptr);
}

struct Row {
  const char* schema;
  std::vector<const char*> valid, invalid;
};

TEST(JsonSchema, KeepsToDraft7AsAnotherImplementationDoes) {
  const Row rows[] = {
      {"{}", {"1", "null", "{}", "[]"}, {}},
      {"true", {"1", "null"}, {}},
      {"false", {}, {"1", "null", "{}"}},
      // type
      {R"({"type": "integer"})", {"1", "-3", "0"}, {"1.5", "\"1\"", "null", "true", "[]", "{}"}},
      {R"({"type": "number"})", {"1", "1.5", "1e3"}, {"\"1\"", "null", "true"}},
      {R"({"type": "string"})", {"\"\"", "\"a\""}, {"1", "null", "[]"}},
      {R"({"type": "boolean"})", {"true", "false"}, {"0", "\"true\"", "null"}},
      {R"({"type": "null"})", {"null"}, {"0", "false", "\"\""}},
      {R"({"type": "array"})", {"[]", "[1]"}, {"{}", "null"}},
      {R"({"type": "object"})", {"{}", "{\"a\": 1}"}, {"[]", "null"}},
      {R"({"type": ["integer", "string"]})", {"1", "\"a\""}, {"1.5", "null"}},
      // enum, const
      {R"({"enum": [1, "a", null, [1, 2]]})",
       {"1", "\"a\"", "null", "[1, 2]"},
       {"2", "\"b\"", "[2, 1]", "false"}},
      {R"({"enum": [{"a": 1, "b": 2}]})", {R"({"b": 2, "a": 1})"}, {R"({"a": 1})", "{}"}},
      {R"({"const": false})", {"false"}, {"0", "null", "\"\""}},
      {R"({"const": {"a": [1]}})", {R"({"a": [1]})"}, {R"({"a": [1, 1]})", "{}"}},
      // numbers
      {R"({"minimum": 1.1})", {"1.1", "2.6", "\"x\""}, {"0.6", "1"}},
      {R"({"exclusiveMinimum": 1.1})", {"1.2"}, {"1.1", "0.6"}},
      {R"({"maximum": 3})", {"3", "2.9", "null"}, {"3.5", "4"}},
      {R"({"exclusiveMaximum": 3})", {"2.2"}, {"3", "3.5"}},
      {R"({"multipleOf": 2})", {"10", "0", "-4", "\"x\""}, {"7"}},
      {R"({"multipleOf": 1.5})", {"0", "4.5"}, {"35.5"}},
      // texts: lengths are in characters
      {R"({"maxLength": 2})",
       {"\"f\"", "\"fo\"", "100", "\"\u00e4\u00f6\"", "\"\\ud83d\\udca9\\ud83d\\udca9\""},
       {"\"foo\""}},
      {R"({"minLength": 2})", {"\"fo\"", "1"}, {"\"f\"", "\"\\ud83d\\udca9\""}},
      {R"({"pattern": "^a*$"})", {"\"aaa\"", "\"\"", "1"}, {"\"abc\""}},
      {R"({"pattern": "a+"})", {"\"xxaayy\""}, {"\"xx\""}},  // not anchored
      // arrays
      {R"({"items": {"type": "integer"}})", {"[]", "[1, 2]", "{\"0\": \"x\"}"}, {"[1, \"x\"]"}},
      {R"({"items": false})", {"[]"}, {"[1]"}},
      {R"({"items": [{"type": "integer"}, {"type": "string"}]})",
       {"[1, \"x\"]", "[1]", "[]", "[1, \"x\", true]"},
       {"[\"x\", 1]"}},
      {R"({"items": [{}], "additionalItems": {"type": "integer"}})", {"[null, 2, 3]"}, {"[null, 2, \"x\"]"}},
      {R"({"items": [{}, {}], "additionalItems": false})", {"[1, 2]", "[1]"}, {"[1, 2, 3]"}},
      {R"({"items": {}, "additionalItems": false})", {"[1, 2, 3]"}, {}},  // says nothing beside one schema
      {R"({"contains": {"minimum": 5}})", {"[3, 5]", "[5]", "{}"}, {"[2, 3]", "[]"}},
      {R"({"minItems": 1, "maxItems": 2})", {"[1]", "[1, 2]", "\"\""}, {"[]", "[1, 2, 3]"}},
      {R"({"uniqueItems": true})",
       {"[1, 2]", "[{\"a\": 1}, {\"a\": 2}]", "[1, true]", "[[1], [2]]", "[0, false, \"\", null]"},
       {"[1, 1]", "[{\"a\": 1, \"b\": 2}, {\"b\": 2, \"a\": 1}]", "[[1], [1]]", "[\"a\", \"b\", \"a\"]"}},
      // objects
      {R"({"properties": {"a": {"type": "integer"}, "b": {"type": "string"}}})",
       {"{\"a\": 1, \"b\": \"x\"}", "{}", "[]", "{\"c\": []}"},
       {"{\"a\": 1, \"b\": {}}", "{\"a\": []}"}},
      {R"({"required": ["a", "b"]})", {"{\"a\": 1, \"b\": null}", "[]"}, {"{\"a\": 1}", "{}"}},
      {R"({"minProperties": 1, "maxProperties": 2})",
       {"{\"a\": 1}", "[]"},
       {"{}", "{\"a\": 1, \"b\": 2, \"c\": 3}"}},
      {R"({"patternProperties": {"f.*o": {"type": "integer"}}})",
       {"{\"foo\": 1, \"bar\": \"x\"}", "{}"},
       {"{\"foo\": \"x\"}", "{\"afooo\": []}"}},
      {R"({"properties": {"a": {}}, "patternProperties": {"^v": {}}, "additionalProperties": false})",
       {"{\"a\": 1}", "{\"vroom\": 1}", "[]"},
       {"{\"a\": 1, \"quux\": 1}"}},
      {R"({"additionalProperties": {"type": "boolean"}})", {"{\"a\": true}"}, {"{\"a\": 1}"}},
      {R"({"propertyNames": {"maxLength": 3}})", {"{\"f\": 1, \"foo\": 2}", "{}"}, {"{\"foobar\": 1}"}},
      {R"({"dependencies": {"b": ["a"]}})", {"{}", "{\"a\": 1}", "{\"a\": 1, \"b\": 2}"}, {"{\"b\": 2}"}},
      {R"({"dependencies": {"b": {"properties": {"a": {"type": "integer"}}}}})",
       {"{\"a\": \"x\"}", "{\"a\": 1, \"b\": 2}"},
       {"{\"a\": \"x\", \"b\": 2}"}},
      // combinations
      {R"({"allOf": [{"minimum": 2}, {"maximum": 4}]})", {"3"}, {"1", "5"}},
      {R"({"anyOf": [{"type": "integer"}, {"minimum": 2}]})", {"1", "2.5"}, {"1.5"}},
      {R"({"oneOf": [{"type": "integer"}, {"minimum": 2}]})", {"1", "2.5"}, {"3", "1.5"}},
      {R"({"not": {"type": "integer"}})", {"\"a\"", "1.5"}, {"1"}},
      {R"({"not": {}})", {}, {"1", "null"}},
      {R"({"if": {"exclusiveMaximum": 0}, "then": {"minimum": -10}, "else": {"multipleOf": 2}})",
       {"-1", "4"},
       {"-100", "3"}},
      {R"({"if": {"const": 0}})", {"0", "1"}, {}},
      {R"({"then": {"const": 0}})", {"1"}, {}},  // without if it says nothing
      // references
      {R"({"definitions": {"whole": {"type": "integer"}}, "items": {"$ref": "#/definitions/whole"}})",
       {"[1]"},
       {"[1.5]"}},
      {R"({"properties": {"next": {"$ref": "#"}}, "additionalProperties": false})",
       {"{\"next\": {\"next\": {}}}"},
       {"{\"next\": {\"bar\": 1}}"}},
      {R"({"definitions": {"a/b": {"type": "integer"}, "c~d": {"type": "string"}},
           "properties": {"x": {"$ref": "#/definitions/a~1b"}, "y": {"$ref": "#/definitions/c~0d"}}})",
       {"{\"x\": 1, \"y\": \"s\"}"},
       {"{\"x\": \"s\"}", "{\"y\": 1}"}},
      {R"({"items": [{"type": "integer"}, {"$ref": "#/items/0"}]})", {"[1, 2]"}, {"[1, \"x\"]"}},
      // annotations
      {R"({"title": "t", "description": "d", "default": 1, "examples": [1], "$comment": "c"})",
       {"\"x\""},
       {}},
  };
  for (const Row& row : rows) {
    for (const bool valid : {true, false}) {
      for (const char* document : valid ? row.valid : row.invalid) {
        const JsonSchema::Result result = Check(row.schema, document);
        EXPECT_EQ(result.outcome, valid ? JsonSchema::Outcome::kValid : JsonSchema::Outcome::kInvalid)
            << row.schema << " | " << document << " | " << result.detail;
        EXPECT_EQ(result.detail.empty(), valid) << row.schema << " | " << document;
        EXPECT_EQ(ByValijson(row.schema, document), valid) << "valijson: " << row.schema << " | " << document;
      }
    }
  }
}

// What draft 7 says and valijson, with doubles and machine integers, does not do.
TEST(JsonSchema, NumbersAreExact) {
  const auto valid = [](const std::string& schema, const std::string& document) {
    return Check(schema, document).outcome == JsonSchema::Outcome::kValid;
  };
  EXPECT_TRUE(valid(R"({"type": "integer"})", "1.0"));  // validation 6.1.1: a zero fraction is an integer
  EXPECT_TRUE(valid(R"({"type": "integer"})", "1e2"));
  EXPECT_TRUE(valid(R"({"type": "integer"})", "123456789012345678901234567890"));
  EXPECT_TRUE(valid(R"({"multipleOf": 0.01})", "0.07"));  // 0.07 / 0.01 is 7.000000000000001 in doubles
  EXPECT_TRUE(valid(R"({"multipleOf": 0.0001})", "0.0075"));
  EXPECT_FALSE(valid(R"({"multipleOf": 0.0001})", "0.00751"));
  EXPECT_TRUE(valid(R"({"const": 1})", "1.0"));
  EXPECT_FALSE(valid(R"({"uniqueItems": true})", "[1, 1.0]"));
  EXPECT_TRUE(valid(R"({"uniqueItems": true})", "[10000000000000000000000, 10000000000000000000001]"));
  EXPECT_FALSE(valid(R"({"maximum": 1})", "1.00000000000000000000000000001"));
}

TEST(JsonSchema, NamesTheFirstPlaceThatDoesNotFit) {
  EXPECT_EQ(
      Check(R"({"properties": {"a/b": {"items": {"type": "integer"}}}})", R"({"a/b": [1, "x"]})").detail,
      "/a~1b/1: expected integer, found string");
  EXPECT_EQ(Check(R"({"required": ["a"]})", "{}").detail, "the document: expected the key \"a\"");
  EXPECT_EQ(Check(R"({"additionalProperties": false})", R"({"a": 1})").detail, "/a: expected no such key");
  EXPECT_EQ(Check(R"({"anyOf": [{"type": "null"}, {"minimum": 3}]})", "2").detail,
            "the document: fits nothing of anyOf");
}

TEST(JsonSchema, ASchemaThatWouldNotSayWhatItSeemsToIsRefusedWithItsPlace) {
  std::string doubling = R"({"$ref": "#/definitions/d0", "definitions": {)";
  for (int i = 0; i < 12; ++i) {
    absl::StrAppend(&doubling, "\"d", i, "\": {\"allOf\": [{\"$ref\": \"#/definitions/d", i + 1,
                    "\"}, {\"$ref\": \"#/definitions/d", i + 1, "\"}]}, ");
  }
  absl::StrAppend(&doubling, "\"d12\": {}}}");
  struct Bad {
    std::string schema, says;
  };
  for (
      const Bad& bad : {
          Bad{"3", "expected a schema"},
          Bad{R"({"properties": {"a": 3}})", "/properties/a: expected a schema"},
          Bad{R"({"requred": ["a"]})", "did you mean \"required\""},
          Bad{R"({"prefixItems": []})", "/prefixItems: no keyword of JSON Schema draft 7"},
          Bad{R"({"items": {"unevaluatedProperties": false}})", "/items/unevaluatedProperties"},
          Bad{R"({"type": "int"})", "/type: expected null, boolean, integer"},
          Bad{R"({"type": []})", "/type"},
          Bad{R"({"required": "a"})", "/required: expected a list of texts"},
          Bad{R"({"minLength": -1})", "/minLength: expected a whole number"},
          Bad{R"({"minLength": 1.5})", "/minLength"},
          Bad{R"({"exclusiveMaximum": true})", "/exclusiveMaximum: expected a number"},  // draft 4
          Bad{R"({"multipleOf": 0})", "/multipleOf: expected a number above 0"},
          Bad{R"({"pattern": "("})", "/pattern: expected a regular expression"},
          Bad{R"({"patternProperties": {"[": {}}})", "/patternProperties/[: expected a regular expression"},
          Bad{R"({"allOf": []})", "/allOf: expected a list of schemas"},
          Bad{R"({"enum": 3})", "/enum: expected a list"},
          Bad{R"({"uniqueItems": 1})", "/uniqueItems"},
          Bad{R"({"$ref": 3})", "/$ref: expected a text"},
          Bad{R"({"$ref": "http://example.com/a.json"})", "/$ref: expected a reference within the schema"},
          Bad{R"({"$ref": "file:///etc/passwd"})", "expected a reference within the schema"},
          Bad{R"({"$ref": "#name"})", "expected a reference within the schema"},
          Bad{R"({"$ref": "#/definitions/none"})", "expected a reference to a place in the schema"},
          Bad{R"({"items": {"$id": "http://example.com/"}})", "/items/$id"},
          // Circles and growth.
          Bad{R"({"$ref": "#"})", "found a circle"},
          Bad{R"({"allOf": [{"$ref": "#"}]})", "found a circle"},
          Bad{R"({"definitions": {"a": {"not": {"$ref": "#/definitions/b"}}, "b": {"if": {"$ref": "#/definitions/a"}}}})",
              "found a circle"},
          Bad{doubling, "subschemas for one value"},
      }) {
    const auto compiled = JsonSchema::Compile(Json::parse(bad.schema));
    ASSERT_FALSE(compiled.ok()) << bad.schema.substr(0, 200);
    EXPECT_THAT(std::string(compiled.status().message()), HasSubstr(bad.says)) << bad.schema.substr(0, 200);
  }
}

// Documents are a policy's: whatever they hold, the work is bounded.
TEST(JsonSchema, HostileDocumentsAreALimitOrAVerdictSoon) {
  const auto outcome = [](const std::string& schema, const std::string& document) {
    return Check(schema, document).outcome;
  };
  const std::string long_text = "\"" + std::string(10'000, 'a') + "\"";
  EXPECT_EQ(outcome(R"({"pattern": "^(a+)+$"})", "\"" + std::string(5'000, 'a') + "b\""),
            JsonSchema::Outcome::kLimit);
  EXPECT_EQ(outcome(R"({"pattern": "^(a|b)*$"})", long_text), JsonSchema::Outcome::kValid);
  std::string numbers = "[0";
  for (int i = 1; i < 90'000; ++i) absl::StrAppend(&numbers, ",", i);
  EXPECT_EQ(outcome(R"({"uniqueItems": true})", numbers + "]"), JsonSchema::Outcome::kValid);
  EXPECT_EQ(outcome(R"({"uniqueItems": true})", numbers + ",5]"), JsonSchema::Outcome::kInvalid);
  Json enumeration = Json::array();
  for (int i = 0; i < 1000; ++i) enumeration.push_back(-1 - i);
  EXPECT_EQ(outcome(Json{{"items", {{"not", {{"enum", enumeration}}}}}}.dump(), numbers + "]"),
            JsonSchema::Outcome::kLimit);
  EXPECT_EQ(outcome(R"({"patternProperties": {"a": {}, "b": {}}, "properties": {"next": {"$ref": "#"}}})",
                    R"({"next": {"next": {}}})"),
            JsonSchema::Outcome::kValid);
}

}  // namespace
}  // namespace entrain
