#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "policy/model_config.h"

namespace entrain {

// A Hugging Face model folder: config.json, tokenizer files, safetensors (one file, or several with
// model.safetensors.index.json).
struct ModelFiles {
  ModelConfig config;
  // config.json, generation_config.json, tokenizer.json, tokenizer_config.json, … as found, by name: what a
  // worker gets on Join and an export writes back.
  std::map<std::string, std::string> files;
};

// The config of a set of files: config.json, with the end-of-sequence ids that generation_config.json adds.
absl::StatusOr<ModelConfig> ConfigOfFiles(const std::map<std::string, std::string>& files);

// Everything but the weights. NotFound names the missing file.
absl::StatusOr<ModelFiles> ReadModelFiles(const std::string& folder);

// The weights in the order of ParameterLayout::Of(config), converted to float32 (from F32, BF16, F16).
// InvalidArgument names file and tensor on a missing, surplus or misshapen tensor; DataLoss names file and
// offset on a truncated or inconsistent file. Never crashes on hostile bytes.
absl::StatusOr<std::vector<float>> ReadWeights(const std::string& folder, const ModelConfig& config);

// What ReadWeights checks before it reads: headers, names and shapes. Quick: no weights are read.
absl::Status CheckWeights(const std::string& folder, const ModelConfig& config);

// Writes files and model.safetensors (F32; config.json then says so too), each beside and renamed; the folder
// is made.
absl::Status WriteModelFolder(const std::string& folder, const ModelFiles& files,
                              std::span<const float> weights);

// The digest of JoinReply::model_files_digest.
std::string DigestOfFiles(const std::map<std::string, std::string>& files);

}  // namespace entrain
