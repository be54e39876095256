#include "services/convert/verdict_convert.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "services/convert/field.h"
#include "services/convert/utf8.h"

namespace entrain {
namespace {

verifier::v1::VerdictKind KindToProto(VerdictKind kind) {
  switch (kind) {
    case VerdictKind::kCorrect:
      return verifier::v1::VERDICT_KIND_CORRECT;
    case VerdictKind::kWrong:
      return verifier::v1::VERDICT_KIND_WRONG;
    case VerdictKind::kUnparsable:
      return verifier::v1::VERDICT_KIND_UNPARSABLE;
    case VerdictKind::kLimit:
      return verifier::v1::VERDICT_KIND_LIMIT;
    case VerdictKind::kTimeout:
      return verifier::v1::VERDICT_KIND_TIMEOUT;
    case VerdictKind::kError:
      return verifier::v1::VERDICT_KIND_ERROR;
  }
  return verifier::v1::VERDICT_KIND_UNSPECIFIED;
}

absl::StatusOr<VerdictKind> KindFromProto(const std::string& field, verifier::v1::VerdictKind kind) {
  switch (kind) {
    case verifier::v1::VERDICT_KIND_CORRECT:
      return VerdictKind::kCorrect;
    case verifier::v1::VERDICT_KIND_WRONG:
      return VerdictKind::kWrong;
    case verifier::v1::VERDICT_KIND_UNPARSABLE:
      return VerdictKind::kUnparsable;
    case verifier::v1::VERDICT_KIND_LIMIT:
      return VerdictKind::kLimit;
    case verifier::v1::VERDICT_KIND_TIMEOUT:
      return VerdictKind::kTimeout;
    case verifier::v1::VERDICT_KIND_ERROR:
      return VerdictKind::kError;
    default:
      return FieldError(field, "a VerdictKind", absl::StrCat(static_cast<int>(kind)));
  }
}

absl::Status CheckScore(const std::string& field, VerdictKind kind, const verifier::v1::Verdict& message) {
  if (IsOurFailure(kind)) {
    if (!message.has_score()) return absl::OkStatus();
    return FieldError(field, absl::StrCat("no score with kind ", VerdictKindName(kind)),
                      absl::StrCat(message.score()));
  }
  if (!message.has_score())
    return FieldError(field, absl::StrCat("a score with kind ", VerdictKindName(kind)), "none");
  if (message.score() >= 0 && message.score() <= 1) return absl::OkStatus();
  return FieldError(field, "a score in [0, 1]", absl::StrCat(message.score()));
}

}  // namespace

verifier::v1::Verdict VerdictToProto(const Verdict& verdict) {
  verifier::v1::Verdict message;
  message.set_kind(KindToProto(verdict.kind));
  if (verdict.score) message.set_score(*verdict.score);
  message.set_extracted(ToUtf8(verdict.extracted));
  message.set_detail(ToUtf8(verdict.detail));
  message.set_judging_seconds(verdict.seconds);
  return message;
}

absl::StatusOr<Verdict> VerdictFromProto(const std::string& field, const verifier::v1::Verdict& message) {
  Verdict verdict;
  ENTRAIN_ASSIGN_OR_RETURN(verdict.kind, KindFromProto(field + ".kind", message.kind()));
  ENTRAIN_RETURN_IF_ERROR(CheckScore(field + ".score", verdict.kind, message));
  ENTRAIN_RETURN_IF_ERROR(CheckFinite(field + ".judging_seconds", message.judging_seconds()));
  if (message.has_score()) verdict.score = message.score();
  verdict.extracted = message.extracted();
  verdict.detail = message.detail();
  verdict.seconds = message.judging_seconds();
  return verdict;
}

verifier::v1::VerifyItem VerifyItemToProto(const VerifyItem& item) {
  verifier::v1::VerifyItem message;
  message.set_verifier(ToUtf8(item.verifier));
  message.set_completion(ToUtf8(item.completion));
  message.set_answer(ToUtf8(item.answer));
  message.set_options_json(ToUtf8(item.options_json));
  if (item.timeout < absl::InfiniteDuration()) *message.mutable_timeout() = DurationToProto(item.timeout);
  return message;
}

absl::StatusOr<VerifyItem> VerifyItemFromProto(const std::string& field, verifier::v1::VerifyItem message) {
  if (message.verifier().empty()) return FieldError(field + ".verifier", "the name of a verifier", "nothing");
  VerifyItem item{.verifier = std::move(*message.mutable_verifier()),
                  .completion = std::move(*message.mutable_completion()),
                  .answer = std::move(*message.mutable_answer())};
  if (!message.options_json().empty()) item.options_json = std::move(*message.mutable_options_json());
  if (!message.has_timeout()) return item;
  ENTRAIN_ASSIGN_OR_RETURN(item.timeout, DurationFromProto(field + ".timeout", message.timeout()));
  if (item.timeout <= absl::ZeroDuration())
    return FieldError(field + ".timeout", "more than 0 s", absl::FormatDuration(item.timeout));
  return item;
}

}  // namespace entrain
