#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "learner/objective/document.h"
#include "services/cli/command_line.h"
#include "services/cli/commands.h"
#include "verifier/local_verifier.h"
#include "verifier/verify_document.h"

namespace entrain {
namespace {

struct JudgeFlags {
  std::string file;
  double deadline_seconds = 10;
  bool json = false;
  bool list = false;
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

int Verify(const JudgeFlags& flags) {
  if (flags.list) {
    ListVerifiers(*CreateLocalVerifier(), flags.json);
    return 0;
  }
  std::ifstream file;
  const bool standard_input = flags.file.empty() || flags.file == "-";
  if (!standard_input) {
    file.open(flags.file);
    if (!file) return Unusable(absl::NotFoundError(absl::StrCat(flags.file, ": cannot be read")));
  }
  std::istream& in = standard_input ? std::cin : file;
  const std::unique_ptr<Verifier> verifier = CreateLocalVerifier();
  int status = 0;
  std::string line;
  for (int64_t number = 1; std::getline(in, line); ++number) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const VerifiedLine out = VerifyLine(*verifier, number, line, absl::Seconds(flags.deadline_seconds));
    std::cout << out.json << "\n";
    if (!out.ok()) status = 1;
  }
  return status;
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
