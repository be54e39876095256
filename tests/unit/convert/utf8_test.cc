#include "services/convert/utf8.h"

#include <gtest/gtest.h>

#include "services/convert/field.h"

namespace entrain {
namespace {

TEST(Utf8Test, KeepsValidText) {
  for (const std::string text :
       {"", "plain", "ü", "数学", "🙂", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf", "\xee\x80\x80"})
    EXPECT_EQ(ToUtf8(text), text);
}

// The Unicode standard's own example (section 3.9, table 3-8): 61 F1 80 80 E1 80 C2 62 80 63 80 BF 64.
TEST(Utf8Test, ReplacesMaximalSubpartsAsTheStandardsExampleDoes) {
  EXPECT_EQ(ToUtf8("a\xF1\x80\x80\xE1\x80\xC2"
                   "b\x80"
                   "c\x80\xBF"
                   "d"),
            "a\uFFFD\uFFFD\uFFFD"
            "b\uFFFD"
            "c\uFFFD\uFFFD"
            "d");
}

TEST(Utf8Test, RefusesOverlongFormsSurrogatesAndNumbersThatAreTooLarge) {
  EXPECT_EQ(ToUtf8("\xC0\xAF"), "\uFFFD\uFFFD");
  EXPECT_EQ(ToUtf8("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(ToUtf8("\xF4\x90\x80\x80"), "\uFFFD\uFFFD\uFFFD\uFFFD");
}

TEST(FieldTest, DurationsSurviveTheWireBelowAndAboveZero) {
  for (const absl::Duration d : {absl::ZeroDuration(), absl::Nanoseconds(1), -absl::Nanoseconds(1),
                                 absl::Seconds(-1.5), absl::Hours(100)}) {
    EXPECT_EQ(*DurationFromProto("d", DurationToProto(d)), d);
  }
  google::protobuf::Duration mixed;
  mixed.set_seconds(1);
  mixed.set_nanos(-1);
  EXPECT_EQ(DurationFromProto("d", mixed).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(FieldTest, TimesSurviveTheWire) {
  for (const absl::Time t :
       {absl::UnixEpoch(), absl::FromUnixNanos(1234567890123456789), absl::FromUnixNanos(-1)}) {
    EXPECT_EQ(TimeFromProto(TimeToProto(t)), t);
  }
}

}  // namespace
}  // namespace entrain
