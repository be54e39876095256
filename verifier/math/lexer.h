#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"
#include "verifier/math/number_literal.h"
#include "verifier/math/token.h"

namespace entrain {

// Cuts an answer into tokens, one at a time, because what a piece of text is depends on where it stands: "m"
// is a unit behind a number and a variable elsewhere. Single-threaded; the text must outlive it.
class Lexer {
 public:
  explicit Lexer(absl::string_view text);

  struct Context {
    bool after_operand = false;  // a complete operand stands before
    bool commas_join = false;    // "1,234" may be one number
    bool single = false;         // an argument without braces: one digit, one letter
    bool rows = false;           // inside of an environment with rows: \\ ends one
  };
  // The next token. Never fails: what nothing is known about is kUnknown. At the end of the text: kEnd, again
  // and again.
  Token Next(const Context& context);
  // The literal of the last token, if that was kNumber.
  const NumberLiteral& literal() const { return literal_; }

  // What stands next, without spaces in front of it, and the way to take some of it.
  absl::string_view Rest();
  void Skip(size_t bytes) { at_ += bytes; }
  size_t position() const { return at_; }

 private:
  bool SkipSpaces();
  bool SkipIgnoredCommand();
  Token Number(const Context& context);
  Token Command(const Context& context);
  Token TextCommand(absl::string_view command, const Context& context);
  Token Letters(const Context& context);
  Token Words(size_t begin, size_t end);
  Token Symbol(size_t letters, absl::string_view name, const Context& context);
  Token Rune();
  Token Caret();
  Token Ascii(const Context& context);
  Token Take(TokenKind kind, size_t bytes, uint32_t detail = 0);
  Token TakeNamed(const Token& known, size_t bytes);
  bool Next(absl::string_view text) const;

  absl::string_view text_;
  size_t at_ = 0;
  size_t styled_ = absl::string_view::npos;  // where the brace of a command of style stands
  bool dollars_delimit_ = false;             // an even number of $: they stand around mathematics
  NumberLiteral literal_;
};

// "x_{12}" → "x_12", "x₁" → "x_1", "f'" → "f'": the name of a symbol from its text.
std::string SymbolName(absl::string_view text);

}  // namespace entrain
