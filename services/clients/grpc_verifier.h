#pragma once

#include <grpcpp/channel.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "entrain/verifier/v1/verifier_service.grpc.pb.h"
#include "services/clients/call.h"
#include "services/runtime/credentials.h"
#include "verifier/verifier.h"

namespace entrain {

// Asks verifier replicas over gRPC: each call begins at the next replica in turn; a replica that is away or
// full is followed by the next, with growing pauses after each round, until the deadline. Thread-safe.
class GrpcVerifier final : public Verifier {
 public:
  // At least one channel, one for each replica.
  explicit GrpcVerifier(const std::vector<std::shared_ptr<grpc::Channel>>& replicas);
  // "host:port" or several, separated by commas.
  static absl::StatusOr<std::unique_ptr<GrpcVerifier>> Connect(
      const std::string& addresses, const std::optional<TlsOptions>& tls = std::nullopt);

  // Unavailable when no replica answered within the deadline; DataLoss when one broke the contract.
  absl::StatusOr<std::vector<Verdict>> Verify(std::span<const VerifyItem> items,
                                              const VerifyCall& call) override;
  void Cancel() { calls_.CancelAll(); }

 private:
  absl::Status AskRound(const verifier::v1::VerifyRequest& request, absl::Duration left,
                        verifier::v1::VerifyResponse& response);

  std::vector<std::unique_ptr<verifier::v1::VerifierService::StubInterface>> stubs_;
  std::atomic<size_t> next_ = 0;
  Calls calls_;
};

}  // namespace entrain
