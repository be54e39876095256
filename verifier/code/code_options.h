#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "verifier/code/output_compare.h"

namespace entrain {

// A test of a program that reads and writes.
struct OutputTest {
  std::string input, output;
};

// The options of the verifier `code`, read.
struct CodeOptions {
  // One style for all tests of an item.
  std::variant<std::vector<std::string>, std::vector<OutputTest>> tests;  // Python source; input and output
  std::vector<std::string> entry;  // names that the program defines whatever else they are; assert style
  std::string setup;               // Python source that runs before each item's tests; assert style
  std::string prefix;              // stands before the program
  bool find_block = true;          // or the whole completion is the program
  absl::Duration per_test, total;  // processor time
  int64_t memory_bytes = 0;
  int64_t output_bytes = 0;
  OutputCompare compare = OutputCompare::kLines;
  double tolerance = 0;
  bool fraction = false;  // the share of passed tests is the score
};

struct ReadCodeOptions {
  CodeOptions options;
  std::string problem;  // names the option, what was expected and what was found; "" when all is well
};

ReadCodeOptions CodeOptionsFromJson(const nlohmann::json& json);

}  // namespace entrain
