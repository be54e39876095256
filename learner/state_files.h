#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "learner/checkpoint.h"

// A folder of durable state: files and, written last, manifest.json with their digests. What checkpoints and
// recorded steps have in common. Internal to the room. Functions that take JSON throw its exceptions when a
// member is missing or of another type.
namespace entrain {

using StateJson = nlohmann::ordered_json;

StateJson DirectiveJson(const Directive& directive);
Directive DirectiveOf(const StateJson& json);

// Writes one file (beside, synced, renamed) and notes its digest under "files" of the manifest.
absl::Status WriteStateFile(const std::filesystem::path& folder, const std::string& name,
                            const std::string& bytes, StateJson& manifest);
absl::Status WriteColumn(const std::filesystem::path& folder, const std::string& name,
                         std::span<const float> values, StateJson& manifest);
// DataLoss names a file that the manifest does not know or that has another digest.
absl::StatusOr<std::string> ReadStateFile(const std::filesystem::path& folder, const std::string& name,
                                          const StateJson& manifest);
absl::StatusOr<std::vector<float>> ReadColumn(const std::filesystem::path& folder, const std::string& name,
                                              const StateJson& manifest);

// manifest.json itself. FailedPrecondition: of another version of entrain.
absl::Status WriteManifest(const std::filesystem::path& folder, const StateJson& manifest);
absl::StatusOr<StateJson> ReadManifest(const std::filesystem::path& folder);

// All files of a checkpoint and its members of the manifest, which is left to be written.
absl::StatusOr<StateJson> WriteCheckpointFiles(const std::filesystem::path& folder,
                                               const Checkpoint& checkpoint);
absl::StatusOr<Checkpoint> ReadCheckpointFiles(const std::filesystem::path& folder,
                                               const StateJson& manifest);

// Folders step-NNNNNN, newest first.
std::vector<std::filesystem::path> StepFolders(const std::string& folder);
std::string StepFolderName(int64_t step);

}  // namespace entrain
