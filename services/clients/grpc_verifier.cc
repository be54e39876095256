#include "services/clients/grpc_verifier.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/clock.h"
#include "common/status_macros.h"
#include "services/convert/verdict_convert.h"
#include "services/runtime/channel.h"
#include "services/runtime/retry.h"

namespace entrain {

GrpcVerifier::GrpcVerifier(const std::vector<std::shared_ptr<grpc::Channel>>& replicas) {
  for (const auto& channel : replicas) stubs_.push_back(verifier::v1::VerifierService::NewStub(channel));
}

absl::StatusOr<std::unique_ptr<GrpcVerifier>> GrpcVerifier::Connect(const std::string& addresses,
                                                                    const std::optional<TlsOptions>& tls) {
  std::vector<std::shared_ptr<grpc::Channel>> replicas;
  for (const absl::string_view address : absl::StrSplit(addresses, ',')) {
    ENTRAIN_ASSIGN_OR_RETURN(std::shared_ptr<grpc::Channel> channel, OpenChannel(std::string(address), tls));
    replicas.push_back(std::move(channel));
  }
  return std::make_unique<GrpcVerifier>(replicas);
}

absl::Status GrpcVerifier::AskRound(const verifier::v1::VerifyRequest& request, absl::Duration left,
                                    verifier::v1::VerifyResponse& response) {
  const absl::Duration end = Clock::Real().Monotonic() + left;
  const size_t first = next_++;
  absl::Status last;
  for (size_t i = 0; i < stubs_.size(); ++i) {
    auto& stub = stubs_[(first + i) % stubs_.size()];
    last = calls_.Run("Verify", end - Clock::Real().Monotonic(), [&](grpc::ClientContext& context) {
      return stub->Verify(&context, request, &response);
    });
    // A full replica judged nothing: to the caller the same as one that is away.
    if (absl::IsResourceExhausted(last)) last = absl::UnavailableError(last.message());
    if (!absl::IsUnavailable(last)) return last;
  }
  return last;
}

absl::StatusOr<std::vector<Verdict>> GrpcVerifier::Verify(std::span<const VerifyItem> items,
                                                          const VerifyCall& call) {
  verifier::v1::VerifyRequest request;
  for (const VerifyItem& item : items) *request.add_items() = VerifyItemToProto(item);
  verifier::v1::VerifyResponse response;
  ENTRAIN_RETURN_IF_ERROR(RetryUnavailable(
      call.deadline, [&](absl::Duration left) { return AskRound(request, left, response); }));
  if (response.verdicts_size() != static_cast<int>(items.size())) {
    return absl::DataLossError(
        absl::StrCat("Verify: expected ", items.size(), " verdicts, found ", response.verdicts_size()));
  }
  std::vector<Verdict> verdicts;
  for (int i = 0; i < response.verdicts_size(); ++i) {
    ENTRAIN_ASSIGN_OR_RETURN(Verdict verdict,
                             VerdictFromProto(absl::StrCat("verdicts[", i, "]"), response.verdicts(i)));
    verdicts.push_back(std::move(verdict));
  }
  return verdicts;
}

}  // namespace entrain
