#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "learner/run_folder.h"
#include "learner/warmup.h"
#include "policy/model_folder.h"
#include "policy/network.h"
#include "policy/tokenizer.h"
#include "services/config/run_config.h"
#include "trajectory/group.h"

namespace entrain {

// The policy that a run begins with.
struct StartingModel {
  ModelFiles files;
  std::unique_ptr<Tokenizer> tokenizer;
  std::vector<float> weights;
};

// A model folder as given, or a fresh one of a shape (seeded by the run).
absl::StatusOr<StartingModel> LoadOrInitModel(const ModelOptions& options, uint64_t seed);

// The model of RUN/model when it is there (a run begins once), else LoadOrInitModel with the supervised
// warm-up, stored as RUN/model.
absl::StatusOr<StartingModel> PrepareModel(const RunConfig& config, const RunFolder& folder,
                                           const std::function<void(const WarmupProgress&)>& progress,
                                           const std::stop_token& stop);

// Supervised warm-up of `model` in place; the pass rate is measured with the engine and the verifiers of this
// process on the first prompts of data.train.
absl::StatusOr<std::optional<double>> WarmUp(StartingModel& model, const RunConfig& config,
                                             const std::function<void(const WarmupProgress&)>& progress,
                                             const std::stop_token& stop);

// The reference model of objective.kl, made to score only: `start` (what the run began with), or the folder
// config.kl_reference. FailedPrecondition when that folder holds a model of another shape.
absl::StatusOr<std::unique_ptr<Network>> LoadReference(const RunConfig& config, const StartingModel& start);

}  // namespace entrain
