#include "verifier/json/json_schema.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/status_macros.h"
#include "verifier/json/schema_compiler.h"

namespace entrain {
namespace {

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
  explicit Visitor(const std::vector<SchemaNode>& nodes) : nodes_(nodes) {}

  JsonSchema::Result Run(const JsonValue& document) {
    const Path root;
    const bool valid = Fits(0, document, root);
    if (!limit_.empty()) return {.outcome = JsonSchema::Outcome::kLimit, .detail = limit_};
    if (valid) return {};
    return {.outcome = JsonSchema::Outcome::kInvalid, .detail = problem_};
  }

 private:
  bool Fits(SchemaId id, const JsonValue& value, const Path& path) {
    if (!limit_.empty()) return false;
    if (++work_ > kMaxSchemaWork) {
      limit_ = absl::StrCat("work: more than ", kMaxSchemaWork, " steps of the schema");
      return false;
    }
    const SchemaNode& node = nodes_[static_cast<size_t>(id)];
    if (!node.allows) return Fail(path, "expected nothing here");
    if (node.reference != kNoSchema) return Fits(node.reference, value, path);
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
  bool Tries(SchemaId id, const JsonValue& value, const Path& path) {
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

  bool TypeFits(const SchemaNode& node, const JsonValue& value, const Path& path) {
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

  bool ValueFits(const SchemaNode& node, const JsonValue& value, const Path& path) {
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

  bool NumberFits(const SchemaNode& node, const mpq_class& number, const Path& path) {
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

  bool TextFits(const SchemaNode& node, const std::string& text, const Path& path) {
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

  bool PartsFit(const SchemaNode& node, const JsonValue& value, const Path& path) {
    if (value.kind == JsonValue::Kind::kArray) return ItemsFit(node, value.items, path);
    if (value.kind == JsonValue::Kind::kObject) return MembersFit(node, value, path);
    return true;
  }

  bool ItemsFit(const SchemaNode& node, const std::vector<JsonValue>& items, const Path& path) {
    if (!SizeFits(items.size(), node.min_items, node.max_items, "items", path)) return false;
    for (size_t i = 0; i < items.size(); ++i) {
      const SchemaId schema = !node.tuple                   ? node.items
                              : i < node.tuple_items.size() ? node.tuple_items[i]
                                                            : node.additional_items;
      if (schema != kNoSchema && !Fits(schema, items[i], {.parent = &path, .key = absl::StrCat(i)}))
        return false;
    }
    if (node.unique_items) work_ += static_cast<int64_t>(items.size());
    if (node.unique_items && HasTwins(items)) return Fail(path, "expected different items");
    if (node.contains != kNoSchema && std::ranges::none_of(items, [&](const JsonValue& item) {
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

  bool MembersFit(const SchemaNode& node, const JsonValue& object, const Path& path) {
    if (!SizeFits(object.members.size(), node.min_properties, node.max_properties, "members", path))
      return false;
    for (const std::string& key : node.required) {
      ++work_;
      if (object.Find(key) == nullptr) return Fail(path, absl::StrCat("expected the key \"", key, "\""));
    }
    for (const auto& [key, value] : object.members) {
      if (!MemberFits(node, key, value, {.parent = &path, .key = key})) return false;
    }
    for (const SchemaDependency& dependency : node.dependencies) {
      ++work_;
      if (object.Find(dependency.key) == nullptr) continue;
      for (const std::string& key : dependency.needed) {
        if (object.Find(key) == nullptr)
          return Fail(path, absl::StrCat("expected the key \"", key, "\" beside \"", dependency.key, "\""));
      }
      if (dependency.schema != kNoSchema && !Fits(dependency.schema, object, path)) return false;
    }
    return true;
  }

  bool MemberFits(const SchemaNode& node, const std::string& key, const JsonValue& value, const Path& path) {
    if (node.property_names != kNoSchema) {
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
    if (named || node.additional_properties == kNoSchema) return true;
    if (!nodes_[static_cast<size_t>(node.additional_properties)].allows)
      return Fail(path, "expected no such key");
    return Fits(node.additional_properties, value, path);
  }

  bool CombinationsFit(const SchemaNode& node, const JsonValue& value, const Path& path) {
    for (const SchemaId schema : node.all_of) {
      if (!Fits(schema, value, path)) return false;
    }
    const auto tries = [&](SchemaId schema) { return Tries(schema, value, path); };
    if (!node.any_of.empty() && std::ranges::none_of(node.any_of, tries))
      return Fail(path, "fits nothing of anyOf");
    if (!node.one_of.empty()) {
      const auto count = std::ranges::count_if(node.one_of, tries);
      if (count != 1) return Fail(path, absl::StrCat("expected to fit one of oneOf, fits ", count));
    }
    if (node.negated != kNoSchema && tries(node.negated)) return Fail(path, "fits what not says");
    if (node.condition == kNoSchema) return true;
    const SchemaId branch = tries(node.condition) ? node.then : node.otherwise;
    return branch == kNoSchema || Fits(branch, value, path);
  }

  const std::vector<SchemaNode>& nodes_;
  MatchBudget budget_;
  int64_t work_ = 0;
  int quiet_ = 0;
  std::string problem_, limit_;
};

}  // namespace

struct JsonSchema::Compiled {
  std::vector<SchemaNode> nodes;
};

JsonSchema::JsonSchema(std::unique_ptr<Compiled> compiled) : compiled_(std::move(compiled)) {}
JsonSchema::JsonSchema(JsonSchema&&) noexcept = default;
JsonSchema& JsonSchema::operator=(JsonSchema&&) noexcept = default;
JsonSchema::~JsonSchema() = default;

absl::StatusOr<JsonSchema> JsonSchema::Compile(const nlohmann::json& schema) {
  ENTRAIN_ASSIGN_OR_RETURN(std::vector<SchemaNode> nodes, CompileSchema(schema));
  return JsonSchema(std::make_unique<Compiled>(Compiled{.nodes = std::move(nodes)}));
}

JsonSchema::Result JsonSchema::Check(const JsonValue& document) const {
  return Visitor(compiled_->nodes).Run(document);
}

}  // namespace entrain
