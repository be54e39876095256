#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "trajectory/group.h"

// The steps around a tokenizer's model, as tokenizer.json lists them. Internal to policy_io.
namespace entrain::tokenizer_parts {

// Text with everything composed (NFC) or as it is.
enum class Normalization { kNone, kNfc };
absl::StatusOr<Normalization> ParseNormalizer(const nlohmann::json* json);
std::string Normalize(Normalization how, absl::string_view text);

// The byte offset of the first byte that is no UTF-8, or npos.
size_t FirstInvalidUtf8(absl::string_view text);
// U+FFFD for every maximal part that is no UTF-8, as WHATWG and Rust's from_utf8_lossy do.
std::string LossyUtf8(absl::string_view bytes);

// GPT-2's map of bytes to printable characters: what a byte-level vocabulary is written in.
std::string BytesToVisible(absl::string_view bytes);
// The bytes behind one token's text; the text itself when it holds a character outside the map.
std::string VisibleToBytes(absl::string_view text);

// Cuts text into the pieces that the model sees, one step after the other.
class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  virtual absl::StatusOr<std::vector<std::string>> Cut(absl::string_view piece) const = 0;
};
struct PreTokenization {
  std::vector<std::unique_ptr<PreTokenizer>> steps;
  bool byte_level = false;  // pieces are then in visible characters
  absl::StatusOr<std::vector<std::string>> Cut(absl::string_view text) const;
};
absl::StatusOr<PreTokenization> ParsePreTokenizer(const nlohmann::json* json);

enum class Decoding { kSpaces, kFuse, kByteLevel };
absl::StatusOr<Decoding> ParseDecoder(const nlohmann::json* json);

struct AddedToken {
  TokenId id = 0;
  std::string content;
  bool special = false, lstrip = false, rstrip = false, normalized = false;
};
absl::StatusOr<std::vector<AddedToken>> ParseAddedTokens(const nlohmann::json* json);

// A stretch of text, or the added token that was found there.
struct Segment {
  std::string text;
  const AddedToken* token = nullptr;
};
// Splits at the leftmost, longest added tokens whose `normalized` flag equals `normalized`.
std::vector<Segment> SplitAtAddedTokens(absl::string_view text, const std::vector<AddedToken>& tokens,
                                        bool normalized);

// Adds of the post-processor: ids before and after every text.
struct Template {
  std::vector<std::string> before, after;
};
absl::StatusOr<Template> ParsePostProcessor(const nlohmann::json* json);

using Vocabulary = std::unordered_map<std::string, TokenId>;
absl::StatusOr<Vocabulary> ParseVocabulary(const nlohmann::json& model);

// Text pieces → ids.
class Model {
 public:
  virtual ~Model() = default;
  virtual absl::Status Encode(const std::string& piece, std::vector<TokenId>& out) const = 0;
};
absl::StatusOr<std::unique_ptr<Model>> ParseBpe(const nlohmann::json& model, const Vocabulary& vocabulary);
absl::StatusOr<std::unique_ptr<Model>> ParseWordLevel(const nlohmann::json& model,
                                                      const Vocabulary& vocabulary);

absl::Status Unsupported(absl::string_view what);

}  // namespace entrain::tokenizer_parts
