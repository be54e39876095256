#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "services/cli/command_line.h"
#include "services/cli/jsonl.h"
#include "services/cli/loaded_model.h"
#include "services/cli/model_commands.h"

namespace entrain {
namespace {

struct LogprobsOptions {
  std::string model;
  std::string file;
  NetworkOptions network;
  int64_t batch_tokens = 8192;
  bool json = false;
};

struct Item {
  const JsonLine* line;
  std::vector<TokenId> prompt;
  std::vector<TokenId> completion;
};

// Texts are tokenised apart, without an added EOS; ids are taken as they are.
absl::StatusOr<Item> ReadItem(const LoadedModel& model, const JsonLine& line) {
  ENTRAIN_RETURN_IF_ERROR(line.error);
  Item item{.line = &line};
  const auto part = [&](const char* text_key, const char* ids_key) -> absl::StatusOr<std::vector<TokenId>> {
    if (line.object.contains(ids_key)) {
      if (line.object.contains(text_key)) {
        return absl::InvalidArgumentError(absl::StrCat("line ", line.number, ": \"", text_key, "\" and \"",
                                                       ids_key, "\" exclude each other"));
      }
      return IdsMember(line, ids_key);
    }
    ENTRAIN_ASSIGN_OR_RETURN(const std::string text, TextMember(line, text_key));
    return Encode(model, text);
  };
  ENTRAIN_ASSIGN_OR_RETURN(item.prompt, part("prompt", "prompt_ids"));
  ENTRAIN_ASSIGN_OR_RETURN(item.completion, part("completion", "completion_ids"));
  if (item.prompt.empty())
    return absl::InvalidArgumentError(
        absl::StrCat("line ", line.number, ": the prompt has no tokens, so its first token has no log-prob"));
  if (item.completion.empty())
    return absl::InvalidArgumentError(absl::StrCat("line ", line.number, ": the completion has no tokens"));
  return item;
}

nlohmann::ordered_json Render(const Item& item, const TokenStats& stats, size_t begin) {
  const size_t end = begin + item.completion.size();
  nlohmann::ordered_json out;
  out["id"] = item.line->id();
  out["completion_ids"] = item.completion;
  out["logprobs"] = FiniteOrNull(stats.logprob, begin, end);
  out["entropy"] = FiniteOrNull(stats.entropy, begin, end);
  out["s"] = FiniteOrNull(stats.s, begin, end);
  out["n"] = FiniteOrNull(stats.n, begin, end);
  return out;
}

// Scores `items` as one batch; when that fails, each alone, so that the error is said of the line that has
// it.
int ScoreAndPrint(Network& network, std::span<const Item> items) {
  std::vector<TrainSequence> sequences;
  for (const Item& item : items) sequences.push_back({.prompt = item.prompt, .completion = item.completion});
  const absl::StatusOr<TokenStats> stats = network.Score(sequences, 1.0);
  if (!stats.ok() && items.size() > 1) {
    int status = 0;
    for (size_t i = 0; i < items.size(); ++i)
      status = std::max(status, ScoreAndPrint(network, items.subspan(i, 1)));
    return status;
  }
  if (!stats.ok()) {
    std::cout << ErrorLine(*items[0].line, stats.status()) << "\n";
    return 1;
  }
  size_t begin = 0;
  for (const Item& item : items) {
    std::cout << Render(item, *stats, begin).dump() << "\n";
    begin += item.completion.size();
  }
  return 0;
}

int Logprobs(const LogprobsOptions& options) {
  const absl::StatusOr<LoadedModel> model = LoadModel(options.model);
  if (!model.ok()) return Unusable(model.status());
  const auto lines =
      ReadJsonLines(options.file, {"id", "prompt", "completion", "prompt_ids", "completion_ids"});
  if (!lines.ok()) return Unusable(lines.status());
  const absl::StatusOr<std::unique_ptr<Network>> network = MakeNetwork(*model, options.network);
  if (!network.ok()) return Unusable(network.status());
  int status = 0;
  std::vector<Item> batch;
  int64_t longest = 0;
  const auto flush = [&] {
    if (!batch.empty()) status = std::max(status, ScoreAndPrint(**network, batch));
    batch.clear();
    longest = 0;
  };
  for (const JsonLine& line : *lines) {
    absl::StatusOr<Item> item = ReadItem(*model, line);
    if (!item.ok()) {
      flush();  // answers keep the order of the input
      std::cout << ErrorLine(line, item.status()) << "\n";
      status = 1;
      continue;
    }
    const int64_t length = static_cast<int64_t>(item->prompt.size() + item->completion.size());
    if (std::max(longest, length) * static_cast<int64_t>(batch.size() + 1) > options.batch_tokens) flush();
    longest = std::max(longest, length);
    batch.push_back(*std::move(item));
  }
  flush();
  return status;
}

}  // namespace

void AddLogprobsCommand(CLI::App& app, CommandAction& action) {
  auto options = std::make_shared<LogprobsOptions>();
  CLI::App* command = app.add_subcommand(
      "logprobs", "Log-prob, entropy, S and N of every token of given completions: JSONL in, JSONL out");
  command->add_option("--model", options->model, "Hugging Face folder, run folder or checkpoint")->required();
  command->add_option("file", options->file,
                      "JSONL of {\"prompt\", \"completion\"} or {\"prompt_ids\", \"completion_ids\"}; - or "
                      "nothing: standard input");
  command->add_option("--dtype", options->network.dtype, "Type of the weights")->capture_default_str();
  command->add_option("--device", options->network.device, "cpu or cuda:N")->capture_default_str();
  command->add_option("--threads", options->network.threads, "Results depend on it in the last bits")
      ->capture_default_str();
  command->add_option("--batch-tokens", options->batch_tokens, "Tokens scored at once")
      ->capture_default_str();
  command->add_flag("--json", options->json, "JSONL out (always)");
  command->callback([options, &action] { action = [options] { return Logprobs(*options); }; });
}

}  // namespace entrain
