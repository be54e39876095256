#include "services/main/learner_setup.h"

#include <algorithm>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/log.h"
#include "common/status_macros.h"
#include "policy/engine.h"
#include "policy/parameters.h"
#include "services/main/run_inputs.h"
#include "verifier/local_verifier.h"

namespace entrain {
namespace {

namespace fs = std::filesystem;

constexpr size_t kPassRatePrompts = 64;
constexpr int32_t kPassRateCompletions = 8;

// What a model's weights look like and how they are used, for people.
std::string ShapeOf(const ModelConfig& config) {
  return absl::StrCat(config.architecture, " with vocabulary ", config.vocab_size, ", width ",
                      config.hidden_size, "/", config.intermediate_size, ", ", config.num_layers, " layers, ",
                      config.num_heads, "/", config.num_kv_heads, " heads of ", config.head_dim,
                      ", rope theta ", config.rope_theta, ", eps ", config.rms_norm_eps,
                      config.tie_word_embeddings ? ", tied" : ", not tied");
}

absl::StatusOr<StartingModel> ReadModel(const std::string& path) {
  ENTRAIN_ASSIGN_OR_RETURN(OpenedModel opened, OpenModel({.path = path}));
  ENTRAIN_ASSIGN_OR_RETURN(std::vector<float> weights, ReadWeights(path, opened.files.config));
  return StartingModel{.files = std::move(opened.files),
                       .tokenizer = std::move(opened.tokenizer),
                       .weights = std::move(weights)};
}

absl::StatusOr<StartingModel> InitModel(const ModelOptions& options, uint64_t seed) {
  ENTRAIN_ASSIGN_OR_RETURN(OpenedModel opened, OpenModel(options));
  std::vector<float> weights = InitParameters(opened.files.config, seed);
  return StartingModel{.files = std::move(opened.files),
                       .tokenizer = std::move(opened.tokenizer),
                       .weights = std::move(weights)};
}

// Share of completions that the verifiers call correct.
absl::StatusOr<double> MeasurePassRate(Generator& generator, Verifier& verifier, const Tokenizer& tokenizer,
                                       const std::vector<Prompt>& prompts, const RunConfig& config,
                                       int64_t measurement, const std::stop_token& stop) {
  std::vector<GenerationRequest> requests;
  for (size_t i = 0; i < std::min(prompts.size(), kPassRatePrompts); ++i) {
    requests.push_back({.prompt = prompts[i].tokens,
                        .completions = kPassRateCompletions,
                        .key = {.seed = config.seed,
                                .purpose = RngPurpose::kWarmup,
                                .step = static_cast<uint64_t>(measurement) + (uint64_t{1} << 32),
                                .ordinal = i}});
  }
  const SamplingOptions sampling{.temperature = config.rollout.temperature,
                                 .max_tokens = config.rollout.max_tokens};
  ENTRAIN_ASSIGN_OR_RETURN(const auto results, generator.Generate(requests, sampling, stop));
  std::vector<VerifyItem> items;
  for (size_t i = 0; i < results.size(); ++i) {
    for (const GeneratedCompletion& completion : results[i]) {
      std::span<const TokenId> tokens = completion.tokens;
      if (completion.finish == Finish::kStop) tokens = tokens.first(tokens.size() - 1);
      ENTRAIN_ASSIGN_OR_RETURN(std::string text, tokenizer.Decode(tokens));
      items.push_back({.verifier = prompts[i].verifier,
                       .completion = std::move(text),
                       .answer = prompts[i].answer,
                       .options_json = prompts[i].verifier_options_json});
    }
  }
  ENTRAIN_ASSIGN_OR_RETURN(const std::vector<Verdict> verdicts,
                           verifier.Verify(items, absl::InfiniteDuration()));
  const auto correct = std::ranges::count_if(
      verdicts, [](const Verdict& verdict) { return verdict.kind == VerdictKind::kCorrect; });
  return static_cast<double>(correct) / static_cast<double>(verdicts.size());
}

}  // namespace

absl::StatusOr<StartingModel> LoadOrInitModel(const ModelOptions& options, uint64_t seed) {
  return options.path.empty() ? InitModel(options, seed) : ReadModel(options.path);
}

absl::StatusOr<std::optional<double>> WarmUp(StartingModel& model, const RunConfig& config,
                                             const std::function<void(const WarmupProgress&)>& progress,
                                             const std::stop_token& stop) {
  const WarmupOptions& options = *config.model.warmup;
  ENTRAIN_ASSIGN_OR_RETURN(const std::vector<Demonstration> demonstrations,
                           LoadDemonstrations(options.data, *model.tokenizer, model.files.config));
  ENTRAIN_ASSIGN_OR_RETURN(const std::unique_ptr<Network> network,
                           Network::Create(model.files.config, {.threads = config.learner.threads}));
  std::ranges::copy(model.weights, network->parameters().begin());
  ENTRAIN_ASSIGN_OR_RETURN(const std::unique_ptr<Generator> generator,
                           CreateEngine(model.files.config, {.threads = config.learner.threads}));
  const std::unique_ptr<LocalVerifier> verifier = VerifierOf(config);
  std::vector<Prompt> prompts;
  if (options.until_pass_rate.has_value()) {
    ENTRAIN_ASSIGN_OR_RETURN(prompts,
                             LoadPrompts(config.data_train, *model.tokenizer, model.files.config, *verifier));
  }
  int64_t measurement = 0;
  const WarmupHooks hooks{
      .pass_rate = [&]() -> absl::StatusOr<double> {
        ENTRAIN_RETURN_IF_ERROR(generator->SetWeights(
            WeightsSnapshot::Make(0, {network->parameters().begin(), network->parameters().end()})));
        return MeasurePassRate(*generator, *verifier, *model.tokenizer, prompts, config, measurement++, stop);
      },
      .progress = progress};
  ENTRAIN_ASSIGN_OR_RETURN(const std::optional<double> pass_rate,
                           RunWarmup(*network, options, demonstrations, config.seed,
                                     config.learner.microbatch_tokens, hooks, stop));
  model.weights.assign(network->parameters().begin(), network->parameters().end());
  return pass_rate;
}

absl::StatusOr<StartingModel> PrepareModel(const RunConfig& config, const RunFolder& folder,
                                           const std::function<void(const WarmupProgress&)>& progress,
                                           const std::stop_token& stop) {
  const std::string stored = folder.ModelFolder();
  // The weights are written last, so a folder that has them is whole.
  if (fs::exists(fs::path(stored) / "model.safetensors")) return ReadModel(stored);
  ENTRAIN_ASSIGN_OR_RETURN(StartingModel model, LoadOrInitModel(config.model, config.seed));
  if (config.model.warmup.has_value()) {
    // A bad line of the data is found before the warm-up, not minutes later.
    const std::unique_ptr<LocalVerifier> verifier = VerifierOf(config);
    for (const std::string& path : {config.data_train, config.data_eval}) {
      if (!path.empty())
        ENTRAIN_RETURN_IF_ERROR(LoadPrompts(path, *model.tokenizer, model.files.config, *verifier).status());
    }
    ENTRAIN_ASSIGN_OR_RETURN(const std::optional<double> pass_rate, WarmUp(model, config, progress, stop));
    LogInfo("warmed_up", {{"pass_rate", pass_rate.value_or(-1)}});
  }
  ENTRAIN_RETURN_IF_ERROR(WriteModelFolder(stored, model.files, model.weights));
  return model;
}

absl::StatusOr<std::unique_ptr<Network>> LoadReference(const RunConfig& config, const StartingModel& start) {
  ENTRAIN_ASSIGN_OR_RETURN(std::unique_ptr<Network> network,
                           Network::Create(start.files.config, {.device = config.learner_device,
                                                                .dtype = config.learner_dtype,
                                                                .threads = config.learner.threads,
                                                                .trains = false}));
  if (config.kl_reference.empty()) {
    std::ranges::copy(start.weights, network->parameters().begin());
    return network;
  }
  ENTRAIN_ASSIGN_OR_RETURN(const ModelFiles files, ReadModelFiles(config.kl_reference));
  ModelConfig shape = files.config;
  shape.eos_token_ids =
      start.files.config.eos_token_ids;  // say when to stop, not what a token's probability is
  shape.pad_token_id = start.files.config.pad_token_id;
  shape.max_position = start.files.config.max_position;
  if (shape != start.files.config) {
    return absl::FailedPreconditionError(
        absl::StrCat("objective.kl.reference: ", config.kl_reference, ": expected the policy's shape, ",
                     ShapeOf(start.files.config), "; found ", ShapeOf(shape)));
  }
  ENTRAIN_ASSIGN_OR_RETURN(const std::vector<float> weights, ReadWeights(config.kl_reference, shape));
  std::ranges::copy(weights, network->parameters().begin());
  return network;
}

}  // namespace entrain
