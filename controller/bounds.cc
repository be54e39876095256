#include "controller/bounds.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "controller/schedule.h"

namespace entrain {

const char kEpsilonOrRatio[] =
    "; an epsilon of 0.28 is the ratio bound 1.28 (lower side: 0.2 is 0.8); ratio bounds are written "
    "ratio_bounds: {low: 0.8, high: 1.28}";

namespace {

bool In(double value, double low, double high) {
  return std::isfinite(value) && value >= low && value <= high;
}

}  // namespace

// u0 ≥ 0, u0+u1 ≥ 0, u1 < 1.
void CheckUpperLine(const std::string& field, const ClipLine& line, std::vector<std::string>& problems) {
  if (!std::isfinite(line.intercept) || line.intercept < 0) {
    problems.push_back(absl::StrCat(field, ".intercept: expected a finite number of at least 0, found ",
                                    line.intercept, kEpsilonOrRatio));
  }
  if (!std::isfinite(line.slope) || line.slope >= 1)
    problems.push_back(absl::StrCat(field, ".slope: expected a finite number below 1, found ", line.slope));
  if (line.intercept + line.slope < 0) {
    problems.push_back(absl::StrCat(field, ": expected intercept + slope of at least 0, found ",
                                    line.intercept + line.slope));
  }
}

// 0 ≤ l0 ≤ 1, l0+l1 ≥ 0, l1 > −1.
void CheckLowerLine(const std::string& field, const ClipLine& line, std::vector<std::string>& problems) {
  if (!In(line.intercept, 0, 1))
    problems.push_back(
        absl::StrCat(field, ".intercept: expected 0 to 1, found ", line.intercept, kEpsilonOrRatio));
  if (!std::isfinite(line.slope) || line.slope <= -1)
    problems.push_back(absl::StrCat(field, ".slope: expected a finite number above -1, found ", line.slope));
  if (line.intercept + line.slope < 0) {
    problems.push_back(absl::StrCat(field, ": expected intercept + slope of at least 0, found ",
                                    line.intercept + line.slope));
  }
}

absl::Status ValidateBounds(const ClipBounds& bounds) {
  std::vector<std::string> problems;
  if (bounds.upper.has_value()) CheckUpperLine("upper", *bounds.upper, problems);
  if (bounds.lower.has_value()) CheckLowerLine("lower", *bounds.lower, problems);
  if (problems.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrJoin(problems, "\n"));
}

}  // namespace entrain
