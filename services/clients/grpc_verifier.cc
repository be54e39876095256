#include "services/clients/grpc_verifier.h"

#include <functional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/clock.h"
#include "common/status_macros.h"
#include "services/convert/verdict_convert.h"
#include "services/runtime/channel.h"
#include "services/runtime/retry.h"
#include "services/runtime/user_key.h"

namespace entrain {

namespace {

uint64_t NumberOf(const VerifyItem& item) {
  const std::hash<std::string> hash;
  uint64_t number = hash(item.verifier);
  for (const std::string* text : {&item.options_json, &item.answer, &item.completion})
    number = number * 0x9E3779B97F4A7C15 + hash(*text);
  return number;
}

}  // namespace

struct GrpcVerifier::Question {
  verifier::v1::VerifyRequest request;
  std::vector<uint64_t> numbers;  // of the items
};

GrpcVerifier::GrpcVerifier(const std::vector<std::shared_ptr<grpc::Channel>>& replicas, std::string name)
    : name_(std::move(name)), choice_(replicas.size()) {
  for (const auto& channel : replicas) stubs_.push_back(verifier::v1::VerifierService::NewStub(channel));
}

absl::StatusOr<std::unique_ptr<GrpcVerifier>> GrpcVerifier::Connect(const std::string& addresses,
                                                                    const std::optional<TlsOptions>& tls,
                                                                    const std::string& name) {
  std::vector<std::shared_ptr<grpc::Channel>> replicas;
  for (const absl::string_view address : absl::StrSplit(addresses, ',')) {
    ENTRAIN_ASSIGN_OR_RETURN(std::shared_ptr<grpc::Channel> channel, OpenChannel(std::string(address), tls));
    replicas.push_back(std::move(channel));
  }
  return std::make_unique<GrpcVerifier>(replicas, name);
}

absl::Status GrpcVerifier::AskRound(const Question& question, absl::Duration left, std::stop_token stop,
                                    verifier::v1::VerifyResponse& response, size_t& answered_by) {
  const absl::Duration end = Clock::Real().Monotonic() + left;
  absl::Status last = absl::DeadlineExceededError("Verify: no time is left to ask");
  for (const size_t replica : choice_.Order(question.numbers)) {
    const absl::Duration rest = end - Clock::Real().Monotonic();
    if (rest <= absl::ZeroDuration()) return last;
    const auto call = [&](grpc::ClientContext& context) {
      if (!name_.empty()) context.AddMetadata(kUserKey, name_);
      return stubs_[replica]->Verify(&context, question.request, &response);
    };
    last = calls_.Run("Verify", rest, call, stop);
    answered_by = replica;
    if (absl::IsUnavailable(last) || absl::IsDeadlineExceeded(last)) {
      choice_.Away(replica);
    } else if (!absl::IsCancelled(last)) {
      choice_.Answered(replica);
    }
    // A full replica judged nothing: to the caller the same as one that is away.
    if (absl::IsResourceExhausted(last)) last = absl::UnavailableError(last.message());
    if (!absl::IsUnavailable(last)) return last;
  }
  return last;
}

absl::StatusOr<std::vector<Verdict>> GrpcVerifier::Verify(std::span<const VerifyItem> items,
                                                          const VerifyCall& call) {
  Question question;
  for (const VerifyItem& item : items) {
    *question.request.add_items() = VerifyItemToProto(item);
    question.numbers.push_back(NumberOf(item));
  }
  verifier::v1::VerifyResponse response;
  size_t replica = 0;
  const RetryOptions retry{.jitter = RngKey{.seed = std::hash<std::string>()(name_),
                                            .purpose = RngPurpose::kBackoff,
                                            .ordinal = asked_++},
                           .stop = call.stop};
  ENTRAIN_RETURN_IF_ERROR(RetryUnavailable(
      call.deadline,
      [&](absl::Duration left) { return AskRound(question, left, call.stop, response, replica); }, retry));
  if (response.verdicts_size() != static_cast<int>(items.size())) {
    return absl::DataLossError(
        absl::StrCat("Verify: expected ", items.size(), " verdicts, found ", response.verdicts_size()));
  }
  std::vector<Verdict> verdicts;
  for (int i = 0; i < response.verdicts_size(); ++i) {
    ENTRAIN_ASSIGN_OR_RETURN(Verdict verdict,
                             VerdictFromProto(absl::StrCat("verdicts[", i, "]"), response.verdicts(i)));
    if (IsOurFailure(verdict.kind)) {
      choice_.Failed(replica, question.numbers[static_cast<size_t>(i)]);
    } else {
      choice_.Judged(question.numbers[static_cast<size_t>(i)]);
    }
    verdicts.push_back(std::move(verdict));
  }
  return verdicts;
}

}  // namespace entrain
