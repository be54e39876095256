#include "services/main/worker_model.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "policy/engine.h"
#include "policy/model_folder.h"
#include "policy/tokenizer.h"

namespace entrain {

WorkerModelFactory MakeWorkerModelFactory(int32_t threads, const std::string& device,
                                          const std::string& dtype) {
  return [threads, device, dtype](const JoinReply& reply) -> absl::StatusOr<WorkerModel> {
    if (DigestOfFiles(reply.model_files) != reply.model_files_digest)
      return absl::DataLossError("the model files of the learner arrived damaged");
    const auto tokenizer_file = reply.model_files.find("tokenizer.json");
    if (tokenizer_file == reply.model_files.end())
      return absl::FailedPreconditionError("the learner's model has no tokenizer.json");
    ENTRAIN_ASSIGN_OR_RETURN(const ModelConfig config, ConfigOfFiles(reply.model_files));
    ENTRAIN_ASSIGN_OR_RETURN(std::unique_ptr<Tokenizer> parsed, Tokenizer::Parse(tokenizer_file->second));
    const std::shared_ptr<Tokenizer> tokenizer = std::move(parsed);
    WorkerModel model;
    ENTRAIN_ASSIGN_OR_RETURN(model.generator,
                             CreateEngine(config, {.device = device, .dtype = dtype, .threads = threads}));
    model.detokenise = [tokenizer](std::span<const TokenId> tokens) { return tokenizer->Decode(tokens); };
    return model;
  };
}

}  // namespace entrain
