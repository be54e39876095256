#include "policy/tokenizer.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "policy/tokenizer_parts.h"

namespace entrain {
namespace {

using Json = nlohmann::json;
namespace parts = tokenizer_parts;

class JsonTokenizer final : public Tokenizer {
 public:
  static absl::StatusOr<std::unique_ptr<Tokenizer>> Create(const Json& json) {
    const auto member = [&](const char* key) { return json.contains(key) ? &json[key] : nullptr; };
    const Json* model = member("model");
    if (model == nullptr || !model->is_object())
      return absl::InvalidArgumentError("tokenizer.json: \"model\": expected an object");
    auto out = std::make_unique<JsonTokenizer>();
    ENTRAIN_ASSIGN_OR_RETURN(out->normalization_, parts::ParseNormalizer(member("normalizer")));
    ENTRAIN_ASSIGN_OR_RETURN(out->pre_tokenization_, parts::ParsePreTokenizer(member("pre_tokenizer")));
    ENTRAIN_ASSIGN_OR_RETURN(out->decoding_, parts::ParseDecoder(member("decoder")));
    ENTRAIN_ASSIGN_OR_RETURN(out->added_, parts::ParseAddedTokens(member("added_tokens")));
    ENTRAIN_ASSIGN_OR_RETURN(parts::Vocabulary vocabulary, parts::ParseVocabulary(*model));
    const std::string type =
        model->contains("type") && (*model)["type"].is_string() ? (*model)["type"].get<std::string>() : "BPE";
    if (type == "BPE") {
      ENTRAIN_ASSIGN_OR_RETURN(out->model_, parts::ParseBpe(*model, vocabulary));
    } else if (type == "WordLevel") {
      ENTRAIN_ASSIGN_OR_RETURN(out->model_, parts::ParseWordLevel(*model, vocabulary));
    } else {
      return parts::Unsupported(absl::StrCat("model \"", type.substr(0, 60), "\""));
    }
    out->FillTexts(vocabulary);
    ENTRAIN_ASSIGN_OR_RETURN(const parts::Template around,
                             parts::ParsePostProcessor(member("post_processor")));
    ENTRAIN_RETURN_IF_ERROR(out->Resolve(around.before, vocabulary, out->before_));
    ENTRAIN_RETURN_IF_ERROR(out->Resolve(around.after, vocabulary, out->after_));
    return out;
  }

  absl::StatusOr<std::vector<TokenId>> Encode(absl::string_view text) const override {
    if (const size_t bad = parts::FirstInvalidUtf8(text); bad != absl::string_view::npos) {
      return absl::InvalidArgumentError(absl::StrCat("the text is no UTF-8 at byte ", bad));
    }
    std::vector<TokenId> ids = before_;
    for (const parts::Segment& raw : parts::SplitAtAddedTokens(text, added_, /*normalized=*/false)) {
      if (raw.token != nullptr) {
        ids.push_back(raw.token->id);
        continue;
      }
      const std::string normalized = parts::Normalize(normalization_, raw.text);
      for (const parts::Segment& segment :
           parts::SplitAtAddedTokens(normalized, added_, /*normalized=*/true)) {
        if (segment.token != nullptr) {
          ids.push_back(segment.token->id);
          continue;
        }
        ENTRAIN_ASSIGN_OR_RETURN(const std::vector<std::string> pieces, pre_tokenization_.Cut(segment.text));
        for (const std::string& piece : pieces) ENTRAIN_RETURN_IF_ERROR(model_->Encode(piece, ids));
      }
    }
    ids.insert(ids.end(), after_.begin(), after_.end());
    return ids;
  }

  absl::StatusOr<std::string> Decode(std::span<const TokenId> ids, bool keep_special) const override {
    std::string bytes;
    bool first = true;
    for (const TokenId id : ids) {
      if (id < 0 || id >= vocab_size()) {
        return absl::InvalidArgumentError(
            absl::StrCat("token id ", id, " is outside the vocabulary of ", vocab_size()));
      }
      if (!keep_special && special_[static_cast<size_t>(id)]) continue;
      const std::string& text = texts_[static_cast<size_t>(id)];
      if (decoding_ == parts::Decoding::kSpaces && !first) bytes += ' ';
      bytes += decoding_ == parts::Decoding::kByteLevel ? parts::VisibleToBytes(text) : text;
      first = false;
    }
    return parts::LossyUtf8(bytes);
  }

  std::string TokenText(TokenId id) const override {
    return id >= 0 && id < vocab_size() ? texts_[static_cast<size_t>(id)] : std::string();
  }

  int32_t vocab_size() const override { return static_cast<int32_t>(texts_.size()); }

 private:
  void FillTexts(const parts::Vocabulary& vocabulary) {
    TokenId largest = -1;
    for (const auto& [text, id] : vocabulary) largest = std::max(largest, id);
    for (const parts::AddedToken& token : added_) largest = std::max(largest, token.id);
    texts_.resize(static_cast<size_t>(largest) + 1);
    special_.resize(texts_.size(), false);
    for (const auto& [text, id] : vocabulary) texts_[static_cast<size_t>(id)] = text;
    for (const parts::AddedToken& token : added_) {
      texts_[static_cast<size_t>(token.id)] = token.content;
      special_[static_cast<size_t>(token.id)] = token.special;
    }
  }

  absl::Status Resolve(const std::vector<std::string>& names, const parts::Vocabulary& vocabulary,
                       std::vector<TokenId>& out) const {
    for (const std::string& name : names) {
      const auto added = std::ranges::find(added_, name, &parts::AddedToken::content);
      const auto word = vocabulary.find(name);
      if (added == added_.end() && word == vocabulary.end()) {
        return absl::InvalidArgumentError(absl::StrCat(
            "tokenizer.json: post_processor names the unknown token \"", name.substr(0, 60), "\""));
      }
      out.push_back(added != added_.end() ? added->id : word->second);
    }
    return absl::OkStatus();
  }

  parts::Normalization normalization_ = parts::Normalization::kNone;
  parts::PreTokenization pre_tokenization_;
  parts::Decoding decoding_ = parts::Decoding::kSpaces;
  std::vector<parts::AddedToken> added_;
  std::unique_ptr<parts::Model> model_;
  std::vector<std::string> texts_;
  std::vector<bool> special_;
  std::vector<TokenId> before_, after_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Tokenizer>> Tokenizer::Parse(absl::string_view tokenizer_json) {
  // tokenizer.json is a few levels deep; a hostile one may nest without end.
  const auto shallow = [](int depth, Json::parse_event_t, Json&) { return depth <= 16; };
  const Json json =
      Json::parse(tokenizer_json.begin(), tokenizer_json.end(), shallow, /*allow_exceptions=*/false);
  if (!json.is_object()) return absl::InvalidArgumentError("tokenizer.json: expected one JSON object");
  return JsonTokenizer::Create(json);
}

}  // namespace entrain
