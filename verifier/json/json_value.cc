#include "verifier/json/json_value.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "verifier/exact_decimal.h"

namespace entrain {
namespace {

using Json = nlohmann::json;

bool ByKey(const JsonValue::Member& left, const JsonValue::Member& right) { return left.key < right.key; }

// Builds the value from the library's events, which hand numbers over as they were written.
class Builder final : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return Add({}); }
  bool boolean(bool value) override { return Add({.kind = JsonValue::Kind::kBoolean, .flag = value}); }
  bool number_integer(number_integer_t value) override { return Number(absl::StrCat(value)); }
  bool number_unsigned(number_unsigned_t value) override { return Number(absl::StrCat(value)); }
  bool number_float(number_float_t, const string_t& text) override { return Number(text); }
  bool string(string_t& value) override {
    return Add({.kind = JsonValue::Kind::kString, .text = std::move(value)});
  }
  bool binary(binary_t&) override { return false; }
  bool start_object(size_t) override { return Open(JsonValue::Kind::kObject); }
  bool start_array(size_t) override { return Open(JsonValue::Kind::kArray); }
  bool key(string_t& value) override {
    keys_.back() = std::move(value);
    return true;
  }
  bool end_object() override {
    JsonValue& object = open_.back();
    std::ranges::sort(object.members, ByKey);
    const auto twice = std::ranges::adjacent_find(
        object.members, [](const auto& left, const auto& right) { return left.key == right.key; });
    if (twice != object.members.end())
      return Fail(absl::StrCat("the key \"", twice->key.substr(0, 60), "\" comes twice in an object"));
    return Close();
  }
  bool end_array() override { return Close(); }
  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception& error) override {
    constexpr int kNumberOverflow = 406;
    if (error.id == kNumberOverflow) return Limit("a number beyond 1e308");
    return Fail(absl::StrCat("not JSON at byte ", position));
  }

  ParsedJson Take() {
    if (problem.empty() && root_.has_value()) return {.value = std::move(root_)};
    return {.problem = problem, .past_limit = past_limit};
  }

  std::string problem;
  bool past_limit = false;

 private:
  bool Fail(std::string why) {
    if (problem.empty()) problem = std::move(why);
    return false;
  }
  bool Limit(std::string which) {
    past_limit = problem.empty();
    return Fail(std::move(which));
  }

  bool Number(const std::string& text) {
    std::optional<mpq_class> value = ExactDecimal(text);
    if (!value.has_value()) return Limit("a number of too many digits");
    number_bytes_ += static_cast<int64_t>(
        (mpz_size(value->get_num_mpz_t()) + mpz_size(value->get_den_mpz_t())) * sizeof(mp_limb_t));
    if (number_bytes_ > kMaxJsonNumberBytes)
      return Limit(absl::StrCat("numbers: more than ", kMaxJsonNumberBytes, " bytes"));
    return Add({.kind = JsonValue::Kind::kNumber, .number = std::move(value)});
  }

  bool Add(JsonValue value) {
    if (++values_ > kMaxJsonValues) return Limit(absl::StrCat("values: more than ", kMaxJsonValues));
    Put(std::move(value));
    return true;
  }
  void Put(JsonValue value) {
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (open_.back().kind == JsonValue::Kind::kArray) {
      open_.back().items.push_back(std::move(value));
    } else {
      open_.back().members.push_back({.key = std::move(keys_.back()), .value = std::move(value)});
    }
  }

  bool Open(JsonValue::Kind kind) {
    if (static_cast<int64_t>(open_.size()) >= kMaxJsonDepth)
      return Limit(absl::StrCat("depth: more than ", kMaxJsonDepth));
    if (++values_ > kMaxJsonValues) return Limit(absl::StrCat("values: more than ", kMaxJsonValues));
    open_.push_back({.kind = kind});
    keys_.emplace_back();
    return true;
  }
  bool Close() {
    JsonValue value = std::move(open_.back());
    open_.pop_back();
    keys_.pop_back();
    Put(std::move(value));
    return true;
  }

  std::optional<JsonValue> root_;
  std::vector<JsonValue> open_;    // arrays and objects that have not ended
  std::vector<std::string> keys_;  // of each, the key that was read last
  int64_t values_ = 0, number_bytes_ = 0;
};

// Hands a document of the library over as the parser would; its depth is bounded by whoever parsed it.
bool Replay(const Json& json, Builder& builder) {
  switch (json.type()) {
    case Json::value_t::boolean:
      return builder.boolean(json.get<bool>());
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned:
    case Json::value_t::number_float:
      return builder.number_float(0, json.dump());
    case Json::value_t::string: {
      std::string text = json.get<std::string>();
      return builder.string(text);
    }
    case Json::value_t::array:
      return builder.start_array(json.size()) &&
             std::ranges::all_of(json, [&](const Json& item) { return Replay(item, builder); }) &&
             builder.end_array();
    case Json::value_t::object: {
      if (!builder.start_object(json.size())) return false;
      for (const auto& [name, value] : json.items()) {
        std::string key = name;
        if (!builder.key(key) || !Replay(value, builder)) return false;
      }
      return builder.end_object();
    }
    default:
      return builder.null();
  }
}

int CompareTexts(const std::string& left, const std::string& right) {
  const int order = left.compare(right);
  return order < 0 ? -1 : order > 0 ? 1 : 0;
}

int CompareSizes(size_t left, size_t right) { return left < right ? -1 : left > right ? 1 : 0; }

}  // namespace

const JsonValue* JsonValue::Find(absl::string_view key) const {
  const auto found = std::ranges::lower_bound(
      members, key, {}, [](const Member& member) { return absl::string_view(member.key); });
  return found != members.end() && found->key == key ? &found->value : nullptr;
}

absl::string_view JsonKindName(JsonValue::Kind kind) {
  constexpr absl::string_view kNames[] = {"null", "boolean", "number", "string", "array", "object"};
  return kNames[static_cast<size_t>(kind)];
}

int CompareJson(const JsonValue& left, const JsonValue& right) {
  if (left.kind != right.kind) return left.kind < right.kind ? -1 : 1;
  switch (left.kind) {
    case JsonValue::Kind::kNull:
      return 0;
    case JsonValue::Kind::kBoolean:
      return static_cast<int>(left.flag) - static_cast<int>(right.flag);
    case JsonValue::Kind::kNumber:
      return cmp(*left.number, *right.number);
    case JsonValue::Kind::kString:
      return CompareTexts(left.text, right.text);
    case JsonValue::Kind::kArray:
      for (size_t i = 0; i < std::min(left.items.size(), right.items.size()); ++i) {
        if (const int order = CompareJson(left.items[i], right.items[i]); order != 0) return order;
      }
      return CompareSizes(left.items.size(), right.items.size());
    case JsonValue::Kind::kObject:
      for (size_t i = 0; i < std::min(left.members.size(), right.members.size()); ++i) {
        const JsonValue::Member &a = left.members[i], &b = right.members[i];
        if (const int order = CompareTexts(a.key, b.key); order != 0) return order;
        if (const int order = CompareJson(a.value, b.value); order != 0) return order;
      }
      return CompareSizes(left.members.size(), right.members.size());
  }
  return 0;
}

ParsedJson ParseJson(absl::string_view text) {
  if (text.size() > kMaxJsonBytes)
    return {.problem = absl::StrCat("text: more than ", kMaxJsonBytes, " bytes"), .past_limit = true};
  Builder builder;
  Json::sax_parse(text.begin(), text.end(), &builder);
  return builder.Take();
}

std::optional<JsonValue> JsonValueOf(const Json& json) {
  Builder builder;
  if (!Replay(json, builder)) return std::nullopt;
  return builder.Take().value;
}

std::string JsonPointer(absl::string_view parent, absl::string_view key) {
  return absl::StrCat(parent, "/", absl::StrReplaceAll(key, {{"~", "~0"}, {"/", "~1"}}));
}

}  // namespace entrain
