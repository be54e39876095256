#pragma once

// Early return on a failed absl::Status. Both macros may be used only in functions that return absl::Status
// or absl::StatusOr.

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define ENTRAIN_CONCAT_INNER_(a, b) a##b
#define ENTRAIN_CONCAT_(a, b) ENTRAIN_CONCAT_INNER_(a, b)

// Names are made with __COUNTER__: a macro inside the lambda of another's argument has the same __LINE__, and
// its name would shadow the outer one.
#define ENTRAIN_RETURN_IF_ERROR(expr) \
  ENTRAIN_RETURN_IF_ERROR_(ENTRAIN_CONCAT_(entrain_status_, __COUNTER__), expr)
#define ENTRAIN_RETURN_IF_ERROR_(tmp, expr)               \
  do {                                                    \
    if (absl::Status tmp = (expr); !tmp.ok()) return tmp; \
  } while (false)

// ENTRAIN_ASSIGN_OR_RETURN(Config config, ReadConfig(path));
#define ENTRAIN_ASSIGN_OR_RETURN(lhs, expr) \
  ENTRAIN_ASSIGN_OR_RETURN_(ENTRAIN_CONCAT_(entrain_or_, __COUNTER__), lhs, expr)
#define ENTRAIN_ASSIGN_OR_RETURN_(tmp, lhs, expr) \
  auto tmp = (expr);                              \
  if (!tmp.ok()) return std::move(tmp).status();  \
  lhs = *std::move(tmp)
