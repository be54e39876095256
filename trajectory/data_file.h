#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace entrain {

// One line of a data file (docs/formats.md, "Data: JSONL"), before it is tokenised.
struct DataLine {
  int64_t line = 0;    // in its file, from 1
  std::string id;      // the line's number when the file gives none
  std::string prompt;  // not empty
  std::string answer;
  std::string verifier = "exact";
  std::string verifier_options_json = "{}";
  std::string meta_json = "{}";
};

// Reads a whole file. All bad lines are reported at once (the first 20), each as `FILE:LINE: what was
// expected, what was found`: unknown keys, wrong types, a missing prompt, a repeated id, `messages` (chat
// templates are rendered when the data is prepared). NotFound when the file cannot be read.
absl::StatusOr<std::vector<DataLine>> ReadDataFile(const std::string& path);
absl::StatusOr<std::vector<DataLine>> ParseData(const std::string& name, absl::string_view text);

// InvalidArgument with the first 20 of `problems`, one a line, and how many more there are; OK when there is
// none.
absl::Status DataProblems(std::vector<std::string> problems);

// `meta.KEY` of a line when it is a string, else "".
std::string MetaText(const DataLine& line, const std::string& key);

}  // namespace entrain
