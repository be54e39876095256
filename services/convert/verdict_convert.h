#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "common/verdict.h"
#include "entrain/verifier/v1/verdict.pb.h"
#include "verifier/verifier.h"

namespace entrain {

// Domain ⇄ wire. From-functions answer InvalidArgument that names the field below `field` ("verdicts[2]").

verifier::v1::Verdict VerdictToProto(const Verdict& verdict);
// The score must be there and in [0, 1] exactly for kinds that have one.
absl::StatusOr<Verdict> VerdictFromProto(const std::string& field, const verifier::v1::Verdict& message);

verifier::v1::VerifyItem VerifyItemToProto(const VerifyItem& item);
// Takes the texts, where they are moved in.
absl::StatusOr<VerifyItem> VerifyItemFromProto(const std::string& field, verifier::v1::VerifyItem message);

}  // namespace entrain
