#include "services/cli/loaded_model.h"

#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "common/status_macros.h"
#include "policy/engine.h"

namespace entrain {
namespace {

namespace fs = std::filesystem;

// The folder with config.json and weights behind what the user named: a run's export, else the model of its
// newest checkpoint.
std::string ModelFolderOf(const std::string& path) {
  std::error_code error;
  if (fs::exists(fs::path(path) / "config.json", error) && !fs::exists(fs::path(path) / "run.json", error))
    return path;
  if (fs::exists(fs::path(path) / "export" / "config.json", error))
    return (fs::path(path) / "export").string();
  return path;
}

}  // namespace

absl::StatusOr<LoadedModel> LoadModel(const std::string& path) {
  const std::string folder = ModelFolderOf(path);
  LoadedModel model;
  ENTRAIN_ASSIGN_OR_RETURN(model.files, ReadModelFiles(folder));
  ENTRAIN_ASSIGN_OR_RETURN(model.weights, ReadWeights(folder, model.files.config));
  if (const auto tokenizer = model.files.files.find("tokenizer.json"); tokenizer != model.files.files.end()) {
    ENTRAIN_ASSIGN_OR_RETURN(model.tokenizer, Tokenizer::Parse(tokenizer->second));
  }
  return model;
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

int64_t PeakResidentBytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<int64_t>(usage.ru_maxrss) * 1024;
}

}  // namespace entrain
