#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/digest.h"
#include "policy/parameters.h"
#include "services/cli/command_line.h"
#include "services/cli/jsonl.h"
#include "services/cli/loaded_model.h"
#include "services/cli/model_commands.h"
#include "services/config/run_config.h"
#include "services/main/learner_setup.h"

namespace entrain {
namespace {

struct ModelFlags {
  std::string path, out, from, tokenizer, characters;
  std::vector<std::string> settings;
  std::vector<std::string> special = {"<pad>", "<eos>"};
  ModelConfig shape;
  uint64_t seed = 0;
  std::string data, judged_data;
  WarmupOptions warmup;
  double until_pass_rate = -1;
  int32_t threads = 2, max_tokens = 256;
  bool json = false;
};

int Write(const ModelFlags& flags, const StartingModel& model) {
  const absl::Status written = WriteModelFolder(flags.out, model.files, model.weights);
  if (!written.ok()) return Unusable(written);
  const std::string digest = DigestOf(std::span<const float>(model.weights));
  if (flags.json) {
    std::cout << nlohmann::ordered_json{{"folder", flags.out},
                                        {"parameters", model.weights.size()},
                                        {"digest", digest}}
                     .dump()
              << "\n";
  } else {
    std::cout << absl::StrFormat("%s: %d parameters, digest %s\n", flags.out, model.weights.size(), digest);
  }
  return 0;
}

// From a run file's model section, or from flags.
absl::StatusOr<ModelOptions> InitOptions(const ModelFlags& flags, uint64_t& seed) {
  if (!flags.from.empty()) {
    ENTRAIN_ASSIGN_OR_RETURN(const RunConfig config, ReadRunConfig(flags.from, flags.settings));
    if (!config.model.init.has_value())
      return absl::InvalidArgumentError(absl::StrCat(flags.from, ": has no model.init"));
    seed = config.seed;
    return config.model;
  }
  ModelOptions options;
  ModelConfig shape = flags.shape;
  if (shape.num_kv_heads == 0) shape.num_kv_heads = shape.num_heads;
  if (shape.num_heads < 1 || shape.hidden_size < 1 || shape.num_layers < 1 || shape.intermediate_size < 1) {
    return absl::InvalidArgumentError(
        "model init: expected --hidden-size, --intermediate-size, --num-layers and --num-heads, or --from "
        "RUNFILE");
  }
  if (shape.head_dim == 0) shape.head_dim = shape.hidden_size / shape.num_heads;
  options.tokenizer = {.file = flags.tokenizer, .special = flags.special, .characters = flags.characters};
  if (flags.tokenizer.empty() == flags.characters.empty())
    return absl::InvalidArgumentError("model init: expected either --tokenizer or --chars");
  if (shape.vocab_size == 0) {
    if (flags.tokenizer.empty())
      return absl::InvalidArgumentError("model init: expected --vocab-size with --chars");
    ENTRAIN_ASSIGN_OR_RETURN(shape.vocab_size, VocabularySize(flags.tokenizer));
  }
  if (flags.tokenizer.empty()) {
    for (size_t i = 0; i < flags.special.size(); ++i) {
      if (flags.special[i] == "<eos>") shape.eos_token_ids = {static_cast<int32_t>(i)};
      if (flags.special[i] == "<pad>") shape.pad_token_id = static_cast<int32_t>(i);
    }
  }
  options.init = shape;
  return options;
}

int Init(const ModelFlags& flags) {
  uint64_t seed = flags.seed;
  const absl::StatusOr<ModelOptions> options = InitOptions(flags, seed);
  if (!options.ok()) return Unusable(options.status());
  const absl::StatusOr<StartingModel> model = LoadOrInitModel(*options, seed);
  if (!model.ok()) return Unusable(model.status());
  return Write(flags, *model);
}

int Warmup(const ModelFlags& flags) {
  RunConfig config;
  config.seed = flags.seed;
  config.model.path = flags.path;
  config.model.warmup = flags.warmup;
  config.model.warmup->data = flags.data;
  if (flags.until_pass_rate >= 0) config.model.warmup->until_pass_rate = flags.until_pass_rate;
  config.data_train = flags.judged_data.empty() ? flags.data : flags.judged_data;
  config.learner.threads = flags.threads;
  config.rollout.max_tokens = flags.max_tokens;
  absl::StatusOr<StartingModel> model = LoadOrInitModel(config.model, flags.seed);
  if (!model.ok()) return Unusable(model.status());
  const auto report = [&](const WarmupProgress& progress) {
    if (progress.step % 10 != 0) return;
    std::cerr << absl::StrFormat("step %d  loss %.4f", progress.step, progress.loss)
              << (progress.pass_rate.has_value() ? absl::StrFormat("  pass rate %.3f", *progress.pass_rate)
                                                 : "")
              << std::endl;
  };
  const auto rate = WarmUp(*model, config, report, {});
  if (!rate.ok()) return Unusable(rate.status());
  return Write(flags, *model);
}

int Inspect(const ModelFlags& flags) {
  const absl::StatusOr<LoadedModel> model = LoadModel(flags.path);
  if (!model.ok()) return Unusable(model.status());
  const ModelConfig& config = model->files.config;
  const ParameterLayout layout = ParameterLayout::Of(config);
  const std::string digest = DigestOf(std::span<const float>(model->weights));
  if (flags.json) {
    nlohmann::ordered_json out = {{"architecture", config.architecture},
                                  {"parameters", layout.total},
                                  {"digest", digest},
                                  {"vocab_size", config.vocab_size},
                                  {"hidden_size", config.hidden_size},
                                  {"num_layers", config.num_layers},
                                  {"num_heads", config.num_heads},
                                  {"num_kv_heads", config.num_kv_heads},
                                  {"head_dim", config.head_dim},
                                  {"max_position", config.max_position},
                                  {"eos_token_ids", config.eos_token_ids}};
    for (const ParameterSlot& slot : layout.slots) out["tensors"][slot.name] = slot.shape;
    std::cout << out.dump() << "\n";
    return 0;
  }
  std::cout << absl::StrFormat("%s, %d parameters, digest %s\n", config.architecture, layout.total, digest);
  std::cout << absl::StrFormat(
      "vocabulary %d, width %d, layers %d, heads %d (%d of keys), head size %d, context %d, %s head\n",
      config.vocab_size, config.hidden_size, config.num_layers, config.num_heads, config.num_kv_heads,
      config.head_dim, config.max_position, config.tie_word_embeddings ? "tied" : "untied");
  for (const ParameterSlot& slot : layout.slots)
    std::cout << absl::StrFormat("  %-50s %d\n", slot.name, slot.size);
  return 0;
}

int Export(const ModelFlags& flags) {
  absl::StatusOr<LoadedModel> model = LoadModel(flags.path);
  if (!model.ok()) return Unusable(model.status());
  return Write(
      flags, {.files = std::move(model->files), .tokenizer = nullptr, .weights = std::move(model->weights)});
}

}  // namespace

void AddModelCommands(CLI::App& app, CommandAction& action) {
  auto flags = std::make_shared<ModelFlags>();
  CLI::App* model =
      app.add_subcommand("model", "Make, warm up, look at and export models")->require_subcommand(1);
  const auto add = [&](const char* name, const char* help, int (*run)(const ModelFlags&)) {
    CLI::App* command = model->add_subcommand(name, help);
    command->add_flag("--json", flags->json, "JSON out");
    command->callback([flags, run, &action] { action = [flags, run] { return run(*flags); }; });
    return command;
  };
  CLI::App* init = add("init", "A model folder with fresh weights", Init);
  init->add_option("--out", flags->out, "Folder to make")->required();
  init->add_option("--from", flags->from, "Run file with a model.init section");
  init->add_option("--set", flags->settings, "With --from: key=value")->allow_extra_args(false);
  init->add_option("--hidden-size", flags->shape.hidden_size, "Width");
  init->add_option("--intermediate-size", flags->shape.intermediate_size, "Width of the MLP");
  init->add_option("--num-layers", flags->shape.num_layers, "Layers");
  init->add_option("--num-heads", flags->shape.num_heads, "Query heads");
  init->add_option("--num-kv-heads", flags->shape.num_kv_heads, "Key and value heads; default: as many");
  init->add_option("--head-dim", flags->shape.head_dim, "Default: hidden size / heads");
  init->add_option("--vocab-size", flags->shape.vocab_size, "Default: the tokenizer's");
  init->add_option("--max-position", flags->shape.max_position, "Context window")->default_val(2048);
  init->add_option("--rope-theta", flags->shape.rope_theta, "Base of the rotary embedding")
      ->capture_default_str();
  init->add_flag("--tie-word-embeddings", flags->shape.tie_word_embeddings,
                 "One matrix for embedding and head");
  init->add_option("--tokenizer", flags->tokenizer, "tokenizer.json");
  init->add_option("--chars", flags->characters, "Characters of a character-level tokenizer");
  init->add_option("--special", flags->special, "Special tokens, with commas")
      ->delimiter(',')
      ->capture_default_str();
  init->add_option("--seed", flags->seed, "Equal seeds give equal weights")->capture_default_str();
  CLI::App* warmup = add("warmup", "Supervised warm-up of a model folder", Warmup);
  warmup->add_option("--model", flags->path, "Hugging Face folder")->required();
  warmup->add_option("--out", flags->out, "Folder to make")->required();
  warmup
      ->add_option("--data", flags->data, "JSONL; the completion to imitate is meta.completion, else answer")
      ->required();
  warmup->add_option("--judge", flags->judged_data, "JSONL of prompts for the pass rate; default: --data");
  warmup->add_option("--steps", flags->warmup.steps, "Updates at most")->required()->check(Positive());
  warmup->add_option("--lr", flags->warmup.lr, "Learning rate")->capture_default_str();
  warmup->add_option("--batch", flags->warmup.batch, "Demonstrations per update")->capture_default_str();
  warmup->add_option("--until-pass-rate", flags->until_pass_rate, "Stop when it is reached");
  warmup->add_option("--max-tokens", flags->max_tokens, "Per completion, for the pass rate")
      ->capture_default_str();
  warmup->add_option("--threads", flags->threads, "Results depend on it in the last bits")
      ->capture_default_str();
  warmup->add_option("--seed", flags->seed, "Of the batches")->capture_default_str();
  add("inspect", "Shape, parameters, digest, tensors", Inspect)
      ->add_option("model", flags->path, "Hugging Face folder, run folder or checkpoint")
      ->required();
  CLI::App* exported = add("export", "A checkpoint or a run as a Hugging Face folder", Export);
  exported->add_option("--model", flags->path, "Hugging Face folder, run folder or checkpoint")->required();
  exported->add_option("--out", flags->out, "Folder to make")->required();
}

}  // namespace entrain
