#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "learner/objective/document.h"
#include "services/cli/command_line.h"
#include "services/cli/commands.h"
#include "services/cli/ordered_lines.h"
#include "services/main/verifier_flags.h"
#include "services/runtime/signal_waiter.h"
#include "verifier/local_verifier.h"
#include "verifier/verify_document.h"

namespace entrain {
namespace {

struct JudgeFlags {
  std::string file;
  double deadline_seconds = 10;
  int threads = 0;
  bool summary = false;
  bool json = false;
  bool list = false;
  VerifierFlags verifier;
};

void ListVerifiers(const LocalVerifier& verifier, bool json) {
  for (const VerifierInfo& info : verifier.Registered()) {
    if (json) {
      nlohmann::ordered_json out{{"name", info.name}, {"summary", info.summary}};
      out["options"] = nlohmann::ordered_json::array();
      for (const VerifierOptionInfo& option : info.options) {
        out["options"].push_back(
            {{"name", option.name}, {"default", option.fallback}, {"meaning", option.meaning}});
      }
      std::cout << out.dump() << "\n";
      continue;
    }
    std::cout << info.name << "  " << info.summary << "\n";
    for (const VerifierOptionInfo& option : info.options)
      std::cout << "    " << option.name << " = " << option.fallback << "  (" << option.meaning << ")\n";
  }
}

// Lines by how they ended: one count for each kind of verdict, the last for lines that could not be read.
class Tally {
 public:
  void Count(const VerifiedLine& line) {
    ++counts_[line.kind.has_value() ? static_cast<size_t>(*line.kind) : kUnreadable];
    if (!line.ok()) all_ok_ = false;
  }
  bool all_ok() const { return all_ok_; }
  nlohmann::ordered_json Json(double seconds) const {
    nlohmann::ordered_json out;
    int64_t lines = 0;
    for (size_t i = 0; i <= kUnreadable; ++i) {
      const std::string name =
          i == kUnreadable ? "unreadable" : std::string(VerdictKindName(static_cast<VerdictKind>(i)));
      out[name] = counts_[i].load();
      lines += counts_[i];
    }
    out["lines"] = lines;
    out["seconds"] = seconds;
    out["lines_per_s"] = seconds > 0 ? static_cast<double>(lines) / seconds : 0;
    return out;
  }

 private:
  static constexpr size_t kUnreadable = static_cast<size_t>(VerdictKind::kError) + 1;
  std::atomic<int64_t> counts_[kUnreadable + 1] = {};
  std::atomic<bool> all_ok_ = true;
};

// Says on a terminal, about once a second, how far a long file is.
class VerifyProgress {
 public:
  explicit VerifyProgress(int64_t total_bytes) : total_bytes_(total_bytes) {}
  ~VerifyProgress() {
    if (shown_) std::cerr << "\r\033[K" << std::flush;
  }
  void Show(int64_t lines, int64_t bytes) {
    const absl::Duration now = Clock::Real().Monotonic();
    if (now - last_ < absl::Seconds(1)) return;
    std::cerr << absl::StrFormat("\r\033[K%d lines, %.0f lines/s", lines,
                                 static_cast<double>(lines) / absl::ToDoubleSeconds(now - start_));
    if (total_bytes_ > 0)
      std::cerr << absl::StrFormat(", %.0f %%",
                                   100 * static_cast<double>(bytes) / static_cast<double>(total_bytes_));
    std::cerr << std::flush;
    last_ = now;
    shown_ = true;
  }

 private:
  const int64_t total_bytes_;  // 0: not known
  const absl::Duration start_ = Clock::Real().Monotonic();
  absl::Duration last_ = start_;
  bool shown_ = false;
};

int Verify(const JudgeFlags& flags) {
  absl::StatusOr<LocalVerifierOptions> options_of_verifier = LocalVerifierOptionsOf(flags.verifier);
  if (!options_of_verifier.ok()) return Unusable(options_of_verifier.status());
  const std::unique_ptr<LocalVerifier> verifier = CreateLocalVerifier(*std::move(options_of_verifier));
  if (flags.list) {
    ListVerifiers(*verifier, flags.json);
    return 0;
  }
  const bool standard_input = flags.file.empty() || flags.file == "-";
  const int in = standard_input ? STDIN_FILENO : open(flags.file.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat about {};
  if (in < 0 || fstat(in, &about) != 0 || S_ISDIR(about.st_mode)) {
    return Unusable(absl::NotFoundError(
        absl::StrCat(flags.file, ": cannot be read: ", std::strerror(in < 0 ? errno : EISDIR))));
  }
  SignalWaiter signals;
  const VerifyCall call(absl::Seconds(flags.deadline_seconds), signals.token());
  Tally tally;
  const absl::Duration start = Clock::Real().Monotonic();
  absl::Status answered;
  {
    std::optional<VerifyProgress> progress;
    if (isatty(STDERR_FILENO) != 0 && isatty(STDOUT_FILENO) == 0)
      progress.emplace(S_ISREG(about.st_mode) ? about.st_size : 0);
    const OrderedLinesOptions options{
        .threads = flags.threads > 0 ? flags.threads
                                     : std::max(1, static_cast<int>(std::thread::hardware_concurrency())),
        .max_line_bytes = kMaxVerifyLineBytes,
        .stop = signals.token(),
        .progress = [&](int64_t lines, int64_t bytes) {
          if (progress.has_value()) progress->Show(lines, bytes);
        }};
    answered = AnswerLines(in, STDOUT_FILENO, options,
                           [&](int64_t number, absl::string_view text, std::string& out) {
                             const VerifiedLine line = VerifyLine(*verifier, number, text, call);
                             if (signals.token().stop_requested()) return false;
                             absl::StrAppend(&out, line.json, "\n");
                             tally.Count(line);
                             return true;
                           });
  }
  if (!standard_input) close(in);
  if (flags.summary) {
    const double seconds = absl::ToDoubleSeconds(Clock::Real().Monotonic() - start);
    std::cerr << nlohmann::ordered_json{{"summary", tally.Json(seconds)}}.dump() << "\n";
  }
  if (signals.signal() != 0) return 128 + signals.signal();
  if (!answered.ok())
    return Unusable(absl::UnavailableError(
        absl::StrCat(standard_input ? "standard input" : flags.file, ": ", answered.message())));
  return tally.all_ok() ? 0 : 1;
}

int Objective(const JudgeFlags& flags) {
  if (flags.list) {
    for (const ObjectiveInfo& info : RegisteredObjectives()) {
      const char* clip = info.clip == ClipForm::kLines ? "lines"
                         : info.clip == ClipForm::kBox ? "box"
                                                       : "none";
      std::cout << info.name << "  clip: " << clip << "  " << info.summary << "\n";
      for (const ParameterInfo& parameter : DescribeParameters(info.name))
        std::cout << "    " << parameter.name << " = " << parameter.fallback << "  (" << parameter.range
                  << ")\n";
    }
    return 0;
  }
  if (flags.file.empty())
    return Unusable(absl::InvalidArgumentError("objective: expected a file, or --list"));
  std::ostringstream text;
  if (flags.file == "-") {
    text << std::cin.rdbuf();
  } else {
    std::ifstream file(flags.file);
    if (!file) return Unusable(absl::NotFoundError(absl::StrCat(flags.file, ": cannot be read")));
    text << file.rdbuf();
  }
  const absl::StatusOr<std::string> out = EvaluateObjectiveDocument(text.str());
  if (!out.ok())
    return Unusable(absl::InvalidArgumentError(absl::StrCat(flags.file, ": ", out.status().message())));
  std::cout << *out << "\n";
  return 0;
}

}  // namespace

void AddJudgeCommands(CLI::App& app, CommandAction& action) {
  auto flags = std::make_shared<JudgeFlags>();
  CLI::App* verify =
      app.add_subcommand("verify", "Judge answers offline with the service's own code: JSONL in, JSONL out");
  verify->add_option("file", flags->file,
                     "JSONL of {\"verifier\", \"completion\", \"answer\", \"verifier_options\"}; - or "
                     "nothing: standard input");
  verify->add_option("--deadline", flags->deadline_seconds, "Seconds per line")
      ->capture_default_str()
      ->check(Positive());
  verify->add_option("--threads", flags->threads, "Threads that judge; 0: one for each processor")
      ->capture_default_str()
      ->check(CLI::Range(0, 1024));
  verify->add_flag("--summary", flags->summary,
                   "At the end one JSON line on standard error: lines by kind, seconds, lines a second");
  AddVerifierFlags(*verify, flags->verifier);
  verify->add_flag("--list", flags->list, "The verifiers, with their options, instead");
  verify->add_flag("--json", flags->json, "JSONL out (always; for --list only with this flag)");
  verify->callback([flags, &action] { action = [flags] { return Verify(*flags); }; });
  CLI::App* objective =
      app.add_subcommand("objective", "Loss, gradient and statistics of an objective on given numbers");
  objective->add_option("file", flags->file, "JSON document (docs/formats.md); - : standard input");
  objective->add_flag("--list", flags->list, "Names of the objectives");
  objective->add_flag("--json", flags->json, "JSON out (always)");
  objective->callback([flags, &action] { action = [flags] { return Objective(*flags); }; });
}

}  // namespace entrain
