#pragma once

#include <grpcpp/channel.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "entrain/verifier/v1/verifier_service.grpc.pb.h"
#include "services/clients/call.h"
#include "services/clients/replica_choice.h"
#include "services/runtime/credentials.h"
#include "verifier/verifier.h"

namespace entrain {

// Asks verifier replicas over gRPC, one for a whole batch. They take turns; one that is away is not asked
// first for a while, and items that one could not judge (timeout, error) go to another when they are asked
// again (ReplicaChoice). A replica that is away or full is followed by the next one; after a round without an
// answer there is a pause, growing and with jitter, until the deadline. Thread-safe.
class GrpcVerifier final : public Verifier {
 public:
  // At least one channel, one for each replica. `name` is what the caller calls itself: replicas serve
  // callers in turns.
  explicit GrpcVerifier(const std::vector<std::shared_ptr<grpc::Channel>>& replicas, std::string name = "");
  // "host:port" or several, separated by commas.
  static absl::StatusOr<std::unique_ptr<GrpcVerifier>> Connect(
      const std::string& addresses, const std::optional<TlsOptions>& tls = std::nullopt,
      const std::string& name = "");

  // Unavailable when no replica answered within the deadline; DeadlineExceeded when the one that was asked
  // did not answer; Cancelled when a stop was requested, which ends judging too; DataLoss when a replica
  // broke the contract.
  absl::StatusOr<std::vector<Verdict>> Verify(std::span<const VerifyItem> items,
                                              const VerifyCall& call) override;
  void Cancel() { calls_.CancelAll(); }

 private:
  struct Question;
  absl::Status AskRound(const Question& question, absl::Duration left, std::stop_token stop,
                        verifier::v1::VerifyResponse& response, size_t& answered_by);

  const std::string name_;
  std::vector<std::unique_ptr<verifier::v1::VerifierService::StubInterface>> stubs_;
  ReplicaChoice choice_;
  std::atomic<uint64_t> asked_ = 0;
  Calls calls_;
};

}  // namespace entrain
