#include "common/log.h"

#include <gtest/gtest.h>

namespace entrain {
namespace {

TEST(LogTest, WritesOneLineWithLevelProcessEventAndFields) {
  EXPECT_EQ(
      FormatLogLine(LogLevel::kWarning, "learner", "lease_expired", {{"ordinal", 17}, {"worker", "w-1"}}),
      "W learner lease_expired ordinal=17 worker=w-1");
  EXPECT_EQ(FormatLogLine(LogLevel::kInfo, "learner", "started", {}), "I learner started");
  EXPECT_EQ(FormatLogLine(LogLevel::kError, "learner", "failed", {{"share", 0.5}}),
            "E learner failed share=0.5");
}

TEST(LogTest, QuotesWhatWouldNotReadBackAsOneValue) {
  const auto value = [](const char* text) { return FormatLogLine(LogLevel::kInfo, "p", "e", {{"k", text}}); };
  EXPECT_EQ(value("two words"), "I p e k=\"two words\"");
  EXPECT_EQ(value(""), "I p e k=\"\"");
  EXPECT_EQ(value("a=b"), "I p e k=\"a=b\"");
  EXPECT_EQ(value("say \"x\""), "I p e k=\"say \\\"x\\\"\"");
}

TEST(LogTest, AValueCannotBreakTheLine) {
  const std::string line = FormatLogLine(LogLevel::kInfo, "p", "e", {{"k", "one\ntwo\r\x1b[31m"}});
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(line.find('\r'), std::string::npos);
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
}

TEST(LogTest, KeepsTextOutsideAscii) {
  EXPECT_EQ(FormatLogLine(LogLevel::kInfo, "p", "e", {{"k", "Übung eins"}}), "I p e k=\"Übung eins\"");
}

}  // namespace
}  // namespace entrain
