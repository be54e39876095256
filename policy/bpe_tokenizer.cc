#include <algorithm>
#include <nlohmann/json.hpp>
#include <queue>
#include <unordered_map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "policy/tokenizer_parts.h"

namespace entrain::tokenizer_parts {
namespace {

using Json = nlohmann::json;

struct Merge {
  int32_t rank;
  TokenId result;
};

uint64_t PairKey(TokenId left, TokenId right) {
  return uint64_t{static_cast<uint32_t>(left)} << 32 | static_cast<uint32_t>(right);
}

// Byte pair encoding (Sennrich et al. 2016): the pair with the lowest rank is merged until none is left; of
// equal ranks the leftmost. O(n log n) a piece.
class Bpe final : public Model {
 public:
  Bpe(Vocabulary vocabulary, std::unordered_map<uint64_t, Merge> merges, bool ignore_merges,
      std::optional<TokenId> unknown)
      : vocabulary_(std::move(vocabulary)),
        merges_(std::move(merges)),
        ignore_merges_(ignore_merges),
        unknown_(unknown) {}

  absl::Status Encode(const std::string& piece, std::vector<TokenId>& out) const override {
    if (ignore_merges_) {
      if (const auto whole = vocabulary_.find(piece); whole != vocabulary_.end()) {
        out.push_back(whole->second);
        return absl::OkStatus();
      }
    }
    ENTRAIN_ASSIGN_OR_RETURN(std::vector<Symbol> symbols, Characters(piece));
    MergeAll(symbols);
    for (const Symbol& symbol : symbols) {
      if (symbol.id >= 0) out.push_back(symbol.id);
    }
    return absl::OkStatus();
  }

 private:
  struct Symbol {
    TokenId id;  // −1: merged into its left neighbour
    int64_t previous, next;
  };
  struct Candidate {
    int32_t rank;
    int64_t position;
    TokenId left, right;
    bool operator<(const Candidate& other) const {  // priority_queue gives the greatest
      return std::pair(rank, position) > std::pair(other.rank, other.position);
    }
  };

  absl::StatusOr<std::vector<Symbol>> Characters(const std::string& piece) const {
    std::vector<Symbol> symbols;
    for (size_t at = 0; at < piece.size();) {
      size_t length = 1;
      while (at + length < piece.size() && (static_cast<unsigned char>(piece[at + length]) & 0xC0) == 0x80)
        ++length;
      const auto found = vocabulary_.find(piece.substr(at, length));
      if (found == vocabulary_.end() && !unknown_.has_value()) {
        return absl::InvalidArgumentError(absl::StrCat(
            "the character \"", VisibleToBytes(piece.substr(at, length)), "\" at byte ", at, " of \"",
            piece.substr(0, 40), "\" has no token, and the model has no unknown token"));
      }
      const auto index = static_cast<int64_t>(symbols.size());
      symbols.push_back({.id = found == vocabulary_.end() ? *unknown_ : found->second,
                         .previous = index - 1,
                         .next = index + 1});
      at += length;
    }
    if (!symbols.empty()) symbols.back().next = -1;
    return symbols;
  }

  void MergeAll(std::vector<Symbol>& symbols) const {
    std::priority_queue<Candidate> queue;
    const auto consider = [&](int64_t position) {
      if (position < 0 || symbols[static_cast<size_t>(position)].next < 0) return;
      const Symbol& left = symbols[static_cast<size_t>(position)];
      const TokenId right = symbols[static_cast<size_t>(left.next)].id;
      const auto merge = merges_.find(PairKey(left.id, right));
      if (merge != merges_.end())
        queue.push({.rank = merge->second.rank, .position = position, .left = left.id, .right = right});
    };
    for (size_t i = 0; i < symbols.size(); ++i) consider(static_cast<int64_t>(i));
    while (!queue.empty()) {
      const Candidate best = queue.top();
      queue.pop();
      Symbol& left = symbols[static_cast<size_t>(best.position)];
      if (left.id != best.left || left.next < 0 || symbols[static_cast<size_t>(left.next)].id != best.right)
        continue;  // overtaken
      Symbol& right = symbols[static_cast<size_t>(left.next)];
      left.id = merges_.at(PairKey(best.left, best.right)).result;
      left.next = right.next;
      right.id = -1;
      if (left.next >= 0) symbols[static_cast<size_t>(left.next)].previous = best.position;
      consider(left.previous);
      consider(best.position);
    }
  }

  Vocabulary vocabulary_;
  std::unordered_map<uint64_t, Merge> merges_;
  bool ignore_merges_;
  std::optional<TokenId> unknown_;
};

// A merge is "a b" or ["a", "b"].
absl::StatusOr<std::pair<std::string, std::string>> ParseMerge(const Json& merge) {
  if (merge.is_string()) {
    const std::string text = merge.get<std::string>();
    const size_t space = text.find(' ');
    if (space != std::string::npos && space > 0 && space + 1 < text.size())
      return std::pair(text.substr(0, space), text.substr(space + 1));
  } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
    return std::pair(merge[0].get<std::string>(), merge[1].get<std::string>());
  }
  return absl::InvalidArgumentError(
      absl::StrCat("tokenizer.json: \"model.merges\": expected two tokens, found ",
                   merge.dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 60)));
}

bool IsSet(const Json& model, const char* key) {
  const auto member = model.find(key);
  return member != model.end() && !member->is_null() && *member != false && *member != "";
}

}  // namespace

absl::StatusOr<std::unique_ptr<Model>> ParseBpe(const Json& model, const Vocabulary& vocabulary) {
  for (const char* key : {"byte_fallback", "continuing_subword_prefix", "end_of_word_suffix", "dropout"}) {
    if (IsSet(model, key)) return Unsupported(absl::StrCat("BPE with ", key));
  }
  if (!model.contains("merges") || !model["merges"].is_array())
    return absl::InvalidArgumentError("tokenizer.json: \"model.merges\": expected a list");
  std::unordered_map<uint64_t, Merge> merges;
  merges.reserve(model["merges"].size());
  int32_t rank = 0;
  for (const Json& entry : model["merges"]) {
    ENTRAIN_ASSIGN_OR_RETURN(const auto pair, ParseMerge(entry));
    const auto left = vocabulary.find(pair.first), right = vocabulary.find(pair.second),
               result = vocabulary.find(pair.first + pair.second);
    if (left == vocabulary.end() || right == vocabulary.end() || result == vocabulary.end()) {
      return absl::InvalidArgumentError(absl::StrCat("tokenizer.json: merge \"", pair.first.substr(0, 40),
                                                     " ", pair.second.substr(0, 40),
                                                     "\" names a token that is not in the vocabulary"));
    }
    merges.insert_or_assign(PairKey(left->second, right->second),
                            Merge{.rank = rank++, .result = result->second});
  }
  std::optional<TokenId> unknown;
  if (IsSet(model, "unk_token") && model["unk_token"].is_string()) {
    const auto found = vocabulary.find(model["unk_token"].get<std::string>());
    if (found != vocabulary.end()) unknown = found->second;
  }
  return std::make_unique<Bpe>(vocabulary, std::move(merges), IsSet(model, "ignore_merges"), unknown);
}

}  // namespace entrain::tokenizer_parts
