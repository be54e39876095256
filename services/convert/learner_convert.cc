#include "services/convert/learner_convert.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "services/convert/field.h"
#include "services/convert/utf8.h"
#include "services/convert/verdict_convert.h"

namespace entrain {
namespace {

learner::v1::Purpose PurposeToProto(Purpose purpose) {
  return purpose == Purpose::kTrain ? learner::v1::PURPOSE_TRAIN : learner::v1::PURPOSE_EVAL;
}

absl::StatusOr<Purpose> PurposeFromProto(const std::string& field, learner::v1::Purpose purpose) {
  if (purpose == learner::v1::PURPOSE_TRAIN) return Purpose::kTrain;
  if (purpose == learner::v1::PURPOSE_EVAL) return Purpose::kEval;
  return FieldError(field, "PURPOSE_TRAIN or PURPOSE_EVAL", absl::StrCat(static_cast<int>(purpose)));
}

learner::v1::Finish FinishToProto(Finish finish) {
  return finish == Finish::kStop ? learner::v1::FINISH_STOP : learner::v1::FINISH_LENGTH;
}

absl::StatusOr<Finish> FinishFromProto(const std::string& field, learner::v1::Finish finish) {
  if (finish == learner::v1::FINISH_STOP) return Finish::kStop;
  if (finish == learner::v1::FINISH_LENGTH) return Finish::kLength;
  return FieldError(field, "FINISH_STOP or FINISH_LENGTH", absl::StrCat(static_cast<int>(finish)));
}

absl::Status CheckAtLeast(const std::string& field, int64_t minimum, int64_t value) {
  if (value >= minimum) return absl::OkStatus();
  return FieldError(field, absl::StrCat("at least ", minimum), absl::StrCat(value));
}

absl::Status CheckNotEmpty(const std::string& field, size_t size) {
  return size > 0 ? absl::OkStatus() : FieldError(field, "at least one element", "none");
}

template <typename Tokens>
absl::StatusOr<std::vector<TokenId>> TokensFromProto(const std::string& field, const Tokens& ids) {
  ENTRAIN_RETURN_IF_ERROR(CheckNotEmpty(field, ids.size()));
  for (int i = 0; i < ids.size(); ++i) {
    if (ids[i] < 0)
      return FieldError(absl::StrCat(field, "[", i, "]"), "a token id of at least 0", absl::StrCat(ids[i]));
  }
  return std::vector<TokenId>(ids.begin(), ids.end());
}

learner::v1::Completion CompletionToProto(const Completion& completion) {
  learner::v1::Completion message;
  message.set_index(completion.index);
  message.mutable_token_ids()->Assign(completion.tokens.begin(), completion.tokens.end());
  message.mutable_behaviour_logprobs()->Assign(completion.behaviour_logprobs.begin(),
                                               completion.behaviour_logprobs.end());
  message.set_finish(FinishToProto(completion.finish));
  *message.mutable_verdict() = VerdictToProto(completion.verdict);
  return message;
}

absl::Status CheckLogprobs(const std::string& field, const learner::v1::Completion& message) {
  const auto& logprobs = message.behaviour_logprobs();
  if (logprobs.size() != message.token_ids_size()) {
    return FieldError(field, absl::StrCat(message.token_ids_size(), " values, as many as tokens"),
                      absl::StrCat(logprobs.size()));
  }
  for (int i = 0; i < logprobs.size(); ++i) {
    // A probability rounded up may give a hair above 0.
    if (!std::isfinite(logprobs[i]) || logprobs[i] > 1e-3f) {
      return FieldError(absl::StrCat(field, "[", i, "]"), "a finite log-probability of at most 0",
                        absl::StrCat(logprobs[i]));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Completion> CompletionFromProto(const std::string& field,
                                               const learner::v1::Completion& message) {
  Completion completion;
  ENTRAIN_RETURN_IF_ERROR(CheckAtLeast(field + ".index", 0, message.index()));
  completion.index = message.index();
  ENTRAIN_ASSIGN_OR_RETURN(completion.tokens, TokensFromProto(field + ".token_ids", message.token_ids()));
  ENTRAIN_RETURN_IF_ERROR(CheckLogprobs(field + ".behaviour_logprobs", message));
  completion.behaviour_logprobs.assign(message.behaviour_logprobs().begin(),
                                       message.behaviour_logprobs().end());
  ENTRAIN_ASSIGN_OR_RETURN(completion.finish, FinishFromProto(field + ".finish", message.finish()));
  if (!message.has_verdict()) return FieldError(field + ".verdict", "a verdict", "none");
  ENTRAIN_ASSIGN_OR_RETURN(completion.verdict, VerdictFromProto(field + ".verdict", message.verdict()));
  return completion;
}

learner::v1::Prompt PromptToProto(const Prompt& prompt) {
  learner::v1::Prompt message;
  message.set_id(ToUtf8(prompt.id));
  message.set_text(ToUtf8(prompt.text));
  message.mutable_token_ids()->Assign(prompt.tokens.begin(), prompt.tokens.end());
  message.set_answer(ToUtf8(prompt.answer));
  message.set_verifier(ToUtf8(prompt.verifier));
  message.set_verifier_options_json(ToUtf8(prompt.verifier_options_json));
  return message;
}

absl::StatusOr<Prompt> PromptFromProto(const std::string& field, const learner::v1::Prompt& message) {
  Prompt prompt{
      .id = message.id(), .text = message.text(), .answer = message.answer(), .verifier = message.verifier()};
  ENTRAIN_ASSIGN_OR_RETURN(prompt.tokens, TokensFromProto(field + ".token_ids", message.token_ids()));
  if (!message.verifier_options_json().empty())
    prompt.verifier_options_json = message.verifier_options_json();
  return prompt;
}

}  // namespace

learner::v1::Group GroupToProto(const Group& group) {
  learner::v1::Group message;
  message.set_lease_id(group.lease_id);
  message.set_worker(ToUtf8(group.worker));
  message.set_purpose(PurposeToProto(group.purpose));
  message.set_step(group.step);
  message.set_ordinal(group.ordinal);
  message.set_policy_version(group.policy_version);
  message.set_weights_digest(group.weights_digest);
  for (const Completion& completion : group.completions)
    *message.add_completions() = CompletionToProto(completion);
  return message;
}

absl::StatusOr<Group> GroupFromProto(const std::string& field, const learner::v1::Group& message) {
  Group group{.lease_id = message.lease_id(),
              .worker = message.worker(),
              .step = message.step(),
              .ordinal = message.ordinal(),
              .policy_version = message.policy_version(),
              .weights_digest = message.weights_digest()};
  if (message.lease_id().empty()) return FieldError(field + ".lease_id", "the id of a lease", "nothing");
  ENTRAIN_ASSIGN_OR_RETURN(group.purpose, PurposeFromProto(field + ".purpose", message.purpose()));
  ENTRAIN_RETURN_IF_ERROR(CheckAtLeast(field + ".step", 0, message.step()));
  ENTRAIN_RETURN_IF_ERROR(CheckAtLeast(field + ".ordinal", 0, message.ordinal()));
  ENTRAIN_RETURN_IF_ERROR(CheckAtLeast(field + ".policy_version", 0, message.policy_version()));
  ENTRAIN_RETURN_IF_ERROR(CheckNotEmpty(field + ".completions", message.completions_size()));
  for (int i = 0; i < message.completions_size(); ++i) {
    const std::string name = absl::StrCat(field, ".completions[", i, "]");
    ENTRAIN_ASSIGN_OR_RETURN(Completion completion, CompletionFromProto(name, message.completions(i)));
    group.completions.push_back(std::move(completion));
  }
  return group;
}

learner::v1::Lease LeaseToProto(const Lease& lease) {
  learner::v1::Lease message;
  message.set_lease_id(lease.lease_id);
  message.set_purpose(PurposeToProto(lease.purpose));
  message.set_step(lease.step);
  message.set_ordinal(lease.ordinal);
  *message.mutable_prompt() = PromptToProto(lease.prompt);
  message.set_num_completions(lease.completions);
  message.set_required_policy_version(lease.required_version);
  message.set_required_weights_digest(lease.required_digest);
  *message.mutable_lifetime() = DurationToProto(absl::Seconds(lease.deadline_seconds));
  return message;
}

absl::StatusOr<Lease> LeaseFromProto(const std::string& field, const learner::v1::Lease& message) {
  Lease lease{.lease_id = message.lease_id(),
              .step = message.step(),
              .ordinal = message.ordinal(),
              .completions = message.num_completions(),
              .required_version = message.required_policy_version(),
              .required_digest = message.required_weights_digest()};
  if (message.lease_id().empty()) return FieldError(field + ".lease_id", "the id of a lease", "nothing");
  ENTRAIN_ASSIGN_OR_RETURN(lease.purpose, PurposeFromProto(field + ".purpose", message.purpose()));
  ENTRAIN_RETURN_IF_ERROR(CheckAtLeast(field + ".step", 0, message.step()));
  ENTRAIN_RETURN_IF_ERROR(CheckAtLeast(field + ".ordinal", 0, message.ordinal()));
  ENTRAIN_RETURN_IF_ERROR(CheckAtLeast(field + ".num_completions", 1, message.num_completions()));
  ENTRAIN_RETURN_IF_ERROR(
      CheckAtLeast(field + ".required_policy_version", 0, message.required_policy_version()));
  ENTRAIN_ASSIGN_OR_RETURN(lease.prompt, PromptFromProto(field + ".prompt", message.prompt()));
  ENTRAIN_ASSIGN_OR_RETURN(const absl::Duration lifetime,
                           DurationFromProto(field + ".lifetime", message.lifetime()));
  lease.deadline_seconds = absl::ToDoubleSeconds(lifetime);
  return lease;
}

learner::v1::SamplingSettings SamplingToProto(const SamplingOptions& options) {
  learner::v1::SamplingSettings message;
  message.set_temperature(options.temperature);
  message.set_top_p(options.top_p);
  message.set_top_k(options.top_k);
  message.set_max_tokens(options.max_tokens);
  message.set_greedy(options.greedy);
  message.set_ignore_eos(options.ignore_eos);
  return message;
}

absl::StatusOr<SamplingOptions> SamplingFromProto(const std::string& field,
                                                  const learner::v1::SamplingSettings& message) {
  if (!(message.temperature() > 0) || std::isinf(message.temperature())) {
    return FieldError(field + ".temperature", "a finite number above 0", absl::StrCat(message.temperature()));
  }
  if (!(message.top_p() > 0 && message.top_p() <= 1)) {
    return FieldError(field + ".top_p", "a number in (0, 1]", absl::StrCat(message.top_p()));
  }
  ENTRAIN_RETURN_IF_ERROR(CheckAtLeast(field + ".top_k", 0, message.top_k()));
  ENTRAIN_RETURN_IF_ERROR(CheckAtLeast(field + ".max_tokens", 1, message.max_tokens()));
  return SamplingOptions{.temperature = message.temperature(),
                         .top_p = message.top_p(),
                         .top_k = message.top_k(),
                         .max_tokens = message.max_tokens(),
                         .greedy = message.greedy(),
                         .ignore_eos = message.ignore_eos()};
}

learner::v1::JoinRequest JoinRequestToProto(const JoinRequest& request) {
  learner::v1::JoinRequest message;
  message.set_protocol_version(request.protocol_version);
  message.set_worker(ToUtf8(request.worker));
  message.set_device(ToUtf8(request.device));
  message.set_dtype(ToUtf8(request.dtype));
  return message;
}

absl::StatusOr<JoinRequest> JoinRequestFromProto(const learner::v1::JoinRequest& message) {
  if (message.worker().empty()) return FieldError("worker", "the name of the worker", "nothing");
  return JoinRequest{.protocol_version = message.protocol_version(),
                     .worker = message.worker(),
                     .device = message.device(),
                     .dtype = message.dtype()};
}

learner::v1::JoinResponse JoinReplyToProto(const JoinReply& reply) {
  learner::v1::JoinResponse message;
  message.set_run_id(ToUtf8(reply.run_id));
  message.set_incarnation(ToUtf8(reply.incarnation));
  message.set_seed(reply.seed);
  *message.mutable_train_sampling() = SamplingToProto(reply.train_sampling);
  *message.mutable_eval_sampling() = SamplingToProto(reply.eval_sampling);
  for (const auto& [name, bytes] : reply.model_files) (*message.mutable_model_files())[ToUtf8(name)] = bytes;
  message.set_model_files_digest(reply.model_files_digest);
  message.set_verifier_address(ToUtf8(reply.verifier_address));
  *message.mutable_verify_timeout() = DurationToProto(absl::Seconds(reply.verify_deadline_seconds));
  message.set_num_verify_retries(reply.verify_retries);
  return message;
}

absl::StatusOr<JoinReply> JoinReplyFromProto(const learner::v1::JoinResponse& message) {
  JoinReply reply{.run_id = message.run_id(), .incarnation = message.incarnation(), .seed = message.seed()};
  ENTRAIN_ASSIGN_OR_RETURN(reply.train_sampling,
                           SamplingFromProto("train_sampling", message.train_sampling()));
  ENTRAIN_ASSIGN_OR_RETURN(reply.eval_sampling, SamplingFromProto("eval_sampling", message.eval_sampling()));
  for (const auto& [name, bytes] : message.model_files()) reply.model_files[name] = bytes;
  reply.model_files_digest = message.model_files_digest();
  reply.verifier_address = message.verifier_address();
  ENTRAIN_ASSIGN_OR_RETURN(const absl::Duration timeout,
                           DurationFromProto("verify_timeout", message.verify_timeout()));
  reply.verify_deadline_seconds = absl::ToDoubleSeconds(timeout);
  ENTRAIN_RETURN_IF_ERROR(CheckAtLeast("num_verify_retries", 0, message.num_verify_retries()));
  reply.verify_retries = message.num_verify_retries();
  return reply;
}

learner::v1::LeasePromptsResponse LeaseReplyToProto(const LeaseReply& reply) {
  learner::v1::LeasePromptsResponse message;
  for (const Lease& lease : reply.leases) *message.add_leases() = LeaseToProto(lease);
  message.set_run_ended(reply.run_ended);
  return message;
}

absl::StatusOr<LeaseReply> LeaseReplyFromProto(const learner::v1::LeasePromptsResponse& message) {
  LeaseReply reply;
  for (int i = 0; i < message.leases_size(); ++i) {
    ENTRAIN_ASSIGN_OR_RETURN(Lease lease, LeaseFromProto(absl::StrCat("leases[", i, "]"), message.leases(i)));
    reply.leases.push_back(std::move(lease));
  }
  reply.run_ended = message.run_ended();
  return reply;
}

learner::v1::SubmitResult SubmitResultToProto(SubmitResult result) {
  switch (result) {
    case SubmitResult::kAccepted:
      return learner::v1::SUBMIT_RESULT_ACCEPTED;
    case SubmitResult::kDuplicate:
      return learner::v1::SUBMIT_RESULT_DUPLICATE;
    case SubmitResult::kExpired:
      return learner::v1::SUBMIT_RESULT_EXPIRED;
  }
  return learner::v1::SUBMIT_RESULT_UNSPECIFIED;
}

absl::StatusOr<SubmitResult> SubmitResultFromProto(const std::string& field,
                                                   learner::v1::SubmitResult result) {
  switch (result) {
    case learner::v1::SUBMIT_RESULT_ACCEPTED:
      return SubmitResult::kAccepted;
    case learner::v1::SUBMIT_RESULT_DUPLICATE:
      return SubmitResult::kDuplicate;
    case learner::v1::SUBMIT_RESULT_EXPIRED:
      return SubmitResult::kExpired;
    default:
      return FieldError(field, "a SubmitResult", absl::StrCat(static_cast<int>(result)));
  }
}

}  // namespace entrain
