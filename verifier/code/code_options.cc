#include "verifier/code/code_options.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "verifier/judge.h"

namespace entrain {
namespace {

constexpr size_t kMaxTests = 1000;
constexpr size_t kMaxSourceBytes = 1u << 20;   // of one test, of setup, of prefix
constexpr size_t kMaxStreamBytes = 16u << 20;  // of one input or output

std::string Found(const nlohmann::json& value) {
  if (value.is_string()) return "a string";
  if (value.is_boolean()) return "true or false";
  if (value.is_null()) return "null";
  if (value.is_object()) return "an object";
  return value.is_array() ? "a list" : "a number";
}

// Reads a text; the first problem stays.
std::string Text(const nlohmann::json& value, const std::string& name, size_t max_bytes,
                 std::string& problem) {
  if (!value.is_string()) {
    if (problem.empty()) problem = absl::StrCat(name, ": expected a string, found ", Found(value));
    return "";
  }
  std::string text = value.get<std::string>();
  if (text.size() > max_bytes && problem.empty())
    problem = absl::StrCat(name, ": expected at most ", max_bytes, " bytes, found ", text.size());
  return text;
}

std::string Source(const nlohmann::json& value, const std::string& name, std::string& problem) {
  std::string text = Text(value, name, kMaxSourceBytes, problem);
  if (text.find('\0') != std::string::npos && problem.empty())
    problem = absl::StrCat(name, ": expected Python, found a NUL byte");
  return text;
}

OutputTest ReadOutputTest(const nlohmann::json& value, const std::string& name, std::string& problem) {
  OutputTest out;
  bool has_output = false;
  for (const auto& [key, member] : value.items()) {
    if (key == "input") {
      out.input = Text(member, absl::StrCat(name, ".input"), kMaxStreamBytes, problem);
    } else if (key == "output") {
      has_output = true;
      out.output = Text(member, absl::StrCat(name, ".output"), kMaxStreamBytes, problem);
    } else if (problem.empty()) {
      problem = absl::StrCat(name, ": unknown key \"", key.substr(0, 60), "\"");
    }
  }
  if (!has_output && problem.empty()) problem = absl::StrCat(name, ".output: is missing");
  return out;
}

void ReadTests(const nlohmann::json* tests, const std::string& style, CodeOptions& out,
               std::string& problem) {
  if (tests == nullptr || !tests->is_array() || tests->empty() || tests->size() > kMaxTests) {
    problem = absl::StrCat("verifier_options.tests: expected a list of 1 to ", kMaxTests, " tests, found ",
                           tests == nullptr     ? "nothing"
                           : !tests->is_array() ? Found(*tests)
                                                : absl::StrCat(tests->size()));
    return;
  }
  const bool assertions = style.empty() ? tests->front().is_string() : style == "assert";
  std::vector<std::string> sources;
  std::vector<OutputTest> outputs;
  for (size_t n = 0; n < tests->size() && problem.empty(); ++n) {
    const nlohmann::json& test = (*tests)[n];
    const std::string name = absl::StrCat("verifier_options.tests[", n, "]");
    if (assertions) {
      sources.push_back(Source(test, name, problem));
    } else if (test.is_object()) {
      outputs.push_back(ReadOutputTest(test, name, problem));
    } else {
      problem = absl::StrCat(name, R"(: expected {"input": …, "output": …}, found )", Found(test));
    }
  }
  if (assertions) {
    out.tests = std::move(sources);
  } else {
    out.tests = std::move(outputs);
  }
}

bool IsIdentifier(const std::string& name) {
  return !name.empty() && (name[0] < '0' || name[0] > '9') && std::ranges::all_of(name, [](unsigned char c) {
    return c >= 0x80 || c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z');
  });
}

std::vector<std::string> ReadEntry(const nlohmann::json* value, std::string& problem) {
  if (value == nullptr) return {};
  const nlohmann::json list = value->is_array() ? *value : nlohmann::json::array({*value});
  std::vector<std::string> out;
  for (const nlohmann::json& name : list) {
    if (name.is_string() && IsIdentifier(name.get<std::string>())) {
      out.push_back(name.get<std::string>());
    } else if (problem.empty()) {
      problem =
          absl::StrCat("verifier_options.entry: expected a name or a list of names, found ", Found(name));
    }
  }
  return out;
}

OutputCompare CompareOf(const std::string& name) {
  if (name == "exact") return OutputCompare::kExact;
  if (name == "tokens") return OutputCompare::kTokens;
  return name == "numbers" ? OutputCompare::kNumbers : OutputCompare::kLines;
}

}  // namespace

ReadCodeOptions CodeOptionsFromJson(const nlohmann::json& json) {
  JudgeOptions read(json);
  ReadCodeOptions out;
  CodeOptions& options = out.options;
  std::string problem;
  read.Word("language", {"python"}, "python");
  const std::string style = read.Word("style", {"assert", "stdin"}, "");
  const nlohmann::json* tests = read.Any("tests");
  options.entry = ReadEntry(read.Any("entry"), problem);
  if (const auto* setup = read.Any("setup"); setup != nullptr)
    options.setup = Source(*setup, "verifier_options.setup", problem);
  if (const auto* prefix = read.Any("prefix"); prefix != nullptr)
    options.prefix = Source(*prefix, "verifier_options.prefix", problem);
  options.find_block = read.Word("extract", {"block", "whole"}, "block") == "block";
  options.per_test = read.Seconds("per_test_s", absl::Seconds(4));
  options.total = read.Seconds("total_s", absl::Seconds(8));
  options.memory_bytes = read.Whole("memory_mb", 32, 65536, 512) << 20;
  options.output_bytes = read.Whole("output_kb", 1, 65536, 1024) << 10;
  options.compare = CompareOf(read.Word("compare", {"exact", "lines", "tokens", "numbers"}, "lines"));
  const std::optional<mpq_class> tolerance = read.Amount("tolerance");
  options.tolerance = tolerance.has_value() ? tolerance->get_d() : 1e-6;
  options.fraction = read.Word("score", {"all", "fraction"}, "all") == "fraction";
  out.problem = read.Problem();
  if (problem.empty()) ReadTests(tests, style, options, problem);
  if (out.problem.empty()) out.problem = problem;
  if (!out.problem.empty()) return out;
  const bool assertions = std::holds_alternative<std::vector<std::string>>(options.tests);
  if (assertions && (read.Has("compare") || read.Has("tolerance"))) {
    out.problem = "verifier_options: compare and tolerance are for tests with input and output";
  } else if (!assertions && (read.Has("entry") || read.Has("setup"))) {
    out.problem = "verifier_options: entry and setup are for tests in Python";
  } else if (read.Has("tolerance") && options.compare != OutputCompare::kNumbers) {
    out.problem = R"(verifier_options.tolerance: is for "compare": "numbers")";
  }
  return out;
}

}  // namespace entrain
