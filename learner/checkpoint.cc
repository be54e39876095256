#include "learner/checkpoint.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/status_macros.h"
#include "learner/state_files.h"

namespace entrain {
namespace {

namespace fs = std::filesystem;

void RemoveOld(const std::string& folder, const fs::path& newest, int32_t keep) {
  int32_t complete = 0;
  for (const fs::path& path : StepFolders(folder)) {
    if (path > newest) continue;
    if (complete >= std::max(keep, 1)) {
      std::error_code error;
      fs::remove(path / "manifest.json", error);  // first, so that half a removal is no checkpoint
      fs::remove_all(path, error);
    } else if (fs::exists(path / "manifest.json")) {
      ++complete;
    }
  }
}

}  // namespace

absl::Status WriteCheckpoint(const std::string& folder, const Checkpoint& checkpoint, int32_t keep) {
  const fs::path path = fs::path(folder) / StepFolderName(checkpoint.next_step);
  ENTRAIN_ASSIGN_OR_RETURN(const StateJson manifest, WriteCheckpointFiles(path, checkpoint));
  ENTRAIN_RETURN_IF_ERROR(WriteManifest(path, manifest));
  RemoveOld(folder, path, keep);
  return absl::OkStatus();
}

absl::StatusOr<Checkpoint> ReadCheckpoint(const std::string& path) {
  try {
    ENTRAIN_ASSIGN_OR_RETURN(const StateJson manifest, ReadManifest(path));
    return ReadCheckpointFiles(path, manifest);
  } catch (const StateJson::exception& error) {
    return absl::DataLossError(absl::StrCat(path, "/manifest.json: damaged: ", error.what()));
  }
}

absl::StatusOr<Checkpoint> ReadNewestCheckpoint(const std::string& folder) {
  for (const fs::path& path : StepFolders(folder)) {
    if (!fs::exists(path / "manifest.json")) continue;  // was being written
    absl::StatusOr<Checkpoint> checkpoint = ReadCheckpoint(path.string());
    if (checkpoint.ok() || absl::IsFailedPrecondition(checkpoint.status())) return checkpoint;
    LogWarning("checkpoint_passed_over",
               {{"path", path.string()}, {"why", std::string(checkpoint.status().message())}});
  }
  return absl::NotFoundError(absl::StrCat(folder, ": there is no complete checkpoint"));
}

}  // namespace entrain
