#pragma once

#include <memory>
#include <string>
#include <vector>

#include "verifier/verifier.h"

namespace entrain {

// Judges in this process with the registered verifiers; what the service, `entrain verify` and tests share.
// Thread-safe.
std::unique_ptr<Verifier> CreateLocalVerifier();

// Names of all registered verifiers, sorted.
std::vector<std::string> RegisteredVerifiers();

}  // namespace entrain
