#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "learner/bootstrap.h"
#include "learner/evaluation.h"
#include "learner/learner_options.h"
#include "services/cli/command_line.h"
#include "services/cli/jsonl.h"
#include "services/cli/loaded_model.h"
#include "services/cli/model_commands.h"
#include "services/main/run_inputs.h"
#include "services/main/verifier_flags.h"
#include "verifier/local_verifier.h"

namespace entrain {
namespace {

struct EvalFlags {
  std::string model, data;
  int32_t completions = 8, batch = 16, threads = 2;
  int64_t prompts = 0;
  std::vector<int32_t> ks;  // empty: 1; the number of completions is always one
  uint64_t seed = 0;
  int32_t resamples = 2000;
  SamplingOptions sampling;
  bool json = false;
  VerifierFlags verifier;
};

absl::StatusOr<CollectedGroup> Judge(const LoadedModel& model, Verifier& verifier, const Prompt& prompt,
                                     std::vector<GeneratedCompletion> drawn) {
  CollectedGroup out{.prompt = prompt};
  std::vector<VerifyItem> items;
  for (size_t i = 0; i < drawn.size(); ++i) {
    std::span<const TokenId> tokens = drawn[i].tokens;
    if (drawn[i].finish == Finish::kStop) tokens = tokens.first(tokens.size() - 1);
    ENTRAIN_ASSIGN_OR_RETURN(std::string text, model.tokenizer->Decode(tokens));
    items.push_back({.verifier = prompt.verifier,
                     .completion = std::move(text),
                     .answer = prompt.answer,
                     .options_json = prompt.verifier_options_json});
    out.group.completions.push_back(
        {.index = static_cast<int32_t>(i), .tokens = std::move(drawn[i].tokens), .finish = drawn[i].finish});
  }
  ENTRAIN_ASSIGN_OR_RETURN(const std::vector<Verdict> verdicts,
                           verifier.Verify(items, absl::InfiniteDuration()));
  for (size_t i = 0; i < verdicts.size(); ++i) out.group.completions[i].verdict = verdicts[i];
  std::erase_if(out.group.completions,
                [](const Completion& completion) { return IsOurFailure(completion.verdict.kind); });
  return out;
}

absl::StatusOr<std::vector<CollectedGroup>> Evaluate(const EvalFlags& flags, const LoadedModel& model,
                                                     Generator& generator, Verifier& verifier,
                                                     std::vector<Prompt> prompts) {
  if (flags.prompts > 0 && prompts.size() > static_cast<size_t>(flags.prompts))
    prompts.resize(static_cast<size_t>(flags.prompts));
  const bool terminal = isatty(STDERR_FILENO) != 0;
  std::vector<CollectedGroup> groups;
  for (size_t begin = 0; begin < prompts.size(); begin += static_cast<size_t>(flags.batch)) {
    const size_t end = std::min(prompts.size(), begin + static_cast<size_t>(flags.batch));
    std::vector<GenerationRequest> requests;
    for (size_t i = begin; i < end; ++i) {
      requests.push_back({.prompt = prompts[i].tokens,
                          .completions = flags.completions,
                          .key = {.seed = flags.seed, .purpose = RngPurpose::kEvalSample, .ordinal = i}});
    }
    ENTRAIN_ASSIGN_OR_RETURN(auto results, generator.Generate(requests, flags.sampling, {}));
    for (size_t i = begin; i < end; ++i) {
      ENTRAIN_ASSIGN_OR_RETURN(CollectedGroup group,
                               Judge(model, verifier, prompts[i], std::move(results[i - begin])));
      groups.push_back(std::move(group));
    }
    if (terminal) std::cerr << "\r" << end << "/" << prompts.size() << " prompts" << std::flush;
  }
  if (terminal) std::cerr << "\n";
  return groups;
}

absl::StatusOr<double> Branching(const EvalFlags& flags, const LoadedModel& model,
                                 const std::vector<CollectedGroup>& groups) {
  ENTRAIN_ASSIGN_OR_RETURN(const std::unique_ptr<Network> network,
                           MakeNetwork(model, {.threads = flags.threads, .trains = false}));
  return BranchingFactor(*network, groups, flags.sampling.temperature, LearnerOptions().microbatch_tokens);
}

// Means with their intervals, in the order in which people read them.
void PrintTable(const std::map<std::string, double>& metrics,
                const std::map<std::string, Interval>& intervals) {
  std::cout << absl::StrFormat("%-21s %8s   %s\n", "", "mean", "95 % over prompts");
  for (const auto& [name, value] : metrics) {
    const auto interval = intervals.find(name);
    if (interval == intervals.end()) {
      const int digits = name == "eval/branching_factor" ? 4 : 0;
      std::cout << absl::StrFormat("%-21s %8.*f\n", name, digits, value);
    } else {
      std::cout << absl::StrFormat("%-21s %8.4f   %.4f to %.4f\n", name, value, interval->second.low,
                                   interval->second.high);
    }
  }
}

int Eval(EvalFlags flags) {
  for (const int32_t k : flags.ks) {
    if (k > flags.completions) {
      return Unusable(absl::InvalidArgumentError(absl::StrCat(
          "--k: expected at most the number of completions per prompt, ", flags.completions, ", found ", k)));
    }
  }
  if (flags.ks.empty()) flags.ks = {1};
  flags.ks.push_back(flags.completions);
  const absl::StatusOr<LoadedModel> model = LoadModel(flags.model);
  if (!model.ok()) return Unusable(model.status());
  if (model->tokenizer == nullptr)
    return Unusable(absl::NotFoundError(flags.model + ": there is no tokenizer.json"));
  absl::StatusOr<LocalVerifierOptions> verifier_options = LocalVerifierOptionsOf(flags.verifier);
  if (!verifier_options.ok()) return Unusable(verifier_options.status());
  const std::unique_ptr<LocalVerifier> verifier = CreateLocalVerifier(*std::move(verifier_options));
  absl::StatusOr<std::vector<Prompt>> prompts =
      LoadPrompts(flags.data, *model->tokenizer, model->files.config, *verifier);
  if (!prompts.ok()) return Unusable(prompts.status());
  const auto generator = MakeGenerator(*model, "cpu", "float32", flags.threads);
  if (!generator.ok()) return Unusable(generator.status());
  const auto groups = Evaluate(flags, *model, **generator, *verifier, *std::move(prompts));
  if (!groups.ok()) {
    std::cerr << "entrain: " << groups.status().message() << "\n";
    return 1;
  }
  const EvaluationColumns columns = EvaluatePrompts(*groups, flags.ks);
  std::map<std::string, double> metrics = EvaluationMetrics(columns);
  if (columns.prompts > 0) {
    const absl::StatusOr<double> branching = Branching(flags, *model, *groups);
    if (!branching.ok()) return Unusable(branching.status());
    metrics["eval/branching_factor"] = *branching;
  }
  const auto intervals = BootstrapMeans(columns.values, {.seed = flags.seed, .resamples = flags.resamples});
  if (!flags.json) {
    PrintTable(metrics, intervals);
    return 0;
  }
  for (const auto& [name, interval] : intervals) {
    metrics[name + "_low"] = interval.low;
    metrics[name + "_high"] = interval.high;
  }
  std::cout << nlohmann::ordered_json(metrics).dump() << "\n";
  return 0;
}

}  // namespace

void AddEvalCommand(CLI::App& app, CommandAction& action) {
  auto flags = std::make_shared<EvalFlags>();
  CLI::App* command =
      app.add_subcommand("eval", "avg@k, pass@k and maj@k of a model on a data file, with intervals");
  command->add_option("--model", flags->model, "Hugging Face folder, run folder or checkpoint")->required();
  command->add_option("--data", flags->data, "JSONL in the data format")->required();
  command->add_option("--completions", flags->completions, "Per prompt")
      ->capture_default_str()
      ->check(Positive());
  command
      ->add_option("--k", flags->ks,
                   "k of pass@k and maj@k, with commas, at most --completions, which is always one of them. "
                   "maj@k is of the first k completions; avg@k is the same for every k")
      ->delimiter(',')
      ->check(Positive());
  command->add_option("--prompts", flags->prompts, "The first N only; 0: all")
      ->capture_default_str()
      ->check(AtLeast(0));
  command->add_option("--max-tokens", flags->sampling.max_tokens, "Per completion")
      ->capture_default_str()
      ->check(Positive());
  command->add_option("--temperature", flags->sampling.temperature, "Logits are divided by it")
      ->capture_default_str()
      ->check(AtLeast(kMinTemperature));
  command->add_option("--top-p", flags->sampling.top_p, "1 is off")->capture_default_str();
  command->add_option("--top-k", flags->sampling.top_k, "0 is off")->capture_default_str();
  command->add_flag("--greedy", flags->sampling.greedy, "Always the most probable token");
  command->add_option("--seed", flags->seed, "Equal seeds give equal completions and intervals")
      ->capture_default_str();
  command->add_option("--resamples", flags->resamples, "Of the bootstrap over prompts behind the intervals")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000000));
  command->add_option("--batch", flags->batch, "Prompts generated together")
      ->capture_default_str()
      ->check(Positive());
  command->add_option("--threads", flags->threads, "Of the engine")->capture_default_str()->check(Positive());
  AddVerifierFlags(*command, flags->verifier);
  command->add_flag("--json", flags->json, "One JSON object: the names of docs/formats.md");
  command->callback([flags, &action] { action = [flags] { return Eval(*flags); }; });
}

}  // namespace entrain
