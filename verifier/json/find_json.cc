#include "verifier/json/find_json.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace entrain {
namespace {

constexpr size_t kMaxTries = 8;  // of stretches between brackets that turn out to be no JSON

FoundJson Read(absl::string_view text) { return {.text = std::string(text), .parsed = ParseJson(text)}; }

FoundJson Nothing(std::string why) { return {.text = "", .parsed = {.problem = std::move(why)}}; }

// The inside of the last fenced block that says json, or else of the last that says nothing. A block that
// does not end counts to the end of the text: the completion was cut.
std::optional<absl::string_view> LastBlock(absl::string_view text) {
  std::optional<absl::string_view> plain, labelled;
  size_t at = 0;
  while ((at = text.find("```", at)) != absl::string_view::npos) {
    const size_t line_end = std::min(text.find('\n', at), text.size());
    const std::string language(absl::StripAsciiWhitespace(text.substr(at + 3, line_end - at - 3)));
    const size_t begin = std::min(line_end + 1, text.size());
    const size_t end = std::min(text.find("```", begin), text.size());
    const absl::string_view inside = text.substr(begin, end - begin);
    if (absl::EqualsIgnoreCase(language, "json")) labelled = inside;
    if (language.empty()) plain = inside;
    at = std::min(end + 3, text.size());
  }
  return labelled.has_value() ? labelled : plain;
}

// The outermost stretches between matching brackets, in order. Quotes count within brackets only, and end
// with the line, so that an apostrophe or a lone quote of prose hides nothing.
std::vector<absl::string_view> Bracketed(absl::string_view text) {
  std::vector<size_t> open;
  std::vector<std::pair<size_t, size_t>> found;  // begin and end
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') {
        ++i;
      } else if (c == '"' || c == '\n') {
        quoted = false;
      }
    } else if (c == '"') {
      quoted = !open.empty();
    } else if (c == '{' || c == '[') {
      open.push_back(i);
    } else if (c == '}' || c == ']') {
      if (open.empty() || (text[open.back()] == '{') != (c == '}')) {
        open.clear();  // no JSON up to here
        continue;
      }
      const size_t begin = open.back();
      open.pop_back();
      while (!found.empty() && found.back().first > begin) found.pop_back();
      found.emplace_back(begin, i + 1);
    }
  }
  std::vector<absl::string_view> out;
  for (const auto& [begin, end] : found) out.push_back(text.substr(begin, end - begin));
  return out;
}

FoundJson Last(absl::string_view text) {
  const std::vector<absl::string_view> stretches = Bracketed(text);
  FoundJson last = Nothing("no JSON object or array was found");
  for (size_t i = 0; i < std::min(kMaxTries, stretches.size()); ++i) {
    FoundJson found = Read(stretches[stretches.size() - 1 - i]);
    if (found.parsed.value.has_value() || found.parsed.past_limit) return found;
    if (i == 0) last = std::move(found);
  }
  return last;
}

}  // namespace

FoundJson FindJson(absl::string_view completion, JsonPlace place) {
  const absl::string_view text = absl::StripAsciiWhitespace(completion);
  if (place == JsonPlace::kWhole) return Read(text);
  if (place == JsonPlace::kAuto) {
    FoundJson whole = Read(text);
    if (whole.parsed.value.has_value() || whole.parsed.past_limit) return whole;
  }
  if (place == JsonPlace::kLast) return Last(text);
  const std::optional<absl::string_view> block = LastBlock(text);
  if (block.has_value()) return Read(absl::StripAsciiWhitespace(*block));
  return place == JsonPlace::kBlock ? Nothing("no fenced block was found") : Last(text);
}

}  // namespace entrain
