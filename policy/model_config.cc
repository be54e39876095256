#include "policy/model_config.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"

namespace entrain {
namespace {

using Json = nlohmann::json;

absl::Status Wrong(absl::string_view key, absl::string_view expected, const Json& found) {
  return absl::InvalidArgumentError(
      absl::StrCat("config.json: \"", key, "\": expected ", expected, ", found ",
                   found.dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 80)));
}

const Json* Find(const Json& object, const char* key) {
  const auto member = object.find(key);
  return member == object.end() || member->is_null() ? nullptr : &*member;
}

// A whole number in [low, high]; `fallback` < 0 means that the key is needed.
absl::StatusOr<int32_t> Whole(const Json& object, const char* key, int32_t low, int32_t high,
                              int32_t fallback = -1) {
  const Json* value = Find(object, key);
  if (value == nullptr) {
    if (fallback >= 0) return fallback;
    return absl::InvalidArgumentError(absl::StrCat("config.json: \"", key, "\" is missing"));
  }
  if (!value->is_number_integer() || value->get<double>() < low || value->get<double>() > high) {
    return Wrong(key, absl::StrCat("a whole number from ", low, " to ", high), *value);
  }
  return value->get<int32_t>();
}

absl::StatusOr<double> Positive(const Json& object, const char* key, double fallback) {
  const Json* value = Find(object, key);
  if (value == nullptr) return fallback;
  if (!value->is_number() || !(value->get<double>() > 0) || !std::isfinite(value->get<double>()))
    return Wrong(key, "a positive number", *value);
  return value->get<double>();
}

absl::StatusOr<bool> Flag(const Json& object, const char* key, bool fallback) {
  const Json* value = Find(object, key);
  if (value == nullptr) return fallback;
  if (!value->is_boolean()) return Wrong(key, "true or false", *value);
  return value->get<bool>();
}

absl::Status ReadArchitecture(const Json& object, ModelConfig& config) {
  const Json* list = Find(object, "architectures");
  if (list != nullptr && list->is_array() && !list->empty() && (*list)[0].is_string()) {
    config.architecture = (*list)[0].get<std::string>();
  } else if (const Json* type = Find(object, "model_type"); type != nullptr && *type == "qwen2") {
    config.architecture = "Qwen2ForCausalLM";
  } else {
    return absl::InvalidArgumentError(
        "config.json: \"architectures\": expected a list with the model's class, found none");
  }
  if (config.architecture != "Qwen2ForCausalLM") {
    return absl::UnimplementedError(absl::StrCat("config.json: architecture \"",
                                                 config.architecture.substr(0, 60),
                                                 "\" is not supported; supported: Qwen2ForCausalLM"));
  }
  return absl::OkStatus();
}

// rope_theta of transformers 4 with rope_scaling, or rope_parameters of transformers 5.
absl::Status ReadRope(const Json& object, ModelConfig& config) {
  ENTRAIN_ASSIGN_OR_RETURN(config.rope_theta, Positive(object, "rope_theta", 10000.0));
  for (const char* key : {"rope_parameters", "rope_scaling"}) {
    const Json* rope = Find(object, key);
    if (rope == nullptr) continue;
    if (!rope->is_object()) return Wrong(key, "an object", *rope);
    ENTRAIN_ASSIGN_OR_RETURN(config.rope_theta, Positive(*rope, "rope_theta", config.rope_theta));
    for (const char* type_key : {"rope_type", "type"}) {
      const Json* type = Find(*rope, type_key);
      if (type != nullptr && *type != "default") {
        return absl::UnimplementedError(absl::StrCat("config.json: \"", key, ".", type_key,
                                                     "\": ", type->dump().substr(0, 60),
                                                     " is not supported; supported: \"default\""));
      }
    }
  }
  return absl::OkStatus();
}

// Keys that change the mathematics in a way that is not built.
absl::Status RefuseOtherMathematics(const Json& object) {
  if (const Json* act = Find(object, "hidden_act"); act != nullptr && *act != "silu") {
    return absl::UnimplementedError(absl::StrCat("config.json: \"hidden_act\": ", act->dump().substr(0, 60),
                                                 " is not supported; supported: \"silu\""));
  }
  ENTRAIN_ASSIGN_OR_RETURN(const bool sliding, Flag(object, "use_sliding_window", false));
  if (sliding) return absl::UnimplementedError("config.json: \"use_sliding_window\": true is not supported");
  if (const Json* types = Find(object, "layer_types"); types != nullptr && types->is_array()) {
    for (const Json& type : *types) {
      if (type != "full_attention") {
        return absl::UnimplementedError(
            absl::StrCat("config.json: \"layer_types\": ", type.dump().substr(0, 60), " is not supported"));
      }
    }
  }
  if (Find(object, "quantization_config") != nullptr)
    return absl::UnimplementedError("config.json: \"quantization_config\" is not supported");
  return absl::OkStatus();
}

absl::Status ReadSpecialTokens(const Json& object, ModelConfig& config) {
  if (const Json* eos = Find(object, "eos_token_id"); eos != nullptr) {
    const Json list = eos->is_array() ? *eos : Json::array({*eos});
    for (const Json& id : list) {
      if (!id.is_number_integer() || id.get<int64_t>() < 0 || id.get<int64_t>() >= config.vocab_size) {
        return Wrong("eos_token_id", absl::StrCat("token ids below ", config.vocab_size), *eos);
      }
      config.eos_token_ids.push_back(id.get<int32_t>());
    }
  }
  if (const Json* pad = Find(object, "pad_token_id"); pad != nullptr) {
    if (!pad->is_number_integer()) return Wrong("pad_token_id", "a token id", *pad);
    config.pad_token_id = static_cast<int32_t>(pad->get<int64_t>());
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ModelConfig> ParseModelConfig(absl::string_view config_json) {
  // config.json is a few levels deep; printing or copying one that nests without end would exhaust the stack.
  const auto shallow = [](int depth, Json::parse_event_t, Json&) { return depth <= 16; };
  const Json object =
      Json::parse(config_json.begin(), config_json.end(), shallow, /*allow_exceptions=*/false);
  if (!object.is_object()) return absl::InvalidArgumentError("config.json: expected one JSON object");
  ModelConfig config;
  ENTRAIN_RETURN_IF_ERROR(ReadArchitecture(object, config));
  ENTRAIN_ASSIGN_OR_RETURN(config.vocab_size, Whole(object, "vocab_size", 1, 4'000'000));
  ENTRAIN_ASSIGN_OR_RETURN(config.hidden_size, Whole(object, "hidden_size", 1, 65536));
  ENTRAIN_ASSIGN_OR_RETURN(config.intermediate_size, Whole(object, "intermediate_size", 1, 1 << 20));
  ENTRAIN_ASSIGN_OR_RETURN(config.num_layers, Whole(object, "num_hidden_layers", 1, 1024));
  ENTRAIN_ASSIGN_OR_RETURN(config.num_heads, Whole(object, "num_attention_heads", 1, 1024));
  ENTRAIN_ASSIGN_OR_RETURN(config.num_kv_heads,
                           Whole(object, "num_key_value_heads", 1, 1024, config.num_heads));
  ENTRAIN_ASSIGN_OR_RETURN(config.head_dim,
                           Whole(object, "head_dim", 1, 4096, config.hidden_size / config.num_heads));
  ENTRAIN_ASSIGN_OR_RETURN(config.max_position, Whole(object, "max_position_embeddings", 1, 1 << 30, 32768));
  ENTRAIN_ASSIGN_OR_RETURN(config.rms_norm_eps, Positive(object, "rms_norm_eps", 1e-6));
  ENTRAIN_ASSIGN_OR_RETURN(config.tie_word_embeddings, Flag(object, "tie_word_embeddings", false));
  if (config.num_heads % config.num_kv_heads != 0) {
    return absl::InvalidArgumentError(absl::StrCat("config.json: \"num_attention_heads\" (", config.num_heads,
                                                   ") is no multiple of \"num_key_value_heads\" (",
                                                   config.num_kv_heads, ")"));
  }
  if (config.head_dim < 2 || config.head_dim % 2 != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("config.json: head size ", config.head_dim, ": expected an even number"));
  }
  ENTRAIN_RETURN_IF_ERROR(ReadRope(object, config));
  ENTRAIN_RETURN_IF_ERROR(RefuseOtherMathematics(object));
  ENTRAIN_RETURN_IF_ERROR(ReadSpecialTokens(object, config));
  return config;
}

std::string WriteModelConfig(const ModelConfig& config) {
  nlohmann::ordered_json out;
  out["architectures"] = {config.architecture};
  out["model_type"] = "qwen2";
  out["vocab_size"] = config.vocab_size;
  out["hidden_size"] = config.hidden_size;
  out["intermediate_size"] = config.intermediate_size;
  out["num_hidden_layers"] = config.num_layers;
  out["num_attention_heads"] = config.num_heads;
  out["num_key_value_heads"] = config.num_kv_heads;
  out["head_dim"] = config.head_dim;
  out["max_position_embeddings"] = config.max_position;
  out["rms_norm_eps"] = config.rms_norm_eps;
  out["rope_theta"] = config.rope_theta;
  out["hidden_act"] = "silu";
  out["tie_word_embeddings"] = config.tie_word_embeddings;
  out["use_sliding_window"] = false;
  out["attention_dropout"] = 0.0;
  if (config.eos_token_ids.size() == 1) {
    out["eos_token_id"] = config.eos_token_ids[0];
  } else if (!config.eos_token_ids.empty()) {
    out["eos_token_id"] = config.eos_token_ids;
  }
  if (config.pad_token_id >= 0) out["pad_token_id"] = config.pad_token_id;
  out["torch_dtype"] = "float32";
  return out.dump(2) + "\n";
}

}  // namespace entrain
