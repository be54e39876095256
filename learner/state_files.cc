#include "learner/state_files.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/digest.h"
#include "common/status_macros.h"
#include "policy/safetensors.h"

namespace entrain {
namespace {

namespace fs = std::filesystem;

constexpr int kFormat = 2;
constexpr uint64_t kMaxManifestBytes = 16u << 20;

StateJson LineJson(const std::optional<ClipLine>& line) {
  return line.has_value() ? StateJson{line->intercept, line->slope} : StateJson(nullptr);
}

std::optional<ClipLine> LineOf(const StateJson& json) {
  if (json.is_null()) return std::nullopt;
  return ClipLine{.intercept = json.at(0).get<double>(), .slope = json.at(1).get<double>()};
}

StateJson TrendsJson(const Trends::State& trends) {
  const LineFit::State& fit = trends.fit;
  return {{"first", trends.first},
          {"ema", trends.ema},
          {"recent", trends.recent},
          {"fit",
           {{"points", fit.points},
            {"mean_x", fit.mean_x},
            {"mean_y", fit.mean_y},
            {"xx", fit.xx},
            {"xy", fit.xy},
            {"yy", fit.yy}}}};
}

Trends::State TrendsOf(const StateJson& json) {
  const StateJson& fit = json.at("fit");
  return {.first = json.at("first").get<double>(),
          .ema = json.at("ema").get<double>(),
          .recent = json.at("recent").get<std::vector<double>>(),
          .fit = {.points = fit.at("points").get<int64_t>(),
                  .mean_x = fit.at("mean_x").get<double>(),
                  .mean_y = fit.at("mean_y").get<double>(),
                  .xx = fit.at("xx").get<double>(),
                  .xy = fit.at("xy").get<double>(),
                  .yy = fit.at("yy").get<double>()}};
}

std::string VersionFile(PolicyVersion version) { return absl::StrFormat("version-%06d.f32", version); }

}  // namespace

StateJson DirectiveJson(const Directive& directive) {
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

Directive DirectiveOf(const StateJson& json) {
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

absl::Status WriteStateFile(const fs::path& folder, const std::string& name, const std::string& bytes,
                            StateJson& manifest) {
  ENTRAIN_RETURN_IF_ERROR(WriteFileAtomically((folder / name).string(), std::span(&bytes, 1)));
  manifest["files"][name] = DigestOf(bytes);
  return absl::OkStatus();
}

absl::Status WriteColumn(const fs::path& folder, const std::string& name, std::span<const float> values,
                         StateJson& manifest) {
  return WriteStateFile(
      folder, name, std::string(reinterpret_cast<const char*>(values.data()), values.size_bytes()), manifest);
}

absl::StatusOr<std::string> ReadStateFile(const fs::path& folder, const std::string& name,
                                          const StateJson& manifest) {
  const std::string path = (folder / name).string();
  const StateJson& files = manifest.at("files");
  if (!files.contains(name))
    return absl::DataLossError(absl::StrCat(path, ": the manifest does not name it"));
  ENTRAIN_ASSIGN_OR_RETURN(std::string bytes, ReadWholeFile(path, uint64_t{1} << 40));
  if (DigestOf(bytes) != files.at(name).get<std::string>())
    return absl::DataLossError(absl::StrCat(path, ": damaged: its digest is not the manifest's"));
  return bytes;
}

absl::StatusOr<std::vector<float>> ReadColumn(const fs::path& folder, const std::string& name,
                                              const StateJson& manifest) {
  ENTRAIN_ASSIGN_OR_RETURN(const std::string bytes, ReadStateFile(folder, name, manifest));
  if (bytes.size() % sizeof(float) != 0) {
    return absl::DataLossError(absl::StrCat((folder / name).string(), ": damaged: expected a multiple of ",
                                            sizeof(float), " bytes, found ", bytes.size()));
  }
  std::vector<float> values(bytes.size() / sizeof(float));
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(values.data()));
  return values;
}

absl::Status WriteManifest(const fs::path& folder, const StateJson& manifest) {
  const std::string text = manifest.dump(2, ' ', false, StateJson::error_handler_t::replace) + "\n";
  return WriteFileAtomically((folder / "manifest.json").string(), std::span(&text, 1));
}

absl::StatusOr<StateJson> ReadManifest(const fs::path& folder) {
  ENTRAIN_ASSIGN_OR_RETURN(const std::string text,
                           ReadWholeFile((folder / "manifest.json").string(), kMaxManifestBytes));
  StateJson manifest = StateJson::parse(text);
  if (manifest.at("format").get<int>() != kFormat) {
    return absl::FailedPreconditionError(absl::StrCat(folder.string(),
                                                      ": written by another version of entrain (format ",
                                                      manifest.at("format").dump(), ")"));
  }
  return manifest;
}

absl::StatusOr<StateJson> WriteCheckpointFiles(const fs::path& folder, const Checkpoint& checkpoint) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    return absl::UnavailableError(absl::StrCat(folder.string(), ": cannot be made: ", error.message()));
  StateJson manifest;
  manifest["format"] = kFormat;
  manifest["run_id"] = checkpoint.run_id;
  manifest["config_digest"] = checkpoint.config_digest;
  manifest["seed"] = checkpoint.seed;
  manifest["next_step"] = checkpoint.next_step;
  manifest["next_ordinal"] = checkpoint.next_ordinal;
  manifest["updates"] = checkpoint.updates;
  manifest["last_directive"] =
      checkpoint.last_directive.has_value() ? DirectiveJson(*checkpoint.last_directive) : StateJson(nullptr);
  manifest["last_numbers"] = checkpoint.last_numbers;
  manifest["evaluation_due"] = checkpoint.evaluation_due;
  manifest["trends"] = TrendsJson(checkpoint.trends);
  manifest["versions"] = StateJson::array();
  manifest["files"] = StateJson::object();
  for (const auto& snapshot : checkpoint.snapshots) {
    ENTRAIN_RETURN_IF_ERROR(WriteColumn(folder, VersionFile(snapshot->version), snapshot->values, manifest));
    manifest["versions"].push_back(snapshot->version);
  }
  ENTRAIN_RETURN_IF_ERROR(WriteColumn(folder, "first_moment.f32", checkpoint.first_moment, manifest));
  ENTRAIN_RETURN_IF_ERROR(WriteColumn(folder, "second_moment.f32", checkpoint.second_moment, manifest));
  return manifest;
}

absl::StatusOr<Checkpoint> ReadCheckpointFiles(const fs::path& folder, const StateJson& manifest) {
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
  out.evaluation_due = manifest.value("evaluation_due", false);
  out.trends = TrendsOf(manifest.at("trends"));
  for (const StateJson& version : manifest.at("versions")) {
    ENTRAIN_ASSIGN_OR_RETURN(std::vector<float> values,
                             ReadColumn(folder, VersionFile(version.get<int64_t>()), manifest));
    out.snapshots.push_back(WeightsSnapshot::Make(version.get<int64_t>(), std::move(values)));
  }
  if (out.snapshots.empty()) return absl::DataLossError(absl::StrCat(folder.string(), ": no weights"));
  ENTRAIN_ASSIGN_OR_RETURN(out.first_moment, ReadColumn(folder, "first_moment.f32", manifest));
  ENTRAIN_ASSIGN_OR_RETURN(out.second_moment, ReadColumn(folder, "second_moment.f32", manifest));
  return out;
}

std::string StepFolderName(int64_t step) { return absl::StrFormat("step-%06d", step); }

std::vector<fs::path> StepFolders(const std::string& folder) {
  std::vector<fs::path> folders;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.is_directory() && entry.path().filename().string().rfind("step-", 0) == 0)
      folders.push_back(entry.path());
  }
  std::ranges::sort(folders, std::greater<>());
  return folders;
}

}  // namespace entrain
