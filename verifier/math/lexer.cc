#include "verifier/math/lexer.h"

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "verifier/math/formula.h"
#include "verifier/math/math_words.h"
#include "verifier/math/runes.h"

namespace entrain {
namespace {

bool IsLetter(char c) { return absl::ascii_isalpha(static_cast<unsigned char>(c)); }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsSpace(char c) {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f' || c == '\v' || c == '~';
}

size_t LettersEnd(absl::string_view text, size_t i) {
  while (i < text.size() && IsLetter(text[i])) ++i;
  return i;
}

// The end of the braces that open at `open`, behind the closing one; 0: they do not close. `max_bytes` bounds
// the search, so that a text of many unclosed braces is not searched again and again.
size_t BracesEnd(absl::string_view text, size_t open, size_t max_bytes) {
  int depth = 0;
  const size_t end = std::min(text.size(), open + max_bytes);
  for (size_t i = open; i < end; ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '{') {
      ++depth;
    } else if (text[i] == '}' && --depth == 0) {
      return i + 1;
    }
  }
  return 0;
}

constexpr size_t kMaxNameBytes = 80;    // of a subscript
constexpr size_t kMaxWordBytes = 60;    // of one word
constexpr size_t kMaxWordsBytes = 400;  // of the words in one \text{…}

// Words, as they stand in \text{…} or in a sentence: letters and what stands between words.
bool OnlyWords(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return IsLetter(c) || IsSpace(c) || c == '.' || c == '\'' || c == '-' || c == '/' || c == ',' ||
           c == ':' || c == ';' || c == '!' || c == '?' || static_cast<signed char>(c) < 0;
  });
}

// Without white space at the ends: " ", "~", "\\ ", "\\,", "\\;", "\\:", "\\!".
absl::string_view StripSpaces(absl::string_view text) {
  for (size_t before = text.size() + 1; text.size() < before;) {
    before = text.size();
    while (!text.empty() && IsSpace(text[0])) text.remove_prefix(1);
    while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
    for (const absl::string_view space : {"\\ ", "\\,", "\\;", "\\:", "\\!"}) {
      absl::ConsumePrefix(&text, space);
      absl::ConsumeSuffix(&text, space);
    }
  }
  return text;
}

Token ConstantToken(Constant constant) {
  return {.kind = TokenKind::kConstant, .detail = static_cast<uint32_t>(constant)};
}

}  // namespace

Lexer::Lexer(absl::string_view text) : text_(text) {
  size_t dollars = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '$') {
      ++dollars;
    }
  }
  dollars_delimit_ = dollars % 2 == 0;
}

bool Lexer::Next(absl::string_view text) const { return absl::StartsWith(text_.substr(at_), text); }

absl::string_view Lexer::Rest() {
  SkipSpaces();
  return text_.substr(at_);
}

// Commands that are nothing but space, or the look of what follows.
bool Lexer::SkipIgnoredCommand() {
  if (at_ + 1 >= text_.size()) {  // of "\\ ", whose space was cut off
    ++at_;
    return true;
  }
  const char next = text_[at_ + 1];
  if (absl::StrContains(",;:! >()[]", next)) {  // spaces and the borders of mathematics
    at_ += 2;
    return true;
  }
  if (!IsLetter(next)) return false;
  const size_t end = LettersEnd(text_, at_ + 1);
  const absl::string_view name = text_.substr(at_ + 1, end - at_ - 1);
  if (name == "left" || name == "right" || name == "middle") {
    if (end < text_.size() && text_[end] == '|') return false;  // its side counts
    const bool nothing = end < text_.size() && text_[end] == '.';
    if (nothing && name == "right") return false;  // it closes a bracket that has no other end
    at_ = end + (nothing ? 1 : 0);
    return true;
  }
  if (name == "hspace" || name == "phantom" || name == "label" || name == "tag" || name == "color" ||
      name == "vspace" || name == "textcolor") {
    const size_t braces =
        end < text_.size() && text_[end] == '{' ? BracesEnd(text_, end, kMaxNameBytes) : end;
    if (braces == 0) return false;
    at_ = braces;
    return true;
  }
  if (IsStyleCommand(name)) {
    at_ = end;
    styled_ = end;
    return true;
  }
  // "\quadx" is "\quad x".
  for (const absl::string_view space : {"qquad", "quad"}) {
    if (absl::StartsWith(name, space) && CommandToken(name) == nullptr) {
      at_ += 1 + space.size();
      return true;
    }
  }
  return false;
}

bool Lexer::SkipSpaces() {
  const size_t begin = at_;
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (IsSpace(c) || (c == '$' && dollars_delimit_) || c == '`') {
      ++at_;
    } else if (c == '\\') {
      if (!SkipIgnoredCommand()) break;
    } else if (static_cast<signed char>(c) < 0) {
      const size_t length = SpaceRuneLength(text_.substr(at_));
      if (length == 0) break;
      at_ += length;
    } else {
      break;
    }
  }
  return at_ > begin;
}

Token Lexer::Take(TokenKind kind, size_t bytes, uint32_t detail) {
  Token token{.kind = kind, .detail = detail, .text = text_.substr(at_, bytes)};
  at_ += bytes;
  return token;
}

Token Lexer::TakeNamed(const Token& known, size_t bytes) {
  Token token = known;
  if (token.text.empty()) token.text = text_.substr(at_, bytes);
  at_ += bytes;
  return token;
}

Token Lexer::Next(const Context& context) {
  const bool spaced = SkipSpaces();
  Token token;
  if (at_ < text_.size()) {
    const char c = text_[at_];
    if (IsDigit(c) || (c == '.' && at_ + 1 < text_.size() && IsDigit(text_[at_ + 1]))) {
      token = Number(context);
    } else if (IsLetter(c)) {
      token = Letters(context);
    } else if (c == '\\') {
      token = Command(context);
    } else if (static_cast<signed char>(c) < 0) {
      token = Rune();
    } else {
      token = Ascii(context);
    }
  }
  token.spaced = spaced;
  return token;
}

Token Lexer::Number(const Context& context) {
  literal_ =
      context.single ? ScanDigit(text_.substr(at_)) : ScanNumber(text_.substr(at_), context.commas_join);
  if (literal_.length == 0) return Take(TokenKind::kUnknown, 1);
  return Take(TokenKind::kNumber, literal_.length);
}

// A letter, its subscript and its primes. `letters` is the length of the letter or command.
Token Lexer::Symbol(size_t letters, absl::string_view name, const Context& context) {
  size_t end = at_ + letters;
  if (!context.single) {
    for (size_t i = end; i < text_.size();) {
      if (text_[i] == '_') {
        size_t begin = i + 1;
        while (begin < text_.size() && text_[begin] == ' ') ++begin;
        size_t stop = begin;
        if (begin < text_.size() && text_[begin] == '{') {
          stop = BracesEnd(text_, begin, kMaxNameBytes);
        } else if (begin < text_.size() && IsDigit(text_[begin])) {
          while (stop < text_.size() && IsDigit(text_[stop])) ++stop;
        } else if (begin < text_.size() && IsLetter(text_[begin])) {
          stop = begin + 1;
        } else if (begin < text_.size() && text_[begin] == '\\') {
          stop = LettersEnd(text_, begin + 1);
        }
        if (stop <= begin) break;
        end = i = stop;
      } else if (text_[i] == '\'') {
        end = ++i;
      } else if (const size_t length = SubscriptRuneLength(text_.substr(i)); length > 0) {
        end = i += length;
      } else {
        break;
      }
    }
  }
  Token token = Take(TokenKind::kSymbol, end - at_);
  if (token.text.size() == letters) token.text = name;
  return token;
}

Token Lexer::Letters(const Context& context) {
  // No word is longer than this; a run of letters without end is not looked at again for each of them.
  const size_t end = LettersEnd(text_.substr(0, std::min(text_.size(), at_ + kMaxWordBytes)), at_);
  const absl::string_view run = text_.substr(at_, end - at_);
  const bool subscript = end < text_.size() && (text_[end] == '_' || text_[end] == '\'');
  if (context.single || run.size() == 1) {
    if (!subscript && run[0] == 'e') return TakeNamed(ConstantToken(Constant::kE), 1);
    if (!subscript && run[0] == 'i') return TakeNamed(ConstantToken(Constant::kI), 1);
    return Symbol(1, run.substr(0, 1), context);
  }
  if (const Token* known = WordToken(run); known != nullptr) {
    if (known->kind == TokenKind::kSymbol) return Symbol(run.size(), known->text, context);
    return TakeNamed(*known, run.size());
  }
  // "x=1orx=2"
  if (context.after_operand && !absl::ascii_isspace(static_cast<unsigned char>(text_[at_ - 1]))) {
    for (const auto& [word, kind] : {std::pair("or", TokenKind::kOr), std::pair("and", TokenKind::kAnd)}) {
      if (absl::StartsWith(run, word) && run.size() == absl::string_view(word).size() + 1)
        return Take(kind, run.size() - 1);
    }
  }
  // "sinx" is sin x.
  if (const Token* known = WordToken(run.substr(0, run.size() - 1));
      known != nullptr && known->kind == TokenKind::kFunction && absl::StrContains("xyz", run.back()))
    return TakeNamed(*known, run.size() - 1);
  if (IsWord(run)) return Words(at_, end);
  // A product of letters; the last one may have a subscript.
  if (run[0] == 'e' || run[0] == 'i')
    return TakeNamed(ConstantToken(run[0] == 'e' ? Constant::kE : Constant::kI), 1);
  return Symbol(1, run.substr(0, 1), {.single = true});
}

// The words from `begin` on, as many as follow each other; `end` is the end of the first.
Token Lexer::Words(size_t begin, size_t end) {
  for (size_t i = end; i < text_.size();) {
    if (IsSpace(text_[i]) || text_[i] == '-' || text_[i] == '\'' || text_[i] == '/' || text_[i] == '.') {
      ++i;
      continue;
    }
    if (!IsLetter(text_[i])) break;
    const size_t stop = LettersEnd(text_, i);
    const absl::string_view word = text_.substr(i, stop - i);
    const bool joined = text_[i - 1] == '/' || text_[i - 1] == '\'' || text_[i - 1] == '-';
    if (!joined &&
        (WordToken(word) != nullptr || (!IsWord(word) && word != "a" && word != "A" && word != "s")))
      break;
    end = i = stop;
  }
  at_ = begin;
  return Take(TokenKind::kWords, end - begin);
}

// \text{…}, \mathrm{…}: words, a function, a constant, a unit; or mathematics in braces like all other.
Token Lexer::TextCommand(absl::string_view command, const Context& context) {
  size_t open = at_ + 1 + command.size();
  while (open < text_.size() && text_[open] == ' ') ++open;
  if (open >= text_.size() || text_[open] != '{') {
    at_ = open;
    return Next(context);
  }
  const size_t end = BracesEnd(text_, open, kMaxWordsBytes);
  if (end == 0) {
    at_ = styled_ = open;
    return Ascii(context);
  }
  const absl::string_view content = StripSpaces(text_.substr(open + 1, end - open - 2));
  const size_t bytes = end - at_;
  if (content.empty()) {
    at_ = end;
    return Next(context);
  }
  if (content == "," || content == ";")
    return Take(content == "," ? TokenKind::kComma : TokenKind::kSemicolon, bytes);
  absl::string_view bare = content;
  while (absl::ConsumePrefix(&bare, ",")) bare = absl::StripLeadingAsciiWhitespace(bare);
  while (absl::ConsumeSuffix(&bare, ",")) bare = absl::StripTrailingAsciiWhitespace(bare);
  if (bare.size() > 1) {
    if (const Token* known = WordToken(bare); known != nullptr) return TakeNamed(*known, bytes);
  } else if (bare == "e" || bare == "i") {
    return TakeNamed(ConstantToken(bare == "e" ? Constant::kE : Constant::kI), bytes);
  }
  if (command == "operatorname") {
    Token token = Take(TokenKind::kFunction, bytes, static_cast<uint32_t>(NamedFunction::kOther));
    token.text = content;
    return token;
  }
  const bool letter_first =
      IsLetter(content[0]) || content[0] == '/' || static_cast<signed char>(content[0]) < 0;
  const bool braces = absl::StrContains(content, '{') || absl::StrContains(content, '$');
  const bool unit = context.after_operand && letter_first && !braces &&
                    !absl::StrContains(content, " and ") && !absl::StrContains(content, " or ");
  const bool words = bare.size() > 1 && letter_first && !braces && OnlyWords(content) &&
                     !absl::StrContains(content, " and ") && !absl::StrContains(content, " or ");
  if (unit || words) {
    Token token = Take(TokenKind::kWords, bytes);
    token.text = content;
    return token;
  }
  if (bare.size() == 1 && IsLetter(bare[0]) && end < text_.size() && text_[end] == '_') {
    return Symbol(bytes, bare, context);
  }
  at_ = styled_ = open;
  return Ascii(context);
}

Token Lexer::Command(const Context& context) {
  if (at_ + 1 >= text_.size()) return Take(TokenKind::kUnknown, 1);
  const char next = text_[at_ + 1];
  switch (next) {
    case '{':
      return Take(TokenKind::kOpenSet, 2);
    case '}':
      return Take(TokenKind::kCloseSet, 2);
    case '|':
      return Take(TokenKind::kNorm, 2);
    case '%':
      return Take(TokenKind::kPercent, 2);
    case '$':
      return Take(TokenKind::kCurrency, 2);
    case '&':
      return Take(TokenKind::kAnd, 2);
    case '\\':
      // In a matrix the end of a row, with its optional height; else a command that was escaped twice.
      if (!context.rows && at_ + 2 < text_.size() &&
          (IsLetter(text_[at_ + 2]) || text_[at_ + 2] == '{' || text_[at_ + 2] == '}' ||
           text_[at_ + 2] == '%')) {
        ++at_;
        return Next(context);
      }
      if (!context.rows && at_ + 2 < text_.size() && absl::StrContains("()[]!,;:", text_[at_ + 2])) {
        at_ += 3;
        return Next(context);
      }
      if (at_ + 2 < text_.size() && text_[at_ + 2] == '[') {
        const size_t close = text_.substr(at_, 20).find(']');
        if (close != absl::string_view::npos && absl::StrContains(text_.substr(at_, close), "t"))  // pt
          return Take(TokenKind::kRowEnd, close + 1);
      }
      return Take(TokenKind::kRowEnd, 2);
    default:
      break;
  }
  const size_t end = LettersEnd(text_, at_ + 1);
  if (end == at_ + 1) return Take(TokenKind::kUnknown, 2);
  const absl::string_view name = text_.substr(at_ + 1, end - at_ - 1);
  const size_t bytes = end - at_;
  if (IsTextCommand(name)) return TextCommand(name, context);
  if ((name == "left" || name == "right") && end < text_.size() && text_[end] == '|')
    return Take(name == "left" ? TokenKind::kOpenBar : TokenKind::kCloseBar, bytes + 1);
  if (name == "right" && end < text_.size() && text_[end] == '.')
    return Take(TokenKind::kCloseNothing, bytes + 1);
  if (name == "mathbb" || name == "Bbb") {
    size_t letter = end;
    while (letter < text_.size() && (text_[letter] == ' ' || text_[letter] == '{')) ++letter;
    if (letter < text_.size()) {
      const Token* set = CommandToken(text_.substr(letter, 1));
      size_t close = letter + 1;
      if (text_.substr(end, letter - end).find('{') != absl::string_view::npos) {
        if (close >= text_.size() || text_[close] != '}') return Take(TokenKind::kUnknown, bytes);
        ++close;
      }
      if (set != nullptr) return TakeNamed(*set, close - at_);
      return Symbol(close - at_, text_.substr(letter, 1), context);
    }
  }
  if (name == "overline" || name == "bar") {  // a segment or a mean: a name
    size_t open = end;
    while (open < text_.size() && text_[open] == ' ') ++open;
    const size_t close =
        open < text_.size() && text_[open] == '{' ? BracesEnd(text_, open, kMaxNameBytes) : 0;
    if (close > 0) return Take(TokenKind::kSymbol, close - at_);
    return Take(TokenKind::kUnknown, bytes);
  }
  if (name == "pmod") {
    at_ = end;
    return {.kind = TokenKind::kMod, .detail = 1, .text = name};
  }
  if (const Token* known = CommandToken(name); known != nullptr) {
    if (known->kind == TokenKind::kSymbol) return Symbol(bytes, known->text, context);
    if (known->kind == TokenKind::kBeginEnvironment || known->kind == TokenKind::kEndEnvironment) {
      const size_t close = end < text_.size() && text_[end] == '{' ? BracesEnd(text_, end, kMaxNameBytes) : 0;
      if (close == 0) return Take(TokenKind::kUnknown, bytes);
      Token token = *known;
      token.text = text_.substr(end + 1, close - end - 2);
      at_ = close;
      return token;
    }
    return TakeNamed(*known, bytes);
  }
  return Take(TokenKind::kUnknown, bytes);
}

// ^, or what is written with one and is something else: degrees, ordinals, primes.
Token Lexer::Caret() {
  constexpr std::pair<absl::string_view, TokenKind> kMarks[] = {
      {"\\circ", TokenKind::kDegree},      {"\\degree", TokenKind::kDegree},
      {"°", TokenKind::kDegree},           {"\\prime", TokenKind::kPrime},
      {"\\text{th}", TokenKind::kWords},   {"\\text{st}", TokenKind::kWords},
      {"\\text{nd}", TokenKind::kWords},   {"\\text{rd}", TokenKind::kWords},
      {"\\mathrm{th}", TokenKind::kWords}, {"th", TokenKind::kWords},
  };
  size_t begin = at_ + 1;
  while (begin < text_.size() && text_[begin] == ' ') ++begin;
  const bool braced = begin < text_.size() && text_[begin] == '{';
  if (braced) ++begin;
  while (begin < text_.size() && text_[begin] == ' ') ++begin;
  for (const auto& [mark, kind] : kMarks) {
    if (!absl::StartsWith(text_.substr(std::min(begin, text_.size())), mark)) continue;
    size_t end = begin + mark.size();
    while (braced && end < text_.size() && text_[end] == ' ') ++end;
    if (braced && (end >= text_.size() || text_[end] != '}')) continue;
    if (!braced && end < text_.size() && IsLetter(text_[end]) && IsLetter(mark.back())) continue;
    if (braced) ++end;
    Token token = Take(kind, end - at_);
    if (kind == TokenKind::kWords) token.text = "th";
    return token;
  }
  return Take(TokenKind::kCaret, 1);
}

Token Lexer::Ascii(const Context& context) {
  const auto relation = [&](Relation kind, size_t bytes) {
    return Take(TokenKind::kRelation, bytes, static_cast<uint32_t>(kind));
  };
  switch (text_[at_]) {
    case '(':
      return Take(TokenKind::kOpenParen, 1);
    case ')':
      return Take(TokenKind::kCloseParen, 1);
    case '[':
      return Take(TokenKind::kOpenSquare, 1);
    case ']':
      return Take(TokenKind::kCloseSquare, 1);
    case '{':
      return Take(TokenKind::kOpenBrace, 1, at_ == styled_ ? 1 : 0);
    case '}':
      return Take(TokenKind::kCloseBrace, 1);
    case '|':
      return Take(TokenKind::kBar, 1);
    case '+':
      if (Next("+-") || Next("+/-")) return Take(TokenKind::kPlusMinus, Next("+-") ? 2 : 3);
      return Take(TokenKind::kPlus, 1);
    case '-':
      if (Next("->")) return relation(Relation::kTo, 2);
      return Take(TokenKind::kMinus, 1);
    case '*':
      if (Next("**")) return Take(TokenKind::kCaret, 2);
      return Take(TokenKind::kTimes, 1);
    case '/':
      return Take(TokenKind::kDivide, 1);
    case ':':
      if (Next(":=")) return relation(Relation::kEqual, 2);
      return Take(TokenKind::kColon, 1);
    case '^':
      return Caret();
    case '_':
      return Take(TokenKind::kUnderscore, 1);
    case '!':
      // "5!=120" is 5! = 120; "x != 3" and "x!=3" are not.
      if (Next("!=") &&
          !(context.after_operand && at_ > 0 && (IsDigit(text_[at_ - 1]) || text_[at_ - 1] == ')')))
        return relation(Relation::kNotEqual, 2);
      return Take(TokenKind::kBang, 1);
    case '%':
      return Take(TokenKind::kPercent, 1);
    case ',':
      return Take(TokenKind::kComma, 1);
    case ';':
      return Take(TokenKind::kSemicolon, 1);
    case '&':
      return Take(TokenKind::kAmpersand, 1);
    case '$':
      return Take(TokenKind::kCurrency, 1);
    case '\'':
      return Take(TokenKind::kPrime, 1);
    case '=':
      if (Next("=>")) return Take(TokenKind::kUnknown, 2);
      return relation(Relation::kEqual, Next("==") ? 2 : 1);
    case '<':
      if (Next("<=")) return relation(Relation::kLessEqual, 2);
      if (Next("<>")) return relation(Relation::kNotEqual, 2);
      return relation(Relation::kLess, 1);
    case '>':
      if (Next(">=")) return relation(Relation::kGreaterEqual, 2);
      return relation(Relation::kGreater, 1);
    case '.':
      if (Next("...")) return Take(TokenKind::kDots, 3);
      return Take(TokenKind::kUnknown, 1);
    default:
      return Take(TokenKind::kUnknown, 1);
  }
}

Token Lexer::Rune() {
  const DecodedRune rune = DecodeRune(text_.substr(at_));
  if (rune.bytes == 0) return Take(TokenKind::kUnknown, 1);
  if (const Superscript power = ScanSuperscript(text_.substr(at_)); power.bytes > 0)
    return Take(TokenKind::kSuperscript, power.bytes, static_cast<uint32_t>(power.value));
  const Token* known = RuneToken(rune.rune);
  if (known == nullptr) return Take(TokenKind::kUnknown, rune.bytes);
  if (known->kind == TokenKind::kSymbol) return Symbol(rune.bytes, known->text, {});
  return TakeNamed(*known, rune.bytes);
}

std::string SymbolName(absl::string_view text) {
  std::string name;
  for (size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (c == '\\') {
      // \text{max} and \mathrm{max} are max; \alpha is alpha.
      const size_t end = LettersEnd(text, i + 1);
      const absl::string_view command = text.substr(i + 1, end - i - 1);
      const bool style = IsTextCommand(command) || IsStyleCommand(command) || command == "mathbb";
      if (!style) name.append(command.data(), command.size());
      i = std::max(end, i + 1);
    } else if (c == '{' || c == '}' || IsSpace(c) || c == '$') {
      ++i;
    } else if (const size_t length = SubscriptRuneLength(text.substr(i)); length > 0) {
      if (name.find('_') == std::string::npos) name += '_';
      name += static_cast<char>('0' + (static_cast<unsigned char>(text[i + length - 1]) & 0xf));
      i += length;
    } else {
      name += c;
      ++i;
    }
  }
  return name;
}

}  // namespace entrain
