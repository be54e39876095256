#include "services/cli/loaded_model.h"

#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "common/status_macros.h"
#include "learner/checkpoint.h"
#include "policy/engine.h"
#include "policy/safetensors.h"

namespace entrain {
namespace {

namespace fs = std::filesystem;

absl::StatusOr<LoadedModel> ReadFolder(const std::string& folder) {
  LoadedModel model;
  ENTRAIN_ASSIGN_OR_RETURN(model.files, ReadModelFiles(folder));
  ENTRAIN_ASSIGN_OR_RETURN(model.weights, ReadWeights(folder, model.files.config));
  if (const auto tokenizer = model.files.files.find("tokenizer.json"); tokenizer != model.files.files.end()) {
    ENTRAIN_ASSIGN_OR_RETURN(model.tokenizer, Tokenizer::Parse(tokenizer->second));
  }
  return model;
}

// The model that a run began with, with the weights of one of its checkpoints.
absl::StatusOr<LoadedModel> WithCheckpoint(const fs::path& run, absl::StatusOr<Checkpoint> checkpoint) {
  ENTRAIN_RETURN_IF_ERROR(checkpoint.status());
  ENTRAIN_ASSIGN_OR_RETURN(LoadedModel model, ReadFolder((run / "model").string()));
  model.weights = checkpoint->snapshots.back()->values;
  return model;
}

}  // namespace

absl::StatusOr<LoadedModel> LoadModel(const std::string& path) {
  const fs::path folder(path);
  if (fs::exists(folder / "manifest.json"))
    return WithCheckpoint(fs::absolute(folder).parent_path().parent_path(), ReadCheckpoint(path));
  if (fs::exists(folder / "run.json")) {
    if (fs::exists(folder / "export" / "model.safetensors")) return ReadFolder((folder / "export").string());
    return WithCheckpoint(folder, ReadNewestCheckpoint((folder / "checkpoints").string()));
  }
  return ReadFolder(path);
}

absl::StatusOr<std::unique_ptr<Network>> MakeNetwork(const LoadedModel& model,
                                                     const NetworkOptions& options) {
  ENTRAIN_ASSIGN_OR_RETURN(std::unique_ptr<Network> network, Network::Create(model.files.config, options));
  std::ranges::copy(model.weights, network->parameters().begin());
  return network;
}

absl::StatusOr<std::unique_ptr<Generator>> MakeGenerator(const LoadedModel& model, const std::string& device,
                                                         const std::string& dtype, int32_t threads) {
  ENTRAIN_ASSIGN_OR_RETURN(
      std::unique_ptr<Generator> generator,
      CreateEngine(model.files.config, {.device = device, .dtype = dtype, .threads = threads}));
  ENTRAIN_RETURN_IF_ERROR(generator->SetWeights(WeightsSnapshot::Make(0, model.weights)));
  return generator;
}

absl::StatusOr<std::vector<TokenId>> Encode(const LoadedModel& model, const std::string& text) {
  if (model.tokenizer == nullptr)
    return absl::FailedPreconditionError(
        "the model folder has no tokenizer.json: give token ids instead of text");
  return model.tokenizer->Encode(text);
}

absl::StatusOr<int32_t> VocabularySize(const std::string& tokenizer_file) {
  ENTRAIN_ASSIGN_OR_RETURN(const std::string text, ReadWholeFile(tokenizer_file, 64u << 20));
  ENTRAIN_ASSIGN_OR_RETURN(const std::unique_ptr<Tokenizer> tokenizer, Tokenizer::Parse(text));
  return tokenizer->vocab_size();
}

int64_t PeakResidentBytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<int64_t>(usage.ru_maxrss) * 1024;
}

}  // namespace entrain
