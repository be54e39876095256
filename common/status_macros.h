#pragma once

// Early return on a failed absl::Status. Both macros may be used only in functions that return absl::Status
// or absl::StatusOr.

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define ENTRAIN_RETURN_IF_ERROR(expr)                                                         \
  do {                                                                                        \
    if (absl::Status entrain_status_ = (expr); !entrain_status_.ok()) return entrain_status_; \
  } while (false)

#define ENTRAIN_CONCAT_INNER_(a, b) a##b
#define ENTRAIN_CONCAT_(a, b) ENTRAIN_CONCAT_INNER_(a, b)

// ENTRAIN_ASSIGN_OR_RETURN(Config config, ReadConfig(path));
#define ENTRAIN_ASSIGN_OR_RETURN(lhs, expr) \
  ENTRAIN_ASSIGN_OR_RETURN_(ENTRAIN_CONCAT_(entrain_or_, __LINE__), lhs, expr)
#define ENTRAIN_ASSIGN_OR_RETURN_(tmp, lhs, expr) \
  auto tmp = (expr);                              \
  if (!tmp.ok()) return std::move(tmp).status();  \
  lhs = *std::move(tmp)
