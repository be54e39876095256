#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/cli/command_line.h"
#include "services/cli/commands.h"
#include "services/cli/data_tasks.h"
#include "services/cli/jsonl.h"
#include "services/main/run_inputs.h"
#include "services/main/verifier_flags.h"
#include "trajectory/data_file.h"
#include "verifier/local_verifier.h"

namespace entrain {
namespace {

namespace fs = std::filesystem;

struct DataOptions {
  std::string file, out;
  uint64_t seed = 0;
  int64_t train = 4096, warmup = 16384, lines = 4096, wide_warmup = 204800;
  int32_t numbers = 4, largest = 9;
  bool json = false;
  VerifierFlags verifier;
};

absl::Status WriteLines(const std::string& path, const std::vector<std::string>& lines) {
  std::error_code error;
  if (const fs::path parent = fs::path(path).parent_path(); !parent.empty())
    fs::create_directories(parent, error);
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << absl::StrJoin(lines, "\n") << "\n";
  file.close();
  if (!file) return absl::UnavailableError(absl::StrCat(path, ": cannot be written"));
  std::cout << path << ": " << lines.size() << " lines\n";
  return absl::OkStatus();
}

int Dec2(const DataOptions& options) {
  const Dec2Lines lines = MakeDec2(options.seed, options.train, options.warmup);
  for (const auto& [name, content] : {std::pair("train.jsonl", &lines.train),
                                      {"warmup.jsonl", &lines.warmup},
                                      {"heldout.jsonl", &lines.heldout}}) {
    const absl::Status status = WriteLines((fs::path(options.out) / name).string(), *content);
    if (!status.ok()) return Unusable(status);
  }
  return 0;
}

int Wide(const DataOptions& options) {
  const WideLines lines = MakeWide(options.seed, options.wide_warmup);
  for (const auto& [name, content] :
       {std::pair("train.jsonl", &lines.train), {"warmup.jsonl", &lines.warmup}}) {
    const absl::Status status = WriteLines((fs::path(options.out) / name).string(), *content);
    if (!status.ok()) return Unusable(status);
  }
  return 0;
}

int Countdown(const DataOptions& options) {
  const absl::Status status =
      WriteLines(options.out, MakeCountdown(options.seed, options.lines, options.numbers, options.largest));
  return status.ok() ? 0 : Unusable(status);
}

int Gsm8k(const DataOptions& options) {
  std::ifstream file(options.file, std::ios::binary);
  if (!file) return Unusable(absl::NotFoundError(absl::StrCat(options.file, ": cannot be read")));
  std::ostringstream text;
  text << file.rdbuf();
  const absl::StatusOr<std::vector<std::string>> lines = ConvertGsm8k(options.file, text.str());
  if (!lines.ok()) return Unusable(lines.status());
  const absl::Status status = WriteLines(options.out, *lines);
  return status.ok() ? 0 : Unusable(status);
}

int Check(const DataOptions& options) {
  const absl::StatusOr<std::vector<DataLine>> lines = ReadDataFile(options.file);
  if (!lines.ok()) {
    std::cerr << lines.status().message() << "\n";
    return absl::IsNotFound(lines.status()) ? 2 : 1;
  }
  absl::StatusOr<LocalVerifierOptions> verifier_options = LocalVerifierOptionsOf(options.verifier);
  if (!verifier_options.ok()) return Unusable(verifier_options.status());
  const std::unique_ptr<LocalVerifier> verifier = CreateLocalVerifier(*std::move(verifier_options));
  std::map<std::string, int64_t> verifiers;
  std::vector<std::string> problems;
  for (const DataLine& line : *lines) {
    ++verifiers[line.verifier];
    if (const absl::Status usable = CheckJudging(line, *verifier); !usable.ok())
      problems.push_back(absl::StrCat(options.file, ":", line.line, ": ", usable.message()));
  }
  if (const absl::Status usable = CheckSandbox(options.file, *lines, *verifier); !usable.ok())
    problems.emplace_back(usable.message());
  const int status = problems.empty() ? 0 : 1;
  if (status != 0) std::cerr << DataProblems(std::move(problems)).message() << "\n";
  if (options.json) {
    std::cout << nlohmann::ordered_json{{"lines", lines->size()},
                                        {"verifiers", verifiers},
                                        {"ok", status == 0}}
                     .dump()
              << "\n";
  } else {
    std::cout << options.file << ": " << lines->size() << " lines";
    for (const auto& [name, count] : verifiers) std::cout << ", " << name << " " << count;
    std::cout << "\n";
  }
  return status;
}

}  // namespace

void AddDataCommands(CLI::App& app, CommandAction& action) {
  auto options = std::make_shared<DataOptions>();
  CLI::App* data = app.add_subcommand("data", "Make and check data files")->require_subcommand(1);
  CLI::App* dec2 = data->add_subcommand(
      "dec2", "Two two-digit numbers that add up to a target: train.jsonl, warmup.jsonl, heldout.jsonl");
  dec2->add_option("--out", options->out, "Folder")->required();
  dec2->add_option("--train", options->train, "Lines of train.jsonl")
      ->capture_default_str()
      ->check(Positive());
  dec2->add_option("--warmup", options->warmup, "Lines of warmup.jsonl")
      ->capture_default_str()
      ->check(Positive());
  dec2->add_option("--seed", options->seed, "Equal seeds give equal files")->capture_default_str();
  dec2->callback([options, &action] { action = [options] { return Dec2(*options); }; });
  CLI::App* wide = data->add_subcommand(
      "wide",
      "64 prompts, 4 out of 512 tokens each, right when 3 of them are good: train.jsonl, warmup.jsonl");
  wide->add_option("--out", options->out, "Folder")->required();
  wide->add_option("--warmup", options->wide_warmup, "Lines of warmup.jsonl")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  wide->add_option("--seed", options->seed, "Equal seeds give equal files")->capture_default_str();
  wide->callback([options, &action] { action = [options] { return Wide(*options); }; });
  CLI::App* countdown =
      data->add_subcommand("countdown", "An expression that uses given numbers and reaches a target");
  countdown->add_option("--out", options->out, "File")->required();
  countdown->add_option("--lines", options->lines, "How many")->capture_default_str()->check(Positive());
  countdown->add_option("--numbers", options->numbers, "Numbers per line")
      ->capture_default_str()
      ->check(CLI::Range(2, 8));
  countdown->add_option("--largest", options->largest, "Largest number")
      ->capture_default_str()
      ->check(CLI::Range(1, 100));
  countdown->add_option("--seed", options->seed, "Equal seeds give equal files")->capture_default_str();
  countdown->callback([options, &action] { action = [options] { return Countdown(*options); }; });
  CLI::App* gsm8k = data->add_subcommand("gsm8k", "Convert an original GSM8K file");
  gsm8k->add_option("file", options->file, "JSONL of {\"question\", \"answer\"}")->required();
  gsm8k->add_option("--out", options->out, "File")->required();
  gsm8k->callback([options, &action] { action = [options] { return Gsm8k(*options); }; });
  CLI::App* check = data->add_subcommand("check", "Check a data file: every bad line, at once");
  check->add_option("file", options->file, "JSONL in the data format (docs/formats.md)")->required();
  AddVerifierFlags(*check, options->verifier);
  check->add_flag("--json", options->json, "JSON out");
  check->callback([options, &action] { action = [options] { return Check(*options); }; });
}

}  // namespace entrain
