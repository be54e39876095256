#include "common/status_macros.h"

#include <gtest/gtest.h>

#include <memory>

namespace entrain {
namespace {

absl::Status Check(absl::Status status, bool& went_on) {
  ENTRAIN_RETURN_IF_ERROR(status);
  went_on = true;
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<int>> Make(int value) {
  if (value < 0) return absl::OutOfRangeError("negative");
  return std::make_unique<int>(value);
}

absl::StatusOr<int> Sum(int a, int b) {
  ENTRAIN_ASSIGN_OR_RETURN(const std::unique_ptr<int> first, Make(a));
  ENTRAIN_ASSIGN_OR_RETURN(const std::unique_ptr<int> second, Make(b));
  return *first + *second;
}

TEST(StatusMacrosTest, ReturnIfErrorPassesAFailureOnAndGoesOnOtherwise) {
  bool went_on = false;
  EXPECT_EQ(Check(absl::NotFoundError("x"), went_on), absl::NotFoundError("x"));
  EXPECT_FALSE(went_on);
  EXPECT_TRUE(Check(absl::OkStatus(), went_on).ok());
  EXPECT_TRUE(went_on);
}

TEST(StatusMacrosTest, ReturnIfErrorIsOneStatement) {
  const auto run = [](bool fail) -> absl::Status {
    if (fail)
      ENTRAIN_RETURN_IF_ERROR(absl::InternalError("x"));
    else
      return absl::AbortedError("else");
    return absl::OkStatus();
  };
  EXPECT_EQ(run(true), absl::InternalError("x"));
  EXPECT_EQ(run(false), absl::AbortedError("else"));
}

TEST(StatusMacrosTest, AMacroInsideTheArgumentOfAnotherShadowsNothing) {
#pragma GCC diagnostic push
#pragma GCC diagnostic error "-Wshadow"
  const auto run = [](int value) -> absl::Status {
    ENTRAIN_RETURN_IF_ERROR([&]() -> absl::Status {
      ENTRAIN_ASSIGN_OR_RETURN(const int sum, [&]() -> absl::StatusOr<int> {
        ENTRAIN_ASSIGN_OR_RETURN(const int inner, Sum(value, 1));
        return inner;
      }());
      ENTRAIN_RETURN_IF_ERROR(sum == 4 ? absl::AbortedError("four") : absl::OkStatus());
      return absl::OkStatus();
    }());
    return absl::OkStatus();
  };
#pragma GCC diagnostic pop
  EXPECT_TRUE(run(2).ok());
  EXPECT_EQ(run(3), absl::AbortedError("four"));
  EXPECT_EQ(run(-1), absl::OutOfRangeError("negative"));
}

TEST(StatusMacrosTest, AssignOrReturnMovesTheValueOrPassesTheFailureOn) {
  ASSERT_TRUE(Sum(2, 3).ok());
  EXPECT_EQ(*Sum(2, 3), 5);
  EXPECT_EQ(Sum(2, -3).status(), absl::OutOfRangeError("negative"));
}

}  // namespace
}  // namespace entrain
