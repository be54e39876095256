#pragma once

#include <memory>
#include <string>
#include <vector>

#include "verifier/verifier.h"
#include "verifier/verifier_info.h"

namespace entrain {

// Judges in this process with the registered verifiers; what the service, `entrain verify` and tests share.
// Thread-safe.
class LocalVerifier : public Verifier {
 public:
  // What is wrong with an item, whatever its completion: an unknown verifier, options or a reference that
  // cannot be read. "" when it can be judged. Data is checked with it before a run starts.
  virtual std::string Problem(const VerifyItem& item) const = 0;
  // Whether the verdict on this item may be kept and given again (Judge::MayKeep). False for what cannot be
  // judged at all.
  virtual bool MayKeep(const VerifyItem& item) const = 0;
  // All registered verifiers, by name.
  virtual std::vector<VerifierInfo> Registered() const = 0;
};

std::unique_ptr<LocalVerifier> CreateLocalVerifier();

}  // namespace entrain
