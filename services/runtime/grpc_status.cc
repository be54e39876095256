#include "services/runtime/grpc_status.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace entrain {
namespace {

absl::StatusCode CodeOf(const grpc::Status& status) {
  if (status.error_code() == grpc::StatusCode::UNKNOWN &&
      absl::StrContains(status.error_message(), "Stream removed")) {
    return absl::StatusCode::kUnavailable;
  }
  const int code = static_cast<int>(status.error_code());
  // A peer may send any number.
  return code >= 0 && code <= 16 ? static_cast<absl::StatusCode>(code) : absl::StatusCode::kUnknown;
}

// Long messages would exceed the 8 KB that peers accept as metadata, and the call would fail with another
// error.
constexpr size_t kMaxMessageBytes = 4096;

}  // namespace

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  std::string message(status.message().substr(0, kMaxMessageBytes));
  if (status.message().size() > kMaxMessageBytes) absl::StrAppend(&message, " …");
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::move(message));
}

absl::Status FromGrpcStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  return absl::Status(CodeOf(status), status.error_message());
}

absl::Status FromGrpcStatus(const grpc::Status& status, absl::string_view what) {
  if (status.ok()) return absl::OkStatus();
  return absl::Status(CodeOf(status), absl::StrCat(what, ": ", status.error_message()));
}

}  // namespace entrain
