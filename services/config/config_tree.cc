#include "services/config/config_tree.h"

#include <yaml-cpp/yaml.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <sstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/nearest.h"
#include "common/status_macros.h"

namespace entrain {
namespace {

constexpr int kMaxDepth = 32;
// An alias (`*name`) stands for a whole tree, so that a few lines can mean more values than memory holds.
constexpr int64_t kMaxValues = 200'000;

// YAML 1.2's core schema: what is not null, a boolean or a number is text. `off` and `no` are text.
Json ScalarJson(const YAML::Node& node) {
  const std::string text = node.Scalar();
  if (node.Tag() == "!") return text;  // quoted
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return nullptr;
  if (text == "true" || text == "True") return true;
  if (text == "false" || text == "False") return false;
  int64_t whole = 0;
  if (absl::SimpleAtoi(text, &whole)) return whole;
  double number = 0;
  if ((text[0] == '-' || text[0] == '+' || text[0] == '.' || (text[0] >= '0' && text[0] <= '9')) &&
      absl::SimpleAtod(text, &number))
    return number;
  return text;
}

class Converter {
 public:
  explicit Converter(std::map<std::string, int>& lines) : lines_(lines) {}
  absl::Status status;

  Json Convert(const YAML::Node& node, const std::string& path, int depth) {
    if (!status.ok()) return nullptr;
    if (depth > kMaxDepth || ++values_ > kMaxValues) {
      const std::string what = depth > kMaxDepth ? absl::StrCat("nested more than ", kMaxDepth, " deep")
                                                 : absl::StrCat("more than ", kMaxValues, " values");
      status = absl::InvalidArgumentError(
          absl::StrCat(node.Mark().line + 1, ": ", what, "; does an alias (*name) hold itself?"));
      return nullptr;
    }
    lines_[path] = node.Mark().line + 1;
    if (node.IsScalar()) return ScalarJson(node);
    if (node.IsSequence()) {
      Json list = Json::array();
      for (size_t i = 0; i < node.size(); ++i)
        list.push_back(Convert(node[i], absl::StrCat(path, "[", i, "]"), depth + 1));
      return list;
    }
    if (!node.IsMap()) return nullptr;
    Json object = Json::object();
    for (const auto& entry : node) {
      const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "?";
      const std::string inner = path.empty() ? key : absl::StrCat(path, ".", key);
      if (object.contains(key) && status.ok()) {
        status = absl::InvalidArgumentError(
            absl::StrCat(entry.first.Mark().line + 1, ": ", inner, ": the key stands twice"));
      }
      object[key] = Convert(entry.second, inner, depth + 1);
      lines_[inner] = entry.first.Mark().line + 1;
    }
    return object;
  }

 private:
  std::map<std::string, int>& lines_;
  int64_t values_ = 0;
};

std::string Shown(const Json& value) {
  if (value.is_string()) return absl::StrCat("\"", value.get<std::string>().substr(0, 60), "\"");
  return value.dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 60);
}

}  // namespace

absl::StatusOr<ConfigTree> ConfigTree::Read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat(path, ": cannot be read: ", std::strerror(errno)));
  std::ostringstream text;
  text << file.rdbuf();
  if (!file || text.str().size() > (16u << 20))
    return absl::NotFoundError(absl::StrCat(path, ": is no run file"));
  return Parse(path, text.str());
}

absl::StatusOr<ConfigTree> ConfigTree::Parse(const std::string& name, const std::string& yaml) {
  ConfigTree tree;
  tree.name_ = name;
  try {
    Converter converter(tree.lines_);
    tree.root_ = converter.Convert(YAML::Load(yaml), "", 0);
    if (!converter.status.ok())
      return absl::InvalidArgumentError(absl::StrCat(name, ":", converter.status.message()));
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(absl::StrCat(name, ":", error.mark.line + 1, ": ", error.msg));
  }
  if (!tree.root_.is_object())
    return absl::InvalidArgumentError(
        absl::StrCat(name, ":1: expected keys and values, found ", Shown(tree.root_)));
  return tree;
}

ConfigTree ConfigTree::Of(std::string name, Json root) {
  ConfigTree tree;
  tree.name_ = std::move(name);
  tree.root_ = std::move(root);
  return tree;
}

absl::Status ConfigTree::Override(const std::string& assignment) {
  const size_t equals = assignment.find('=');
  if (equals == 0 || equals == std::string::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("--set ", assignment, ": expected key=value, such as learner.steps=100"));
  }
  Json value;
  try {
    std::map<std::string, int> lines;
    Converter converter(lines);
    value = converter.Convert(YAML::Load(assignment.substr(equals + 1)), "", 0);
    if (!converter.status.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--set ", assignment.substr(0, equals), ": line ", converter.status.message()));
    }
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(absl::StrCat("--set ", assignment, ": ", error.msg));
  }
  Json* at = &root_;
  std::string path;
  for (const absl::string_view part : absl::StrSplit(assignment.substr(0, equals), '.')) {
    if (!at->is_object()) *at = Json::object();
    at = &(*at)[std::string(part)];
    absl::StrAppend(&path, path.empty() ? "" : ".", part);
    lines_.emplace(path, 0);  // unless the file has it
  }
  *at = std::move(value);
  lines_[path] = 0;  // not from the file
  return absl::OkStatus();
}

const Json& ConfigTree::At(const std::string& path) const {
  static const Json* none = new Json(nullptr);
  const Json* at = &root_;
  if (path.empty()) return *at;
  for (const absl::string_view part : absl::StrSplit(path, '.')) {
    if (!at->is_object()) return *none;
    const auto member = at->find(std::string(part));
    if (member == at->end()) return *none;
    at = &*member;
  }
  return *at;
}

std::string ConfigTree::Where(const std::string& path) const {
  for (std::string prefix = path; !prefix.empty();) {
    const auto line = lines_.find(prefix);
    if (line != lines_.end())
      return line->second > 0 ? absl::StrCat(name_, ":", line->second, ": ") : "--set: ";
    const size_t cut = prefix.find_last_of(".[");
    if (cut == std::string::npos) break;
    prefix = prefix.substr(0, cut);
  }
  return absl::StrCat(name_, ": ");
}

void ConfigTree::Wrong(const std::string& path, const std::string& expected) {
  Problem(path, absl::StrCat("expected ", expected, ", found ", Shown(At(path))));
}

void ConfigTree::Known(const std::string& path, const std::vector<std::string>& keys) {
  const Json& object = At(path);
  if (object.is_null()) return;
  if (!object.is_object()) return Wrong(path, "keys and values");
  for (const auto& [key, value] : object.items()) {
    if (std::ranges::find(keys, key) != keys.end()) continue;
    const std::string inner = path.empty() ? key : absl::StrCat(path, ".", key);
    Problem(inner, absl::StrCat("unknown key", DidYouMean(key, keys)));
  }
}

void ConfigTree::Text(const std::string& path, std::string& out) {
  if (!Has(path)) return;
  if (!At(path).is_string()) return Wrong(path, "text");
  out = At(path).get<std::string>();
}

void ConfigTree::Choice(const std::string& path, const std::vector<std::string>& choices, std::string& out) {
  if (!Has(path)) return;
  if (!At(path).is_string() || std::ranges::find(choices, At(path).get<std::string>()) == choices.end())
    return Wrong(path, absl::StrJoin(choices, ", "));
  out = At(path).get<std::string>();
}

void ConfigTree::Flag(const std::string& path, bool& out) {
  if (!Has(path)) return;
  if (!At(path).is_boolean()) return Wrong(path, "true or false");
  out = At(path).get<bool>();
}

void ConfigTree::Number(const std::string& path, double low, double high, const std::string& range,
                        double& out) {
  if (!Has(path)) return;
  if (!At(path).is_number() || !std::isfinite(At(path).get<double>()) || At(path).get<double>() < low ||
      At(path).get<double>() > high) {
    return Wrong(path, range);
  }
  out = At(path).get<double>();
}

void ConfigTree::ReadWhole(const std::string& path, int64_t low, int64_t high, int64_t& out) {
  if (!Has(path)) return;
  if (!At(path).is_number_integer() || At(path).get<double>() < static_cast<double>(low) ||
      At(path).get<double>() > static_cast<double>(high)) {
    return Wrong(path, high >= INT32_MAX ? absl::StrCat("a whole number of at least ", low)
                                         : absl::StrCat("a whole number from ", low, " to ", high));
  }
  out = At(path).get<int64_t>();
}

}  // namespace entrain
