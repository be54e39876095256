#include "trajectory/group_buffer.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"

namespace entrain {
namespace {

absl::Status CheckCompletion(const Completion& completion, size_t place, const Admission& admission) {
  const std::string where = absl::StrCat("completions[", place, "]");
  const auto wrong = [&](auto... what) { return absl::InvalidArgumentError(absl::StrCat(where, what...)); };
  if (completion.index != static_cast<int32_t>(place))
    return wrong(".index: expected ", place, ", found ", completion.index);
  if (completion.tokens.empty()) return wrong(".tokens: expected at least one, found none");
  if (admission.max_tokens > 0 && completion.tokens.size() > static_cast<size_t>(admission.max_tokens)) {
    return wrong(".tokens: expected at most ", admission.max_tokens, ", found ", completion.tokens.size());
  }
  if (completion.behaviour_logprobs.size() != completion.tokens.size()) {
    return wrong(".behaviour_logprobs: expected ", completion.tokens.size(), " values, found ",
                 completion.behaviour_logprobs.size());
  }
  for (const float value : completion.behaviour_logprobs) {
    if (!std::isfinite(value) || value > 1e-3f)
      return wrong(".behaviour_logprobs: expected finite numbers up to 0, found ", value);
  }
  for (const TokenId token : completion.tokens) {
    if (token < 0 || (admission.vocab_size > 0 && token >= admission.vocab_size))
      return wrong(".tokens: ", token, " is outside the vocabulary");
  }
  const Verdict& verdict = completion.verdict;
  if (IsOurFailure(verdict.kind)) {
    if (verdict.score.has_value())
      return wrong(".verdict.score: expected none for ", VerdictKindName(verdict.kind), ", found ",
                   *verdict.score);
    return absl::OkStatus();
  }
  if (!verdict.score.has_value()) return wrong(".verdict.score: missing for ", VerdictKindName(verdict.kind));
  if (!(*verdict.score >= 0 && *verdict.score <= 1))
    return wrong(".verdict.score: expected a number in [0, 1], found ", *verdict.score);
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckGroup(const Group& group, const Admission& admission) {
  if (group.policy_version < admission.oldest_version || group.policy_version > admission.newest_version) {
    return absl::FailedPreconditionError(absl::StrCat("policy_version: expected ", admission.oldest_version,
                                                      " to ", admission.newest_version, ", found ",
                                                      group.policy_version));
  }
  if (!admission.required_digest.empty() && group.weights_digest != admission.required_digest) {
    return absl::FailedPreconditionError(absl::StrCat("weights_digest: expected ", admission.required_digest,
                                                      ", found ", group.weights_digest.substr(0, 64)));
  }
  if (group.completions.size() != static_cast<size_t>(admission.completions_per_prompt)) {
    return absl::InvalidArgumentError(absl::StrCat("completions: expected ", admission.completions_per_prompt,
                                                   ", found ", group.completions.size()));
  }
  for (size_t i = 0; i < group.completions.size(); ++i)
    ENTRAIN_RETURN_IF_ERROR(CheckCompletion(group.completions[i], i, admission));
  return absl::OkStatus();
}

bool Screened::has_signal() const {
  return std::ranges::any_of(group.completions, [&](const Completion& completion) {
    return completion.verdict.score != group.completions[0].verdict.score;
  });
}

Screened Screen(Group group) {
  Screened out;
  std::vector<Completion> survivors;
  for (Completion& completion : group.completions) {
    if (IsOurFailure(completion.verdict.kind)) out.excluded_detail = completion.verdict.detail;
    if (completion.verdict.kind == VerdictKind::kTimeout) {
      ++out.excluded_timeout;
    } else if (completion.verdict.kind == VerdictKind::kError) {
      ++out.excluded_error;
    } else {
      survivors.push_back(std::move(completion));
    }
  }
  group.completions = std::move(survivors);
  out.group = std::move(group);
  return out;
}

}  // namespace entrain
