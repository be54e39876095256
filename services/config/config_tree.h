#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

// A YAML document as a tree that remembers lines. Internal to services/config.
namespace entrain {

using Json = nlohmann::ordered_json;

class ConfigTree {
 public:
  static absl::StatusOr<ConfigTree> Read(const std::string& path);
  static absl::StatusOr<ConfigTree> Parse(const std::string& name, const std::string& yaml);
  static ConfigTree Of(std::string name, Json root);

  // "a.b=value"; the value is YAML; null takes the key away.
  absl::Status Override(const std::string& assignment);

  // The value at a dotted path; null when absent or null.
  const Json& At(const std::string& path) const;
  bool Has(const std::string& path) const { return !At(path).is_null(); }
  const Json& root() const { return root_; }
  // "run.yaml:12: " for the nearest place that has a line.
  std::string Where(const std::string& path) const;

  // --- Reading. Problems are collected; a value that cannot be read leaves `out` as it was. ---
  std::vector<std::string> problems;
  void Problem(const std::string& path, const std::string& what) {
    problems.push_back(Where(path) + path + ": " + what);
  }
  void Wrong(const std::string& path, const std::string& expected);
  void Known(const std::string& path, const std::vector<std::string>& keys);
  void Text(const std::string& path, std::string& out);
  void Choice(const std::string& path, const std::vector<std::string>& choices, std::string& out);
  void Flag(const std::string& path, bool& out);
  void Number(const std::string& path, double low, double high, const std::string& range, double& out);
  template <typename T>
  void Whole(const std::string& path, int64_t low, int64_t high, T& out) {
    int64_t value = static_cast<int64_t>(out);
    ReadWhole(path, low, high, value);
    out = static_cast<T>(value);
  }

 private:
  void ReadWhole(const std::string& path, int64_t low, int64_t high, int64_t& out);

  std::string name_;
  Json root_;
  std::map<std::string, int> lines_;  // dotted path → line, from 1
};

}  // namespace entrain
