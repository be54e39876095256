#pragma once

#include <gmpxx.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "verifier/json/json_value.h"
#include "verifier/regex/pattern.h"

namespace entrain {

using SchemaId = int;
inline constexpr SchemaId kNoSchema = -1;
// Bits of SchemaNode::types, in the order of JsonValue::Kind; an integer is a number without a fraction.
inline constexpr unsigned kIntegerBit = 1u << 6;

struct SchemaDependency {
  std::string key;
  std::vector<std::string> needed;
  SchemaId schema = kNoSchema;
};

// One schema, with those that it is made of by their place in the list of all. What is absent says nothing. A
// plain value; immutable once it is compiled.
struct SchemaNode {
  bool allows = true;  // the schemas true and false
  SchemaId reference = kNoSchema;
  unsigned types = 0;
  std::vector<JsonValue> any_value;  // enum; const is an enum of one
  bool has_values = false;
  std::optional<mpq_class> multiple_of, maximum, exclusive_maximum, minimum, exclusive_minimum;
  std::optional<uint64_t> max_length, min_length, max_items, min_items, max_properties, min_properties;
  std::optional<Pattern> pattern;
  bool unique_items = false;
  SchemaId items = kNoSchema, additional_items = kNoSchema, contains = kNoSchema;
  bool tuple = false;
  std::vector<SchemaId> tuple_items;
  std::vector<std::string> required;
  std::map<std::string, SchemaId, std::less<>> properties;
  std::vector<std::pair<Pattern, SchemaId>> pattern_properties;
  SchemaId additional_properties = kNoSchema, property_names = kNoSchema;
  std::vector<SchemaDependency> dependencies;
  std::vector<SchemaId> all_of, any_of, one_of;
  SchemaId negated = kNoSchema, condition = kNoSchema, then = kNoSchema, otherwise = kNoSchema;

  // The schemas that apply to the same value.
  std::vector<SchemaId> InPlace() const {
    std::vector<SchemaId> out = {reference, negated, condition, then, otherwise};
    for (const auto* list : {&all_of, &any_of, &one_of}) out.insert(out.end(), list->begin(), list->end());
    for (const SchemaDependency& dependency : dependencies) out.push_back(dependency.schema);
    std::erase(out, kNoSchema);
    return out;
  }
};

}  // namespace entrain
