#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "common/clock.h"
#include "services/cli/command_line.h"
#include "services/cli/jsonl.h"
#include "services/cli/loaded_model.h"
#include "services/cli/model_commands.h"

namespace entrain {
namespace {

struct GenerateOptions {
  std::string model;
  std::string file;
  std::string device = "cpu";
  std::string dtype = "float32";
  int32_t threads = 2;
  int32_t completions = 1;
  int32_t batch = 8;
  uint64_t seed = 0;
  SamplingOptions sampling;
  bool json = false;
};

struct Totals {
  int64_t prompts = 0, completions = 0, tokens = 0;
  double seconds = 0;
};

absl::StatusOr<GenerationRequest> ReadRequest(const LoadedModel& model, const JsonLine& line,
                                              const GenerateOptions& options) {
  ENTRAIN_RETURN_IF_ERROR(line.error);
  GenerationRequest request{.completions = options.completions};
  if (line.object.contains("prompt_ids")) {
    ENTRAIN_ASSIGN_OR_RETURN(request.prompt, IdsMember(line, "prompt_ids"));
  } else {
    ENTRAIN_ASSIGN_OR_RETURN(const std::string text, TextMember(line, "prompt"));
    ENTRAIN_ASSIGN_OR_RETURN(request.prompt, Encode(model, text));
  }
  request.key = {.seed = options.seed,
                 .purpose = RngPurpose::kEvalSample,
                 .ordinal = static_cast<uint64_t>(line.number)};
  return request;
}

nlohmann::ordered_json Render(const LoadedModel& model, const JsonLine& line, size_t index,
                              const GeneratedCompletion& completion) {
  nlohmann::ordered_json out;
  out["id"] = line.id();
  out["completion_index"] = index;
  if (model.tokenizer != nullptr) {
    const absl::StatusOr<std::string> text = model.tokenizer->Decode(completion.tokens);
    out["text"] = text.ok() ? nlohmann::ordered_json(*text) : nlohmann::ordered_json(nullptr);
  } else {
    out["text"] = nullptr;
  }
  out["ids"] = completion.tokens;
  out["logprobs"] = FiniteOrNull(completion.logprobs, 0, completion.logprobs.size());
  out["finish"] = completion.finish == Finish::kStop ? "stop" : "length";
  return out;
}

class Run {
 public:
  Run(const GenerateOptions& options, const LoadedModel& model, Generator& generator)
      : options_(options), model_(model), generator_(generator) {}

  void Add(const JsonLine& line) {
    absl::StatusOr<GenerationRequest> request = ReadRequest(model_, line, options_);
    if (!request.ok()) {
      Flush();
      Fail(line, request.status());
      return;
    }
    lines_.push_back(&line);
    requests_.push_back(*std::move(request));
    if (static_cast<int32_t>(requests_.size()) >= options_.batch) Flush();
  }

  void Flush() {
    if (!requests_.empty()) Generate(lines_, requests_);
    lines_.clear();
    requests_.clear();
  }

  int status() const { return status_; }
  const Totals& totals() const { return totals_; }

 private:
  void Generate(std::span<const JsonLine* const> lines, std::span<const GenerationRequest> requests) {
    Clock& clock = Clock::Real();
    const absl::Duration start = clock.Monotonic();
    const auto results = generator_.Generate(requests, options_.sampling, {});
    totals_.seconds += absl::ToDoubleSeconds(clock.Monotonic() - start);
    if (!results.ok() && requests.size() > 1) {  // say it of the line that has it
      for (size_t i = 0; i < requests.size(); ++i) Generate(lines.subspan(i, 1), requests.subspan(i, 1));
      return;
    }
    if (!results.ok()) return Fail(*lines[0], results.status());
    totals_.prompts += static_cast<int64_t>(requests.size());
    for (size_t i = 0; i < results->size(); ++i) {
      for (size_t c = 0; c < (*results)[i].size(); ++c) {
        const GeneratedCompletion& completion = (*results)[i][c];
        ++totals_.completions;
        totals_.tokens += static_cast<int64_t>(completion.tokens.size());
        std::cout << Render(model_, *lines[i], c, completion).dump() << "\n";
      }
    }
  }

  void Fail(const JsonLine& line, const absl::Status& status) {
    std::cout << ErrorLine(line, status) << "\n";
    status_ = 1;
  }

  const GenerateOptions& options_;
  const LoadedModel& model_;
  Generator& generator_;
  std::vector<const JsonLine*> lines_;
  std::vector<GenerationRequest> requests_;
  Totals totals_;
  int status_ = 0;
};

int GenerateAll(const GenerateOptions& options) {
  const absl::StatusOr<LoadedModel> model = LoadModel(options.model);
  if (!model.ok()) return Unusable(model.status());
  const auto lines = ReadJsonLines(options.file, {"id", "prompt", "prompt_ids"});
  if (!lines.ok()) return Unusable(lines.status());
  const auto generator = MakeGenerator(*model, options.device, options.dtype, options.threads);
  if (!generator.ok()) return Unusable(generator.status());
  Run run(options, *model, **generator);
  for (const JsonLine& line : *lines) run.Add(line);
  run.Flush();
  const Totals& totals = run.totals();
  nlohmann::ordered_json summary;
  summary["prompts"] = totals.prompts;
  summary["completions"] = totals.completions;
  summary["tokens"] = totals.tokens;
  summary["seconds"] = totals.seconds;
  summary["tokens_per_s"] = totals.seconds > 0 ? static_cast<double>(totals.tokens) / totals.seconds : 0.0;
  summary["peak_rss_bytes"] = PeakResidentBytes();
  nlohmann::ordered_json last;
  last["summary"] = summary;
  std::cout << last.dump() << "\n";
  return run.status();
}

}  // namespace

void AddGenerateCommand(CLI::App& app, CommandAction& action) {
  auto options = std::make_shared<GenerateOptions>();
  CLI::App* command =
      app.add_subcommand("generate", "Completions of given prompts: JSONL in, JSONL out, a summary last");
  command->add_option("--model", options->model, "Hugging Face folder, run folder or checkpoint")->required();
  command->add_option("file", options->file,
                      "JSONL of {\"prompt\"} or {\"prompt_ids\"}; - or nothing: standard input");
  command->add_option("--completions", options->completions, "Completions per prompt")
      ->capture_default_str()
      ->check(Positive());
  command->add_option("--max-tokens", options->sampling.max_tokens, "Tokens per completion, with the EOS")
      ->capture_default_str()
      ->check(Positive());
  command->add_option("--temperature", options->sampling.temperature, "Logits are divided by it")
      ->capture_default_str()
      ->check(AtLeast(kMinTemperature));
  command->add_option("--top-p", options->sampling.top_p, "1 is off")->capture_default_str();
  command->add_option("--top-k", options->sampling.top_k, "0 is off")->capture_default_str();
  command->add_option("--seed", options->seed, "Equal seeds give equal completions")->capture_default_str();
  command->add_flag("--greedy", options->sampling.greedy, "Always the most probable token");
  command->add_flag("--ignore-eos", options->sampling.ignore_eos, "Go on to --max-tokens");
  command->add_option("--batch", options->batch, "Prompts generated together")
      ->capture_default_str()
      ->check(Positive());
  command->add_option("--threads", options->threads, "Results depend on it in the last bits")
      ->capture_default_str()
      ->check(Positive());
  command->add_option("--device", options->device, "cpu or cuda:N")->capture_default_str();
  command->add_option("--dtype", options->dtype, "Type of the weights")->capture_default_str();
  command->add_flag("--json", options->json, "JSONL out (always)");
  command->callback([options, &action] { action = [options] { return GenerateAll(*options); }; });
}

}  // namespace entrain
