#include "common/verdict.h"

#include <array>
#include <utility>

namespace entrain {
namespace {

constexpr std::array<std::pair<VerdictKind, const char*>, 6> kNames = {
    {{VerdictKind::kCorrect, "correct"},
     {VerdictKind::kWrong, "wrong"},
     {VerdictKind::kUnparsable, "unparsable"},
     {VerdictKind::kLimit, "limit"},
     {VerdictKind::kTimeout, "timeout"},
     {VerdictKind::kError, "error"}}};

}  // namespace

absl::string_view VerdictKindName(VerdictKind kind) {
  for (const auto& [value, name] : kNames) {
    if (value == kind) return name;
  }
  return "error";
}

std::optional<VerdictKind> VerdictKindFromName(absl::string_view name) {
  for (const auto& [value, text] : kNames) {
    if (name == text) return value;
  }
  return std::nullopt;
}

}  // namespace entrain
