#include "services/config/run_config.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/status_macros.h"
#include "controller/laws/law.h"
#include "learner/objective/document.h"
#include "policy/generator.h"
#include "services/config/config_tree.h"
#include "services/config/schedule_section.h"
#include "services/runtime/address.h"

namespace entrain {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMany = int64_t{1} << 40;

// Paths beside the run file win over those below the working directory.
std::string Resolve(const std::string& run_file, const std::string& path) {
  if (path.empty() || fs::path(path).is_absolute()) return path;
  const fs::path beside = fs::path(run_file).parent_path() / path;
  return fs::exists(beside) ? fs::absolute(beside).lexically_normal().string()
                            : fs::absolute(path).lexically_normal().string();
}

void ReadTokenizer(ConfigTree& tree, const std::string& run_file, TokenizerOptions& out) {
  const std::string path = "model.init.tokenizer";
  if (!tree.Has(path))
    return tree.Problem(
        "model.init",
        "tokenizer is missing: a tokenizer.json, or {chars: \"…\", special: [\"<pad>\", \"<eos>\"]}");
  if (tree.At(path).is_string()) {
    out.file = Resolve(run_file, tree.At(path).get<std::string>());
    if (!fs::exists(out.file)) tree.Problem(path, absl::StrCat("there is no file ", out.file));
    return;
  }
  tree.Known(path, {"chars", "special"});
  tree.Text(path + ".chars", out.characters);
  const Json& special = tree.At(path + ".special");
  if (special.is_array()) {
    for (const Json& token : special) {
      if (!token.is_string()) return tree.Wrong(path + ".special", "a list of texts");
      out.special.push_back(token.get<std::string>());
    }
  } else if (!special.is_null()) {
    tree.Wrong(path + ".special", "a list of texts");
  }
  if (out.characters.empty()) tree.Problem(path, "expected chars with at least one character");
}

void ReadInit(ConfigTree& tree, const std::string& run_file, ModelOptions& model) {
  if (!tree.Has("model.init")) return;
  tree.Known("model.init", {"hidden_size", "intermediate_size", "num_layers", "num_heads", "num_kv_heads",
                            "head_dim", "vocab_size", "max_position", "rope_theta", "rms_norm_eps",
                            "tie_word_embeddings", "tokenizer"});
  ModelConfig init;
  for (const auto& [key, out] : {std::pair("hidden_size", &init.hidden_size),
                                 {"intermediate_size", &init.intermediate_size},
                                 {"num_layers", &init.num_layers},
                                 {"num_heads", &init.num_heads},
                                 {"vocab_size", &init.vocab_size},
                                 {"max_position", &init.max_position}}) {
    const std::string path = absl::StrCat("model.init.", key);
    if (!tree.Has(path)) tree.Problem("model.init", absl::StrCat(key, " is missing"));
    tree.Whole(path, 1, INT32_MAX, *out);
  }
  init.num_kv_heads = init.num_heads;
  tree.Whole("model.init.num_kv_heads", 1, 1024, init.num_kv_heads);
  init.head_dim = init.num_heads > 0 ? init.hidden_size / init.num_heads : 0;
  tree.Whole("model.init.head_dim", 2, 4096, init.head_dim);
  tree.Number("model.init.rope_theta", 1, 1e12, "a number of at least 1", init.rope_theta);
  tree.Number("model.init.rms_norm_eps", 1e-20, 1, "a small positive number", init.rms_norm_eps);
  tree.Flag("model.init.tie_word_embeddings", init.tie_word_embeddings);
  ReadTokenizer(tree, run_file, model.tokenizer);
  for (size_t i = 0; i < model.tokenizer.special.size(); ++i) {
    if (model.tokenizer.special[i] == "<eos>") init.eos_token_ids = {static_cast<int32_t>(i)};
    if (model.tokenizer.special[i] == "<pad>") init.pad_token_id = static_cast<int32_t>(i);
  }
  model.init = init;
}

void ReadModel(ConfigTree& tree, const std::string& run_file, ModelOptions& model) {
  tree.Known("model", {"path", "init", "warmup"});
  tree.Text("model.path", model.path);
  model.path = Resolve(run_file, model.path);
  ReadInit(tree, run_file, model);
  if (model.path.empty() == !model.init.has_value())
    tree.Problem("model", "expected either path (a Hugging Face folder) or init (a shape), and not both");
  if (!model.path.empty() && !fs::exists(model.path))
    tree.Problem("model.path", absl::StrCat("there is no folder ", model.path));
  if (!tree.Has("model.warmup")) return;
  tree.Known("model.warmup", {"data", "steps", "lr", "batch", "until_pass_rate"});
  WarmupOptions warmup;
  tree.Text("model.warmup.data", warmup.data);
  warmup.data = Resolve(run_file, warmup.data);
  if (warmup.data.empty()) {
    tree.Problem("model.warmup", "data is missing");
  } else if (!fs::exists(warmup.data)) {
    tree.Problem("model.warmup.data", absl::StrCat("there is no file ", warmup.data));
  }
  tree.Whole("model.warmup.steps", 1, kMany, warmup.steps);
  if (!tree.Has("model.warmup.steps")) tree.Problem("model.warmup", "steps is missing");
  tree.Number("model.warmup.lr", 0, 10, "a learning rate", warmup.lr);
  tree.Whole("model.warmup.batch", 1, 1 << 20, warmup.batch);
  if (tree.Has("model.warmup.until_pass_rate")) {
    double rate = 0;
    tree.Number("model.warmup.until_pass_rate", 0, 1, "a number from 0 to 1", rate);
    warmup.until_pass_rate = rate;
  }
  model.warmup = warmup;
}

void ReadRollout(ConfigTree& tree, RunConfig& config) {
  tree.Known("rollout", {"workers", "threads", "device", "dtype", "completions_per_prompt", "max_tokens",
                         "temperature", "top_p", "top_k"});
  tree.Whole("rollout.workers", 0, 4096, config.rollout.workers);
  tree.Whole("rollout.threads", 1, 1024, config.rollout.threads);
  tree.Choice("rollout.device", {"cpu"}, config.rollout.device);
  tree.Choice("rollout.dtype", {"float32"}, config.rollout.dtype);
  tree.Whole("rollout.completions_per_prompt", 2, 65536, config.learner.completions_per_prompt);
  tree.Whole("rollout.max_tokens", 1, 1 << 24, config.rollout.max_tokens);
  tree.Number("rollout.temperature", kMinTemperature, 1e6, "a number of at least 1e-6",
              config.rollout.temperature);
  tree.Number("rollout.top_p", 1e-9, 1, "a number above 0, up to 1", config.rollout.top_p);
  tree.Whole("rollout.top_k", 0, INT32_MAX, config.rollout.top_k);
  config.learner.temperature = config.rollout.temperature;
  config.learner.max_tokens = config.rollout.max_tokens;
}

bool IsCommandName(absl::string_view name) {
  return !name.empty() && name.size() <= 64 && std::ranges::all_of(name, [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
  });
}

// The verifier processes take a command as words between spaces.
bool IsWord(const Json& value) {
  if (!value.is_string()) return false;
  const std::string text = value.get<std::string>();
  return !text.empty() && std::ranges::none_of(text, [](char c) {
    return absl::ascii_isspace(static_cast<unsigned char>(c));
  });
}

// The programs of the verifier `command`. Data names them and cannot bring its own.
void ReadCommands(ConfigTree& tree, const std::string& run_file, VerifierOptions& out) {
  if (!tree.Has("verifier.commands")) return;
  const Json& commands = tree.At("verifier.commands");
  if (!commands.is_object()) return tree.Wrong("verifier.commands", "names with lists of path and arguments");
  for (const auto& [name, value] : commands.items()) {
    const std::string path = absl::StrCat("verifier.commands.", name);
    if (!IsCommandName(name)) {
      tree.Problem(path, "expected a name of up to 64 letters, digits, - and _");
      continue;
    }
    const bool fits = value.is_array() && !value.empty() && std::ranges::all_of(value, IsWord);
    if (!fits) {
      tree.Wrong(path, "a list of a program's path and its arguments, without white space");
      continue;
    }
    std::vector<std::string> words = value.get<std::vector<std::string>>();
    words[0] = Resolve(run_file, words[0]);
    if (access(words[0].c_str(), X_OK) != 0 || !fs::is_regular_file(words[0]))
      tree.Problem(path, absl::StrCat("there is no program ", words[0]));
    out.commands[name] = std::move(words);
  }
}

void ReadVerifier(ConfigTree& tree, const std::string& run_file, RunConfig& config) {
  VerifierOptions& out = config.verifier;
  tree.Known("verifier",
             {"processes", "concurrency", "deadline_s", "retries", "sandbox", "cache_mb", "commands"});
  tree.Whole("verifier.processes", 1, 1024, out.processes);
  tree.Whole("verifier.concurrency", 0, 4096, out.concurrency);
  tree.Number("verifier.deadline_s", 1e-3, 1e6, "seconds above 0", out.deadline_seconds);
  tree.Whole("verifier.retries", 0, 100, out.retries);
  tree.Choice("verifier.sandbox", {"required", "off"}, out.sandbox);
  tree.Whole("verifier.cache_mb", 0, 1 << 20, out.cache_mb);
  ReadCommands(tree, run_file, out);
  if (out.sandbox == "off") {
    config.warnings.push_back(absl::StrCat(tree.Where("verifier.sandbox"),
                                           "verifier.sandbox: off: programs that the policy writes run with "
                                           "all rights of this user: its files, its network"));
  }
}

void ReadOptimizer(ConfigTree& tree, OptimizerOptions& out) {
  tree.Known("learner.optimizer",
             {"lr", "betas", "eps", "weight_decay", "warmup_steps", "schedule", "final_fraction"});
  tree.Number("learner.optimizer.lr", 0, 10, "a learning rate", out.lr);
  if (tree.Has("learner.optimizer.betas")) {
    const Json& betas = tree.At("learner.optimizer.betas");
    if (betas.is_array() && betas.size() == 2 && betas[0].is_number() && betas[1].is_number() &&
        betas[0] >= 0 && betas[0] < 1 && betas[1] >= 0 && betas[1] < 1) {
      out.beta1 = betas[0].get<double>();
      out.beta2 = betas[1].get<double>();
    } else {
      tree.Wrong("learner.optimizer.betas", "two numbers from 0 to below 1");
    }
  }
  tree.Number("learner.optimizer.eps", 0, 1, "a small number", out.eps);
  tree.Number("learner.optimizer.weight_decay", 0, 10, "a number of at least 0", out.weight_decay);
  tree.Whole("learner.optimizer.warmup_steps", 0, kMany, out.warmup_steps);
  tree.Choice("learner.optimizer.schedule", {"constant", "cosine", "linear"}, out.schedule);
  tree.Number("learner.optimizer.final_fraction", 0, 1, "a number from 0 to 1", out.final_fraction);
}

void ReadEval(ConfigTree& tree, LearnerOptions& learner) {
  if (!tree.Has("learner.eval")) return;
  tree.Known("learner.eval", {"every_steps", "prompts", "completions", "k"});
  EvalOptions eval;
  tree.Whole("learner.eval.every_steps", 1, kMany, eval.every_steps);
  tree.Whole("learner.eval.prompts", 0, INT32_MAX, eval.prompts);
  tree.Whole("learner.eval.completions", 1, 65536, eval.completions);
  if (tree.Has("learner.eval.k")) {
    const Json& ks = tree.At("learner.eval.k");
    eval.k.clear();
    for (const Json& k : ks) {
      if (!ks.is_array() || !k.is_number_integer() || k.get<int64_t>() < 1)
        return tree.Wrong("learner.eval.k", "a list of whole numbers");
      eval.k.push_back(k.get<int32_t>());
    }
  }
  learner.eval = eval;
}

// DAPO's overlong penalty. A completion longer than rollout.max_tokens is never drawn, so a maximum beyond it
// would mean another penalty than it says.
void ReadOverlong(ConfigTree& tree, RunConfig& config) {
  if (!tree.Has("learner.overlong")) return;
  tree.Known("learner.overlong", {"max", "cache"});
  OverlongOptions overlong;
  for (const auto& [key, out] : {std::pair("max", &overlong.max), {"cache", &overlong.cache}}) {
    const std::string path = absl::StrCat("learner.overlong.", key);
    if (!tree.Has(path)) tree.Problem("learner.overlong", absl::StrCat(key, " is missing"));
    tree.Whole(path, 1, kMany, *out);
  }
  if (overlong.max > config.rollout.max_tokens) {
    tree.Problem("learner.overlong.max", absl::StrCat("expected at most rollout.max_tokens, ",
                                                      config.rollout.max_tokens, ", found ", overlong.max));
  }
  if (overlong.max > 0 && overlong.cache >= overlong.max) {
    tree.Problem("learner.overlong.cache",
                 absl::StrCat("expected less than max, ", overlong.max, ", found ", overlong.cache));
  }
  config.learner.overlong = overlong;
}

void ReadLearner(ConfigTree& tree, RunConfig& config) {
  LearnerOptions& out = config.learner;
  tree.Known("learner", {"steps", "prompts_per_step", "minibatches", "epochs", "device", "dtype", "threads",
                         "microbatch_tokens", "optimizer", "grad_clip", "advantage", "reward", "overlong",
                         "dynamic_sampling", "checkpoint", "record_batches", "eval"});
  if (!tree.Has("learner.steps")) tree.Problem("learner", "steps is missing");
  tree.Whole("learner.steps", 1, kMany, out.steps);
  tree.Whole("learner.prompts_per_step", 1, 1 << 20, out.prompts_per_step);
  tree.Whole("learner.minibatches", 1, 1 << 20, out.minibatches);
  tree.Whole("learner.epochs", 1, 1000, out.epochs);
  tree.Choice("learner.device", {"cpu"}, config.learner_device);
  tree.Choice("learner.dtype", {"float32"}, config.learner_dtype);
  tree.Whole("learner.threads", 1, 1024, out.threads);
  tree.Whole("learner.microbatch_tokens", 1, kMany, out.microbatch_tokens);
  ReadOptimizer(tree, out.optimizer);
  tree.Number("learner.grad_clip", 0, 1e9, "a number of at least 0 (0 is off)", out.grad_clip);
  std::string advantage = "grpo", reward = "verifier";
  tree.Choice("learner.advantage", {"grpo", "dr_grpo"}, advantage);
  tree.Choice("learner.reward", {"verifier", "random"}, reward);
  out.advantage = advantage == "grpo" ? AdvantageKind::kGrpo : AdvantageKind::kDrGrpo;
  out.reward = reward == "verifier" ? RewardKind::kVerifier : RewardKind::kRandom;
  ReadOverlong(tree, config);
  tree.Flag("learner.dynamic_sampling", out.dynamic_sampling);
  tree.Known("learner.checkpoint", {"every_steps", "keep"});
  tree.Whole("learner.checkpoint.every_steps", 0, kMany, out.checkpoint_every_steps);
  tree.Whole("learner.checkpoint.keep", 1, 1000, out.checkpoint_keep);
  if (tree.Has("learner.record_batches")) {
    tree.Known("learner.record_batches", {"every_steps"});
    if (!tree.Has("learner.record_batches.every_steps"))
      tree.Problem("learner.record_batches", "every_steps is missing");
    tree.Whole("learner.record_batches.every_steps", 1, kMany, out.record_batches_every_steps);
  }
  ReadEval(tree, out);
}

void ReadRegions(ConfigTree& tree, RegionMask& out) {
  if (!tree.Has("objective.regions")) return;
  tree.Known("objective.regions", {"mask", "rule"});
  std::string rule = "surprisal";
  tree.Choice("objective.regions.rule", {"surprisal", "exact"}, rule);
  out.rule = rule == "exact" ? RegionMask::Rule::kExact : RegionMask::Rule::kSurprisal;
  const Json& mask = tree.At("objective.regions.mask");
  if (mask.is_null()) return tree.Problem("objective.regions", "mask is missing");
  if (!mask.is_array()) return tree.Wrong("objective.regions.mask", "a list of e1, e2, e3, e4");
  for (const Json& entry : mask) {
    const std::string name = entry.is_string() ? entry.get<std::string>() : "";
    if (name.size() != 2 || name[0] != 'e' || name[1] < '1' || name[1] > '4')
      return tree.Wrong("objective.regions.mask", "a list of e1, e2, e3, e4");
    out.masked[static_cast<size_t>(name[1] - '0')] = true;
  }
  if (out.masked == std::array{false, true, true, true, true})
    tree.Problem("objective.regions.mask", "with all four regions masked nothing would train");
}

void ReadKl(ConfigTree& tree, const std::string& run_file, RunConfig& config) {
  if (!tree.Has("objective.kl")) return;
  tree.Known("objective.kl", {"coef", "estimator", "reference"});
  ReferenceKl kl;
  tree.Number("objective.kl.coef", 0, 1e6, "a number of at least 0", kl.coef);
  std::string estimator = "k3", reference = "start";
  tree.Choice("objective.kl.estimator", {"k3", "k1"}, estimator);
  kl.estimator = estimator == "k3" ? KlEstimator::kK3 : KlEstimator::kK1;
  tree.Text("objective.kl.reference", reference);
  config.kl_reference = reference == "start" ? "" : Resolve(run_file, reference);
  if (!config.kl_reference.empty() && !fs::exists(config.kl_reference))
    tree.Problem("objective.kl.reference", absl::StrCat("there is no folder ", config.kl_reference));
  config.learner.objective.kl = kl;
}

void ReadObjective(ConfigTree& tree, const std::string& run_file, RunConfig& config) {
  tree.Known("objective", {"name", "params", "aggregation", "tis", "regions", "kl"});
  std::string name = "flex_clip", aggregation;
  tree.Text("objective.name", name);
  tree.Text("objective.aggregation", aggregation);
  if (tree.Has("objective.params")) config.objective_params_json = tree.At("objective.params").dump();
  if (tree.Has("objective.tis")) config.tis_json = tree.At("objective.tis").dump();
  absl::StatusOr<ObjectiveSpec> spec =
      ParseObjective(name, config.objective_params_json, aggregation, config.tis_json);
  if (!spec.ok()) {
    for (const absl::string_view line : absl::StrSplit(spec.status().message(), '\n'))
      tree.Problem("objective", std::string(line));
    return;
  }
  config.learner.objective = *std::move(spec);
  ReadRegions(tree, config.learner.objective.regions);
  ReadKl(tree, run_file, config);
  if (ClipFormOf(config.learner.objective) == ClipForm::kNone) return;
  for (const char* key : {"upper", "lower", "eps_low", "eps_high"}) {
    if (tree.Has(absl::StrCat("objective.params.", key))) {
      tree.Problem(absl::StrCat("objective.params.", key),
                   "in a run the thresholds come from the schedule; set schedule.clip instead");
    }
  }
}

// Without a schedule of its own a run has the box that its objective was published with.
Schedule DefaultSchedule(const ObjectiveSpec& objective) {
  Schedule schedule;
  if (ClipFormOf(objective) != ClipForm::kBox) return schedule;
  const DefaultBox box = DefaultBoxOf(objective);
  if (box.eps_low == schedule.clip.eps_std && box.eps_high == schedule.clip.eps_std) return schedule;
  schedule.clip.upper = ClipSide{.line = {.intercept = box.eps_high}};
  schedule.clip.lower = ClipSide{.line = {.intercept = box.eps_low}};
  return schedule;
}

// The schedule's dials against the objective's: what it does not take, and what it needs from one of them.
void CheckDials(ConfigTree& tree, const RunConfig& config) {
  const ObjectiveSpec& objective = config.learner.objective;
  std::vector<std::string> missing = MissingParameters(objective);
  for (const auto& [dial, law] : config.schedule.dials) {
    std::erase(missing, DialParameter(objective, dial));
    const std::vector<std::string> taken = DialsOf(objective);
    if (std::ranges::find(taken, dial) != taken.end()) continue;
    tree.Problem(absl::StrCat("schedule.dials.", dial),
                 absl::StrCat("objective ", objective.name, " does not take this dial; it takes ",
                              taken.empty() ? "none" : absl::StrJoin(taken, ", ")));
  }
  for (const std::string& parameter : missing) {
    std::vector<std::string> dials = NeededDials(objective);
    std::erase_if(dials,
                  [&](const std::string& dial) { return DialParameter(objective, dial) != parameter; });
    tree.Problem("objective.params",
                 absl::StrCat(parameter, " is missing: objective ", objective.name,
                              " has no default; give it here, or by a law of schedule.dials.",
                              absl::StrJoin(dials, " or schedule.dials.")));
  }
}

// What goes together, and what does not.
void CheckTogether(ConfigTree& tree, RunConfig& config) {
  const bool truncates = config.rollout.top_p < 1 || config.rollout.top_k > 0;
  if (truncates && !config.learner.objective.tis.has_value()) {
    tree.Problem(
        "rollout",
        "top_p and top_k truncate the distribution that is trained on: set objective.tis, or take them away");
  }
  for (const ObjectiveInfo& info : RegisteredObjectives()) {
    if (info.name != config.learner.objective.name) continue;
    if (info.ratio_based && config.learner.minibatches * config.learner.epochs == 1) {
      config.warnings.push_back(absl::StrCat(tree.Where("learner.minibatches"), "objective ", info.name,
                                             " does nothing but the plain gradient with one update per step: "
                                             "set learner.minibatches or learner.epochs"));
    }
    if (info.clip == ClipForm::kBox && config.schedule.NeedsLines()) {
      tree.Problem("schedule.clip",
                   absl::StrCat("objective ", info.name,
                                " takes a plain box, but this schedule has sloped lines; use flex_clip"));
    }
  }
  const std::optional<ReferenceKl>& kl = config.learner.objective.kl;
  const std::vector<std::string> loops = config.schedule.ClosedLoops();
  if (kl.has_value() && kl->coef > 0 && !loops.empty()) {
    config.warnings.push_back(absl::StrCat(tree.Where("objective.kl"),
                                           "objective.kl acts on entropy too, beside a law that measures it, "
                                           "schedule.",
                                           loops[0], ": one of them should go (docs/methods.md 1.7)"));
  }
  if (kl.has_value() && kl->coef > 0 && kl->estimator == KlEstimator::kK1) {
    config.warnings.push_back(
        absl::StrCat(tree.Where("objective.kl"),
                     "the gradient of k1 pulls every token down alike, and not towards the "
                     "reference: use k3, or coef: 0 to measure only"));
  }
  if (config.learner.dynamic_sampling && config.learner.reward == RewardKind::kRandom) {
    tree.Problem("learner.dynamic_sampling",
                 "looks at the verifier's scores: not together with reward: random");
  }
  if (config.learner.eval.has_value() && config.data_eval.empty())
    tree.Problem("learner.eval", "needs data.eval");
  if (config.learner.prompts_per_step * config.learner.completions_per_prompt < config.learner.minibatches) {
    tree.Problem("learner.minibatches", "more mini-batches than completions in a step");
  }
}

void ReadAddresses(ConfigTree& tree, RunConfig& config) {
  tree.Text("controller.address", config.controller_address);
  tree.Text("listen", config.listen);
  for (const auto& [key, text] :
       {std::pair("controller.address", &config.controller_address), {"listen", &config.listen}}) {
    if (!tree.Has(key) || !tree.At(key).is_string()) continue;
    const absl::StatusOr<HostPort> address = ParseHostPort(*text);
    if (!address.ok()) {
      tree.Wrong(key, "host:port (an IPv6 host in brackets) with a port of 0 to 65535");
    } else if (key == std::string("listen") && !IsLoopback(address->host)) {
      tree.Problem(
          key, absl::StrCat(
                   *text,
                   " can be reached from other machines, and tls is not yet supported: listen on 127.0.0.1"));
    }
  }
}

}  // namespace

absl::StatusOr<RunConfig> ReadRunConfig(const std::string& path, const std::vector<std::string>& overrides) {
  ENTRAIN_ASSIGN_OR_RETURN(ConfigTree tree, ConfigTree::Read(path));
  for (const std::string& assignment : overrides) ENTRAIN_RETURN_IF_ERROR(tree.Override(assignment));
  RunConfig config;
  tree.Known("", {"name", "seed", "model", "data", "rollout", "verifier", "learner", "objective", "staleness",
                  "schedule", "controller", "listen", "tls"});
  tree.Text("name", config.name);
  if (config.name.empty()) tree.Problem("name", "is missing");
  tree.Whole("seed", 0, std::numeric_limits<int64_t>::max(), config.seed);
  config.learner.seed = config.seed;
  ReadModel(tree, path, config.model);
  tree.Known("data", {"train", "eval", "shuffle"});
  tree.Text("data.train", config.data_train);
  tree.Text("data.eval", config.data_eval);
  tree.Flag("data.shuffle", config.data_shuffle);
  if (config.data_train.empty()) tree.Problem("data", "train is missing");
  for (const auto& [key, out] :
       {std::pair("data.train", &config.data_train), {"data.eval", &config.data_eval}}) {
    *out = Resolve(path, *out);
    if (!out->empty() && !fs::exists(*out)) tree.Problem(key, absl::StrCat("there is no file ", *out));
  }
  ReadRollout(tree, config);
  ReadVerifier(tree, path, config);
  ReadLearner(tree, config);
  ReadObjective(tree, path, config);
  tree.Known("staleness", {"max_versions", "exact"});
  tree.Whole("staleness.max_versions", 0, 1000, config.learner.max_staleness);
  tree.Flag("staleness.exact", config.exact_staleness);
  config.schedule = DefaultSchedule(config.learner.objective);
  if (tree.Has("schedule")) {
    if (const std::optional<Schedule> schedule = ReadScheduleSection(tree, "schedule");
        schedule.has_value()) {
      const ClipSchedule published = config.schedule.clip;
      config.schedule = *schedule;
      if (!tree.Has("schedule.clip")) config.schedule.clip = published;
      CheckDials(tree, config);
    }
  } else {
    CheckDials(tree, config);
  }
  tree.Known("controller", {"address", "on_silence", "wait_s"});
  std::string on_silence = "hold";
  tree.Choice("controller.on_silence", {"hold", "wait", "stop"}, on_silence);
  config.learner.on_silence = on_silence == "hold"   ? OnSilence::kHold
                              : on_silence == "wait" ? OnSilence::kWait
                                                     : OnSilence::kStop;
  tree.Number("controller.wait_s", 1e-3, 1e6, "seconds above 0", config.learner.controller_wait_seconds);
  if (tree.Has("tls")) {
    // Better refused than read and not used: someone who sets it relies on it.
    tree.Problem("tls",
                 "is not yet supported: take it away, and listen on 127.0.0.1 only (a tunnel or a mesh may "
                 "carry the connection to other machines)");
  }
  ReadAddresses(tree, config);
  CheckTogether(tree, config);
  if (!tree.problems.empty()) return absl::InvalidArgumentError(absl::StrJoin(tree.problems, "\n"));
  return config;
}

}  // namespace entrain
