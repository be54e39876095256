#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "verifier/command/command_spec.h"
#include "verifier/sandbox/sandbox.h"
#include "verifier/sandbox/sandbox_failures.h"
#include "verifier/verifier.h"
#include "verifier/verifier_info.h"

namespace entrain {

enum class SandboxPolicy {
  kRequired,  // programs of completions run in a sandbox or not at all
  kOff,       // they run as ordinary processes of this user, who answers for what they do
};

struct LocalVerifierOptions {
  SandboxPolicy sandbox = SandboxPolicy::kRequired;
  CommandTable commands;  // of the verifier `command`
  // Another sandbox than this machine's, for tests.
  std::function<absl::StatusOr<std::unique_ptr<Sandbox>>()> make_sandbox;
};

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
  // Whether judging this item needs the sandbox (PrepareSandbox).
  virtual bool RunsPrograms(const VerifyItem& item) const = 0;
  // All registered verifiers, by name.
  virtual std::vector<VerifierInfo> Registered() const = 0;
  // Makes the sandbox now; otherwise the first program does. Its layers, none when it is off. A status says
  // why there is none: then every item that runs a program is kError, and the others are judged.
  virtual absl::StatusOr<std::vector<std::string>> PrepareSandbox() = 0;
  // So far.
  virtual SandboxFailures Failures() const = 0;
};

std::unique_ptr<LocalVerifier> CreateLocalVerifier(LocalVerifierOptions options = {});

}  // namespace entrain
