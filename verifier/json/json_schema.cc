#include "verifier/json/json_schema.h"

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
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/nearest.h"
#include "common/status_macros.h"
#include "verifier/regex/pattern.h"

namespace entrain {
namespace {

using Json = nlohmann::json;
using NodeId = int;

constexpr NodeId kNone = -1;
// Bits of Node::types, in the order of JsonValue::Kind; an integer is a number without a fraction.
constexpr unsigned kIntegerBit = 1u << 6;

struct Dependency {
  std::string key;
  std::vector<std::string> needed;
  NodeId schema = kNone;
};

// One schema. What is absent says nothing.
struct Node {
  bool allows = true;  // the schemas true and false
  NodeId reference = kNone;
  unsigned types = 0;
  std::vector<JsonValue> any_value;  // enum; const is an enum of one
  bool has_values = false;
  std::optional<mpq_class> multiple_of, maximum, exclusive_maximum, minimum, exclusive_minimum;
  std::optional<uint64_t> max_length, min_length, max_items, min_items, max_properties, min_properties;
  std::optional<Pattern> pattern;
  bool unique_items = false;
  NodeId items = kNone, additional_items = kNone, contains = kNone;
  bool tuple = false;
  std::vector<NodeId> tuple_items;
  std::vector<std::string> required;
  std::map<std::string, NodeId, std::less<>> properties;
  std::vector<std::pair<Pattern, NodeId>> pattern_properties;
  NodeId additional_properties = kNone, property_names = kNone;
  std::vector<Dependency> dependencies;
  std::vector<NodeId> all_of, any_of, one_of;
  NodeId negated = kNone, condition = kNone, then = kNone, otherwise = kNone;

  // The schemas that apply to the same value.
  std::vector<NodeId> InPlace() const {
    std::vector<NodeId> out = {reference, negated, condition, then, otherwise};
    for (const auto* list : {&all_of, &any_of, &one_of}) out.insert(out.end(), list->begin(), list->end());
    for (const Dependency& dependency : dependencies) out.push_back(dependency.schema);
    std::erase(out, kNone);
    return out;
  }
};

std::string Shown(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 60);
}

absl::Status Wrong(absl::string_view place, absl::string_view expected, const Json& found) {
  return absl::InvalidArgumentError(
      absl::StrCat(place.empty() ? "/" : place, ": expected ", expected, ", found ", Shown(found)));
}

class Compiler {
 public:
  explicit Compiler(const Json& root) : root_(root) {}

  absl::StatusOr<std::vector<Node>> Run() {
    NodeAt("", root_);
    for (size_t next = 0; next < pending_.size(); ++next) {
      if (nodes_.size() > kMaxSchemaNodes)
        return absl::InvalidArgumentError(absl::StrCat("expected at most ", kMaxSchemaNodes, " subschemas"));
      const auto [place, schema] = pending_[next];
      ENTRAIN_ASSIGN_OR_RETURN(Node node, Read(place, *schema));
      nodes_[next] = std::move(node);
    }
    visits_.assign(nodes_.size(), 0);
    for (NodeId node = 0; node < static_cast<NodeId>(nodes_.size()); ++node)
      ENTRAIN_RETURN_IF_ERROR(CountVisits(node, 1));
    return std::move(nodes_);
  }

 private:
  // The node of the schema at a JSON pointer; it is read later.
  NodeId NodeAt(const std::string& place, const Json& schema) {
    const auto [known, fresh] = known_.emplace(place, static_cast<NodeId>(nodes_.size()));
    if (fresh) {
      nodes_.emplace_back();
      pending_.emplace_back(place, &schema);
    }
    return known->second;
  }

  // At most kMaxSchemaChain deep, which a circle passes.
  absl::Status CountVisits(NodeId node, int64_t depth) {
    const auto id = static_cast<size_t>(node);
    if (depth > kMaxSchemaChain) {
      return absl::InvalidArgumentError(
          absl::StrCat(pending_[id].first, ": expected schemas that end, found a circle, or more than ",
                       kMaxSchemaChain, " that lead from one to the next"));
    }
    if (visits_[id] > 0 && chains_[node] + depth <= kMaxSchemaChain) return absl::OkStatus();
    int64_t visits = 1, chain = 0;
    for (const NodeId child : nodes_[id].InPlace()) {
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

  absl::StatusOr<Node> Read(const std::string& place, const Json& schema) {
    Node node;
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

  absl::StatusOr<NodeId> Reference(const std::string& place, const Json& value) {
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
  using Reader = std::function<absl::Status(Compiler&, Node&, const std::string&, const Json&)>;

  static Reader Amount(std::optional<mpq_class> Node::*field, bool above_zero = false) {
    return [=](Compiler&, Node& node, const std::string& place, const Json& value) -> absl::Status {
      const std::optional<JsonValue> read = value.is_number() ? JsonValueOf(value) : std::nullopt;
      if (!read.has_value() || (above_zero && *read->number <= 0))
        return Wrong(place, above_zero ? "a number above 0" : "a number", value);
      node.*field = read->number;
      return absl::OkStatus();
    };
  }
  static Reader Count(std::optional<uint64_t> Node::*field) {
    return [=](Compiler&, Node& node, const std::string& place, const Json& value) -> absl::Status {
      const double number = value.is_number() ? value.get<double>() : -1;
      if (number < 0 || number > 1e15 || number != static_cast<double>(static_cast<uint64_t>(number)))
        return Wrong(place, "a whole number of at least 0", value);
      node.*field = static_cast<uint64_t>(number);
      return absl::OkStatus();
    };
  }
  static Reader Schema(NodeId Node::*field) {
    return [=](Compiler& self, Node& node, const std::string& place, const Json& value) -> absl::Status {
      node.*field = self.NodeAt(place, value);
      return absl::OkStatus();
    };
  }
  static Reader Schemas(std::vector<NodeId> Node::*field) {
    return [=](Compiler& self, Node& node, const std::string& place, const Json& value) -> absl::Status {
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

  static absl::Status ReadType(Compiler&, Node& node, const std::string& place, const Json& value) {
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

  static absl::Status ReadValues(Compiler&, Node& node, const std::string& place, const Json& value) {
    if (!value.is_array()) return Wrong(place, "a list of values", value);
    return AddValues(node, place, value);
  }
  static absl::Status ReadConst(Compiler&, Node& node, const std::string& place, const Json& value) {
    return AddValues(node, place, Json::array({value}));
  }
  static absl::Status AddValues(Node& node, const std::string& place, const Json& values) {
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

  static absl::Status ReadItems(Compiler& self, Node& node, const std::string& place, const Json& value) {
    if (!value.is_array()) {
      node.items = self.NodeAt(place, value);
      return absl::OkStatus();
    }
    node.tuple = true;
    for (size_t i = 0; i < value.size(); ++i)
      node.tuple_items.push_back(self.NodeAt(absl::StrCat(place, "/", i), value[i]));
    return absl::OkStatus();
  }

  static absl::Status ReadProperties(Compiler& self, Node& node, const std::string& place,
                                     const Json& value) {
    if (!value.is_object()) return Wrong(place, "an object of schemas", value);
    for (const auto& [key, schema] : value.items())
      node.properties[key] = self.NodeAt(JsonPointer(place, key), schema);
    return absl::OkStatus();
  }

  static absl::Status ReadPatternProperties(Compiler& self, Node& node, const std::string& place,
                                            const Json& value) {
    if (!value.is_object()) return Wrong(place, "an object of schemas", value);
    for (const auto& [key, schema] : value.items()) {
      const std::string here = JsonPointer(place, key);
      ENTRAIN_ASSIGN_OR_RETURN(Pattern pattern, PatternOf(here, key));
      node.pattern_properties.emplace_back(std::move(pattern), self.NodeAt(here, schema));
    }
    return absl::OkStatus();
  }

  static absl::Status ReadDependencies(Compiler& self, Node& node, const std::string& place,
                                       const Json& value) {
    if (!value.is_object()) return Wrong(place, "an object", value);
    for (const auto& [key, found] : value.items()) {
      const std::string here = JsonPointer(place, key);
      Dependency dependency{.key = key};
      if (found.is_array()) {
        ENTRAIN_ASSIGN_OR_RETURN(dependency.needed, Texts(here, found));
      } else {
        dependency.schema = self.NodeAt(here, found);
      }
      node.dependencies.push_back(std::move(dependency));
    }
    return absl::OkStatus();
  }

  static absl::Status ReadRequired(Compiler&, Node& node, const std::string& place, const Json& value) {
    ENTRAIN_ASSIGN_OR_RETURN(node.required, Texts(place, value));
    return absl::OkStatus();
  }
  static absl::Status ReadPattern(Compiler&, Node& node, const std::string& place, const Json& value) {
    if (!value.is_string()) return Wrong(place, "a text", value);
    ENTRAIN_ASSIGN_OR_RETURN(Pattern pattern, PatternOf(place, value.get<std::string>()));
    node.pattern = std::move(pattern);
    return absl::OkStatus();
  }
  static absl::Status ReadUnique(Compiler&, Node& node, const std::string& place, const Json& value) {
    if (!value.is_boolean()) return Wrong(place, "true or false", value);
    node.unique_items = value.get<bool>();
    return absl::OkStatus();
  }
  // Schemas that are only there to be referred to: read, so that a slip in them is found.
  static absl::Status ReadDefinitions(Compiler& self, Node&, const std::string& place, const Json& value) {
    if (!value.is_object()) return Wrong(place, "an object of schemas", value);
    for (const auto& [key, schema] : value.items()) self.NodeAt(JsonPointer(place, key), schema);
    return absl::OkStatus();
  }

  static const std::map<std::string, Reader>& Readers() {
    static const auto* readers = new std::map<std::string, Reader>{
        {"$defs", ReadDefinitions},
        {"additionalItems", Schema(&Node::additional_items)},
        {"additionalProperties", Schema(&Node::additional_properties)},
        {"allOf", Schemas(&Node::all_of)},
        {"anyOf", Schemas(&Node::any_of)},
        {"const", ReadConst},
        {"contains", Schema(&Node::contains)},
        {"definitions", ReadDefinitions},
        {"dependencies", ReadDependencies},
        {"else", Schema(&Node::otherwise)},
        {"enum", ReadValues},
        {"exclusiveMaximum", Amount(&Node::exclusive_maximum)},
        {"exclusiveMinimum", Amount(&Node::exclusive_minimum)},
        {"if", Schema(&Node::condition)},
        {"items", ReadItems},
        {"maxItems", Count(&Node::max_items)},
        {"maxLength", Count(&Node::max_length)},
        {"maxProperties", Count(&Node::max_properties)},
        {"maximum", Amount(&Node::maximum)},
        {"minItems", Count(&Node::min_items)},
        {"minLength", Count(&Node::min_length)},
        {"minProperties", Count(&Node::min_properties)},
        {"minimum", Amount(&Node::minimum)},
        {"multipleOf", Amount(&Node::multiple_of, /*above_zero=*/true)},
        {"not", Schema(&Node::negated)},
        {"oneOf", Schemas(&Node::one_of)},
        {"pattern", ReadPattern},
        {"patternProperties", ReadPatternProperties},
        {"properties", ReadProperties},
        {"propertyNames", Schema(&Node::property_names)},
        {"required", ReadRequired},
        {"then", Schema(&Node::then)},
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
  std::vector<Node> nodes_;
  std::vector<std::pair<std::string, const Json*>> pending_;  // of every node: its place and text
  std::map<std::string, NodeId> known_;
  std::vector<int64_t> visits_;  // 0: not yet counted
  std::map<NodeId, int64_t> chains_;
};

// The way from the document to the value that is looked at.
struct Path {
  const Path* parent = nullptr;
  std::string key;
};

std::string PointerOf(const Path* path) {
  if (path == nullptr || path->parent == nullptr) return "";
  return JsonPointer(PointerOf(path->parent), path->key);
}

uint64_t Characters(absl::string_view utf8) {
  return static_cast<uint64_t>(
      std::ranges::count_if(utf8, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

class Visitor {
 public:
  explicit Visitor(const std::vector<Node>& nodes) : nodes_(nodes) {}

  JsonSchema::Result Run(const JsonValue& document) {
    const Path root;
    const bool valid = Fits(0, document, root);
    if (!limit_.empty()) return {.outcome = JsonSchema::Outcome::kLimit, .detail = limit_};
    if (valid) return {};
    return {.outcome = JsonSchema::Outcome::kInvalid, .detail = problem_};
  }

 private:
  bool Fits(NodeId id, const JsonValue& value, const Path& path) {
    if (!limit_.empty()) return false;
    if (++work_ > kMaxSchemaWork) {
      limit_ = absl::StrCat("work: more than ", kMaxSchemaWork, " steps of the schema");
      return false;
    }
    const Node& node = nodes_[static_cast<size_t>(id)];
    if (!node.allows) return Fail(path, "expected nothing here");
    if (node.reference != kNone) return Fits(node.reference, value, path);
    return TypeFits(node, value, path) && ValueFits(node, value, path) && PartsFit(node, value, path) &&
           CombinationsFit(node, value, path);
  }

  bool Fail(const Path& path, absl::string_view what) {
    if (quiet_ == 0 && problem_.empty()) {
      const std::string pointer = PointerOf(&path);
      problem_ = absl::StrCat(pointer.empty() ? "the document" : pointer, ": ", what);
    }
    return false;
  }

  // Whether it fits, without a problem when it does not.
  bool Tries(NodeId id, const JsonValue& value, const Path& path) {
    ++quiet_;
    const bool fits = Fits(id, value, path);
    --quiet_;
    return fits;
  }

  bool Matches(const Pattern& pattern, const std::string& text) {
    work_ += 20;
    const Pattern::Match match = pattern.Run(text, /*search=*/true, budget_);
    if (match.outcome == Pattern::Outcome::kMatch) return true;
    if (match.outcome != Pattern::Outcome::kNoMatch && limit_.empty())
      limit_ = absl::StrCat("pattern: ", match.detail);
    return false;
  }

  bool TypeFits(const Node& node, const JsonValue& value, const Path& path) {
    if (node.types == 0 || (node.types >> static_cast<unsigned>(value.kind) & 1u) != 0) return true;
    const bool number = value.kind == JsonValue::Kind::kNumber;
    if (number && (node.types & kIntegerBit) != 0 && value.number->get_den() == 1) return true;
    std::vector<absl::string_view> names;
    for (unsigned kind = 0; kind < 6; ++kind) {
      if ((node.types >> kind & 1u) != 0) names.push_back(JsonKindName(static_cast<JsonValue::Kind>(kind)));
    }
    if ((node.types & kIntegerBit) != 0) names.push_back("integer");
    return Fail(
        path, absl::StrCat("expected ", absl::StrJoin(names, " or "), ", found ", JsonKindName(value.kind)));
  }

  bool ValueFits(const Node& node, const JsonValue& value, const Path& path) {
    if (node.has_values) {
      work_ += static_cast<int64_t>(node.any_value.size());
      if (std::ranges::none_of(node.any_value,
                               [&](const JsonValue& other) { return CompareJson(value, other) == 0; })) {
        return Fail(path, "expected one of the given values");
      }
    }
    if (value.kind == JsonValue::Kind::kNumber) return NumberFits(node, *value.number, path);
    if (value.kind == JsonValue::Kind::kString) return TextFits(node, value.text, path);
    return true;
  }

  bool NumberFits(const Node& node, const mpq_class& number, const Path& path) {
    if (node.maximum.has_value() && number > *node.maximum)
      return Fail(path, absl::StrCat("expected at most ", node.maximum->get_d()));
    if (node.exclusive_maximum.has_value() && number >= *node.exclusive_maximum)
      return Fail(path, absl::StrCat("expected less than ", node.exclusive_maximum->get_d()));
    if (node.minimum.has_value() && number < *node.minimum)
      return Fail(path, absl::StrCat("expected at least ", node.minimum->get_d()));
    if (node.exclusive_minimum.has_value() && number <= *node.exclusive_minimum)
      return Fail(path, absl::StrCat("expected more than ", node.exclusive_minimum->get_d()));
    if (node.multiple_of.has_value() && mpq_class(number / *node.multiple_of).get_den() != 1)
      return Fail(path, absl::StrCat("expected a multiple of ", node.multiple_of->get_d()));
    return true;
  }

  bool TextFits(const Node& node, const std::string& text, const Path& path) {
    if (node.max_length.has_value() || node.min_length.has_value()) {
      if (!SizeFits(Characters(text), node.min_length, node.max_length, "characters", path)) return false;
    }
    if (node.pattern.has_value() && !Matches(*node.pattern, text))
      return Fail(path, "expected a text that matches the pattern");
    return true;
  }

  bool SizeFits(uint64_t size, std::optional<uint64_t> least, std::optional<uint64_t> most,
                absl::string_view unit, const Path& path) {
    if (least.has_value() && size < *least)
      return Fail(path, absl::StrCat("expected at least ", *least, " ", unit, ", found ", size));
    if (most.has_value() && size > *most)
      return Fail(path, absl::StrCat("expected at most ", *most, " ", unit, ", found ", size));
    return true;
  }

  bool PartsFit(const Node& node, const JsonValue& value, const Path& path) {
    if (value.kind == JsonValue::Kind::kArray) return ItemsFit(node, value.items, path);
    if (value.kind == JsonValue::Kind::kObject) return MembersFit(node, value, path);
    return true;
  }

  bool ItemsFit(const Node& node, const std::vector<JsonValue>& items, const Path& path) {
    if (!SizeFits(items.size(), node.min_items, node.max_items, "items", path)) return false;
    for (size_t i = 0; i < items.size(); ++i) {
      const NodeId schema = !node.tuple                   ? node.items
                            : i < node.tuple_items.size() ? node.tuple_items[i]
                                                          : node.additional_items;
      if (schema != kNone && !Fits(schema, items[i], {.parent = &path, .key = absl::StrCat(i)})) return false;
    }
    if (node.unique_items) work_ += static_cast<int64_t>(items.size());
    if (node.unique_items && HasTwins(items)) return Fail(path, "expected different items");
    if (node.contains != kNone && std::ranges::none_of(items, [&](const JsonValue& item) {
          return Tries(node.contains, item, path);
        })) {
      return Fail(path, "expected an item as contains says");
    }
    return true;
  }

  static bool HasTwins(const std::vector<JsonValue>& items) {
    std::vector<const JsonValue*> sorted;
    for (const JsonValue& item : items) sorted.push_back(&item);
    std::ranges::sort(sorted, [](const JsonValue* a, const JsonValue* b) { return CompareJson(*a, *b) < 0; });
    return std::ranges::adjacent_find(sorted, [](const JsonValue* a, const JsonValue* b) {
             return CompareJson(*a, *b) == 0;
           }) != sorted.end();
  }

  bool MembersFit(const Node& node, const JsonValue& object, const Path& path) {
    if (!SizeFits(object.members.size(), node.min_properties, node.max_properties, "members", path))
      return false;
    for (const std::string& key : node.required) {
      ++work_;
      if (object.Find(key) == nullptr) return Fail(path, absl::StrCat("expected the key \"", key, "\""));
    }
    for (const auto& [key, value] : object.members) {
      if (!MemberFits(node, key, value, {.parent = &path, .key = key})) return false;
    }
    for (const Dependency& dependency : node.dependencies) {
      ++work_;
      if (object.Find(dependency.key) == nullptr) continue;
      for (const std::string& key : dependency.needed) {
        if (object.Find(key) == nullptr)
          return Fail(path, absl::StrCat("expected the key \"", key, "\" beside \"", dependency.key, "\""));
      }
      if (dependency.schema != kNone && !Fits(dependency.schema, object, path)) return false;
    }
    return true;
  }

  bool MemberFits(const Node& node, const std::string& key, const JsonValue& value, const Path& path) {
    if (node.property_names != kNone) {
      const JsonValue name{.kind = JsonValue::Kind::kString, .text = key};
      if (!Fits(node.property_names, name, path)) return false;
    }
    bool named = false;
    if (const auto property = node.properties.find(key); property != node.properties.end()) {
      named = true;
      if (!Fits(property->second, value, path)) return false;
    }
    for (const auto& [pattern, schema] : node.pattern_properties) {
      ++work_;
      if (!Matches(pattern, key)) continue;
      named = true;
      if (!Fits(schema, value, path)) return false;
    }
    if (named || node.additional_properties == kNone) return true;
    if (!nodes_[static_cast<size_t>(node.additional_properties)].allows)
      return Fail(path, "expected no such key");
    return Fits(node.additional_properties, value, path);
  }

  bool CombinationsFit(const Node& node, const JsonValue& value, const Path& path) {
    for (const NodeId schema : node.all_of) {
      if (!Fits(schema, value, path)) return false;
    }
    const auto tries = [&](NodeId schema) { return Tries(schema, value, path); };
    if (!node.any_of.empty() && std::ranges::none_of(node.any_of, tries))
      return Fail(path, "fits nothing of anyOf");
    if (!node.one_of.empty()) {
      const auto count = std::ranges::count_if(node.one_of, tries);
      if (count != 1) return Fail(path, absl::StrCat("expected to fit one of oneOf, fits ", count));
    }
    if (node.negated != kNone && tries(node.negated)) return Fail(path, "fits what not says");
    if (node.condition == kNone) return true;
    const NodeId branch = tries(node.condition) ? node.then : node.otherwise;
    return branch == kNone || Fits(branch, value, path);
  }

  const std::vector<Node>& nodes_;
  MatchBudget budget_;
  int64_t work_ = 0;
  int quiet_ = 0;
  std::string problem_, limit_;
};

}  // namespace

struct JsonSchema::Compiled {
  std::vector<Node> nodes;  // the first is the schema's own
};

JsonSchema::JsonSchema(std::unique_ptr<Compiled> compiled) : compiled_(std::move(compiled)) {}
JsonSchema::JsonSchema(JsonSchema&&) noexcept = default;
JsonSchema& JsonSchema::operator=(JsonSchema&&) noexcept = default;
JsonSchema::~JsonSchema() = default;

absl::StatusOr<JsonSchema> JsonSchema::Compile(const nlohmann::json& schema) {
  ENTRAIN_ASSIGN_OR_RETURN(std::vector<Node> nodes, Compiler(schema).Run());
  return JsonSchema(std::make_unique<Compiled>(Compiled{.nodes = std::move(nodes)}));
}

JsonSchema::Result JsonSchema::Check(const JsonValue& document) const {
  return Visitor(compiled_->nodes).Run(document);
}

}  // namespace entrain
