// Numbers, symbols, words and units.
#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "verifier/math/formula_parser.h"
#include "verifier/math/math_words.h"
#include "verifier/math/runes.h"

namespace entrain {
namespace {

bool IsDigitAt(absl::string_view text, size_t i) {
  return i < text.size() && text[i] >= '0' && text[i] <= '9';
}

absl::string_view TakeDigits(absl::string_view& text) {
  size_t end = 0;
  while (IsDigitAt(text, end)) ++end;
  const absl::string_view digits = text.substr(0, end);
  text.remove_prefix(end);
  return digits;
}

void SkipBlanks(absl::string_view& text) {
  while (!text.empty() && text[0] == ' ') text.remove_prefix(1);
}

// {12} or 1: an argument of \frac that is digits only; "" when it is something else.
absl::string_view TakeDigitsArgument(absl::string_view& text) {
  SkipBlanks(text);
  if (!absl::ConsumePrefix(&text, "{")) {
    const absl::string_view digit = text.substr(0, IsDigitAt(text, 0) ? 1 : 0);
    text.remove_prefix(digit.size());
    return digit;
  }
  SkipBlanks(text);
  const absl::string_view digits = TakeDigits(text);
  SkipBlanks(text);
  return absl::ConsumePrefix(&text, "}") ? digits : absl::string_view();
}

// The proper fraction of two short runs of digits; 0: it is none, so no part of a mixed number.
mpq_class ProperFraction(absl::string_view over, absl::string_view under) {
  constexpr size_t kMaxDigits = 18;
  if (over.empty() || under.empty() || over.size() > kMaxDigits || under.size() > kMaxDigits) return 0;
  const mpz_class a(std::string(over), 10), b(std::string(under), 10);
  if (a >= b) return 0;
  mpq_class fraction(a, b);
  fraction.canonicalize();
  return fraction;
}

// Lower case, single spaces, no punctuation at the ends.
std::string TidyWords(absl::string_view words, bool lower) {
  std::string out;
  for (const char c : words) {
    const bool space = absl::ascii_isspace(static_cast<unsigned char>(c)) || c == '~';
    if (space && (out.empty() || out.back() == ' ')) continue;
    out += space ? ' ' : lower ? absl::ascii_tolower(static_cast<unsigned char>(c)) : c;
  }
  while (!out.empty() && absl::StrContains(" .,:;!?", out.back())) out.pop_back();
  return out;
}

// A function is called: f(x), but not x(x + 1). f and g always are functions; other usual names are when one
// letter or number stands between the parentheses.
bool IsCall(absl::string_view name, absl::string_view rest) {
  if (!absl::StartsWith(rest, "(")) return false;
  if (name == "f" || name == "g" || absl::StrContains(name, '\'') || name == "Gamma" || name == "zeta")
    return true;
  const bool usual = name.size() == 1 ? absl::StrContains("hFGHPQpqSTWRuvN", name[0])
                                      : absl::StartsWith(name, "f_") || absl::StartsWith(name, "g_") ||
                                            name == "phi" || name == "varphi" || name == "psi" ||
                                            name == "Phi" || name == "sigma" || name == "tau" || name == "mu";
  if (!usual) return false;
  const size_t close = rest.substr(0, 12).find(')');
  if (close == absl::string_view::npos || close < 2) return false;
  const absl::string_view inside = absl::StripAsciiWhitespace(rest.substr(1, close - 1));
  const bool digits = std::all_of(inside.begin(), inside.end(), [](char c) { return c >= '0' && c <= '9'; });
  return !inside.empty() &&
         (digits || (inside.size() == 1 && absl::ascii_isalpha(static_cast<unsigned char>(inside[0]))));
}

// A number, a letter, or both: 2n.
bool TakeSimple(absl::string_view& text) {
  SkipBlanks(text);
  const bool digits = !TakeDigits(text).empty();
  const bool letter = !text.empty() && absl::ascii_isalpha(static_cast<unsigned char>(text[0]));
  if (!digits && !letter) return false;
  if (letter) text.remove_prefix(1);
  SkipBlanks(text);
  return true;
}

// C(5, 2), C(n, k)
bool IsChoose(absl::string_view name, absl::string_view rest) {
  return name == "C" && absl::ConsumePrefix(&rest, "(") && TakeSimple(rest) &&
         absl::ConsumePrefix(&rest, ",") && TakeSimple(rest) && absl::StartsWith(rest, ")");
}

// {\text{m}} or {\mathrm{s}^2}: a unit in a fraction of units; "" when it is something else.
std::string TakeUnitArgument(absl::string_view& text) {
  constexpr size_t kMaxBytes = 40;
  SkipBlanks(text);
  absl::string_view rest = text.substr(0, kMaxBytes);
  if (!absl::ConsumePrefix(&rest, "{")) return "";
  SkipBlanks(rest);
  bool command = false;
  for (const absl::string_view open : {"\\text{", "\\mathrm{", "\\mbox{"})
    command |= absl::ConsumePrefix(&rest, open);
  const size_t close = rest.find('}');
  if (!command || close == absl::string_view::npos) return "";
  std::string unit = TidyWords(rest.substr(0, close), /*lower=*/false);
  rest.remove_prefix(close + 1);
  if (absl::ConsumePrefix(&rest, "^")) absl::StrAppend(&unit, "^", TakeDigits(rest));
  SkipBlanks(rest);
  const bool letters = std::all_of(unit.begin(), unit.end(), [](char c) { return c != '{' && c != '\\'; });
  if (!letters || !absl::ConsumePrefix(&rest, "}")) return "";
  text.remove_prefix(static_cast<size_t>(rest.data() - text.data()));
  return unit;
}

}  // namespace

void FormulaParser::PushOperand(NodeId id, StackOperand flags) {
  flags.id = id;
  operands_.push_back(flags);
  have_operand_ = true;
  if (!currency_.empty()) WrapUnit(std::exchange(currency_, ""));
  while (!stopped_ && have_operand_ && Awaiting()) Deliver();
}

bool FormulaParser::ReadNumber(absl::string_view text, const NumberLiteral& literal, Number& number) {
  switch (NumberValue(text, literal, kMaxFormulaDigits, number, digits_used_)) {
    case NumberValueStatus::kTooManyDigits:
      PastLimit(absl::StrCat("digits: more than ", kMaxFormulaDigits));
      return false;
    case NumberValueStatus::kTooLargeExponent:
      PastLimit(absl::StrCat("exponent: more than ", kMaxFormulaDigits));
      return false;
    case NumberValueStatus::kOk:
      break;
  }
  if (digits_used_ > kMaxTotalDigits)
    PastLimit(absl::StrCat("digits: more than ", kMaxTotalDigits, " in all"));
  if (literal.thousands_comma) out_.thousands_comma = true;
  return !stopped_;
}

void FormulaParser::PushNumber(const Token& token) {
  Number number;
  const NumberLiteral& literal = lexer_.literal();
  if (!ReadNumber(token.text, literal, number)) return;
  PushOperand(build_.Number(std::move(number)),
              {.whole = literal.whole,
               .clock = literal.whole && token.text.size() > 1 && token.text[0] == '0',
               .number = true});
}

// "1 1/2": the whole number is the operand, `token` the numerator.
bool FormulaParser::MixedNumber(const Token& token) {
  if (!operands_.back().whole || !token.spaced || !lexer_.literal().whole) return false;
  absl::string_view rest = lexer_.Rest();
  const size_t before = rest.size();
  if (!absl::ConsumePrefix(&rest, "/")) return false;
  SkipBlanks(rest);
  const absl::string_view under = TakeDigits(rest);
  const mpq_class fraction = ProperFraction(token.text, under);
  if (fraction == 0) return false;
  lexer_.Skip(before - rest.size());
  build_.number(Top()).value += fraction;
  operands_.back().whole = false;
  return true;
}

// 1\frac{1}{2}: the whole number is the operand, the lexer stands behind \frac.
bool FormulaParser::MixedFraction() {
  absl::string_view rest = lexer_.Rest();
  const size_t before = rest.size();
  const absl::string_view over = TakeDigitsArgument(rest), under = TakeDigitsArgument(rest);
  const mpq_class fraction = ProperFraction(over, under);
  if (fraction == 0) return false;
  lexer_.Skip(before - rest.size());
  build_.number(Top()).value += fraction;
  operands_.back().whole = false;
  return true;
}

// \frac{\text{m}}{\text{s}} behind a number; the lexer stands behind \frac.
bool FormulaParser::UnitFraction() {
  absl::string_view rest = lexer_.Rest();
  const size_t before = rest.size();
  const std::string over = TakeUnitArgument(rest);
  const std::string under = over.empty() ? "" : TakeUnitArgument(rest);
  if (under.empty()) return false;
  lexer_.Skip(before - rest.size());
  WrapUnit(absl::StrCat(over, "/", under));
  return true;
}

// "20 m/s", "9.8 m/s^2" without \text: the lexer stands behind the m.
bool FormulaParser::MetresPerSecond() {
  absl::string_view rest = lexer_.Rest();
  const size_t before = rest.size();
  if (!absl::ConsumePrefix(&rest, "/s")) return false;
  for (const absl::string_view square : {"^2", "^{2}", "²"}) {
    if (absl::ConsumePrefix(&rest, square)) break;
  }
  if (!absl::StripAsciiWhitespace(rest).empty()) return false;
  std::string name = absl::StrCat("m", lexer_.Rest().substr(0, before - rest.size()));
  lexer_.Skip(before - rest.size());
  WrapUnit(std::move(name));
  return true;
}

// 1010_2 and 1010_{2}: digits in a base, which are the same only as digits in that base.
void FormulaParser::BaseSubscript() {
  absl::string_view rest = lexer_.Rest();
  const size_t before = rest.size();
  const bool braced = absl::ConsumePrefix(&rest, "{");
  for (const absl::string_view command : {"\\text{", "\\mathrm{"}) absl::ConsumePrefix(&rest, command);
  std::string base(TakeDigits(rest));
  if (base.empty()) {
    size_t end = 0;
    while (end < rest.size() && absl::ascii_isalpha(static_cast<unsigned char>(rest[end]))) ++end;
    constexpr absl::string_view kBases[] = {"two",   "three", "four", "five", "six",
                                            "seven", "eight", "nine", "ten"};
    const auto* found = std::ranges::find(kBases, rest.substr(0, end));
    if (found != std::end(kBases)) base = absl::StrCat(2 + (found - std::begin(kBases)));
    rest.remove_prefix(end);
  }
  if (braced) {
    absl::ConsumePrefix(&rest, "}");
    while (absl::StartsWith(rest, "}")) rest.remove_prefix(1);
  }
  if (!(operands_.back().whole || operands_.back().digits) || base.empty() || base.size() > 3)
    return Fail("an operator", {.kind = TokenKind::kUnderscore, .text = "_"});
  lexer_.Skip(before - rest.size());
  const NodeId digits = Top();
  operands_.pop_back();
  const NodeId base_node = build_.Whole(std::stol(base));
  const NodeId parts[] = {digits, base_node};
  PushOperand(build_.Named(Op::kOpaque, "base", parts));
}

void FormulaParser::PushSymbol(const Token& token) {
  std::string name = SymbolName(token.text);
  if (name.empty()) return Fail("a variable", token);
  const absl::string_view rest = lexer_.Rest();
  if (!Awaiting() && absl::StartsWith(rest, "(")) {
    if (IsChoose(name, rest)) return StartFunction(static_cast<uint32_t>(Function::kBinomial), "C");
    if (IsCall(name, rest)) return StartFunction(static_cast<uint32_t>(NamedFunction::kOther), name);
  }
  PushOperand(build_.Named(Op::kSymbol, std::move(name)));
}

void FormulaParser::PushWords(const Token& token) {
  std::string words = TidyWords(token.text, /*lower=*/true);
  absl::string_view set = words;
  absl::ConsumePrefix(&set, "the set of ");
  if (set == "all real numbers" || set == "all reals" || set == "real numbers" || set == "all real values")
    return PushOperand(build_.Constant(Constant::kReals));
  if (words == "empty set" || words == "the empty set")
    return PushOperand(build_.Constant(Constant::kEmptySet));
  PushOperand(build_.Named(Op::kText, std::move(words)), {.words = true});
}

void FormulaParser::WrapUnit(std::string name) {
  const NodeId quantity = Top();
  operands_.pop_back();
  const NodeId node = build_.Named(Op::kUnit, std::move(name), std::span(&quantity, 1));
  operands_.push_back({.id = node, .unit = true});
}

// ^2, ^{-1}, ² behind the name of a unit.
void FormulaParser::UnitExponent(std::string& name) {
  absl::string_view rest = lexer_.Rest();
  const size_t before = rest.size();
  if (const Superscript power = ScanSuperscript(rest); power.bytes > 0) {
    absl::StrAppend(&name, "^", power.value);
    return lexer_.Skip(power.bytes);
  }
  if (!absl::ConsumePrefix(&rest, "^")) return;
  const bool braced = absl::ConsumePrefix(&rest, "{");
  const bool negative = absl::ConsumePrefix(&rest, "-");
  const absl::string_view digits = TakeDigits(rest);
  if (digits.empty() || digits.size() > 3 || (braced && !absl::ConsumePrefix(&rest, "}"))) return;
  absl::StrAppend(&name, "^", negative ? "-" : "", digits);
  lexer_.Skip(before - rest.size());
}

// Words behind a number: a unit, "million", or something that changes it and makes it no formula.
void FormulaParser::Unit(const Token& token) {
  if (operands_.back().words || operands_.back().unit) return Fail("an operator", token);
  absl::string_view words = absl::StripAsciiWhitespace(token.text);
  const absl::string_view first = words.substr(0, words.find(' '));
  if (const uint64_t factor = WordMultiplier(first); factor > 0) {
    const NodeId value = build_.Whole(static_cast<long>(factor));
    operands_.back() = {.id = build_.Node(Op::kMultiply, 0, {Top(), value})};
    words = absl::StripLeadingAsciiWhitespace(words.substr(first.size()));
    if (words.empty()) return;
  }
  if (!HarmlessWords(words)) return Fail("a unit", token);
  Reduce(precedence::kRatio + 1);
  if (stopped_) return;
  std::string name = TidyWords(words, /*lower=*/false);
  UnitExponent(name);
  // \text{m}/\text{s}^2
  for (;;) {
    absl::string_view rest = lexer_.Rest();
    if (!absl::StartsWith(rest, "/\\text{") && !absl::StartsWith(rest, "/\\mathrm{") &&
        !absl::StartsWith(rest, "/ \\text{") && !absl::StartsWith(rest, "/ \\mathrm{"))
      break;
    lexer_.Skip(1);
    const Token under = lexer_.Next({.after_operand = true});
    if (under.kind != TokenKind::kWords) return Fail("a unit", under);
    absl::StrAppend(&name, "/", TidyWords(under.text, /*lower=*/false));
    UnitExponent(name);
  }
  WrapUnit(std::move(name));
}

void FormulaParser::Factorial() {
  Function function = Function::kFactorial;
  const absl::string_view rest = text_.substr(lexer_.position());
  if (absl::StartsWith(rest, "!") && !absl::StartsWith(rest, "!=")) {
    lexer_.Skip(1);
    function = Function::kDoubleFactorial;
  }
  Replace(1, Op::kFunction, static_cast<uint32_t>(function));
}

}  // namespace entrain
