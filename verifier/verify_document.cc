#include "verifier/verify_document.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/nearest.h"

namespace entrain {
namespace {

using Json = nlohmann::json;

constexpr int kMaxDepth = 64;  // of objects and arrays in a line

// Appends `text` as a JSON string. Bytes that are no UTF-8 become U+FFFD.
void AppendString(absl::string_view text, std::string& out) {
  const bool plain = std::ranges::all_of(
      text, [](char c) { return c >= ' ' && c != '"' && c != '\\' && absl::ascii_isascii(c); });
  if (plain) {
    absl::StrAppend(&out, "\"", text, "\"");
  } else {
    out += Json(std::string(text)).dump(-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
  }
}

void AppendNumber(double value, std::string& out) {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
  out.append(digits, end);
  if (std::find_if(digits, end, [](char c) { return c == '.' || c == 'e'; }) == end) out += ".0";
}

// The text of one JSON value, from the events of a parser. Numbers stay as they were written.
class JsonText {
 public:
  const std::string& text() const { return text_; }
  void Scalar(absl::string_view literal) {
    Separate();
    text_.append(literal.data(), literal.size());
    comma_ = true;
  }
  void String(absl::string_view value) {
    Separate();
    AppendString(value, text_);
    comma_ = true;
  }
  void Key(absl::string_view key) {
    String(key);
    text_ += ':';
    comma_ = false;
  }
  void Open(char bracket) {
    Separate();
    text_ += bracket;
    comma_ = false;
  }
  void Close(char bracket) {
    text_ += bracket;
    comma_ = true;
  }

 private:
  void Separate() {
    if (comma_) text_ += ',';
  }
  std::string text_;
  bool comma_ = false;
};

// Reads a line into an item without building its tree. The first problem stays; reading goes on behind it,
// because the id may come later.
class LineReader {
 public:
  // The item, or what is wrong with the line.
  absl::StatusOr<VerifyItem> Read(absl::string_view line) {
    // The parser takes a NUL for the end of its input.
    const size_t nul = line.find('\0');
    const bool complete = Json::sax_parse(line.begin(), line.end(), this) && nul == absl::string_view::npos;
    if (!complete && !too_deep_) {
      const size_t byte = std::min(nul == absl::string_view::npos ? nul : nul + 1, error_position_);
      problem_ = absl::StrCat("not JSON in UTF-8 (byte ", byte, ")");
    }
    if (!complete) ids_ = 0;
    if (options_count_ > 0) item_.options_json = options_.text();
    for (const Member& member : members_) {
      if (problem_.empty() && member.count == 0) problem_ = absl::StrCat("\"", member.name, "\" is missing");
    }
    if (!problem_.empty()) return absl::InvalidArgumentError(problem_);
    return std::move(item_);
  }

  // The line's id as JSON; empty when it has none.
  absl::string_view id() const { return ids_ == 0 ? absl::string_view() : id_.text(); }

  // Events of the parser (nlohmann::json_sax).
  bool null() { return Scalar("null", "null"); }
  bool boolean(bool value) { return Scalar("boolean", value ? "true" : "false"); }
  bool number_integer(Json::number_integer_t value) {
    return Scalar("number", absl::AlphaNum(value).Piece());
  }
  bool number_unsigned(Json::number_unsigned_t value) {
    return Scalar("number", absl::AlphaNum(value).Piece());
  }
  bool number_float(Json::number_float_t, const std::string& written) { return Scalar("number", written); }
  bool string(std::string& value) {
    if (JsonText* copy = Copied("string")) {
      copy->String(value);
    } else if (text_ != nullptr && depth_ == 1) {
      *text_ = std::move(value);
    }
    return true;
  }
  bool binary(Json::binary_t&) { return false; }  // not in JSON text
  bool start_object(size_t) { return Open('{', "object"); }
  bool start_array(size_t) { return Open('[', "array"); }
  bool end_object() { return Close('}'); }
  bool end_array() { return Close(']'); }
  bool key(std::string& key) {
    if (depth_ > 1) {
      if (copy_ != nullptr) copy_->Key(key);
    } else {
      Begin(key);
    }
    return true;
  }
  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception&) {
    error_position_ = position;
    return false;
  }

 private:
  struct Member {
    const char* name;
    std::string* text;
    int count = 0;
  };

  // A member of the line's object begins: chooses where its value goes.
  void Begin(const std::string& key) {
    key_ = key;
    text_ = nullptr;
    copy_ = nullptr;
    int* count = nullptr;
    if (key == "id") {
      count = &ids_;
      copy_ = &id_;
    } else if (key == "verifier_options") {
      count = &options_count_;
      copy_ = &options_;
    } else {
      const auto member = std::ranges::find(members_, key, &Member::name);
      if (member == std::end(members_)) {
        Complain(
            absl::StrCat("unknown key \"", key.substr(0, 60), "\"",
                         DidYouMean(key, {"id", "verifier", "completion", "answer", "verifier_options"})));
        return;
      }
      count = &member->count;
      text_ = member->text;
    }
    if (++*count > 1) {
      Complain(absl::StrCat("\"", key, "\" is given twice"));
      text_ = nullptr;
      copy_ = nullptr;
    }
  }

  // A value of type `type` comes. Where its text is copied to, or null; complains when it may not be here.
  JsonText* Copied(const char* type) {
    if (depth_ == 0) Complain("expected one JSON object");
    if (depth_ != 1) return copy_;
    if (text_ != nullptr && *type != 's') {
      Complain(absl::StrCat("\"", key_, "\": expected a string, found ", type));
    } else if (copy_ == &options_ && *type != 'o') {
      Complain(absl::StrCat("\"verifier_options\": expected an object, found ", type));
    }
    return copy_;
  }

  bool Scalar(const char* type, absl::string_view literal) {
    if (JsonText* copy = Copied(type)) copy->Scalar(literal);
    return true;
  }

  bool Open(char bracket, const char* type) {
    if (depth_ > 0 || bracket == '[') {
      if (JsonText* copy = Copied(type)) copy->Open(bracket);
    }
    too_deep_ = ++depth_ > kMaxDepth;
    if (too_deep_) Complain(absl::StrCat("objects and arrays nested more than ", kMaxDepth, " deep"));
    return !too_deep_;
  }

  bool Close(char bracket) {
    --depth_;
    if (depth_ > 0 && copy_ != nullptr) copy_->Close(bracket);
    return true;
  }

  void Complain(std::string problem) {
    if (problem_.empty()) problem_ = std::move(problem);
  }

  VerifyItem item_;
  JsonText id_, options_;
  Member members_[3] = {
      {"verifier", &item_.verifier}, {"completion", &item_.completion}, {"answer", &item_.answer}};
  int ids_ = 0, options_count_ = 0;
  int depth_ = 0;
  bool too_deep_ = false;
  std::string key_;
  std::string* text_ = nullptr;  // where the present member's string goes, or
  JsonText* copy_ = nullptr;     // where its text goes; neither: it is passed over
  std::string problem_;
  size_t error_position_ = absl::string_view::npos;  // from 1
};

}  // namespace

VerifiedLine VerifyLine(Verifier& verifier, int64_t number, absl::string_view line, const VerifyCall& call) {
  LineReader reader;
  const absl::StatusOr<VerifyItem> item = reader.Read(line);
  const absl::StatusOr<std::vector<Verdict>> verdicts =
      item.ok() ? verifier.Verify(std::span(&*item, 1), call)
                : absl::StatusOr<std::vector<Verdict>>(item.status());
  std::string json;
  if (reader.id().empty()) {
    absl::StrAppend(&json, "{\"id\":", number);
  } else {
    absl::StrAppend(&json, "{\"id\":", reader.id());
  }
  if (!verdicts.ok()) {
    json += ",\"error\":";
    AppendString(absl::StrCat("line ", number, ": ", verdicts.status().message()), json);
    json += '}';
    return {.json = std::move(json)};
  }
  const Verdict& verdict = (*verdicts)[0];
  absl::StrAppend(&json, ",\"kind\":\"", VerdictKindName(verdict.kind), "\",\"score\":");
  if (verdict.score.has_value()) {
    AppendNumber(*verdict.score, json);
  } else {
    json += "null";
  }
  json += ",\"extracted\":";
  AppendString(verdict.extracted, json);
  json += ",\"detail\":";
  AppendString(verdict.detail, json);
  json += ",\"seconds\":";
  AppendNumber(verdict.seconds, json);
  json += '}';
  return {.json = std::move(json), .kind = verdict.kind};
}

}  // namespace entrain
