#include "learner/metrics_writer.h"

#include <gtest/gtest.h>

#include <fstream>
#include <limits>
#include <sstream>

#include "tests/testing/temporary_folder.h"

namespace entrain {
namespace {

TEST(StepRecordJson, PutsTheStepFirstAndNumbersInOrderAsShortAsTheyReadBack) {
  const StepRecord record{
      .step = 3,
      .numbers = {{"reward/mean", 0.1}, {"clip/high_frac", 1.0 / 3}, {"tokens/trained", 2048}},
      .texts = {{"digest/weights", "ab"}}};
  EXPECT_EQ(StepRecordJson(record),
            R"({"step":3,"clip/high_frac":0.3333333333333333,"reward/mean":0.1,"tokens/trained":2048,)"
            R"("digest/weights":"ab"})");
}

TEST(StepRecordJson, WritesNullForWhatIsNotFiniteAndNamesIt) {
  const StepRecord record{.step = 0,
                          .numbers = {{"a", std::numeric_limits<double>::quiet_NaN()},
                                      {"b", std::numeric_limits<double>::infinity()}}};
  EXPECT_EQ(StepRecordJson(record), R"({"step":0,"a":null,"b":null,"error":"not finite: a, b"})");
}

TEST(LineWriter, AppendsToWhatIsThere) {
  const TemporaryFolder folder;
  const std::string path = folder / "lines.jsonl";
  for (const char* line : {"one", "two"}) {
    auto writer = LineWriter::Open(path);
    ASSERT_TRUE(writer.ok()) << writer.status();
    ASSERT_TRUE((*writer)->Write(line).ok());
  }
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  EXPECT_EQ(text.str(), "one\ntwo\n");
}

TEST(LineWriter, NamesAFileThatCannotBeWritten) {
  const auto writer = LineWriter::Open("/nowhere/metrics.jsonl");
  EXPECT_TRUE(absl::IsUnavailable(writer.status()));
  EXPECT_NE(writer.status().message().find("/nowhere/metrics.jsonl"), std::string::npos);
}

}  // namespace
}  // namespace entrain
