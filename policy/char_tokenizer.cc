#include <nlohmann/json.hpp>
#include <optional>

#include "absl/strings/str_cat.h"
#include "policy/tokenizer.h"
#include "policy/tokenizer_parts.h"

namespace entrain {
namespace tokenizer_parts {
namespace {

// Every piece is a token.
class WordLevel final : public Model {
 public:
  WordLevel(Vocabulary vocabulary, std::optional<TokenId> unknown)
      : vocabulary_(std::move(vocabulary)), unknown_(unknown) {}

  absl::Status Encode(const std::string& piece, std::vector<TokenId>& out) const override {
    const auto found = vocabulary_.find(piece);
    if (found == vocabulary_.end() && !unknown_.has_value()) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", piece.substr(0, 40), "\" has no token, and the model has no unknown token"));
    }
    out.push_back(found == vocabulary_.end() ? *unknown_ : found->second);
    return absl::OkStatus();
  }

 private:
  Vocabulary vocabulary_;
  std::optional<TokenId> unknown_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Model>> ParseWordLevel(const nlohmann::json& model,
                                                      const Vocabulary& vocabulary) {
  std::optional<TokenId> unknown;
  if (model.contains("unk_token") && model["unk_token"].is_string()) {
    const auto found = vocabulary.find(model["unk_token"].get<std::string>());
    if (found != vocabulary.end()) unknown = found->second;
  }
  return std::make_unique<WordLevel>(vocabulary, unknown);
}

}  // namespace tokenizer_parts

std::string WriteCharTokenizer(const std::vector<std::string>& special_tokens,
                               const std::vector<std::string>& characters) {
  nlohmann::ordered_json vocabulary = nlohmann::ordered_json::object();
  nlohmann::ordered_json added = nlohmann::ordered_json::array();
  int32_t id = 0;
  for (const std::string& token : special_tokens) {
    added.push_back({{"id", id},
                     {"content", token},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", true}});
    vocabulary[token] = id++;
  }
  for (const std::string& character : characters) vocabulary[character] = id++;
  nlohmann::ordered_json out;
  out["version"] = "1.0";
  out["truncation"] = nullptr;
  out["padding"] = nullptr;
  out["added_tokens"] = added;
  out["normalizer"] = nullptr;
  out["pre_tokenizer"] = {
      {"type", "Split"}, {"pattern", {{"Regex", "[\\s\\S]"}}}, {"behavior", "Isolated"}, {"invert", false}};
  out["post_processor"] = nullptr;
  out["decoder"] = {{"type", "Fuse"}};
  // The library wants an unknown token's name; one that is not in the vocabulary makes unknown characters an
  // error there too.
  out["model"] = {{"type", "WordLevel"}, {"vocab", vocabulary}, {"unk_token", "<unk>"}};
  return out.dump(2) + "\n";
}

}  // namespace entrain
