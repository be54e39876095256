#include "services/main/learner_setup.h"

#include <algorithm>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/log.h"
#include "common/status_macros.h"
#include "policy/engine.h"
#include "policy/parameters.h"
#include "policy/safetensors.h"
#include "trajectory/data_file.h"
#include "verifier/local_verifier.h"

namespace entrain {
namespace {

namespace fs = std::filesystem;

constexpr size_t kPassRatePrompts = 64;
constexpr int32_t kPassRateCompletions = 8;

absl::StatusOr<std::unique_ptr<Tokenizer>> TokenizerOf(const ModelFiles& files, const std::string& where) {
  const auto text = files.files.find("tokenizer.json");
  if (text == files.files.end())
    return absl::NotFoundError(absl::StrCat(where, ": there is no tokenizer.json"));
  return Tokenizer::Parse(text->second);
}

// "0123" → {"0", "1", "2", "3"}, by UTF-8 characters.
std::vector<std::string> Characters(const std::string& text) {
  std::vector<std::string> out;
  for (const char c : text) {
    if ((static_cast<unsigned char>(c) & 0xC0) == 0x80 && !out.empty()) {
      out.back() += c;
    } else {
      out.emplace_back(1, c);
    }
  }
  return out;
}

// What a model's weights look like and how they are used, for people.
std::string ShapeOf(const ModelConfig& config) {
  return absl::StrCat(config.architecture, " with vocabulary ", config.vocab_size, ", width ",
                      config.hidden_size, "/", config.intermediate_size, ", ", config.num_layers, " layers, ",
                      config.num_heads, "/", config.num_kv_heads, " heads of ", config.head_dim,
                      ", rope theta ", config.rope_theta, ", eps ", config.rms_norm_eps,
                      config.tie_word_embeddings ? ", tied" : ", not tied");
}

absl::StatusOr<StartingModel> ReadModel(const std::string& path) {
  StartingModel model;
  ENTRAIN_ASSIGN_OR_RETURN(model.files, ReadModelFiles(path));
  ENTRAIN_ASSIGN_OR_RETURN(model.tokenizer, TokenizerOf(model.files, path));
  ENTRAIN_ASSIGN_OR_RETURN(model.weights, ReadWeights(path, model.files.config));
  return model;
}

absl::StatusOr<StartingModel> InitModel(const ModelOptions& options, uint64_t seed) {
  StartingModel model;
  model.files.config = *options.init;
  std::string& tokenizer = model.files.files["tokenizer.json"];
  if (options.tokenizer.file.empty()) {
    tokenizer = WriteCharTokenizer(options.tokenizer.special, Characters(options.tokenizer.characters));
  } else {
    ENTRAIN_ASSIGN_OR_RETURN(tokenizer, ReadWholeFile(options.tokenizer.file, 64u << 20));
  }
  ENTRAIN_ASSIGN_OR_RETURN(model.tokenizer, Tokenizer::Parse(tokenizer));
  if (model.tokenizer->vocab_size() > options.init->vocab_size) {
    return absl::InvalidArgumentError(
        absl::StrCat("model.init.vocab_size: expected at least the tokenizer's ",
                     model.tokenizer->vocab_size(), ", found ", options.init->vocab_size));
  }
  model.files.files["config.json"] = WriteModelConfig(model.files.config);
  ENTRAIN_ASSIGN_OR_RETURN(model.files.config, ParseModelConfig(model.files.files["config.json"]));
  model.weights = InitParameters(model.files.config, seed);
  return model;
}

absl::StatusOr<std::vector<Demonstration>> LoadDemonstrations(const std::string& path,
                                                              const StartingModel& model) {
  ENTRAIN_ASSIGN_OR_RETURN(const std::vector<DataLine> lines, ReadDataFile(path));
  std::vector<Demonstration> out;
  for (const DataLine& line : lines) {
    std::string completion = MetaText(line, "completion");
    if (completion.empty()) completion = line.answer;
    Demonstration demonstration;
    ENTRAIN_ASSIGN_OR_RETURN(demonstration.prompt, model.tokenizer->Encode(line.prompt));
    ENTRAIN_ASSIGN_OR_RETURN(demonstration.completion, model.tokenizer->Encode(completion));
    if (!model.files.config.eos_token_ids.empty())
      demonstration.completion.push_back(model.files.config.eos_token_ids[0]);
    if (demonstration.prompt.empty() || demonstration.completion.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ": line \"", line.id, "\": expected a prompt and a completion with tokens"));
    }
    out.push_back(std::move(demonstration));
  }
  return out;
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
                           LoadDemonstrations(options.data, model));
  ENTRAIN_ASSIGN_OR_RETURN(const std::unique_ptr<Network> network,
                           Network::Create(model.files.config, {.threads = config.learner.threads}));
  std::ranges::copy(model.weights, network->parameters().begin());
  ENTRAIN_ASSIGN_OR_RETURN(const std::unique_ptr<Generator> generator,
                           CreateEngine(model.files.config, {.threads = config.learner.threads}));
  const std::unique_ptr<Verifier> verifier = CreateLocalVerifier();
  std::vector<Prompt> prompts;
  if (options.until_pass_rate.has_value()) {
    ENTRAIN_ASSIGN_OR_RETURN(prompts, LoadPrompts(config.data_train, *model.tokenizer, model.files.config));
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
    for (const std::string& path : {config.data_train, config.data_eval}) {
      if (!path.empty())
        ENTRAIN_RETURN_IF_ERROR(LoadPrompts(path, *model.tokenizer, model.files.config).status());
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

absl::StatusOr<std::vector<Prompt>> LoadPrompts(const std::string& path, const Tokenizer& tokenizer,
                                                const ModelConfig& model) {
  ENTRAIN_ASSIGN_OR_RETURN(std::vector<DataLine> lines, ReadDataFile(path));
  const std::vector<std::string> verifiers = RegisteredVerifiers();
  std::vector<Prompt> prompts;
  for (DataLine& line : lines) {
    const auto wrong = [&](absl::string_view what) {
      return absl::InvalidArgumentError(absl::StrCat(path, ": line \"", line.id, "\": ", what));
    };
    Prompt prompt{.id = line.id,
                  .answer = std::move(line.answer),
                  .verifier = line.verifier,
                  .verifier_options_json = std::move(line.verifier_options_json)};
    absl::StatusOr<std::vector<TokenId>> tokens = tokenizer.Encode(line.prompt);
    if (!tokens.ok()) return wrong(tokens.status().message());
    prompt.tokens = *std::move(tokens);
    prompt.text = std::move(line.prompt);
    if (prompt.tokens.empty()) return wrong("the prompt has no tokens");
    if (static_cast<int64_t>(prompt.tokens.size()) >= model.max_position) {
      return wrong(absl::StrCat("a prompt of ", prompt.tokens.size(),
                                " tokens leaves no room in the context window of ", model.max_position));
    }
    for (const TokenId token : prompt.tokens) {
      if (token >= model.vocab_size)
        return wrong(
            absl::StrCat("token ", token, " is outside the model's vocabulary of ", model.vocab_size));
    }
    if (std::ranges::find(verifiers, prompt.verifier) == verifiers.end())
      return wrong(absl::StrCat("unknown verifier \"", prompt.verifier, "\""));
    prompts.push_back(std::move(prompt));
  }
  return prompts;
}

}  // namespace entrain
