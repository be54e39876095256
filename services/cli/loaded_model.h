#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "policy/generator.h"
#include "policy/model_folder.h"
#include "policy/network.h"
#include "policy/tokenizer.h"

namespace entrain {

// A model folder, or a checkpoint of a run, in memory: what the model commands work on.
struct LoadedModel {
  ModelFiles files;
  std::unique_ptr<Tokenizer> tokenizer;  // null when the folder has no tokenizer.json
  std::vector<float> weights;
};

// `path` is a Hugging Face folder, a run folder (its export, else its newest complete checkpoint) or one
// checkpoint folder of a run.
absl::StatusOr<LoadedModel> LoadModel(const std::string& path);

// The model ready to score and to train, with its weights.
absl::StatusOr<std::unique_ptr<Network>> MakeNetwork(const LoadedModel& model, const NetworkOptions& options);

// The model ready to generate.
absl::StatusOr<std::unique_ptr<Generator>> MakeGenerator(const LoadedModel& model, const std::string& device,
                                                         const std::string& dtype, int32_t threads);

// Text → ids and back; FailedPrecondition when the folder has no tokenizer.
absl::StatusOr<std::vector<TokenId>> Encode(const LoadedModel& model, const std::string& text);

// The vocabulary of a tokenizer.json.
absl::StatusOr<int32_t> VocabularySize(const std::string& tokenizer_file);

// Peak resident memory of this process, in bytes.
int64_t PeakResidentBytes();

}  // namespace entrain
