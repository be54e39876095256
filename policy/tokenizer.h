#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "trajectory/group.h"

namespace entrain {

// Text ⇄ token ids, from a tokenizer.json of the `tokenizers` library: byte-level BPE (GPT-2 and Qwen2
// pre-tokenisation) and character-level WordLevel. Special tokens in the text are recognised as the library
// does. Immutable; thread-safe.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  // InvalidArgument when a character has no token and the model has no unknown token, naming it and its byte
  // offset.
  virtual absl::StatusOr<std::vector<TokenId>> Encode(absl::string_view text) const = 0;
  // Bytes that are no UTF-8 become U+FFFD, as the library does. Special tokens are left out unless
  // `keep_special`. InvalidArgument on an id outside the vocabulary.
  virtual absl::StatusOr<std::string> Decode(std::span<const TokenId> ids,
                                             bool keep_special = false) const = 0;
  virtual std::string TokenText(
      TokenId id) const = 0;  // as written in tokenizer.json; empty outside the vocabulary
  virtual int32_t vocab_size() const = 0;

  // Unimplemented names the component of the file that is not supported.
  static absl::StatusOr<std::unique_ptr<Tokenizer>> Parse(absl::string_view tokenizer_json);
};

// A character-level WordLevel tokenizer.json: ids in the order of `tokens` (special ones first), one token
// per character.
std::string WriteCharTokenizer(const std::vector<std::string>& special_tokens,
                               const std::vector<std::string>& characters);

}  // namespace entrain
