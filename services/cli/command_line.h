#pragma once

#include <string>

#include "absl/status/status.h"
#include "common/status_macros.h"

namespace entrain {

// Says on standard error why nothing could be done and returns exit status 2.
int Unusable(const absl::Status& status);

}  // namespace entrain
