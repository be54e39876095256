#include "services/runtime/credentials.h"

#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "services/runtime/address.h"

namespace entrain {
namespace {

absl::StatusOr<std::string> ReadPem(absl::string_view field, const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::stringstream bytes;
  if (!file.empty() && in) bytes << in.rdbuf();
  if (bytes.str().find("-----BEGIN") == std::string::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("tls.", field, ": expected a readable PEM file, found \"", file, "\""));
  }
  return bytes.str();
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const std::string& listen, const std::optional<TlsOptions>& tls, bool insecure) {
  ENTRAIN_ASSIGN_OR_RETURN(const HostPort address, ParseHostPort(listen));
  if (!tls) {
    if (IsLoopback(address.host) || insecure) return grpc::InsecureServerCredentials();
    return absl::FailedPreconditionError(
        absl::StrCat("listen: ", listen,
                     " can be reached from other machines and tls is not set; set tls, listen on 127.0.0.1, "
                     "or give --insecure"));
  }
  grpc::SslServerCredentialsOptions options(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  grpc::SslServerCredentialsOptions::PemKeyCertPair pair;
  ENTRAIN_ASSIGN_OR_RETURN(pair.private_key, ReadPem("key_file", tls->key_file));
  ENTRAIN_ASSIGN_OR_RETURN(pair.cert_chain, ReadPem("certificate_file", tls->certificate_file));
  ENTRAIN_ASSIGN_OR_RETURN(options.pem_root_certs, ReadPem("ca_file", tls->ca_file));
  options.pem_key_cert_pairs.push_back(std::move(pair));
  return grpc::SslServerCredentials(options);
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> MakeChannelCredentials(
    const std::optional<TlsOptions>& tls) {
  if (!tls) return grpc::InsecureChannelCredentials();
  grpc::SslCredentialsOptions options;
  ENTRAIN_ASSIGN_OR_RETURN(options.pem_root_certs, ReadPem("ca_file", tls->ca_file));
  if (!tls->certificate_file.empty() || !tls->key_file.empty()) {
    ENTRAIN_ASSIGN_OR_RETURN(options.pem_cert_chain, ReadPem("certificate_file", tls->certificate_file));
    ENTRAIN_ASSIGN_OR_RETURN(options.pem_private_key, ReadPem("key_file", tls->key_file));
  }
  return grpc::SslCredentials(options);
}

}  // namespace entrain
