#pragma once

#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"

namespace entrain {

// PEM files of one process. With all three set, both sides show a certificate and check the other's against
// `ca_file` (mTLS).
struct TlsOptions {
  std::string certificate_file;
  std::string key_file;
  std::string ca_file;
};

// Plaintext when `tls` is absent: on a loopback address always, elsewhere only when `insecure` was asked for
// (FailedPrecondition names the way out). With `tls` a client without a certificate of `ca_file` is refused.
// InvalidArgument names a file that cannot be read.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const std::string& listen, const std::optional<TlsOptions>& tls, bool insecure);

// Plaintext when `tls` is absent; `ca_file` is needed, certificate and key may both be empty (a client that
// shows none).
absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> MakeChannelCredentials(
    const std::optional<TlsOptions>& tls);

}  // namespace entrain
