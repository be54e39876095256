#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"
#include "verifier/math/token.h"

namespace entrain {

// What a LaTeX command without its backslash ("le", "alpha") means; nullptr: not known. The token's text is
// the name that counts: "ge" and "geq" are one relation, "varepsilon" is "epsilon".
const Token* CommandToken(absl::string_view name);

// What a whole word of plain text ("sin", "pi", "or") means; nullptr: no word of mathematics.
const Token* WordToken(absl::string_view word);

// What a character beyond ASCII means; nullptr: nothing.
const Token* RuneToken(char32_t rune);

// A command that says how something looks and not what it is: "displaystyle", "mathbf", "left".
bool IsStyleCommand(absl::string_view name);

// A command whose argument is words: "text", "mathrm", "operatorname".
bool IsTextCommand(absl::string_view name);

// Letters that are a word and not a product of variables: "apples" and "km", but not "xyz". A word of four
// letters with a vowel is one; shorter words are those of a list.
bool IsWord(absl::string_view letters);

// Words that change the number beside them, or join it to something: "5 or more", "minus 5", "not 5".
bool ChangesTheNumber(absl::string_view word);

// No word of these does.
bool HarmlessWords(absl::string_view words);

// 1,000 for "thousand", 1,000,000 for "million", …; 0 for a word that is none of them.
uint64_t WordMultiplier(absl::string_view word);

}  // namespace entrain
