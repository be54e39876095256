#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "policy/generator.h"
#include "policy/model_config.h"

namespace entrain {

struct EngineOptions {
  std::string device = "cpu";
  std::string dtype = "float32";
  int32_t threads = 1;
};

// The generation engine: KV cache, prompts of different lengths in one batch. A completion's tokens and
// log-probs are a function of (weights, the requests given together, options, threads).
absl::StatusOr<std::unique_ptr<Generator>> CreateEngine(const ModelConfig& config,
                                                        const EngineOptions& options);

}  // namespace entrain
