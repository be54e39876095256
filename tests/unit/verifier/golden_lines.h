#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "verifier/local_verifier.h"
#include "verifier/verifier.h"

namespace entrain {

// One line of a table in tests/golden/: a JSON object, and where it stands ("integers.jsonl:7").
struct GoldenLine {
  nlohmann::json row;
  std::string place;
};

// All lines of a JSONL file, given from the root of the repository. A line that is no JSON object is a
// failure of the test, never skipped.
inline std::vector<GoldenLine> ReadGoldenLines(const std::string& path) {
  std::ifstream file(absl::StrCat(ENTRAIN_SOURCE_DIR, "/", path));
  EXPECT_TRUE(file.is_open()) << path;
  std::vector<GoldenLine> lines;
  for (std::string text; std::getline(file, text);) {
    const std::string place = absl::StrCat(path.substr(path.find_last_of('/') + 1), ":", lines.size() + 1);
    nlohmann::json row = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (!row.is_object()) {
      ADD_FAILURE() << place << ": expected a JSON object, found " << text.substr(0, 80);
      row = nlohmann::json::object();
    }
    lines.push_back({std::move(row), place});
  }
  return lines;
}

// Verdicts of all items in one call, through the verifier that the service and the command use.
inline std::vector<Verdict> JudgeAll(const std::vector<VerifyItem>& items) {
  const auto verdicts = CreateLocalVerifier()->Verify(items, absl::InfiniteDuration());
  EXPECT_TRUE(verdicts.ok()) << verdicts.status();
  EXPECT_EQ(verdicts.ok() ? verdicts->size() : 0, items.size());
  return verdicts.ok() && verdicts->size() == items.size() ? *verdicts : std::vector<Verdict>(items.size());
}

// A text for a message: its end counts, that is where answers stand.
inline std::string EndOf(const std::string& text) {
  return text.size() <= 120 ? text : absl::StrCat("… ", text.substr(text.size() - 120));
}

}  // namespace entrain
