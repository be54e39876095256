#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "services/cli/command_line.h"
#include "services/cli/jsonl.h"
#include "services/cli/loaded_model.h"
#include "services/cli/model_commands.h"

namespace entrain {
namespace {

struct TokenizeOptions {
  std::string model;
  std::string file;
  bool decode = false;
  bool json = false;
};

absl::StatusOr<nlohmann::ordered_json> EncodeLine(const Tokenizer& tokenizer, const JsonLine& line) {
  ENTRAIN_ASSIGN_OR_RETURN(const std::string text, TextMember(line, "text"));
  ENTRAIN_ASSIGN_OR_RETURN(const std::vector<TokenId> ids, tokenizer.Encode(text));
  nlohmann::ordered_json out;
  if (line.object.contains("id")) out["id"] = line.object["id"];
  out["ids"] = ids;
  out["tokens"] = nlohmann::ordered_json::array();
  for (const TokenId id : ids) out["tokens"].push_back(tokenizer.TokenText(id));
  return out;
}

absl::StatusOr<nlohmann::ordered_json> DecodeLine(const Tokenizer& tokenizer, const JsonLine& line) {
  ENTRAIN_ASSIGN_OR_RETURN(const std::vector<TokenId> ids, IdsMember(line, "ids"));
  ENTRAIN_ASSIGN_OR_RETURN(const std::string text, tokenizer.Decode(ids));
  nlohmann::ordered_json out;
  if (line.object.contains("id")) out["id"] = line.object["id"];
  out["text"] = text;
  return out;
}

int Tokenize(const TokenizeOptions& options) {
  const absl::StatusOr<ModelFiles> files = ReadModelFiles(options.model);
  if (!files.ok()) return Unusable(files.status());
  const auto text = files->files.find("tokenizer.json");
  if (text == files->files.end())
    return Unusable(absl::NotFoundError(options.model + ": there is no tokenizer.json"));
  const absl::StatusOr<std::unique_ptr<Tokenizer>> tokenizer = Tokenizer::Parse(text->second);
  if (!tokenizer.ok()) return Unusable(tokenizer.status());
  const auto lines = options.decode ? ReadJsonLines(options.file, {"id", "ids"})
                                    : ReadJsonLines(options.file, {"id", "text"});
  if (!lines.ok()) return Unusable(lines.status());
  int status = 0;
  for (const JsonLine& line : *lines) {
    const absl::StatusOr<nlohmann::ordered_json> out = !line.error.ok() ? line.error
                                                       : options.decode ? DecodeLine(**tokenizer, line)
                                                                        : EncodeLine(**tokenizer, line);
    if (!out.ok()) {
      std::cout << ErrorLine(line, out.status()) << "\n";
      status = 1;
      continue;
    }
    std::cout << out->dump() << "\n";
  }
  return status;
}

}  // namespace

void AddTokenizeCommand(CLI::App& app, CommandAction& action) {
  auto options = std::make_shared<TokenizeOptions>();
  CLI::App* command =
      app.add_subcommand("tokenize", "Token ids of texts, or texts of token ids: JSONL in, JSONL out");
  command->add_option("--model", options->model, "Hugging Face folder")->required();
  command->add_option(
      "file", options->file,
      "JSONL of {\"text\": …}, with --decode of {\"ids\": […]}; - or nothing: standard input");
  command->add_flag("--decode", options->decode, "Turn ids into text");
  command->add_flag("--json", options->json, "JSONL out (always)");
  command->callback([options, &action] { action = [options] { return Tokenize(*options); }; });
}

}  // namespace entrain
