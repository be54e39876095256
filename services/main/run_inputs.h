#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "learner/warmup.h"
#include "policy/model_folder.h"
#include "policy/tokenizer.h"
#include "services/config/run_config.h"
#include "trajectory/data_file.h"
#include "trajectory/group.h"
#include "verifier/local_verifier.h"

namespace entrain {

// A model without its weights.
struct OpenedModel {
  ModelFiles files;
  std::unique_ptr<Tokenizer> tokenizer;
};

// A model folder as given (its weights' shapes are checked, and not read), or the files of a shape.
absl::StatusOr<OpenedModel> OpenModel(const ModelOptions& options);

// The verifiers that the run's entrain-verifier processes have, in this process.
std::unique_ptr<LocalVerifier> VerifierOf(const RunConfig& config);

// Whether completions of a line can be judged: InvalidArgument says what is wrong with its verifier, options
// or reference.
absl::Status CheckJudging(const DataLine& line, const LocalVerifier& verifier);

// Whether the programs that judging these lines runs can be run here: FailedPrecondition names the first line
// that needs the sandbox, and why there is none. Tries it only if a line needs it.
absl::Status CheckSandbox(const std::string& path, const std::vector<DataLine>& lines,
                          LocalVerifier& verifier);

// A data file, tokenised. InvalidArgument names file and line of every prompt that cannot be tokenised, does
// not fit in the context window or cannot be judged (the first 20, one a line).
absl::StatusOr<std::vector<Prompt>> LoadPrompts(const std::string& path, const Tokenizer& tokenizer,
                                                const ModelConfig& model, const LocalVerifier& verifier);

// The demonstrations of a warm-up, tokenised; errors as above.
absl::StatusOr<std::vector<Demonstration>> LoadDemonstrations(const std::string& path,
                                                              const Tokenizer& tokenizer,
                                                              const ModelConfig& model);

// What only opening the files of a run can tell: the model folder, every line of the data, and whether
// rollout.max_tokens fits in the context window beside the longest prompt. All problems at once, one a line.
// Takes about as long as reading the data.
absl::Status CheckInputs(const RunConfig& config);

}  // namespace entrain
