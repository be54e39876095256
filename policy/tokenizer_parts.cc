#include "policy/tokenizer_parts.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"

namespace entrain::tokenizer_parts {
namespace {

using Json = nlohmann::json;

constexpr char kGpt2Pattern[] =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

// As many as config.json may have: texts are kept by id, so an id is memory.
constexpr int64_t kLargestId = 4'000'000 - 1;

std::string TypeOf(const Json& json) {
  return json.is_object() && json.contains("type") && json["type"].is_string()
             ? json["type"].get<std::string>()
             : "";
}

bool Flag(const Json& json, const char* key, bool fallback) {
  return json.contains(key) && json[key].is_boolean() ? json[key].get<bool>() : fallback;
}

// Length of the well-formed UTF-8 sequence at `at`, or 0 and in `bad` the length of the maximal ill-formed
// part (Unicode 3.9, table 3-7).
size_t SequenceLength(absl::string_view text, size_t at, size_t& bad) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const unsigned first = byte(at);
  bad = 1;
  if (first < 0x80) return 1;
  size_t length;
  unsigned low = 0x80, high = 0xBF;
  if (first >= 0xC2 && first <= 0xDF) {
    length = 2;
  } else if (first >= 0xE0 && first <= 0xEF) {
    length = 3;
    if (first == 0xE0) low = 0xA0;
    if (first == 0xED) high = 0x9F;
  } else if (first >= 0xF0 && first <= 0xF4) {
    length = 4;
    if (first == 0xF0) low = 0x90;
    if (first == 0xF4) high = 0x8F;
  } else {
    return 0;
  }
  for (size_t i = 1; i < length; ++i) {
    const unsigned next = byte(at + i);
    if (at + i >= text.size() || next < low || next > high) {
      bad = i;
      return 0;
    }
    low = 0x80;
    high = 0xBF;
  }
  return length;
}

// Length of the white space character at `at`, 0 if there is another one or none (Unicode's White_Space).
size_t SpaceLength(absl::string_view text, size_t at) {
  if (at >= text.size()) return 0;
  utf8proc_int32_t code = -1;
  const auto length = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()) + at,
                                       static_cast<utf8proc_ssize_t>(text.size() - at), &code);
  const bool space = (code >= 0x09 && code <= 0x0D) || code == 0x20 || code == 0x85 || code == 0xA0 ||
                     code == 0x1680 || (code >= 0x2000 && code <= 0x200A) || code == 0x2028 ||
                     code == 0x2029 || code == 0x202F || code == 0x205F || code == 0x3000;
  return length > 0 && space ? static_cast<size_t>(length) : 0;
}

struct ByteMap {
  std::array<std::string, 256> visible;
  std::unordered_map<std::string, char> byte;
};

std::string EncodeCodePoint(int32_t code) {
  utf8proc_uint8_t buffer[4];
  const auto size = utf8proc_encode_char(code, buffer);
  return std::string(reinterpret_cast<char*>(buffer), static_cast<size_t>(size));
}

const ByteMap& Bytes() {
  static const ByteMap* map = [] {
    auto* out = new ByteMap;
    int32_t next = 256;
    for (int32_t b = 0; b < 256; ++b) {
      const bool printable = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || (b >= 0xAE && b <= 0xFF);
      const auto index = static_cast<size_t>(b);
      out->visible[index] = EncodeCodePoint(printable ? b : next++);
      out->byte[out->visible[index]] = static_cast<char>(b);
    }
    return out;
  }();
  return *map;
}

// A compiled pattern of a Split step.
class Regex {
 public:
  static absl::StatusOr<std::unique_ptr<Regex>> Compile(const std::string& pattern) {
    int code = 0;
    PCRE2_SIZE offset = 0;
    pcre2_code* compiled =
        pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                      PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &code, &offset, nullptr);
    if (compiled == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat("tokenizer.json: the pattern \"", pattern.substr(0, 100),
                                                     "\" cannot be read at byte ", offset));
    }
    return std::unique_ptr<Regex>(new Regex(compiled));
  }
  ~Regex() { pcre2_code_free(compiled_); }
  Regex(const Regex&) = delete;
  Regex& operator=(const Regex&) = delete;

  // Calls `found(begin, end)` for every match, left to right, empty ones too.
  template <typename F>
  absl::Status ForEachMatch(absl::string_view text, F found) const {
    pcre2_match_data* data = pcre2_match_data_create_from_pattern(compiled_, nullptr);
    absl::Status status;
    size_t at = 0;
    while (at <= text.size()) {
      const int count = pcre2_match(compiled_, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), at,
                                    at == 0 ? 0 : PCRE2_NO_UTF_CHECK, data, nullptr);
      if (count == PCRE2_ERROR_NOMATCH) break;
      if (count < 0) {
        status = absl::InvalidArgumentError(absl::StrCat(
            "the tokenizer's pattern gave up on this text at byte ", at, " (PCRE2 error ", count, ")"));
        break;
      }
      const PCRE2_SIZE* bounds = pcre2_get_ovector_pointer(data);
      const size_t begin = bounds[0], end = bounds[1];
      found(begin, end);
      size_t bad;
      at = end > begin ? end
                       : end + std::max<size_t>(1, end < text.size() ? SequenceLength(text, end, bad) : 1);
    }
    pcre2_match_data_free(data);
    return status;
  }

 private:
  explicit Regex(pcre2_code* compiled) : compiled_(compiled) {}
  pcre2_code* compiled_;
};

// Matches and the gaps between them become pieces; with `drop_matches` only the gaps.
class SplitStep final : public PreTokenizer {
 public:
  SplitStep(std::unique_ptr<Regex> regex, bool drop_matches)
      : regex_(std::move(regex)), drop_matches_(drop_matches) {}

  absl::StatusOr<std::vector<std::string>> Cut(absl::string_view piece) const override {
    std::vector<std::string> out;
    size_t previous = 0;
    const auto add = [&](size_t begin, size_t end) {
      if (end > begin) out.emplace_back(piece.substr(begin, end - begin));
    };
    ENTRAIN_RETURN_IF_ERROR(regex_->ForEachMatch(piece, [&](size_t begin, size_t end) {
      add(previous, begin);
      if (!drop_matches_) add(begin, end);
      previous = end;
    }));
    add(previous, piece.size());
    return out;
  }

 private:
  std::unique_ptr<Regex> regex_;
  bool drop_matches_;
};

// Turns bytes into visible characters, after GPT-2's pattern if the file asks for it.
class ByteLevelStep final : public PreTokenizer {
 public:
  ByteLevelStep(std::unique_ptr<SplitStep> split, bool add_prefix_space)
      : split_(std::move(split)), add_prefix_space_(add_prefix_space) {}

  absl::StatusOr<std::vector<std::string>> Cut(absl::string_view piece) const override {
    std::string text(piece);
    if (add_prefix_space_ && !text.empty() && text[0] != ' ') text.insert(text.begin(), ' ');
    std::vector<std::string> pieces = {text};
    if (split_ != nullptr) {
      ENTRAIN_ASSIGN_OR_RETURN(pieces, split_->Cut(text));
    }
    for (std::string& part : pieces) part = BytesToVisible(part);
    return pieces;
  }

 private:
  std::unique_ptr<SplitStep> split_;
  bool add_prefix_space_;
};

absl::StatusOr<std::unique_ptr<PreTokenizer>> ParseSplit(const Json& json) {
  if (Flag(json, "invert", false)) return Unsupported("pre_tokenizer Split with invert");
  const std::string behavior =
      json.contains("behavior") && json["behavior"].is_string() ? json["behavior"].get<std::string>() : "";
  if (behavior != "Isolated" && behavior != "Removed")
    return Unsupported(absl::StrCat("pre_tokenizer Split with behavior \"", behavior, "\""));
  if (!json.contains("pattern") || !json["pattern"].is_object())
    return absl::InvalidArgumentError("tokenizer.json: Split without a pattern");
  std::string pattern;
  if (const Json& source = json["pattern"]; source.contains("Regex") && source["Regex"].is_string()) {
    pattern = source["Regex"].get<std::string>();
  } else if (source.contains("String") && source["String"].is_string()) {
    pattern = absl::StrCat("\\Q", source["String"].get<std::string>(), "\\E");
  } else {
    return Unsupported("pre_tokenizer Split with another pattern than Regex or String");
  }
  ENTRAIN_ASSIGN_OR_RETURN(std::unique_ptr<Regex> regex, Regex::Compile(pattern));
  return std::make_unique<SplitStep>(std::move(regex), behavior == "Removed");
}

absl::Status AddPreTokenizer(const Json& json, int depth, PreTokenization& out) {
  const std::string type = TypeOf(json);
  if (type == "Sequence" && depth < 8 && json.contains("pretokenizers") && json["pretokenizers"].is_array()) {
    for (const Json& step : json["pretokenizers"])
      ENTRAIN_RETURN_IF_ERROR(AddPreTokenizer(step, depth + 1, out));
    return absl::OkStatus();
  }
  if (type == "Split") {
    ENTRAIN_ASSIGN_OR_RETURN(std::unique_ptr<PreTokenizer> step, ParseSplit(json));
    out.steps.push_back(std::move(step));
    return absl::OkStatus();
  }
  if (type == "ByteLevel") {
    std::unique_ptr<SplitStep> split;
    if (Flag(json, "use_regex", true)) {
      ENTRAIN_ASSIGN_OR_RETURN(std::unique_ptr<Regex> regex, Regex::Compile(kGpt2Pattern));
      split = std::make_unique<SplitStep>(std::move(regex), false);
    }
    out.steps.push_back(
        std::make_unique<ByteLevelStep>(std::move(split), Flag(json, "add_prefix_space", true)));
    out.byte_level = true;
    return absl::OkStatus();
  }
  return Unsupported(absl::StrCat("pre_tokenizer \"", type.substr(0, 60), "\""));
}

}  // namespace

absl::Status Unsupported(absl::string_view what) {
  return absl::UnimplementedError(absl::StrCat("tokenizer.json: ", what, " is not supported"));
}

absl::StatusOr<Normalization> ParseNormalizer(const Json* json) {
  if (json == nullptr || json->is_null()) return Normalization::kNone;
  if (TypeOf(*json) == "NFC") return Normalization::kNfc;
  if (TypeOf(*json) == "Sequence" && json->contains("normalizers") && (*json)["normalizers"].is_array()) {
    const Json& list = (*json)["normalizers"];
    if (list.empty()) return Normalization::kNone;
    if (list.size() == 1 && TypeOf(list[0]) == "NFC") return Normalization::kNfc;
  }
  return Unsupported(absl::StrCat("normalizer \"", TypeOf(*json).substr(0, 60), "\""));
}

std::string Normalize(Normalization how, absl::string_view text) {
  if (how == Normalization::kNone || text.empty()) return std::string(text);
  utf8proc_uint8_t* composed = nullptr;
  const auto size = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                 static_cast<utf8proc_ssize_t>(text.size()), &composed,
                                 static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  if (size < 0) return std::string(text);
  std::string out(reinterpret_cast<char*>(composed), static_cast<size_t>(size));
  std::free(composed);
  return out;
}

size_t FirstInvalidUtf8(absl::string_view text) {
  for (size_t at = 0; at < text.size();) {
    size_t bad;
    const size_t length = SequenceLength(text, at, bad);
    if (length == 0) return at;
    at += length;
  }
  return absl::string_view::npos;
}

std::string LossyUtf8(absl::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  for (size_t at = 0; at < bytes.size();) {
    size_t bad;
    const size_t length = SequenceLength(bytes, at, bad);
    if (length == 0) {
      out += "\xEF\xBF\xBD";
      at += bad;
    } else {
      out.append(bytes.data() + at, length);
      at += length;
    }
  }
  return out;
}

std::string BytesToVisible(absl::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) out += Bytes().visible[static_cast<unsigned char>(c)];
  return out;
}

std::string VisibleToBytes(absl::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    size_t bad;
    const size_t length = std::max<size_t>(1, SequenceLength(text, at, bad));
    const auto byte = Bytes().byte.find(std::string(text.substr(at, length)));
    if (byte == Bytes().byte.end()) return std::string(text);
    out += byte->second;
    at += length;
  }
  return out;
}

absl::StatusOr<std::vector<std::string>> PreTokenization::Cut(absl::string_view text) const {
  std::vector<std::string> pieces = {std::string(text)};
  for (const auto& step : steps) {
    std::vector<std::string> next;
    for (const std::string& piece : pieces) {
      ENTRAIN_ASSIGN_OR_RETURN(std::vector<std::string> parts, step->Cut(piece));
      std::move(parts.begin(), parts.end(), std::back_inserter(next));
    }
    pieces = std::move(next);
  }
  return pieces;
}

absl::StatusOr<PreTokenization> ParsePreTokenizer(const Json* json) {
  PreTokenization out;
  if (json != nullptr && !json->is_null()) ENTRAIN_RETURN_IF_ERROR(AddPreTokenizer(*json, 0, out));
  return out;
}

absl::StatusOr<Decoding> ParseDecoder(const Json* json) {
  if (json == nullptr || json->is_null()) return Decoding::kSpaces;
  const std::string type = TypeOf(*json);
  if (type == "ByteLevel") return Decoding::kByteLevel;
  if (type == "Fuse") return Decoding::kFuse;
  return Unsupported(absl::StrCat("decoder \"", type.substr(0, 60), "\""));
}

absl::StatusOr<std::vector<AddedToken>> ParseAddedTokens(const Json* json) {
  std::vector<AddedToken> tokens;
  if (json == nullptr || json->is_null()) return tokens;
  if (!json->is_array())
    return absl::InvalidArgumentError("tokenizer.json: \"added_tokens\": expected a list");
  for (const Json& entry : *json) {
    if (!entry.is_object() || !entry.contains("id") || !entry["id"].is_number_integer() ||
        entry["id"].get<int64_t>() < 0 || entry["id"].get<int64_t>() > kLargestId ||
        !entry.contains("content") || !entry["content"].is_string() ||
        entry["content"].get<std::string>().empty()) {
      return absl::InvalidArgumentError(
          "tokenizer.json: \"added_tokens\": expected entries with an id and a content");
    }
    AddedToken token{.id = entry["id"].get<TokenId>(), .content = entry["content"].get<std::string>()};
    token.special = Flag(entry, "special", false);
    token.lstrip = Flag(entry, "lstrip", false);
    token.rstrip = Flag(entry, "rstrip", false);
    token.normalized = Flag(entry, "normalized", !token.special);
    if (Flag(entry, "single_word", false))
      return Unsupported(absl::StrCat("added token \"", token.content.substr(0, 60), "\" with single_word"));
    tokens.push_back(std::move(token));
  }
  return tokens;
}

std::vector<Segment> SplitAtAddedTokens(absl::string_view text, const std::vector<AddedToken>& tokens,
                                        bool normalized) {
  // First byte → tokens that begin with it, longest first.
  std::array<std::vector<const AddedToken*>, 256> by_first;
  for (const AddedToken& token : tokens) {
    if (token.normalized == normalized)
      by_first[static_cast<unsigned char>(token.content[0])].push_back(&token);
  }
  for (auto& list : by_first) {
    std::stable_sort(list.begin(), list.end(),
                     [](const auto* a, const auto* b) { return a->content.size() > b->content.size(); });
  }
  std::vector<Segment> segments;
  size_t begin = 0;
  const auto flush = [&](size_t end) {
    if (end > begin) segments.push_back({.text = std::string(text.substr(begin, end - begin))});
  };
  for (size_t at = 0; at < text.size();) {
    const AddedToken* found = nullptr;
    for (const AddedToken* token : by_first[static_cast<unsigned char>(text[at])]) {
      if (text.substr(at, token->content.size()) == token->content) {
        found = token;
        break;
      }
    }
    if (found == nullptr) {
      ++at;
      continue;
    }
    size_t left = at;
    if (found->lstrip) {
      while (left > begin) {
        size_t last = left - 1;
        while (last > begin && (static_cast<unsigned char>(text[last]) & 0xC0) == 0x80) --last;
        if (SpaceLength(text, last) != left - last) break;
        left = last;
      }
    }
    flush(left);
    segments.push_back({.token = found});
    at += found->content.size();
    if (found->rstrip) {
      while (const size_t length = SpaceLength(text, at)) at += length;
    }
    begin = at;
  }
  flush(text.size());
  return segments;
}

absl::StatusOr<Template> ParsePostProcessor(const Json* json) {
  Template out;
  if (json == nullptr || json->is_null() || TypeOf(*json) == "ByteLevel") return out;
  if (TypeOf(*json) == "Sequence" && json->contains("processors") && (*json)["processors"].is_array()) {
    for (const Json& step : (*json)["processors"]) {
      ENTRAIN_ASSIGN_OR_RETURN(const Template part, ParsePostProcessor(&step));
      out.before.insert(out.before.end(), part.before.begin(), part.before.end());
      out.after.insert(out.after.end(), part.after.begin(), part.after.end());
    }
    return out;
  }
  if (TypeOf(*json) != "TemplateProcessing" || !json->contains("single") || !(*json)["single"].is_array()) {
    return Unsupported(absl::StrCat("post_processor \"", TypeOf(*json).substr(0, 60), "\""));
  }
  bool seen_text = false;
  for (const Json& step : (*json)["single"]) {
    if (step.contains("Sequence")) {
      seen_text = true;
    } else if (step.contains("SpecialToken") && step["SpecialToken"].contains("id") &&
               step["SpecialToken"]["id"].is_string()) {
      (seen_text ? out.after : out.before).push_back(step["SpecialToken"]["id"].get<std::string>());
    } else {
      return Unsupported("post_processor TemplateProcessing with another step than Sequence or SpecialToken");
    }
  }
  return out;
}

absl::StatusOr<Vocabulary> ParseVocabulary(const Json& model) {
  if (!model.contains("vocab") || !model["vocab"].is_object())
    return absl::InvalidArgumentError("tokenizer.json: \"model.vocab\": expected an object");
  Vocabulary vocabulary;
  vocabulary.reserve(model["vocab"].size());
  for (const auto& [text, id] : model["vocab"].items()) {
    if (!id.is_number_integer() || id.get<int64_t>() < 0 || id.get<int64_t>() > kLargestId) {
      return absl::InvalidArgumentError(
          absl::StrCat("tokenizer.json: \"model.vocab\": \"", text.substr(0, 60), "\": expected a token id"));
    }
    vocabulary[text] = id.get<TokenId>();
  }
  return vocabulary;
}

}  // namespace entrain::tokenizer_parts
