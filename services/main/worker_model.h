#pragma once

#include "rollout_worker/rollout_loop.h"

namespace entrain {

// Builds what a rollout worker needs from the model files of its learner: the engine and the detokeniser.
WorkerModelFactory MakeWorkerModelFactory(int32_t threads, const std::string& device,
                                          const std::string& dtype);

}  // namespace entrain
