#include "policy/model_folder.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/digest.h"
#include "common/status_macros.h"
#include "policy/parameters.h"
#include "policy/safetensors.h"

namespace entrain {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr uint64_t kMaxTextBytes = 64u << 20;

// A companion file as JSON; copying one that nests without end would exhaust the stack.
Json ParseShallow(const std::string& text) {
  const auto shallow = [](int depth, Json::parse_event_t, Json&) { return depth <= 16; };
  return Json::parse(text, shallow, /*allow_exceptions=*/false);
}

// What belongs to a model beside its weights; found files travel to workers and into exports unchanged.
constexpr const char* kCompanions[] = {"generation_config.json",
                                       "tokenizer.json",
                                       "tokenizer_config.json",
                                       "special_tokens_map.json",
                                       "chat_template.jinja",
                                       "vocab.json",
                                       "merges.txt",
                                       "added_tokens.json"};

// config.json beside weights written as float32: as it was found but for the stated type of the weights.
std::string StatingFloat32(const std::string& config_json) {
  nlohmann::ordered_json json =
      nlohmann::ordered_json::parse(config_json, nullptr, /*allow_exceptions=*/false);
  bool changed = false;
  for (const char* key : {"torch_dtype", "dtype"}) {  // transformers 4, transformers 5
    if (!json.is_object() || !json.contains(key) || json[key] == "float32") continue;
    json[key] = "float32";
    changed = true;
  }
  return changed ? json.dump(2) + "\n" : config_json;
}

// End-of-sequence ids may stand in generation_config.json as well.
void AddGenerationEos(const std::string& text, ModelConfig& config) {
  const Json json = ParseShallow(text);
  if (!json.is_object() || !json.contains("eos_token_id")) return;
  const Json list =
      json["eos_token_id"].is_array() ? json["eos_token_id"] : Json::array({json["eos_token_id"]});
  for (const Json& id : list) {
    if (!id.is_number_integer() || id.get<int64_t>() < 0 || id.get<int64_t>() >= config.vocab_size) continue;
    const int32_t value = id.get<int32_t>();
    if (std::ranges::find(config.eos_token_ids, value) == config.eos_token_ids.end())
      config.eos_token_ids.push_back(value);
  }
}

// Tensor name → file that holds it.
absl::StatusOr<std::map<std::string, std::string>> FilesOfTensors(const std::string& folder) {
  const std::string index_path = (fs::path(folder) / "model.safetensors.index.json").string();
  const std::string single = (fs::path(folder) / "model.safetensors").string();
  std::map<std::string, std::string> files;
  if (fs::exists(single)) {
    ENTRAIN_ASSIGN_OR_RETURN(const auto entries, ReadSafetensorsHeader(single));
    for (const auto& [name, entry] : entries) files[name] = single;
    return files;
  }
  if (!fs::exists(index_path))
    return absl::NotFoundError(
        absl::StrCat(folder, ": there is neither model.safetensors nor model.safetensors.index.json"));
  ENTRAIN_ASSIGN_OR_RETURN(const std::string text, ReadWholeFile(index_path, kMaxTextBytes));
  const Json json = ParseShallow(text);
  if (!json.is_object() || !json.contains("weight_map") || !json["weight_map"].is_object()) {
    return absl::InvalidArgumentError(absl::StrCat(index_path, ": expected an object with \"weight_map\""));
  }
  for (const auto& [name, file] : json["weight_map"].items()) {
    // A file name, never a path: an index must not reach outside its folder.
    if (!file.is_string() || file.get<std::string>().find('/') != std::string::npos ||
        file.get<std::string>().empty()) {
      return absl::InvalidArgumentError(absl::StrCat(index_path, ": \"", name.substr(0, 100),
                                                     "\": expected the name of a file in the folder"));
    }
    files[name] = (fs::path(folder) / file.get<std::string>()).string();
  }
  return files;
}

struct PlacedTensor {
  std::string file;
  TensorEntry entry;
};

// The tensors of a model folder by name, each with its file; they are those of `config`.
absl::StatusOr<std::map<std::string, PlacedTensor>> FindTensors(const std::string& folder,
                                                                const ModelConfig& config) {
  ENTRAIN_ASSIGN_OR_RETURN(const auto files, FilesOfTensors(folder));
  std::map<std::string, std::map<std::string, TensorEntry>> headers;
  for (const auto& [name, file] : files) {
    if (!headers.contains(file)) {
      ENTRAIN_ASSIGN_OR_RETURN(headers[file], ReadSafetensorsHeader(file));
    }
  }
  const ParameterLayout layout = ParameterLayout::Of(config);
  const auto check_shape = [](const std::string& file, const std::string& name, const TensorEntry& entry,
                              const std::vector<int64_t>& shape) {
    if (entry.shape == shape) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(file, ": tensor \"", name, "\": expected shape [",
                                                   absl::StrJoin(shape, ", "), "], found [",
                                                   absl::StrJoin(entry.shape, ", "), "]"));
  };
  // Everything is checked before any memory is taken: then no config asks for more than the files hold.
  for (const ParameterSlot& slot : layout.slots) {
    const auto file = files.find(slot.name);
    if (file == files.end())
      return absl::InvalidArgumentError(absl::StrCat(folder, ": tensor \"", slot.name, "\" is missing"));
    const auto& entries = headers[file->second];
    const auto entry = entries.find(slot.name);
    if (entry == entries.end()) {
      return absl::InvalidArgumentError(absl::StrCat(file->second, ": tensor \"", slot.name,
                                                     "\" is missing, although the index names this file"));
    }
    ENTRAIN_RETURN_IF_ERROR(check_shape(file->second, slot.name, entry->second, slot.shape));
  }
  for (const auto& [name, file] : files) {
    if (config.tie_word_embeddings && name == "lm_head.weight") {  // a copy of the embeddings: ignored
      const auto entry = headers[file].find(name);
      if (entry != headers[file].end()) {
        ENTRAIN_RETURN_IF_ERROR(check_shape(file, name, entry->second, layout.slots[0].shape));
      }
      continue;
    }
    if (layout.Find(name) == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat(file, ": tensor \"", name.substr(0, 100),
                                                     "\" has no place in a ", config.architecture));
    }
  }
  std::map<std::string, PlacedTensor> tensors;
  for (const ParameterSlot& slot : layout.slots) {
    const std::string& file = files.at(slot.name);
    tensors[slot.name] = {.file = file, .entry = headers[file].at(slot.name)};
  }
  return tensors;
}

}  // namespace

absl::StatusOr<ModelConfig> ConfigOfFiles(const std::map<std::string, std::string>& files) {
  const auto text = files.find("config.json");
  if (text == files.end()) return absl::NotFoundError("config.json is missing");
  ENTRAIN_ASSIGN_OR_RETURN(ModelConfig config, ParseModelConfig(text->second));
  if (const auto generation = files.find("generation_config.json"); generation != files.end()) {
    AddGenerationEos(generation->second, config);
  }
  return config;
}

absl::StatusOr<ModelFiles> ReadModelFiles(const std::string& folder) {
  ModelFiles model;
  const fs::path config_path = fs::path(folder) / "config.json";
  if (!fs::exists(folder)) return absl::NotFoundError(absl::StrCat(folder, ": there is no such folder"));
  if (!fs::exists(config_path)) {
    return absl::NotFoundError(
        absl::StrCat(config_path.string(), ": there is no such file; a model folder has one"));
  }
  ENTRAIN_ASSIGN_OR_RETURN(model.files["config.json"], ReadWholeFile(config_path.string(), kMaxTextBytes));
  for (const char* name : kCompanions) {
    const fs::path path = fs::path(folder) / name;
    if (!fs::exists(path)) continue;
    ENTRAIN_ASSIGN_OR_RETURN(model.files[name], ReadWholeFile(path.string(), kMaxTextBytes));
  }
  absl::StatusOr<ModelConfig> config = ConfigOfFiles(model.files);
  if (!config.ok()) {
    return absl::Status(config.status().code(), absl::StrCat(folder, "/", config.status().message()));
  }
  model.config = *std::move(config);
  return model;
}

absl::Status CheckWeights(const std::string& folder, const ModelConfig& config) {
  return FindTensors(folder, config).status();
}

absl::StatusOr<std::vector<float>> ReadWeights(const std::string& folder, const ModelConfig& config) {
  ENTRAIN_ASSIGN_OR_RETURN(const auto tensors, FindTensors(folder, config));
  const ParameterLayout layout = ParameterLayout::Of(config);
  std::vector<float> values(static_cast<size_t>(layout.total));
  for (const ParameterSlot& slot : layout.slots) {
    const PlacedTensor& tensor = tensors.at(slot.name);
    ENTRAIN_RETURN_IF_ERROR(ReadTensor(
        tensor.file, slot.name, tensor.entry,
        std::span(values).subspan(static_cast<size_t>(slot.offset), static_cast<size_t>(slot.size))));
  }
  return values;
}

absl::Status WriteModelFolder(const std::string& folder, const ModelFiles& files,
                              std::span<const float> weights) {
  const ParameterLayout layout = ParameterLayout::Of(files.config);
  if (static_cast<int64_t>(weights.size()) != layout.total) {
    return absl::InvalidArgumentError(
        absl::StrCat(folder, ": expected ", layout.total, " values, found ", weights.size()));
  }
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return absl::UnavailableError(absl::StrCat(folder, ": cannot be made: ", error.message()));
  for (const auto& [name, bytes] : files.files) {
    const std::string text = name == "config.json" ? StatingFloat32(bytes) : bytes;
    ENTRAIN_RETURN_IF_ERROR(WriteFileAtomically((fs::path(folder) / name).string(), std::span(&text, 1)));
  }
  if (!files.files.contains("config.json")) {
    const std::string text = WriteModelConfig(files.config);
    ENTRAIN_RETURN_IF_ERROR(
        WriteFileAtomically((fs::path(folder) / "config.json").string(), std::span(&text, 1)));
  }
  std::vector<TensorView> tensors;
  for (const ParameterSlot& slot : layout.slots) {
    tensors.push_back(
        {.name = slot.name,
         .shape = slot.shape,
         .values = weights.subspan(static_cast<size_t>(slot.offset), static_cast<size_t>(slot.size))});
  }
  return WriteSafetensors((fs::path(folder) / "model.safetensors").string(), tensors);
}

std::string DigestOfFiles(const std::map<std::string, std::string>& files) {
  Digester digester;
  for (const auto& [name, bytes] : files) {
    digester.Update(absl::StrCat(name.size(), ":", name, bytes.size(), ":"));
    digester.Update(bytes);
  }
  return digester.Finish();
}

}  // namespace entrain
