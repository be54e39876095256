#pragma once

#include <string>

#include "absl/status/status.h"

namespace entrain {

// Call first in main: names the process in the log and ends it when its parent dies, however that happens.
void BeginProcess(const std::string& name);

// One JSON line on standard output that says where the process listens; whoever started it reads that.
void AnnounceListening(const std::string& process, const std::string& grpc, const std::string& http);

// The exit status that tells the truth: 0, or 1 with the reason on standard error. A cancelled run that was
// asked to stop ended well.
int ExitStatus(const absl::Status& status);
// 2: unusable flags or input.
int UsageStatus(const absl::Status& status);

}  // namespace entrain
