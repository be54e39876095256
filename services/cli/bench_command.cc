#include <CLI/CLI.hpp>
#include <cmath>
#include <iostream>
#include <memory>
#include <numeric>

#include "absl/strings/str_format.h"
#include "common/clock.h"
#include "learner/optimizer.h"
#include "learner/train_step.h"
#include "services/cli/command_line.h"
#include "services/cli/jsonl.h"
#include "services/cli/loaded_model.h"
#include "services/cli/model_commands.h"

namespace entrain {
namespace {

struct BenchFlags {
  std::string model;
  int32_t batch = 64, prompt_tokens = 16, completion_tokens = 64, repeats = 5;
  NetworkOptions network;
  int64_t microbatch_tokens = 8192;
  bool skewed = false, json = false;
};

// A step of random tokens; everybody with the same flags has the same.
CollectedStep RandomStep(const BenchFlags& flags, int32_t vocab_size) {
  CollectedStep step;
  const Rng rng({.seed = 0, .purpose = RngPurpose::kData, .step = 100});
  uint64_t position = 0;
  const auto token = [&] {
    return static_cast<TokenId>(rng.Below(static_cast<uint64_t>(vocab_size), position++));
  };
  CollectedGroup entry;
  for (int32_t t = 0; t < flags.prompt_tokens; ++t) entry.prompt.tokens.push_back(token());
  for (int32_t i = 0; i < flags.batch; ++i) {
    int32_t length = flags.completion_tokens;
    if (flags.skewed) {  // geometric with mean T/4, capped at T
      const double u = rng.Uniform(position++);
      length =
          std::clamp(1 + static_cast<int32_t>(std::log1p(-u) / std::log1p(-4.0 / flags.completion_tokens)), 1,
                     flags.completion_tokens);
    }
    Completion completion{.index = i,
                          .verdict = {.kind = i % 2 == 0 ? VerdictKind::kCorrect : VerdictKind::kWrong,
                                      .score = i % 2 == 0 ? 1.0 : 0.0}};
    for (int32_t t = 0; t < length; ++t) completion.tokens.push_back(token());
    completion.behaviour_logprobs.assign(completion.tokens.size(), -1.0f);
    entry.group.completions.push_back(std::move(completion));
  }
  step.groups.push_back(std::move(entry));
  return step;
}

double Median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

int TrainStep(const BenchFlags& flags) {
  const absl::StatusOr<LoadedModel> model = LoadModel(flags.model);
  if (!model.ok()) return Unusable(model.status());
  const auto network = MakeNetwork(*model, flags.network);
  if (!network.ok()) return Unusable(network.status());
  LearnerOptions options;
  options.minibatches = 1;
  options.epochs = 1;
  options.microbatch_tokens = flags.microbatch_tokens;
  options.objective.name = "flex_clip";
  absl::StatusOr<StepBatch> batch =
      MakeStepBatch(0, RandomStep(flags, model->files.config.vocab_size), options);
  if (!batch.ok()) return Unusable(batch.status());
  Optimizer optimizer({}, flags.repeats + 1, (*network)->parameters().size());
  const Directive directive{
      .bounds = {.upper = ClipLine{.intercept = 0.2}, .lower = ClipLine{.intercept = 0.2}}};
  Clock& clock = Clock::Real();
  std::vector<double> updates, scores;
  for (int32_t repeat = -1; repeat < flags.repeats; ++repeat) {  // the first is not counted
    const absl::Duration start = clock.Monotonic();
    const absl::Status scored = ScoreOld(**network, options, *batch);
    const absl::Duration middle = clock.Monotonic();
    const auto updated = RunUpdates(**network, optimizer, options, directive, repeat + 1, *batch);
    const absl::Duration end = clock.Monotonic();
    if (!scored.ok()) return Unusable(scored);
    if (!updated.ok()) return Unusable(updated.status());
    if (repeat < 0) continue;
    scores.push_back(absl::ToDoubleSeconds(middle - start));
    updates.push_back(absl::ToDoubleSeconds(end - middle));
  }
  const double seconds = Median(updates);
  const double tokens =
      static_cast<double>(batch->tokens) + static_cast<double>(flags.batch) * flags.prompt_tokens;
  nlohmann::ordered_json out = {{"seconds_per_update", seconds},
                                {"seconds_old_logprobs", Median(scores)},
                                {"tokens_per_s", tokens / seconds},
                                {"peak_rss_bytes", PeakResidentBytes()}};
  if (flags.json) {
    std::cout << out.dump() << "\n";
  } else {
    for (const auto& [name, value] : out.items())
      std::cout << absl::StrFormat("%-22s %s\n", name, value.dump());
  }
  return 0;
}

}  // namespace

void AddBenchCommands(CLI::App& app, CommandAction& action) {
  auto flags = std::make_shared<BenchFlags>();
  CLI::App* bench = app.add_subcommand("bench", "Speed on this machine")->require_subcommand(1);
  CLI::App* train = bench->add_subcommand(
      "train-step",
      "The learner's real update on random tokens: medians of repeats after one that is not counted");
  train->add_option("--model", flags->model, "Hugging Face folder")->required();
  train->add_option("--batch", flags->batch, "Completions")->capture_default_str()->check(Positive());
  train->add_option("--prompt-tokens", flags->prompt_tokens, "Per completion")
      ->capture_default_str()
      ->check(Positive());
  train->add_option("--completion-tokens", flags->completion_tokens, "Per completion")
      ->capture_default_str()
      ->check(CLI::Range(5, 1 << 24));
  train->add_option("--microbatch-tokens", flags->microbatch_tokens, "Padded tokens of one forward pass")
      ->capture_default_str();
  train->add_option("--repeats", flags->repeats, "Counted repeats")->capture_default_str()->check(Positive());
  train->add_option("--threads", flags->network.threads, "Of the learner")->capture_default_str();
  train->add_option("--dtype", flags->network.dtype, "float32")->capture_default_str();
  train->add_option("--device", flags->network.device, "cpu")->capture_default_str();
  train->add_flag("--skewed", flags->skewed, "Lengths geometric with mean T/4, capped at T");
  train->add_flag("--json", flags->json, "JSON out");
  train->callback([flags, &action] { action = [flags] { return TrainStep(*flags); }; });
}

}  // namespace entrain
