#include "verifier/json/schema_compiler.h"

#include <algorithm>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/nearest.h"
#include "common/status_macros.h"
#include "verifier/json/json_schema.h"
#include "verifier/judge.h"

namespace entrain {
namespace {

using Json = nlohmann::json;

absl::Status Wrong(absl::string_view place, absl::string_view expected, const Json& found) {
  return absl::InvalidArgumentError(
      absl::StrCat(place.empty() ? "/" : place, ": expected ", expected, ", found ", Shown(found)));
}

class Compiler {
 public:
  explicit Compiler(const Json& root) : root_(root) {}

  absl::StatusOr<std::vector<SchemaNode>> Run() {
    NodeAt("", root_);
    for (size_t next = 0; next < pending_.size(); ++next) {
      if (nodes_.size() > kMaxSchemaNodes)
        return absl::InvalidArgumentError(absl::StrCat("expected at most ", kMaxSchemaNodes, " subschemas"));
      const auto [place, schema] = pending_[next];
      ENTRAIN_ASSIGN_OR_RETURN(SchemaNode node, Read(place, *schema));
      nodes_[next] = std::move(node);
    }
    visits_.assign(nodes_.size(), 0);
    for (SchemaId node = 0; node < static_cast<SchemaId>(nodes_.size()); ++node)
      ENTRAIN_RETURN_IF_ERROR(CountVisits(node, 1));
    return std::move(nodes_);
  }

 private:
  // The node of the schema at a JSON pointer; it is read later.
  SchemaId NodeAt(const std::string& place, const Json& schema) {
    const auto [known, fresh] = known_.emplace(place, static_cast<SchemaId>(nodes_.size()));
    if (fresh) {
      nodes_.emplace_back();
      pending_.emplace_back(place, &schema);
    }
    return known->second;
  }

  // At most kMaxSchemaChain deep, which a circle passes.
  absl::Status CountVisits(SchemaId node, int64_t depth) {
    const auto id = static_cast<size_t>(node);
    if (depth > kMaxSchemaChain) {
      return absl::InvalidArgumentError(
          absl::StrCat(pending_[id].first, ": expected schemas that end, found a circle, or more than ",
                       kMaxSchemaChain, " that lead from one to the next"));
    }
    if (visits_[id] > 0 && chains_[node] + depth <= kMaxSchemaChain) return absl::OkStatus();
    int64_t visits = 1, chain = 0;
    for (const SchemaId child : nodes_[id].InPlace()) {
      ENTRAIN_RETURN_IF_ERROR(CountVisits(child, depth + 1));
      visits += visits_[static_cast<size_t>(child)];
      chain = std::max(chain, chains_[child] + 1);
      if (visits > kMaxSchemaVisits) {
        return absl::InvalidArgumentError(absl::StrCat(pending_[id].first, ": expected at most ",
                                                       kMaxSchemaVisits, " subschemas for one value"));
      }
    }
    visits_[id] = visits;
    chains_[node] = chain;
    return absl::OkStatus();
  }

  absl::StatusOr<SchemaNode> Read(const std::string& place, const Json& schema) {
    SchemaNode node;
    if (schema.is_boolean()) {
      node.allows = schema.get<bool>();
      return node;
    }
    if (!schema.is_object()) return Wrong(place, "a schema: an object, true or false", schema);
    if (schema.contains("$ref")) {  // what stands beside it says nothing in draft 7
      ENTRAIN_ASSIGN_OR_RETURN(node.reference, Reference(JsonPointer(place, "$ref"), schema["$ref"]));
      return node;
    }
    for (const auto& [keyword, value] : schema.items()) {
      const auto reader = Readers().find(keyword);
      const std::string here = JsonPointer(place, keyword);
      if (reader != Readers().end()) {
        ENTRAIN_RETURN_IF_ERROR(reader->second(*this, node, here, value));
      } else if (keyword == "$id" && !place.empty()) {
        return Wrong(here, "none within a schema: references would lead elsewhere", value);
      } else if (std::ranges::find(Silent(), keyword) == Silent().end()) {
        std::vector<std::string> known = Silent();
        for (const auto& [name, read] : Readers()) known.push_back(name);
        const std::string near = NearestName(keyword, known);
        return absl::InvalidArgumentError(
            absl::StrCat(here, ": no keyword of JSON Schema draft 7",
                         near.empty() ? "" : absl::StrCat("; did you mean \"", near, "\"?")));
      }
    }
    return node;
  }

  absl::StatusOr<SchemaId> Reference(const std::string& place, const Json& value) {
    if (!value.is_string()) return Wrong(place, "a text", value);
    const std::string text = value.get<std::string>();
    absl::string_view pointer = text;
    if (!absl::ConsumePrefix(&pointer, "#") || (!pointer.empty() && pointer[0] != '/'))
      return Wrong(place, "a reference within the schema, \"#/…\"", value);
    const std::string target = Unescaped(pointer);
    const Json* schema = &root_;
    std::vector<std::string> tokens = absl::StrSplit(target, '/');
    for (size_t i = 1; i < tokens.size(); ++i) {
      const std::string token = absl::StrReplaceAll(tokens[i], {{"~1", "/"}, {"~0", "~"}});
      size_t index = 0;
      if (schema->is_object() && schema->contains(token)) {
        schema = &(*schema)[token];
      } else if (schema->is_array() && absl::SimpleAtoi(token, &index) && index < schema->size()) {
        schema = &(*schema)[index];
      } else {
        return Wrong(place, "a reference to a place in the schema", value);
      }
    }
    return NodeAt(target, *schema);
  }

  // %25 → %
  static std::string Unescaped(absl::string_view text) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
      unsigned code = 0;
      if (text[i] == '%' && i + 2 < text.size() &&
          absl::ascii_isxdigit(static_cast<unsigned char>(text[i + 1])) &&
          absl::SimpleHexAtoi(text.substr(i + 1, 2), &code)) {
        out += static_cast<char>(code);
        i += 2;
      } else {
        out += text[i];
      }
    }
    return out;
  }

  // --- One function for each form that a keyword's value may have. ---
  using Reader = std::function<absl::Status(Compiler&, SchemaNode&, const std::string&, const Json&)>;

  static Reader Amount(std::optional<mpq_class> SchemaNode::*field, bool above_zero = false) {
    return [=](Compiler&, SchemaNode& node, const std::string& place, const Json& value) -> absl::Status {
      const std::optional<JsonValue> read = value.is_number() ? JsonValueOf(value) : std::nullopt;
      if (!read.has_value() || (above_zero && *read->number <= 0))
        return Wrong(place, above_zero ? "a number above 0" : "a number", value);
      node.*field = read->number;
      return absl::OkStatus();
    };
  }
  static Reader Count(std::optional<uint64_t> SchemaNode::*field) {
    return [=](Compiler&, SchemaNode& node, const std::string& place, const Json& value) -> absl::Status {
      const double number = value.is_number() ? value.get<double>() : -1;
      if (number < 0 || number > 1e15 || number != static_cast<double>(static_cast<uint64_t>(number)))
        return Wrong(place, "a whole number of at least 0", value);
      node.*field = static_cast<uint64_t>(number);
      return absl::OkStatus();
    };
  }
  static Reader Schema(SchemaId SchemaNode::*field) {
    return
        [=](Compiler& self, SchemaNode& node, const std::string& place, const Json& value) -> absl::Status {
          node.*field = self.NodeAt(place, value);
          return absl::OkStatus();
        };
  }
  static Reader Schemas(std::vector<SchemaId> SchemaNode::*field) {
    return
        [=](Compiler& self, SchemaNode& node, const std::string& place, const Json& value) -> absl::Status {
          if (!value.is_array() || value.empty()) return Wrong(place, "a list of schemas", value);
          for (size_t i = 0; i < value.size(); ++i)
            (node.*field).push_back(self.NodeAt(absl::StrCat(place, "/", i), value[i]));
          return absl::OkStatus();
        };
  }
  static absl::StatusOr<std::vector<std::string>> Texts(const std::string& place, const Json& value) {
    const bool fits =
        value.is_array() && std::ranges::all_of(value, [](const Json& text) { return text.is_string(); });
    if (!fits) return Wrong(place, "a list of texts", value);
    return value.get<std::vector<std::string>>();
  }
  static absl::StatusOr<Pattern> PatternOf(const std::string& place, const std::string& text) {
    absl::StatusOr<Pattern> pattern = Pattern::Compile(text, {.ecmascript = true});
    if (!pattern.ok())
      return absl::InvalidArgumentError(absl::StrCat(place, ": ", pattern.status().message()));
    return pattern;
  }

  static absl::Status ReadType(Compiler&, SchemaNode& node, const std::string& place, const Json& value) {
    const auto add = [&node](const Json& name) {
      if (name == "integer") {
        node.types |= kIntegerBit;
        return true;
      }
      for (const auto kind : {JsonValue::Kind::kNull, JsonValue::Kind::kBoolean, JsonValue::Kind::kNumber,
                              JsonValue::Kind::kString, JsonValue::Kind::kArray, JsonValue::Kind::kObject}) {
        if (name != std::string(JsonKindName(kind))) continue;
        node.types |= 1u << static_cast<unsigned>(kind);
        return true;
      }
      return false;
    };
    const bool fits = value.is_array() ? !value.empty() && std::ranges::all_of(value, add)
                                       : value.is_string() && add(value);
    if (fits) return absl::OkStatus();
    return Wrong(place, "null, boolean, integer, number, string, array or object, or a list of them", value);
  }

  static absl::Status ReadValues(Compiler&, SchemaNode& node, const std::string& place, const Json& value) {
    if (!value.is_array()) return Wrong(place, "a list of values", value);
    return AddValues(node, place, value);
  }
  static absl::Status ReadConst(Compiler&, SchemaNode& node, const std::string& place, const Json& value) {
    return AddValues(node, place, Json::array({value}));
  }
  static absl::Status AddValues(SchemaNode& node, const std::string& place, const Json& values) {
    std::vector<JsonValue> read;
    for (const Json& value : values) {
      std::optional<JsonValue> exact = JsonValueOf(value);
      if (!exact.has_value()) return Wrong(place, "values within the limits of a document", value);
      read.push_back(*std::move(exact));
    }
    // const beside enum: both must hold.
    if (node.has_values) {
      std::erase_if(read, [&node](const JsonValue& value) {
        return std::ranges::none_of(
            node.any_value, [&value](const JsonValue& other) { return CompareJson(value, other) == 0; });
      });
    }
    node.has_values = true;
    node.any_value = std::move(read);
    return absl::OkStatus();
  }

  static absl::Status ReadItems(Compiler& self, SchemaNode& node, const std::string& place,
                                const Json& value) {
    if (!value.is_array()) {
      node.items = self.NodeAt(place, value);
      return absl::OkStatus();
    }
    node.tuple = true;
    for (size_t i = 0; i < value.size(); ++i)
      node.tuple_items.push_back(self.NodeAt(absl::StrCat(place, "/", i), value[i]));
    return absl::OkStatus();
  }

  static absl::Status ReadProperties(Compiler& self, SchemaNode& node, const std::string& place,
                                     const Json& value) {
    if (!value.is_object()) return Wrong(place, "an object of schemas", value);
    for (const auto& [key, schema] : value.items())
      node.properties[key] = self.NodeAt(JsonPointer(place, key), schema);
    return absl::OkStatus();
  }

  static absl::Status ReadPatternProperties(Compiler& self, SchemaNode& node, const std::string& place,
                                            const Json& value) {
    if (!value.is_object()) return Wrong(place, "an object of schemas", value);
    for (const auto& [key, schema] : value.items()) {
      const std::string here = JsonPointer(place, key);
      ENTRAIN_ASSIGN_OR_RETURN(Pattern pattern, PatternOf(here, key));
      node.pattern_properties.emplace_back(std::move(pattern), self.NodeAt(here, schema));
    }
    return absl::OkStatus();
  }

  static absl::Status ReadDependencies(Compiler& self, SchemaNode& node, const std::string& place,
                                       const Json& value) {
    if (!value.is_object()) return Wrong(place, "an object", value);
    for (const auto& [key, found] : value.items()) {
      const std::string here = JsonPointer(place, key);
      SchemaDependency dependency{.key = key};
      if (found.is_array()) {
        ENTRAIN_ASSIGN_OR_RETURN(dependency.needed, Texts(here, found));
      } else {
        dependency.schema = self.NodeAt(here, found);
      }
      node.dependencies.push_back(std::move(dependency));
    }
    return absl::OkStatus();
  }

  static absl::Status ReadRequired(Compiler&, SchemaNode& node, const std::string& place, const Json& value) {
    ENTRAIN_ASSIGN_OR_RETURN(node.required, Texts(place, value));
    return absl::OkStatus();
  }
  static absl::Status ReadPattern(Compiler&, SchemaNode& node, const std::string& place, const Json& value) {
    if (!value.is_string()) return Wrong(place, "a text", value);
    ENTRAIN_ASSIGN_OR_RETURN(Pattern pattern, PatternOf(place, value.get<std::string>()));
    node.pattern = std::move(pattern);
    return absl::OkStatus();
  }
  static absl::Status ReadUnique(Compiler&, SchemaNode& node, const std::string& place, const Json& value) {
    if (!value.is_boolean()) return Wrong(place, "true or false", value);
    node.unique_items = value.get<bool>();
    return absl::OkStatus();
  }
  // Schemas that are only there to be referred to: read, so that a slip in them is found.
  static absl::Status ReadDefinitions(Compiler& self, SchemaNode&, const std::string& place,
                                      const Json& value) {
    if (!value.is_object()) return Wrong(place, "an object of schemas", value);
    for (const auto& [key, schema] : value.items()) self.NodeAt(JsonPointer(place, key), schema);
    return absl::OkStatus();
  }

  static const std::map<std::string, Reader>& Readers() {
    static const auto* readers = new std::map<std::string, Reader>{
        {"$defs", ReadDefinitions},
        {"additionalItems", Schema(&SchemaNode::additional_items)},
        {"additionalProperties", Schema(&SchemaNode::additional_properties)},
        {"allOf", Schemas(&SchemaNode::all_of)},
        {"anyOf", Schemas(&SchemaNode::any_of)},
        {"const", ReadConst},
        {"contains", Schema(&SchemaNode::contains)},
        {"definitions", ReadDefinitions},
        {"dependencies", ReadDependencies},
        {"else", Schema(&SchemaNode::otherwise)},
        {"enum", ReadValues},
        {"exclusiveMaximum", Amount(&SchemaNode::exclusive_maximum)},
        {"exclusiveMinimum", Amount(&SchemaNode::exclusive_minimum)},
        {"if", Schema(&SchemaNode::condition)},
        {"items", ReadItems},
        {"maxItems", Count(&SchemaNode::max_items)},
        {"maxLength", Count(&SchemaNode::max_length)},
        {"maxProperties", Count(&SchemaNode::max_properties)},
        {"maximum", Amount(&SchemaNode::maximum)},
        {"minItems", Count(&SchemaNode::min_items)},
        {"minLength", Count(&SchemaNode::min_length)},
        {"minProperties", Count(&SchemaNode::min_properties)},
        {"minimum", Amount(&SchemaNode::minimum)},
        {"multipleOf", Amount(&SchemaNode::multiple_of, /*above_zero=*/true)},
        {"not", Schema(&SchemaNode::negated)},
        {"oneOf", Schemas(&SchemaNode::one_of)},
        {"pattern", ReadPattern},
        {"patternProperties", ReadPatternProperties},
        {"properties", ReadProperties},
        {"propertyNames", Schema(&SchemaNode::property_names)},
        {"required", ReadRequired},
        {"then", Schema(&SchemaNode::then)},
        {"type", ReadType},
        {"uniqueItems", ReadUnique},
    };
    return *readers;
  }
  // Known, and without a say in what is valid.
  static const std::vector<std::string>& Silent() {
    static const auto* silent = new std::vector<std::string>{
        "$schema", "$id",      "$comment", "title",     "description",     "default",
        "format",  "examples", "readOnly", "writeOnly", "contentEncoding", "contentMediaType"};
    return *silent;
  }

  const Json& root_;
  std::vector<SchemaNode> nodes_;
  std::vector<std::pair<std::string, const Json*>> pending_;  // of every node: its place and text
  std::map<std::string, SchemaId> known_;
  std::vector<int64_t> visits_;  // 0: not yet counted
  std::map<SchemaId, int64_t> chains_;
};

}  // namespace

absl::StatusOr<std::vector<SchemaNode>> CompileSchema(const Json& schema) { return Compiler(schema).Run(); }

}  // namespace entrain
