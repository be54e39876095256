#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "controller/schedule.h"
#include "learner/learner_options.h"
#include "policy/model_config.h"

namespace entrain {

// A tokenizer of a model to initialise: a file, or single characters.
struct TokenizerOptions {
  std::string file;                  // a tokenizer.json; empty: characters
  std::vector<std::string> special;  // special tokens, first ids; "<eos>" ends a completion, "<pad>" pads
  std::string characters;            // one token each
};

struct ModelOptions {
  std::string path;  // a Hugging Face folder; empty: `init`
  std::optional<ModelConfig> init;
  TokenizerOptions tokenizer;  // of `init`
  std::optional<WarmupOptions> warmup;
};

struct RolloutOptions {
  int32_t workers = 2;
  int32_t threads = 1;
  std::string device = "cpu";
  std::string dtype = "float32";
  int32_t max_tokens = 256;
  double temperature = 1.0;
  double top_p = 1.0;
  int32_t top_k = 0;
};

struct VerifierOptions {
  int32_t processes = 1;
  int32_t concurrency = 0;  // 0: the machine's cores
  double deadline_seconds = 10;
  int32_t retries = 2;
  // "required": code is judged in a sandbox or not at all; "off": with the rights of the verifier's user.
  std::string sandbox = "required";
  int64_t cache_mb = 64;  // of verdicts, in each process; 0: none
  // Programs that the verifier `command` may run, by the name that data gives: path and arguments.
  std::map<std::string, std::vector<std::string>> commands;
};

// A run file (docs/formats.md, "The run file"), checked, with every default filled in.
struct RunConfig {
  std::string name;
  uint64_t seed = 0;
  ModelOptions model;
  std::string data_train, data_eval;
  bool data_shuffle = true;
  RolloutOptions rollout;
  VerifierOptions verifier;
  LearnerOptions learner;  // with `objective`
  std::string learner_device = "cpu", learner_dtype = "float32";
  std::string objective_params_json;  // as given; the spec is in learner.objective
  std::string tis_json;
  std::string kl_reference;  // folder of objective.kl's reference model; empty: where the run began
  bool exact_staleness = true;
  Schedule schedule;
  std::string controller_address;  // empty: start one
  std::string listen = "127.0.0.1:0";
  std::vector<std::string> warnings;
};

// Reads a run file with overrides "a.b=value" (values are YAML). All problems at once, one a line,
// `FILE:LINE: key: expected …, found …`. NotFound when the file cannot be read. Paths are taken relative to
// the run file's folder when they exist there, else to the working directory.
absl::StatusOr<RunConfig> ReadRunConfig(const std::string& path, const std::vector<std::string>& overrides);

// The effective configuration: what ReadRunConfig reads back as the same, as JSON (what processes read) and
// as YAML (what people read).
std::string WriteConfigJson(const RunConfig& config);
std::string WriteConfigYaml(const RunConfig& config);

}  // namespace entrain
