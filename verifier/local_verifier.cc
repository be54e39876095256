#include "verifier/local_verifier.h"

#include <algorithm>
#include <exception>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/clock.h"
#include "common/nearest.h"
#include "common/status_macros.h"
#include "verifier/code/python_programs.h"
#include "verifier/judges.h"
#include "verifier/sandbox/create_sandbox.h"
#include "verifier/sandbox/lazy_sandbox.h"
#include "verifier/sandbox/plain_processes.h"

namespace entrain {
namespace {

// Options deeper than this are refused: writing a document out again is recursive in the library.
constexpr int kMaxOptionsDepth = 60;

struct ItemOptions {
  nlohmann::json value;
  std::string problem;  // "" when `value` is an object
};

ItemOptions ReadOptions(const std::string& text) {
  ItemOptions out;
  if (text == "{}") {
    out.value = nlohmann::json::object();
    return out;
  }
  bool too_deep = false;
  const auto watch_depth = [&too_deep](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
    too_deep = too_deep || depth > kMaxOptionsDepth;
    return !too_deep;
  };
  out.value = nlohmann::json::parse(text, watch_depth, /*allow_exceptions=*/false);
  if (too_deep) {
    out.problem =
        absl::StrCat("verifier_options: expected at most ", kMaxOptionsDepth, " levels, found more");
  } else if (!out.value.is_object()) {
    out.problem = "verifier_options: expected an object";
  }
  return out;
}

class JudgesInProcess final : public LocalVerifier {
 public:
  explicit JudgesInProcess(LocalVerifierOptions options)
      : options_(std::move(options)),
        sandbox_([this] { return MakeSandbox(); }),
        command_sandbox_([this] { return MakeCommandSandbox(); }),
        plain_(MakePlainProcesses()) {
    Register();
  }

  absl::StatusOr<std::vector<Verdict>> Verify(std::span<const VerifyItem> items,
                                              const VerifyCall& call) override {
    Clock& clock = Clock::Real();
    const absl::Duration start = clock.Monotonic();
    std::vector<Verdict> verdicts;
    verdicts.reserve(items.size());
    for (const VerifyItem& item : items) {
      const absl::Duration begin = clock.Monotonic();
      if (call.stop.stop_requested()) return absl::CancelledError("the caller went away");
      const absl::Duration left = std::min(call.deadline, item.timeout) - (begin - start);
      if (left <= absl::ZeroDuration()) {
        verdicts.push_back(
            {.kind = VerdictKind::kTimeout, .detail = "the deadline passed before this item was judged"});
        continue;
      }
      verdicts.push_back(Decide(item, {.time_left = left, .stop = call.stop}));
      verdicts.back().seconds = absl::ToDoubleSeconds(clock.Monotonic() - begin);
    }
    return verdicts;
  }

  std::string Problem(const VerifyItem& item) const override {
    const Judge* judge = Find(item.verifier);
    if (judge == nullptr) return Unknown(item.verifier);
    const ItemOptions options = ReadOptions(item.options_json);
    if (!options.problem.empty()) return options.problem;
    try {
      return judge->Problem(item.answer, options.value);
    } catch (const std::exception& error) {  // a library's; ours do not throw
      return absl::StrCat(item.verifier, ": ", error.what());
    }
  }

  bool MayKeep(const VerifyItem& item) const override {
    const Judge* judge = Find(item.verifier);
    if (judge == nullptr) return false;
    const ItemOptions options = ReadOptions(item.options_json);
    return options.problem.empty() && judge->MayKeep(options.value);
  }

  bool RunsPrograms(const VerifyItem& item) const override {
    const Judge* judge = Find(item.verifier);
    if (judge == nullptr) return false;
    const ItemOptions options = ReadOptions(item.options_json);
    return options.problem.empty() && judge->RunsPrograms(options.value);
  }

  std::vector<VerifierInfo> Registered() const override {
    std::vector<VerifierInfo> out;
    for (const auto& [name, judge] : judges_) {
      out.push_back(judge->Describe());
      out.back().name = name;
    }
    return out;
  }

  absl::StatusOr<std::vector<std::string>> PrepareSandbox() override {
    ENTRAIN_RETURN_IF_ERROR(sandbox_.Prepare());
    if (!FoldersOfCommands().empty()) ENTRAIN_RETURN_IF_ERROR(command_sandbox_.Prepare());
    return sandbox_.layers();
  }

  SandboxFailures Failures() const override {
    const SandboxFailures code = sandbox_.failures(), command = command_sandbox_.failures();
    return {.unavailable = code.unavailable + command.unavailable, .lost = code.lost + command.lost};
  }

 private:
  void Register() {
    judges_["choice"] = MakeChoiceJudge();
    judges_["code"] = MakeCodeJudge(sandbox_);
    judges_["command"] = MakeCommandJudge(command_sandbox_, *plain_, options_.commands);
    judges_["countdown"] = MakeCountdownJudge();
    judges_["exact"] = MakeExactJudge();
    judges_["json"] = MakeJsonJudge();
    judges_["math"] = MakeMathJudge();
    judges_["numeric"] = MakeNumericJudge();
    judges_["regex"] = MakeRegexJudge();
    judges_["weighted"] = MakeWeightedJudge(judges_);
  }

  absl::StatusOr<std::unique_ptr<Sandbox>> MakeSandbox() const {
    if (options_.make_sandbox) return options_.make_sandbox();
    if (options_.sandbox == SandboxPolicy::kOff) return MakePlainProcesses(CodePrograms());
    return CreateSandbox({.python_programs = CodePrograms(), .python_imports = CodeProgramImports()});
  }

  // Apart from the other, so that a completion's program reads no file of a judge.
  absl::StatusOr<std::unique_ptr<Sandbox>> MakeCommandSandbox() const {
    if (options_.make_sandbox) return options_.make_sandbox();
    if (options_.sandbox == SandboxPolicy::kOff) return MakePlainProcesses();
    return CreateSandbox({.readable = FoldersOfCommands()});
  }

  // A command may read what stands beside it; in the root folder, itself alone.
  std::vector<std::string> FoldersOfCommands() const {
    std::vector<std::string> out;
    for (const auto& [name, spec] : options_.commands) {
      const std::filesystem::path path(spec.argv[0]);
      const bool in_root = path.parent_path() == path.root_path();
      if (!spec.trusted) out.push_back(in_root ? path.string() : path.parent_path().string());
    }
    return out;
  }

  const Judge* Find(const std::string& name) const {
    const auto found = judges_.find(name);
    return found == judges_.end() ? nullptr : found->second.get();
  }

  std::string Unknown(const std::string& name) const {
    std::vector<std::string> known;
    for (const auto& [registered, judge] : judges_) known.push_back(registered);
    return absl::StrCat("unknown verifier \"", name.substr(0, 60), "\"", DidYouMean(name, known));
  }

  Verdict Decide(const VerifyItem& item, const JudgeContext& context) const {
    const Judge* judge = Find(item.verifier);
    if (judge == nullptr) return OurError(Unknown(item.verifier));
    const ItemOptions options = ReadOptions(item.options_json);
    if (!options.problem.empty()) return OurError(options.problem);
    try {
      return judge->Decide(item.completion, item.answer, options.value, context);
    } catch (const std::exception& error) {  // a library's; ours do not throw
      return OurError(absl::StrCat(item.verifier, ": ", error.what()));
    }
  }

  const LocalVerifierOptions options_;
  LazySandbox sandbox_, command_sandbox_;
  const std::unique_ptr<Sandbox> plain_;  // for commands that the operator trusts
  JudgeTable judges_;
};

}  // namespace

std::unique_ptr<LocalVerifier> CreateLocalVerifier(LocalVerifierOptions options) {
  return std::make_unique<JudgesInProcess>(std::move(options));
}

}  // namespace entrain
