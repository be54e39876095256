#include "services/main/run_inputs.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/status_macros.h"
#include "policy/safetensors.h"
#include "trajectory/data_file.h"

namespace entrain {
namespace {

absl::StatusOr<std::unique_ptr<Tokenizer>> TokenizerOf(const ModelFiles& files, const std::string& where) {
  const auto text = files.files.find("tokenizer.json");
  if (text == files.files.end())
    return absl::NotFoundError(absl::StrCat(where, ": there is no tokenizer.json"));
  absl::StatusOr<std::unique_ptr<Tokenizer>> tokenizer = Tokenizer::Parse(text->second);
  if (tokenizer.ok()) return tokenizer;
  return absl::Status(tokenizer.status().code(),
                      absl::StrCat(where, "/tokenizer.json: ", tokenizer.status().message()));
}

// "0123" → {"0", "1", "2", "3"}, by UTF-8 characters.
std::vector<std::string> Characters(const std::string& text) {
  std::vector<std::string> out;
  for (const char c : text) {
    if ((static_cast<unsigned char>(c) & 0xC0) == 0x80 && !out.empty()) {
      out.back() += c;
    } else {
      out.emplace_back(1, c);
    }
  }
  return out;
}

absl::StatusOr<OpenedModel> OpenFolder(const std::string& path) {
  OpenedModel model;
  ENTRAIN_ASSIGN_OR_RETURN(model.files, ReadModelFiles(path));
  ENTRAIN_ASSIGN_OR_RETURN(model.tokenizer, TokenizerOf(model.files, path));
  ENTRAIN_RETURN_IF_ERROR(CheckWeights(path, model.files.config));
  return model;
}

absl::StatusOr<OpenedModel> OpenShape(const ModelOptions& options) {
  OpenedModel model;
  model.files.config = *options.init;
  std::string& tokenizer = model.files.files["tokenizer.json"];
  if (options.tokenizer.file.empty()) {
    tokenizer = WriteCharTokenizer(options.tokenizer.special, Characters(options.tokenizer.characters));
  } else {
    ENTRAIN_ASSIGN_OR_RETURN(tokenizer, ReadWholeFile(options.tokenizer.file, 64u << 20));
  }
  ENTRAIN_ASSIGN_OR_RETURN(model.tokenizer, Tokenizer::Parse(tokenizer));
  if (model.tokenizer->vocab_size() > options.init->vocab_size) {
    return absl::InvalidArgumentError(
        absl::StrCat("model.init.vocab_size: expected at least the tokenizer's ",
                     model.tokenizer->vocab_size(), ", found ", options.init->vocab_size));
  }
  model.files.files["config.json"] = WriteModelConfig(model.files.config);
  ENTRAIN_ASSIGN_OR_RETURN(model.files.config, ParseModelConfig(model.files.files["config.json"]));
  return model;
}

absl::StatusOr<std::vector<TokenId>> EncodePrompt(const DataLine& line, const Tokenizer& tokenizer,
                                                  const ModelConfig& model, const LocalVerifier& verifier) {
  ENTRAIN_ASSIGN_OR_RETURN(std::vector<TokenId> tokens, tokenizer.Encode(line.prompt));
  if (tokens.empty()) return absl::InvalidArgumentError("the prompt has no tokens");
  if (static_cast<int64_t>(tokens.size()) >= model.max_position) {
    return absl::InvalidArgumentError(absl::StrCat("a prompt of ", tokens.size(),
                                                   " tokens leaves no room in the context window of ",
                                                   model.max_position));
  }
  for (const TokenId token : tokens) {
    if (token >= model.vocab_size) {
      return absl::InvalidArgumentError(
          absl::StrCat("token ", token, " is outside the model's vocabulary of ", model.vocab_size));
    }
  }
  ENTRAIN_RETURN_IF_ERROR(CheckJudging(line, verifier));
  return tokens;
}

absl::StatusOr<Demonstration> EncodeDemonstration(const DataLine& line, const Tokenizer& tokenizer,
                                                  const ModelConfig& model) {
  std::string completion = MetaText(line, "completion");
  if (completion.empty()) completion = line.answer;
  Demonstration out;
  ENTRAIN_ASSIGN_OR_RETURN(out.prompt, tokenizer.Encode(line.prompt));
  ENTRAIN_ASSIGN_OR_RETURN(out.completion, tokenizer.Encode(completion));
  if (!model.eos_token_ids.empty()) out.completion.push_back(model.eos_token_ids[0]);
  if (out.prompt.empty() || out.completion.empty())
    return absl::InvalidArgumentError("expected a prompt and a completion with tokens");
  return out;
}

std::string Place(const std::string& path, const DataLine& line) {
  return absl::StrCat(path, ":", line.line);
}

void LimitOfMaxTokens(const RunConfig& config, const ModelConfig& model, int64_t longest,
                      const std::string& where, std::vector<std::string>& problems) {
  const int64_t left = model.max_position - longest;
  if (config.rollout.max_tokens <= left) return;
  problems.push_back(absl::StrCat(
      "rollout.max_tokens: expected at most ", left, ", what the context window of ", model.max_position,
      " leaves beside the prompt of ", longest, " tokens at ", where, ", found ", config.rollout.max_tokens));
}

}  // namespace

absl::StatusOr<OpenedModel> OpenModel(const ModelOptions& options) {
  return options.path.empty() ? OpenShape(options) : OpenFolder(options.path);
}

std::unique_ptr<LocalVerifier> VerifierOf(const RunConfig& config) {
  LocalVerifierOptions options;
  if (config.verifier.sandbox == "off") options.sandbox = SandboxPolicy::kOff;
  for (const auto& [name, argv] : config.verifier.commands) options.commands[name] = {.argv = argv};
  return CreateLocalVerifier(std::move(options));
}

absl::Status CheckJudging(const DataLine& line, const LocalVerifier& verifier) {
  const std::string problem = verifier.Problem(
      {.verifier = line.verifier, .answer = line.answer, .options_json = line.verifier_options_json});
  return problem.empty() ? absl::OkStatus() : absl::InvalidArgumentError(problem);
}

absl::Status CheckSandbox(const std::string& path, const std::vector<DataLine>& lines,
                          LocalVerifier& verifier) {
  const auto needs = std::ranges::find_if(lines, [&verifier](const DataLine& line) {
    return verifier.RunsPrograms({.verifier = line.verifier, .options_json = line.verifier_options_json});
  });
  if (needs == lines.end()) return absl::OkStatus();
  const absl::Status prepared = verifier.PrepareSandbox().status();
  if (prepared.ok()) return prepared;
  return absl::FailedPreconditionError(absl::StrCat(Place(path, *needs), ": verifier ", needs->verifier,
                                                    " runs programs: ", prepared.message()));
}

absl::StatusOr<std::vector<Prompt>> LoadPrompts(const std::string& path, const Tokenizer& tokenizer,
                                                const ModelConfig& model, const LocalVerifier& verifier) {
  ENTRAIN_ASSIGN_OR_RETURN(std::vector<DataLine> lines, ReadDataFile(path));
  std::vector<Prompt> prompts;
  std::vector<std::string> problems;
  for (DataLine& line : lines) {
    absl::StatusOr<std::vector<TokenId>> tokens = EncodePrompt(line, tokenizer, model, verifier);
    if (!tokens.ok()) {
      problems.push_back(absl::StrCat(Place(path, line), ": ", tokens.status().message()));
      continue;
    }
    prompts.push_back({.id = std::move(line.id),
                       .text = std::move(line.prompt),
                       .tokens = *std::move(tokens),
                       .answer = std::move(line.answer),
                       .verifier = std::move(line.verifier),
                       .verifier_options_json = std::move(line.verifier_options_json)});
  }
  ENTRAIN_RETURN_IF_ERROR(DataProblems(std::move(problems)));
  return prompts;
}

absl::StatusOr<std::vector<Demonstration>> LoadDemonstrations(const std::string& path,
                                                              const Tokenizer& tokenizer,
                                                              const ModelConfig& model) {
  ENTRAIN_ASSIGN_OR_RETURN(const std::vector<DataLine> lines, ReadDataFile(path));
  std::vector<Demonstration> demonstrations;
  std::vector<std::string> problems;
  for (const DataLine& line : lines) {
    absl::StatusOr<Demonstration> demonstration = EncodeDemonstration(line, tokenizer, model);
    if (demonstration.ok()) {
      demonstrations.push_back(*std::move(demonstration));
    } else {
      problems.push_back(absl::StrCat(Place(path, line), ": ", demonstration.status().message()));
    }
  }
  ENTRAIN_RETURN_IF_ERROR(DataProblems(std::move(problems)));
  return demonstrations;
}

absl::Status CheckInputs(const RunConfig& config) {
  std::vector<std::string> problems;
  const auto note = [&problems](const absl::Status& status, absl::string_view key) {
    if (!status.ok()) problems.push_back(absl::StrCat(key, key.empty() ? "" : ": ", status.message()));
  };
  const absl::StatusOr<OpenedModel> model = OpenModel(config.model);
  note(model.status(), config.model.path.empty() ? "" : "model.path");
  if (!config.kl_reference.empty()) {
    const absl::StatusOr<ModelFiles> reference = ReadModelFiles(config.kl_reference);
    note(reference.ok() ? CheckWeights(config.kl_reference, reference->config) : reference.status(),
         "objective.kl.reference");
  }
  const std::unique_ptr<LocalVerifier> verifier = VerifierOf(config);
  int64_t longest = 0;
  std::string longest_at;
  for (const std::string& path : {config.data_train, config.data_eval}) {
    if (path.empty()) continue;
    const absl::StatusOr<std::vector<DataLine>> lines = ReadDataFile(path);
    note(lines.status(), "");
    if (!lines.ok() || !model.ok()) continue;
    std::vector<std::string> wrong;
    for (const DataLine& line : *lines) {
      const absl::StatusOr<std::vector<TokenId>> tokens =
          EncodePrompt(line, *model->tokenizer, model->files.config, *verifier);
      if (!tokens.ok()) {
        wrong.push_back(absl::StrCat(Place(path, line), ": ", tokens.status().message()));
      } else if (static_cast<int64_t>(tokens->size()) > longest) {
        longest = static_cast<int64_t>(tokens->size());
        longest_at = Place(path, line);
      }
    }
    note(DataProblems(std::move(wrong)), "");
    note(CheckSandbox(path, *lines, *verifier), "");
  }
  if (longest > 0) LimitOfMaxTokens(config, model->files.config, longest, longest_at, problems);
  if (config.model.warmup.has_value()) {
    const std::string& path = config.model.warmup->data;
    note(model.ok() ? LoadDemonstrations(path, *model->tokenizer, model->files.config).status()
                    : ReadDataFile(path).status(),
         "");
  }
  return problems.empty() ? absl::OkStatus() : absl::InvalidArgumentError(absl::StrJoin(problems, "\n"));
}

}  // namespace entrain
