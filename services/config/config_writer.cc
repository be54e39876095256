#include <yaml-cpp/yaml.h>

#include "controller/schedule_json.h"
#include "learner/objective/aggregation.h"
#include "services/config/config_tree.h"
#include "services/config/run_config.h"

namespace entrain {
namespace {

Json TextOrNull(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json ModelJson(const ModelOptions& model) {
  Json out = Json::object();
  if (!model.path.empty()) out["path"] = model.path;
  if (model.init.has_value()) {
    const ModelConfig& init = *model.init;
    out["init"] = {{"hidden_size", init.hidden_size},
                   {"intermediate_size", init.intermediate_size},
                   {"num_layers", init.num_layers},
                   {"num_heads", init.num_heads},
                   {"num_kv_heads", init.num_kv_heads},
                   {"head_dim", init.head_dim},
                   {"vocab_size", init.vocab_size},
                   {"max_position", init.max_position},
                   {"rope_theta", init.rope_theta},
                   {"rms_norm_eps", init.rms_norm_eps},
                   {"tie_word_embeddings", init.tie_word_embeddings}};
    out["init"]["tokenizer"] = model.tokenizer.file.empty() ? Json{{"chars", model.tokenizer.characters},
                                                                   {"special", model.tokenizer.special}}
                                                            : Json(model.tokenizer.file);
  }
  if (model.warmup.has_value()) {
    out["warmup"] = {{"data", model.warmup->data},
                     {"steps", model.warmup->steps},
                     {"lr", model.warmup->lr},
                     {"batch", model.warmup->batch}};
    if (model.warmup->until_pass_rate.has_value())
      out["warmup"]["until_pass_rate"] = *model.warmup->until_pass_rate;
  }
  return out;
}

Json LearnerJson(const RunConfig& config) {
  const LearnerOptions& learner = config.learner;
  const OptimizerOptions& optimizer = learner.optimizer;
  Json out;
  out["steps"] = learner.steps;
  out["prompts_per_step"] = learner.prompts_per_step;
  out["minibatches"] = learner.minibatches;
  out["epochs"] = learner.epochs;
  out["device"] = config.learner_device;
  out["dtype"] = config.learner_dtype;
  out["threads"] = learner.threads;
  out["microbatch_tokens"] = learner.microbatch_tokens;
  out["optimizer"] = {{"lr", optimizer.lr},
                      {"betas", {optimizer.beta1, optimizer.beta2}},
                      {"eps", optimizer.eps},
                      {"weight_decay", optimizer.weight_decay},
                      {"warmup_steps", optimizer.warmup_steps},
                      {"schedule", optimizer.schedule},
                      {"final_fraction", optimizer.final_fraction}};
  out["grad_clip"] = learner.grad_clip;
  out["advantage"] = learner.advantage == AdvantageKind::kGrpo ? "grpo" : "dr_grpo";
  out["reward"] = learner.reward == RewardKind::kVerifier ? "verifier" : "random";
  out["overlong"] = nullptr;
  if (learner.overlong.has_value())
    out["overlong"] = {{"max", learner.overlong->max}, {"cache", learner.overlong->cache}};
  out["dynamic_sampling"] = learner.dynamic_sampling;
  out["checkpoint"] = {{"every_steps", learner.checkpoint_every_steps}, {"keep", learner.checkpoint_keep}};
  out["record_batches"] = nullptr;
  if (learner.record_batches_every_steps > 0)
    out["record_batches"] = {{"every_steps", learner.record_batches_every_steps}};
  out["eval"] = nullptr;
  if (learner.eval.has_value()) {
    out["eval"] = {{"every_steps", learner.eval->every_steps},
                   {"prompts", learner.eval->prompts},
                   {"completions", learner.eval->completions},
                   {"k", learner.eval->k}};
  }
  return out;
}

Json RegionsJson(const RegionMask& regions) {
  if (!regions.Any()) return nullptr;
  Json mask = Json::array();
  for (const int region : {1, 2, 3, 4}) {
    if (regions.masked[static_cast<size_t>(region)]) mask.push_back("e" + std::to_string(region));
  }
  return {{"mask", std::move(mask)},
          {"rule", regions.rule == RegionMask::Rule::kExact ? "exact" : "surprisal"}};
}

Json ConfigJson(const RunConfig& config) {
  Json out;
  out["name"] = config.name;
  out["seed"] = config.seed;
  out["model"] = ModelJson(config.model);
  out["data"] = {
      {"train", config.data_train}, {"eval", TextOrNull(config.data_eval)}, {"shuffle", config.data_shuffle}};
  out["rollout"] = {{"workers", config.rollout.workers},
                    {"threads", config.rollout.threads},
                    {"device", config.rollout.device},
                    {"dtype", config.rollout.dtype},
                    {"completions_per_prompt", config.learner.completions_per_prompt},
                    {"max_tokens", config.rollout.max_tokens},
                    {"temperature", config.rollout.temperature},
                    {"top_p", config.rollout.top_p},
                    {"top_k", config.rollout.top_k}};
  out["verifier"] = {{"processes", config.verifier.processes},
                     {"concurrency", config.verifier.concurrency},
                     {"deadline_s", config.verifier.deadline_seconds},
                     {"retries", config.verifier.retries},
                     {"sandbox", config.verifier.sandbox},
                     {"cache_mb", config.verifier.cache_mb},
                     {"commands", config.verifier.commands}};
  out["learner"] = LearnerJson(config);
  const ObjectiveSpec& objective = config.learner.objective;
  out["objective"] = {
      {"name", objective.name},
      {"params",
       config.objective_params_json.empty() ? Json::object() : Json::parse(config.objective_params_json)},
      {"aggregation", objective.aggregation.has_value()
                          ? Json(std::string(AggregationName(*objective.aggregation)))
                          : Json(nullptr)},
      {"tis", config.tis_json.empty() ? Json(nullptr) : Json::parse(config.tis_json)},
      {"regions", RegionsJson(objective.regions)}};
  out["objective"]["kl"] = nullptr;
  if (objective.kl.has_value()) {
    out["objective"]["kl"] = {{"coef", objective.kl->coef},
                              {"estimator", objective.kl->estimator == KlEstimator::kK3 ? "k3" : "k1"},
                              {"reference", config.kl_reference.empty() ? "start" : config.kl_reference}};
  }
  out["staleness"] = {{"max_versions", config.learner.max_staleness}, {"exact", config.exact_staleness}};
  out["schedule"] = Json::parse(WriteScheduleJson(config.schedule));
  const OnSilence silence = config.learner.on_silence;
  out["controller"] = {{"address", TextOrNull(config.controller_address)},
                       {"on_silence", silence == OnSilence::kHold   ? "hold"
                                      : silence == OnSilence::kWait ? "wait"
                                                                    : "stop"},
                       {"wait_s", config.learner.controller_wait_seconds}};
  out["listen"] = config.listen;
  return out;
}

void Emit(const Json& json, YAML::Emitter& out) {
  if (json.is_object()) {
    out << YAML::BeginMap;
    for (const auto& [key, value] : json.items()) {
      out << YAML::Key << key << YAML::Value;
      Emit(value, out);
    }
    out << YAML::EndMap;
  } else if (json.is_array()) {
    out << YAML::Flow << YAML::BeginSeq;
    for (const Json& value : json) Emit(value, out);
    out << YAML::EndSeq;
  } else if (json.is_string()) {
    out << YAML::DoubleQuoted << json.get<std::string>();
  } else if (json.is_null()) {
    out << YAML::Null;
  } else if (json.is_boolean()) {
    out << json.get<bool>();
  } else {
    out << json.dump();
  }
}

}  // namespace

std::string WriteConfigJson(const RunConfig& config) { return ConfigJson(config).dump(2) + "\n"; }

std::string WriteConfigYaml(const RunConfig& config) {
  YAML::Emitter out;
  Emit(ConfigJson(config), out);
  return std::string(out.c_str()) + "\n";
}

}  // namespace entrain
