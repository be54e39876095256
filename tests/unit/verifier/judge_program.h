#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "tests/unit/verifier/judge_one.h"
#include "verifier/local_verifier.h"

namespace entrain {

// With this machine's sandbox; nullptr when it has none.
inline LocalVerifier* ConfinedVerifier() {
  static LocalVerifier* verifier = [] {
    std::unique_ptr<LocalVerifier> made = CreateLocalVerifier();
    return made->PrepareSandbox().ok() ? made.release() : nullptr;
  }();
  return verifier;
}

// Programs run as ordinary processes. Never for hostile ones.
inline LocalVerifier& UnconfinedVerifier() {
  static LocalVerifier* verifier = CreateLocalVerifier({.sandbox = SandboxPolicy::kOff}).release();
  return *verifier;
}

inline Verdict JudgeProgram(LocalVerifier& verifier, const std::string& program,
                            const nlohmann::json& options, absl::Duration deadline = absl::Minutes(1)) {
  const VerifyItem item{.verifier = "code", .completion = program, .options_json = options.dump()};
  const auto verdicts = verifier.Verify(std::span(&item, 1), deadline);
  if (!verdicts.ok() || verdicts->size() != 1) return {.detail = "no verdict"};
  return (*verdicts)[0];
}

// For programs that harm nothing: what is said of them is tested on every machine.
inline LocalVerifier& ProgramVerifier() {
  return ConfinedVerifier() == nullptr ? UnconfinedVerifier() : *ConfinedVerifier();
}

inline Verdict JudgeProgram(const std::string& program, const nlohmann::json& options) {
  return JudgeProgram(ProgramVerifier(), program, options);
}

}  // namespace entrain
