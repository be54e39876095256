#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "policy/model_config.h"
#include "policy/model_folder.h"
#include "policy/parameters.h"
#include "policy/safetensors.h"
#include "policy/snapshot.h"
#include "tests/testing/temporary_folder.h"

namespace entrain {
namespace {

namespace fs = std::filesystem;

const std::string kGolden = std::string(ENTRAIN_SOURCE_DIR) + "/tests/golden/policy/";

void WriteBytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

std::string Header(const std::string& json, const std::string& data = "") {
  std::string out(8, '\0');
  for (size_t i = 0; i < 8; ++i) out[i] = static_cast<char>(json.size() >> (8 * i));
  return out + json + data;
}

constexpr char kConfig[] =
    R"({"architectures": ["Qwen2ForCausalLM"], "vocab_size": 40, "hidden_size": 32, "intermediate_size": 48,
  "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2)";

TEST(ModelConfig, ReadsTheKeysOfTransformers4And5) {
  auto four = ParseModelConfig(std::string(kConfig) +
                               R"(, "rope_theta": 1000000.0, "torch_dtype": "bfloat16", "eos_token_id": 2})");
  ASSERT_TRUE(four.ok()) << four.status();
  EXPECT_EQ(four->rope_theta, 1e6);
  EXPECT_EQ(four->head_dim, 8);
  EXPECT_EQ(four->eos_token_ids, std::vector<int32_t>{2});
  auto five = ParseModelConfig(
      std::string(kConfig) +
      R"(, "rope_parameters": {"rope_type": "default", "rope_theta": 1000000.0}, "dtype": "float32", "eos_token_id": [2, 3],
                                  "layer_types": ["full_attention", "full_attention"], "use_sliding_window": false, "max_window_layers": 28})");
  ASSERT_TRUE(five.ok()) << five.status();
  EXPECT_EQ(five->rope_theta, 1e6);
  EXPECT_EQ(five->eos_token_ids, (std::vector<int32_t>{2, 3}));
}

TEST(ModelConfig, RefusesWhatChangesTheMathematicsByName) {
  const std::pair<const char*, const char*> cases[] = {
      {R"(, "hidden_act": "gelu"})", "hidden_act"},
      {R"(, "use_sliding_window": true})", "use_sliding_window"},
      {R"(, "rope_scaling": {"type": "yarn", "factor": 4.0}})", "yarn"},
      {R"(, "layer_types": ["sliding_attention", "full_attention"]})", "sliding_attention"},
      {R"(, "quantization_config": {}})", "quantization_config"},
  };
  for (const auto& [rest, name] : cases) {
    const auto config = ParseModelConfig(std::string(kConfig) + rest);
    EXPECT_EQ(config.status().code(), absl::StatusCode::kUnimplemented) << rest;
    EXPECT_NE(config.status().message().find(name), absl::string_view::npos) << config.status();
  }
  const auto other = ParseModelConfig(R"({"architectures": ["MambaForCausalLM"]})");
  EXPECT_NE(other.status().message().find("MambaForCausalLM"), absl::string_view::npos);
}

TEST(ModelConfig, NamesTheKeyThatIsMissingOrWrong) {
  EXPECT_NE(
      ParseModelConfig(R"({"architectures": ["Qwen2ForCausalLM"]})").status().message().find("vocab_size"),
      absl::string_view::npos);
  nlohmann::json json = nlohmann::json::parse(std::string(kConfig) + "}");
  json["num_attention_heads"] = "four";
  const auto config = ParseModelConfig(json.dump());
  EXPECT_NE(config.status().message().find("num_attention_heads"), absl::string_view::npos);
  EXPECT_NE(config.status().message().find("four"), absl::string_view::npos);
  json["num_attention_heads"] = 3;
  json["num_key_value_heads"] = 2;
  EXPECT_FALSE(ParseModelConfig(json.dump()).ok());
}

TEST(ModelConfig, WritesWhatItReads) {
  auto config = ParseModelConfig(
      std::string(kConfig) +
      R"(, "rope_theta": 5000.0, "tie_word_embeddings": true, "eos_token_id": [1, 2], "pad_token_id": 0})");
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(*ParseModelConfig(WriteModelConfig(*config)), *config);
}

TEST(ModelFolder, ReadsTheFoldersThatTransformersWrote) {
  for (const char* name : {"tied", "untied"}) {
    const auto files = ReadModelFiles(kGolden + name);
    ASSERT_TRUE(files.ok()) << files.status();
    const auto weights = ReadWeights(kGolden + name, files->config);
    ASSERT_TRUE(weights.ok()) << weights.status();
    EXPECT_EQ(static_cast<int64_t>(weights->size()), ParameterLayout::Of(files->config).total);
  }
}

TEST(ModelFolder, WritesAndReadsTheSameBytes) {
  const auto files = ReadModelFiles(kGolden + "untied");
  const auto weights = ReadWeights(kGolden + "untied", files->config);
  const TemporaryFolder folder;
  ASSERT_TRUE(WriteModelFolder(folder / "copy", *files, *weights).ok());
  const auto again = ReadModelFiles(folder / "copy");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->files, files->files);
  EXPECT_EQ(*ReadWeights(folder / "copy", again->config), *weights);
}

TEST(ModelFolder, AnExportOfHalfPrecisionSaysThatItsWeightsAreFloat32) {
  auto files = ReadModelFiles(kGolden + "untied");
  const auto weights = ReadWeights(kGolden + "untied", files->config);
  for (const char* key : {"dtype", "torch_dtype"}) {
    files->files["config.json"] =
        absl::StrCat(kConfig, R"(, ")", key, R"(": "bfloat16", "rms_norm_eps": 1e-06})");
    const TemporaryFolder folder;
    ASSERT_TRUE(WriteModelFolder(folder / "copy", *files, *weights).ok());
    nlohmann::json expected = nlohmann::json::parse(files->files["config.json"]);
    expected[key] = "float32";
    const auto again = ReadModelFiles(folder / "copy");
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(nlohmann::json::parse(again->files.at("config.json")), expected);
  }
}

TEST(ModelFolder, ATruncatedWeightsFileIsNamedWithTheByte) {
  const auto files = ReadModelFiles(kGolden + "tied");
  const TemporaryFolder folder;
  fs::copy(kGolden + "tied", folder.path(),
           fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  fs::resize_file(folder / "model.safetensors", fs::file_size(folder / "model.safetensors") - 5);
  const auto weights = ReadWeights(folder.path(), files->config);
  EXPECT_EQ(weights.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_NE(weights.status().message().find("model.safetensors: byte"), absl::string_view::npos)
      << weights.status();
}

TEST(ModelFolder, AMissingSurplusOrMisshapenTensorIsNamed) {
  const auto files = ReadModelFiles(kGolden + "tied");
  ModelConfig wider = files->config;
  wider.intermediate_size += 1;
  EXPECT_NE(ReadWeights(kGolden + "tied", wider).status().message().find("expected shape"),
            absl::string_view::npos);
  ModelConfig deeper = files->config;
  deeper.num_layers += 1;
  EXPECT_NE(ReadWeights(kGolden + "tied", deeper).status().message().find("model.layers.2"),
            absl::string_view::npos);
  ModelConfig shallower = files->config;
  shallower.num_layers -= 1;
  EXPECT_NE(ReadWeights(kGolden + "tied", shallower).status().message().find("has no place"),
            absl::string_view::npos);
}

TEST(ModelFolder, AMissingFolderOrFileIsNamed) {
  EXPECT_EQ(ReadModelFiles("/nowhere/at/all").status().code(), absl::StatusCode::kNotFound);
  const TemporaryFolder folder;
  EXPECT_NE(ReadModelFiles(folder.path()).status().message().find("config.json"), absl::string_view::npos);
}

TEST(ModelFolder, ReadsShardsByTheirIndex) {
  const auto files = ReadModelFiles(kGolden + "untied");
  const auto weights = ReadWeights(kGolden + "untied", files->config);
  const ParameterLayout layout = ParameterLayout::Of(files->config);
  const TemporaryFolder folder;
  nlohmann::json index;
  for (size_t shard = 0; shard < 2; ++shard) {
    const std::string name = "model-" + std::to_string(shard) + ".safetensors";
    std::vector<TensorView> tensors;
    for (size_t i = shard; i < layout.slots.size(); i += 2) {
      const ParameterSlot& slot = layout.slots[i];
      tensors.push_back(
          {slot.name, slot.shape,
           std::span(*weights).subspan(static_cast<size_t>(slot.offset), static_cast<size_t>(slot.size))});
      index["weight_map"][slot.name] = name;
    }
    ASSERT_TRUE(WriteSafetensors(folder / name, tensors).ok());
  }
  WriteBytes(folder / "model.safetensors.index.json", index.dump());
  const auto again = ReadWeights(folder.path(), files->config);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(*again, *weights);
  index["weight_map"]["lm_head.weight"] = "../../etc/passwd";
  WriteBytes(folder / "model.safetensors.index.json", index.dump());
  EXPECT_EQ(ReadWeights(folder.path(), files->config).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(ModelConfig, NestingWithoutEndIsAnError) {
  const std::string deep = std::string(1'000'000, '[') + std::string(1'000'000, ']');
  for (const char* key : {"hidden_act", "eos_token_id", "vocab_size", "layer_types", "rope_parameters"}) {
    const auto config = ParseModelConfig(absl::StrCat(
        R"({"architectures": ["Qwen2ForCausalLM"], "hidden_size": 32, "intermediate_size": 48, )",
        R"("num_hidden_layers": 2, "num_attention_heads": 4, ")", key, "\": ", deep, "}"));
    EXPECT_FALSE(config.ok()) << key;
  }
  const std::map<std::string, std::string> files = {
      {"config.json", std::string(kConfig) + "}"},
      {"generation_config.json", absl::StrCat(R"({"eos_token_id": )", deep, "}")}};
  EXPECT_TRUE(ConfigOfFiles(files).ok());
}

TEST(ModelFolder, AConfigThatAsksForMoreThanTheFilesHoldIsAnError) {
  const auto files = ReadModelFiles(kGolden + "tied");
  ModelConfig huge = files->config;
  huge.vocab_size = 4'000'000;
  huge.hidden_size = 65536;
  huge.num_layers = 1024;
  EXPECT_EQ(ReadWeights(kGolden + "tied", huge).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(ModelFolder, ATiedModelMayCarryItsHeadInTheShapeOfTheEmbeddingsOnly) {
  const auto files = ReadModelFiles(kGolden + "tied");
  const auto weights = ReadWeights(kGolden + "tied", files->config);
  const ParameterLayout layout = ParameterLayout::Of(files->config);
  const TemporaryFolder folder;
  std::vector<TensorView> tensors;
  for (const ParameterSlot& slot : layout.slots) {
    tensors.push_back(
        {slot.name, slot.shape,
         std::span(*weights).subspan(static_cast<size_t>(slot.offset), static_cast<size_t>(slot.size))});
  }
  tensors.push_back(tensors[0]);
  tensors.back().name = "lm_head.weight";
  ASSERT_TRUE(WriteSafetensors(folder / "model.safetensors", tensors).ok());
  const auto again = ReadWeights(folder.path(), files->config);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(*again, *weights);
  tensors.back().shape = {4};
  tensors.back().values = tensors.back().values.first(4);
  ASSERT_TRUE(WriteSafetensors(folder / "model.safetensors", tensors).ok());
  EXPECT_NE(ReadWeights(folder.path(), files->config).status().message().find("lm_head.weight"),
            absl::string_view::npos);
}

TEST(Safetensors, ConvertsHalfPrecisionExactly) {
  const TemporaryFolder folder;
  // F16: 1, -2, 2^-24 (smallest subnormal), 65504; BF16: 1, -2, 3.140625, 2^-126.
  const std::string half("\x00\x3C\x00\xC0\x01\x00\xFF\x7B", 8), brain("\x80\x3F\x00\xC0\x49\x40\x80\x00", 8);
  WriteBytes(
      folder / "x",
      Header(
          R"({"h": {"dtype": "F16", "shape": [4], "data_offsets": [0, 8]}, "b": {"dtype": "BF16", "shape": [4], "data_offsets": [8, 16]}})",
          half + brain));
  const auto entries = ReadSafetensorsHeader(folder / "x");
  ASSERT_TRUE(entries.ok()) << entries.status();
  std::vector<float> values(4);
  ASSERT_TRUE(ReadTensor(folder / "x", "h", entries->at("h"), values).ok());
  EXPECT_EQ(values, (std::vector<float>{1.0f, -2.0f, 0x1.0p-24f, 65504.0f}));
  ASSERT_TRUE(ReadTensor(folder / "x", "b", entries->at("b"), values).ok());
  EXPECT_EQ(values, (std::vector<float>{1.0f, -2.0f, 3.140625f, 0x1.0p-126f}));
}

TEST(Safetensors, HostileHeadersAreErrors) {
  const TemporaryFolder folder;
  const std::string data(16, 'x');
  const std::string cases[] = {
      "",
      "short",
      std::string("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F", 8) + "{}",
      Header("not json", data),
      Header("[]", data),
      Header(std::string(10000, '['), data),
      Header(R"({"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 99]}})", data),
      Header(R"({"a": {"dtype": "F32", "shape": [4], "data_offsets": [8, 0]}})", data),
      Header(R"({"a": {"dtype": "F32", "shape": [5], "data_offsets": [0, 16]}})", data),
      Header(R"({"a": {"dtype": "F32", "shape": [-4], "data_offsets": [0, 16]}})", data),
      Header(R"({"a": {"dtype": "F32", "shape": [1099511627776, 1099511627776], "data_offsets": [0, 16]}})",
             data),
      Header(R"({"a": {"dtype": "F99", "shape": [4], "data_offsets": [0, 16]}})", data),
      Header(
          R"({"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}, "b": {"dtype": "F32", "shape": [2], "data_offsets": [8, 16]}})",
          data),
      Header(R"({"a": 5})", data),
      Header(
          R"({"a": {"dtype": "F32", "shape": [4], "data_offsets": [18446744073709551600, 18446744073709551615]}})",
          data),
  };
  for (const std::string& bytes : cases) {
    WriteBytes(folder / "x", bytes);
    const auto entries = ReadSafetensorsHeader(folder / "x");
    EXPECT_FALSE(entries.ok()) << bytes;
    EXPECT_NE(entries.status().message().find(folder / "x"), absl::string_view::npos) << entries.status();
  }
}

TEST(InitParameters, FollowsTheRecipeAndTheSeed) {
  auto config = ParseModelConfig(std::string(kConfig) + R"(, "tie_word_embeddings": true})");
  ASSERT_TRUE(config.ok());
  const std::vector<float> weights = InitParameters(*config, 7);
  EXPECT_EQ(weights, InitParameters(*config, 7));
  EXPECT_NE(weights, InitParameters(*config, 8));
  const ParameterLayout layout = ParameterLayout::Of(*config);
  const auto deviation = [&](const std::string& name) {
    const ParameterSlot* slot = layout.Find(name);
    double squares = 0;
    for (int64_t i = 0; i < slot->size; ++i)
      squares += std::pow(weights[static_cast<size_t>(slot->offset + i)], 2);
    return std::sqrt(squares / static_cast<double>(slot->size));
  };
  EXPECT_NEAR(deviation("model.embed_tokens.weight"), 0.02, 0.002);
  EXPECT_NEAR(deviation("model.layers.0.self_attn.q_proj.weight"), 1 / std::sqrt(32.0), 0.02);
  EXPECT_NEAR(deviation("model.layers.1.mlp.down_proj.weight"), 1 / std::sqrt(48.0) / 2,
              0.01);  // sqrt(2 · 2 layers) = 2
  EXPECT_EQ(deviation("model.layers.0.self_attn.q_proj.bias"), 0);
  EXPECT_EQ(deviation("model.norm.weight"), 1);
}

TEST(WeightsSnapshot, DigestIsSha256OfTheBytes) {
  // printf '\0\0\200\077\0\0\0\300' | sha256sum: 1.0f and -2.0f, little-endian
  EXPECT_EQ(WeightsSnapshot::Make(3, {1.0f, -2.0f})->digest,
            "ee4ac73c2bd27756ab82780f27c73a7bc4d3f0bb6acb37e008bc27eccd7e588b");
}

}  // namespace
}  // namespace entrain
