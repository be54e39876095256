#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/nearest.h"
#include "verifier/command/command_spec.h"
#include "verifier/judges.h"
#include "verifier/sandbox/run_pipes.h"

namespace entrain {
namespace {

constexpr size_t kMaxAnswerBytes = 1u << 20;

struct Settings {
  const CommandSpec* command = nullptr;
  nlohmann::json options = nlohmann::json::object();  // for the command
  absl::Duration timeout;
  int64_t memory_bytes = 0;
  std::string problem;
};

std::string Join(std::string first, absl::string_view second) {
  return second.empty() ? first : absl::StrCat(first, ": ", second);
}

// The verdict in what a command wrote, or nullopt and what is wrong with it.
std::optional<Verdict> ReadVerdict(const std::string& text, std::string& problem) {
  if (text.size() > kMaxAnswerBytes) {
    problem = absl::StrCat("its answer has more than ", kMaxAnswerBytes, " bytes");
    return std::nullopt;
  }
  // As deep as a verdict is: reading stops at a nested value.
  bool nested = false;
  const auto flat = [&nested](int depth, nlohmann::json::parse_event_t event, nlohmann::json&) {
    const bool opens = event == nlohmann::json::parse_event_t::object_start ||
                       event == nlohmann::json::parse_event_t::array_start;
    nested = nested || (opens && depth > 0);
    return !nested;
  };
  const nlohmann::json json = nlohmann::json::parse(text, flat, /*allow_exceptions=*/false);
  if (nested || !json.is_object()) {
    problem = absl::StrCat("expected one JSON object with a \"kind\", found \"", text.substr(0, 100), "\"");
    return std::nullopt;
  }
  std::string extracted, detail;
  std::optional<VerdictKind> kind;
  std::optional<double> score;
  for (const auto& [key, value] : json.items()) {
    if (key == "kind" && value.is_string()) {
      kind = VerdictKindFromName(value.get<std::string>());
    } else if (key == "score" && value.is_number()) {
      score = value.get<double>();
    } else if (key == "extracted" && value.is_string()) {
      extracted = value.get<std::string>();
    } else if (key == "detail" && value.is_string()) {
      detail = value.get<std::string>();
    } else {
      problem =
          absl::StrCat("\"", key.substr(0, 60), "\": expected kind, score, extracted or detail of its type");
      return std::nullopt;
    }
  }
  if (!kind.has_value() || IsOurFailure(*kind)) {
    problem = "\"kind\": expected correct, wrong, unparsable or limit";
    return std::nullopt;
  }
  Verdict out = Wrong(std::move(extracted), std::move(detail));  // as short as those of others
  out.kind = *kind;
  out.score = score.value_or(*kind == VerdictKind::kCorrect ? 1.0 : 0.0);
  const bool fits = *kind == VerdictKind::kCorrect ? *out.score == 1
                    : *kind == VerdictKind::kWrong ? *out.score >= 0 && *out.score < 1
                                                   : *out.score == 0;
  if (!fits) {
    problem = absl::StrCat("\"score\": expected ",
                           *kind == VerdictKind::kCorrect ? "1"
                           : *kind == VerdictKind::kWrong ? "0 to below 1"
                                                          : "0",
                           " for ", VerdictKindName(*kind), ", found ", *out.score);
    return std::nullopt;
  }
  return out;
}

class CommandJudge final : public Judge {
 public:
  CommandJudge(Sandbox& sandbox, Sandbox& trusted, const CommandTable& commands)
      : sandbox_(sandbox), trusted_(trusted), commands_(commands) {}

  VerifierInfo Describe() const override {
    return {.summary = "A command line that the operator registered says so.",
            .options = {{"command", "needed", "the name that it was registered by"},
                        {"options", "{}", "an object that the command gets"},
                        {"timeout_s", "5", "seconds that it may take"},
                        {"memory_mb", "1024", "memory that it may use"},
                        {"keep", "false", "its verdict may be kept and given again"}}};
  }

  bool MayKeep(const nlohmann::json& options) const override {
    const auto keep = options.find("keep");
    return keep != options.end() && keep->is_boolean() && keep->get<bool>();
  }

  bool RunsPrograms(const nlohmann::json& options) const override {
    const Settings settings = Read(options);
    return settings.problem.empty() && !settings.command->trusted;
  }

  std::string Problem(absl::string_view, const nlohmann::json& options) const override {
    return Read(options).problem;
  }

  Verdict Decide(absl::string_view completion, absl::string_view answer, const nlohmann::json& json,
                 const JudgeContext& context) const override {
    const Settings settings = Read(json);
    if (!settings.problem.empty()) return OurError(settings.problem);
    const nlohmann::json item{{"completion", std::string(completion)},
                              {"answer", std::string(answer)},
                              {"options", settings.options}};
    const std::string input = item.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    SandboxRequest request{.argv = settings.command->argv};
    request.limits.wall = request.limits.cpu = settings.timeout;
    request.limits.deadline = context.time_left;
    request.limits.memory_bytes = settings.memory_bytes;
    request.limits.output_bytes = 2 * kMaxAnswerBytes;
    return Run(settings.command->trusted ? trusted_ : sandbox_, request, input, context);
  }

 private:
  Settings Read(const nlohmann::json& json) const {
    Settings out;
    JudgeOptions read(json);
    const auto* name = read.Any("command");
    if (const auto* options = read.Any("options"); options != nullptr) out.options = *options;
    out.timeout = read.Seconds("timeout_s", absl::Seconds(5));
    read.Flag("keep", false);
    out.memory_bytes = read.Whole("memory_mb", 16, 65536, 1024) << 20;
    out.problem = read.Problem();
    if (!out.problem.empty()) return out;
    if (!out.options.is_object()) {
      out.problem = "verifier_options.options: expected an object";
    } else if (name == nullptr || !name->is_string()) {
      out.problem = "verifier_options.command: expected the name of a command";
    } else {
      out.command = Find(name->get<std::string>(), out.problem);
    }
    return out;
  }

  const CommandSpec* Find(const std::string& name, std::string& problem) const {
    if (const auto found = commands_.find(name); found != commands_.end()) return &found->second;
    std::vector<std::string> known;
    for (const auto& [registered, spec] : commands_) known.push_back(registered);
    problem = absl::StrCat("verifier_options.command: \"", name.substr(0, 60), "\" is not registered here",
                           known.empty() ? " (--command NAME=/path/of/judge)" : DidYouMean(name, known));
    return nullptr;
  }

  static Verdict PastLimit(const SandboxOutcome& outcome, const std::string& said) {
    Verdict out = OurError(Join(absl::StrCat("the command went past its ", outcome.limit), said));
    if (IsTime(outcome.limit_kind)) out.kind = VerdictKind::kTimeout;
    return out;
  }

  // Whatever goes wrong is the judge's failure, which is ours and never the completion's.
  static Verdict Run(Sandbox& sandbox, const SandboxRequest& request, const std::string& input,
                     const JudgeContext& context) {
    const absl::StatusOr<FinishedRun> run = RunToEnd(sandbox, request, input, context.stop);
    if (!run.ok()) return OurError(std::string(run.status().message()));
    const SandboxOutcome& outcome = run->outcome;
    const std::string said(absl::StripAsciiWhitespace(run->errors));
    switch (outcome.end) {
      case RunEnd::kStopped:
        return {.kind = VerdictKind::kTimeout,
                .detail = context.stop.stop_requested() ? "the caller went away"
                                                        : "the deadline passed while the command ran"};
      case RunEnd::kLimit:
        return PastLimit(outcome, said);
      case RunEnd::kSignalled:
        return OurError(Join(absl::StrCat("the command died of signal ", outcome.code), said));
      case RunEnd::kExited:
        break;
    }
    if (outcome.code != 0)
      return OurError(Join(absl::StrCat("the command ended with exit status ", outcome.code), said));
    std::string problem;
    const std::optional<Verdict> verdict = ReadVerdict(run->output, problem);
    return verdict.has_value() ? *verdict : OurError(absl::StrCat("the command's verdict: ", problem));
  }

  Sandbox& sandbox_;
  Sandbox& trusted_;
  const CommandTable& commands_;
};

}  // namespace

std::unique_ptr<Judge> MakeCommandJudge(Sandbox& sandbox, Sandbox& trusted, const CommandTable& commands) {
  return std::make_unique<CommandJudge>(sandbox, trusted, commands);
}

}  // namespace entrain
