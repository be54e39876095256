#pragma once

#include <string>
#include <utility>

#include "absl/time/time.h"
#include "verifier/local_verifier.h"
#include "verifier/verifier.h"

namespace entrain {

// The verdict of one completion, through the verifier that the service and the command use.
inline Verdict JudgeOne(std::string verifier, std::string completion, std::string answer,
                        std::string options_json = "{}") {
  const VerifyItem item{.verifier = std::move(verifier),
                        .completion = std::move(completion),
                        .answer = std::move(answer),
                        .options_json = std::move(options_json)};
  const auto verdicts = CreateLocalVerifier()->Verify(std::span(&item, 1), absl::Minutes(1));
  if (!verdicts.ok() || verdicts->size() != 1) return {.detail = "no verdict"};
  return (*verdicts)[0];
}

inline std::string KindOf(const Verdict& verdict) { return std::string(VerdictKindName(verdict.kind)); }

}  // namespace entrain
