#pragma once

#include <memory>
#include <string>
#include <vector>

#include "verifier/verifier.h"

namespace entrain {

// Judges in this process with the registered verifiers; what the service, `entrain verify` and tests share.
// Thread-safe.
std::unique_ptr<Verifier> CreateLocalVerifier();

// Whether the verdict on this item may be kept and given again (Judge::MayKeep). False for what cannot be
// judged at all.
bool MayKeepVerdict(const VerifyItem& item);

// Names of all registered verifiers, sorted.
std::vector<std::string> RegisteredVerifiers();

}  // namespace entrain
