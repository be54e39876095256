#include "common/verdict.h"

#include <gtest/gtest.h>

#include <array>
#include <utility>

namespace entrain {
namespace {

// The names of docs/formats.md, which people script against.
constexpr std::array<std::pair<VerdictKind, const char*>, 6> kNames = {
    {{VerdictKind::kCorrect, "correct"},
     {VerdictKind::kWrong, "wrong"},
     {VerdictKind::kUnparsable, "unparsable"},
     {VerdictKind::kLimit, "limit"},
     {VerdictKind::kTimeout, "timeout"},
     {VerdictKind::kError, "error"}}};

TEST(VerdictTest, NamesAreThoseOfTheDocumentedFormatAndReadBack) {
  for (const auto& [kind, name] : kNames) {
    EXPECT_EQ(VerdictKindName(kind), name);
    EXPECT_EQ(VerdictKindFromName(name), kind);
  }
}

TEST(VerdictTest, UnknownNamesAreNoKind) {
  for (const char* name : {"", "Correct", "correct ", "timeouts"})
    EXPECT_EQ(VerdictKindFromName(name), std::nullopt);
}

TEST(VerdictTest, OnlyTimeoutAndErrorAreOurFailure) {
  for (const auto& [kind, name] : kNames)
    EXPECT_EQ(IsOurFailure(kind), kind == VerdictKind::kTimeout || kind == VerdictKind::kError) << name;
}

}  // namespace
}  // namespace entrain
