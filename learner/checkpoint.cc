#include "learner/checkpoint.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <span>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/digest.h"
#include "common/log.h"
#include "common/status_macros.h"
#include "policy/safetensors.h"

namespace entrain {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr int kFormat = 1;
constexpr uint64_t kMaxManifestBytes = 16u << 20;

Json LineJson(const std::optional<ClipLine>& line) {
  return line.has_value() ? Json{line->intercept, line->slope} : Json(nullptr);
}

std::optional<ClipLine> LineOf(const Json& json) {
  if (json.is_null()) return std::nullopt;
  return ClipLine{.intercept = json.at(0).get<double>(), .slope = json.at(1).get<double>()};
}

Json DirectiveJson(const Directive& directive) {
  return {{"id", directive.id},
          {"run_id", directive.run_id},
          {"attempt", directive.attempt},
          {"step", directive.step},
          {"revision", directive.revision},
          {"upper", LineJson(directive.bounds.upper)},
          {"lower", LineJson(directive.bounds.lower)},
          {"dials", directive.dials},
          {"state", directive.state},
          {"reason", directive.reason},
          {"law_state", directive.law_state}};
}

Directive DirectiveOf(const Json& json) {
  Directive out;
  out.id = json.at("id").get<int64_t>();
  out.run_id = json.at("run_id").get<std::string>();
  out.attempt = json.at("attempt").get<int64_t>();
  out.step = json.at("step").get<int64_t>();
  out.revision = json.at("revision").get<int64_t>();
  out.bounds = {.upper = LineOf(json.at("upper")), .lower = LineOf(json.at("lower"))};
  out.dials = json.at("dials").get<std::map<std::string, double>>();
  out.state = json.at("state").get<std::string>();
  out.reason = json.at("reason").get<std::string>();
  out.law_state = json.at("law_state").get<std::string>();
  return out;
}

// Writes one column of numbers and notes its digest.
absl::Status WriteColumn(const fs::path& folder, const std::string& name, std::span<const float> values,
                         Json& files) {
  const std::string bytes(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  ENTRAIN_RETURN_IF_ERROR(WriteFileAtomically((folder / name).string(), std::span(&bytes, 1)));
  files[name] = DigestOf(bytes);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<float>> ReadColumn(const fs::path& folder, const std::string& name,
                                              const Json& files) {
  const std::string path = (folder / name).string();
  if (!files.contains(name))
    return absl::DataLossError(absl::StrCat(path, ": the manifest does not name it"));
  ENTRAIN_ASSIGN_OR_RETURN(const std::string bytes, ReadWholeFile(path, uint64_t{1} << 40));
  if (DigestOf(bytes) != files[name].get<std::string>() || bytes.size() % sizeof(float) != 0) {
    return absl::DataLossError(absl::StrCat(path, ": damaged: its digest is not the manifest's"));
  }
  std::vector<float> values(bytes.size() / sizeof(float));
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(values.data()));
  return values;
}

std::string VersionFile(PolicyVersion version) { return absl::StrFormat("version-%06d.f32", version); }

// Folders step-NNNNNN, newest first.
std::vector<fs::path> CheckpointFolders(const std::string& folder) {
  std::vector<fs::path> folders;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.is_directory() && entry.path().filename().string().rfind("step-", 0) == 0)
      folders.push_back(entry.path());
  }
  std::ranges::sort(folders, std::greater<>());
  return folders;
}

void RemoveOld(const std::string& folder, const fs::path& newest, int32_t keep) {
  int32_t complete = 0;
  for (const fs::path& path : CheckpointFolders(folder)) {
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

absl::StatusOr<Checkpoint> ReadChecked(const fs::path& folder) {
  ENTRAIN_ASSIGN_OR_RETURN(const std::string text,
                           ReadWholeFile((folder / "manifest.json").string(), kMaxManifestBytes));
  const Json manifest = Json::parse(text);
  if (manifest.at("format").get<int>() != kFormat) {
    return absl::FailedPreconditionError(absl::StrCat(folder.string(),
                                                      ": written by another version of entrain (format ",
                                                      manifest.at("format").dump(), ")"));
  }
  Checkpoint out;
  out.run_id = manifest.at("run_id").get<std::string>();
  out.config_digest = manifest.at("config_digest").get<std::string>();
  out.seed = manifest.at("seed").get<uint64_t>();
  out.next_step = manifest.at("next_step").get<int64_t>();
  out.next_ordinal = manifest.at("next_ordinal").get<int64_t>();
  out.updates = manifest.at("updates").get<int64_t>();
  if (!manifest.at("last_directive").is_null())
    out.last_directive = DirectiveOf(manifest.at("last_directive"));
  out.last_numbers = manifest.at("last_numbers").get<std::map<std::string, double>>();
  const Json& files = manifest.at("files");
  for (const Json& version : manifest.at("versions")) {
    ENTRAIN_ASSIGN_OR_RETURN(std::vector<float> values,
                             ReadColumn(folder, VersionFile(version.get<int64_t>()), files));
    out.snapshots.push_back(WeightsSnapshot::Make(version.get<int64_t>(), std::move(values)));
  }
  if (out.snapshots.empty()) return absl::DataLossError(absl::StrCat(folder.string(), ": no weights"));
  ENTRAIN_ASSIGN_OR_RETURN(out.first_moment, ReadColumn(folder, "first_moment.f32", files));
  ENTRAIN_ASSIGN_OR_RETURN(out.second_moment, ReadColumn(folder, "second_moment.f32", files));
  return out;
}

}  // namespace

absl::Status WriteCheckpoint(const std::string& folder, const Checkpoint& checkpoint, int32_t keep) {
  const fs::path path = fs::path(folder) / absl::StrFormat("step-%06d", checkpoint.next_step);
  std::error_code error;
  fs::create_directories(path, error);
  if (error)
    return absl::UnavailableError(absl::StrCat(path.string(), ": cannot be made: ", error.message()));
  Json files = Json::object(), versions = Json::array();
  for (const auto& snapshot : checkpoint.snapshots) {
    ENTRAIN_RETURN_IF_ERROR(WriteColumn(path, VersionFile(snapshot->version), snapshot->values, files));
    versions.push_back(snapshot->version);
  }
  ENTRAIN_RETURN_IF_ERROR(WriteColumn(path, "first_moment.f32", checkpoint.first_moment, files));
  ENTRAIN_RETURN_IF_ERROR(WriteColumn(path, "second_moment.f32", checkpoint.second_moment, files));
  Json manifest;
  manifest["format"] = kFormat;
  manifest["run_id"] = checkpoint.run_id;
  manifest["config_digest"] = checkpoint.config_digest;
  manifest["seed"] = checkpoint.seed;
  manifest["next_step"] = checkpoint.next_step;
  manifest["next_ordinal"] = checkpoint.next_ordinal;
  manifest["updates"] = checkpoint.updates;
  manifest["last_directive"] =
      checkpoint.last_directive.has_value() ? DirectiveJson(*checkpoint.last_directive) : Json(nullptr);
  manifest["last_numbers"] = checkpoint.last_numbers;
  manifest["versions"] = versions;
  manifest["files"] = files;
  const std::string text = manifest.dump(2) + "\n";
  ENTRAIN_RETURN_IF_ERROR(WriteFileAtomically((path / "manifest.json").string(), std::span(&text, 1)));
  RemoveOld(folder, path, keep);
  return absl::OkStatus();
}

absl::StatusOr<Checkpoint> ReadCheckpoint(const std::string& path) {
  try {
    return ReadChecked(path);
  } catch (const Json::exception& error) {
    return absl::DataLossError(absl::StrCat(path, "/manifest.json: damaged: ", error.what()));
  }
}

absl::StatusOr<Checkpoint> ReadNewestCheckpoint(const std::string& folder) {
  for (const fs::path& path : CheckpointFolders(folder)) {
    if (!fs::exists(path / "manifest.json")) continue;  // was being written
    absl::StatusOr<Checkpoint> checkpoint = ReadCheckpoint(path.string());
    if (checkpoint.ok() || absl::IsFailedPrecondition(checkpoint.status())) return checkpoint;
    LogWarning("checkpoint_passed_over",
               {{"path", path.string()}, {"why", std::string(checkpoint.status().message())}});
  }
  return absl::NotFoundError(absl::StrCat(folder, ": there is no complete checkpoint"));
}

}  // namespace entrain
