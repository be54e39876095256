#include "verifier/math/text_answer.h"

#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "verifier/math/math_words.h"

namespace entrain {

std::string FoldAnswer(absl::string_view text) {
  std::string out;
  std::vector<bool> dropped;  // of the open braces: they belong to \text
  bool drop_next = false;
  size_t last = 0;  // where the last character that was kept stands
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\' && i + 1 < text.size()) {
      size_t end = i + 1;
      while (end < text.size() && absl::ascii_isalpha(static_cast<unsigned char>(text[end]))) ++end;
      const absl::string_view command = text.substr(i + 1, end - i - 1);
      if (command.empty()) {
        const char next = text[++i];
        if (absl::StrContains(",;:! ()[]", next)) continue;
        if (next == '{' || next == '}' || next == '\\') out += '\\';
        out += next;
        continue;
      }
      drop_next = IsTextCommand(command) || IsStyleCommand(command);
      if (!drop_next) {
        out += '\\';
        out.append(command.data(), command.size());
      }
      i = end - 1;
      continue;
    }
    // a.m. is am.
    if (c == '.' && i > 0 && absl::ascii_isalpha(static_cast<unsigned char>(text[i - 1]))) continue;
    if (absl::ascii_isspace(static_cast<unsigned char>(c)) || c == '$' || c == '*' || c == '`') continue;
    if (c == '{') dropped.push_back(drop_next);
    if (c == '}' && !dropped.empty()) {
      const bool drop = dropped.back();
      dropped.pop_back();
      if (drop) continue;
    } else if (c == '{' && drop_next) {
      drop_next = false;
      continue;
    }
    drop_next = false;
    const bool digit = absl::ascii_isdigit(static_cast<unsigned char>(c));
    if (digit && !out.empty() && absl::ascii_isdigit(static_cast<unsigned char>(out.back())) && last + 1 != i)
      out += ' ';  // 4 5 is not 45, with whatever between them
    last = i;
    out += absl::ascii_tolower(static_cast<unsigned char>(c));
  }
  while (!out.empty() && absl::StrContains(".,;:!", out.back())) out.pop_back();
  return out;
}

namespace {

bool IsAlnum(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)); }

// White space, in LaTeX too.
absl::string_view WithoutSpaceBefore(absl::string_view text) {
  for (size_t before = text.size() + 1; text.size() < before;) {
    before = text.size();
    text = absl::StripLeadingAsciiWhitespace(text);
    for (const absl::string_view space : {"\\ ", "\\,", "\\;", "\\:", "~", "\\quad", "\\qquad"})
      absl::ConsumePrefix(&text, space);
  }
  return text;
}

// Is a letter in `text` that stands behind a choice another choice? "(B) and (C)", "B. C.", "B) or C"; but
// neither "(A) Vitamin C" nor "B. A = 3".
bool NamesAnotherChoice(absl::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] < 'A' || text[i] > 'Z') continue;
    if ((i > 0 && (IsAlnum(text[i - 1]) || text[i - 1] == '\\')) ||
        (i + 1 < text.size() && IsAlnum(text[i + 1])))
      continue;
    const absl::string_view before = absl::StripTrailingAsciiWhitespace(text.substr(0, i));
    const absl::string_view after = WithoutSpaceBefore(text.substr(i + 1));
    bool announced = before.empty() || absl::StrContains("(,/;.:)[&|{", before.back());
    for (const absl::string_view word : {"or", "and", "maybe", "perhaps", "possibly", "also", "either"})
      announced |= absl::EndsWithIgnoreCase(before, word);
    const bool ends = after.empty() || absl::StrContains(").:,;/]}&|", after[0]) ||
                      absl::StartsWithIgnoreCase(after, "or ") || absl::StartsWithIgnoreCase(after, "and ") ||
                      (after[0] >= 'A' && after[0] <= 'Z' && (after.size() == 1 || !IsAlnum(after[1])));
    if (announced && ends) return true;
  }
  return false;
}

}  // namespace

std::optional<char> ChoiceLetter(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  for (const absl::string_view around :
       {"**", "$", "\\(", "\\text{", "\\textbf{", "\\mathrm{", "\\mathbf{", "("}) {
    absl::ConsumePrefix(&text, around);
    text = absl::StripLeadingAsciiWhitespace(text);
  }
  if (text.empty() || text[0] < 'A' || text[0] > 'Z') return std::nullopt;
  const char letter = text[0];
  text.remove_prefix(1);
  bool marked = false;
  for (size_t before = text.size() + 1; text.size() < before;) {
    before = text.size();
    for (const absl::string_view around : {"**", "$", "\\)", "}"}) absl::ConsumePrefix(&text, around);
    for (const absl::string_view mark : {")", ".", ":"}) marked |= absl::ConsumePrefix(&text, mark);
  }
  if (text.empty()) return letter;
  // "B. 42", but neither "B = 42" nor "B.5", and not "B. or C.".
  const absl::string_view rest = WithoutSpaceBefore(text);
  if (marked && rest.size() < text.size() && !NamesAnotherChoice(rest)) return letter;
  return std::nullopt;
}

}  // namespace entrain
