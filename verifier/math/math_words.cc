#include "verifier/math/math_words.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "verifier/math/formula.h"

namespace entrain {
namespace {

using Table = absl::flat_hash_map<absl::string_view, Token>;
using Names = absl::flat_hash_set<absl::string_view>;

template <typename Detail>
Token Of(TokenKind kind, Detail detail, absl::string_view text = "") {
  return {.kind = kind, .detail = static_cast<uint32_t>(detail), .text = text};
}
Token Of(TokenKind kind) { return {.kind = kind}; }

struct NamedKind {
  absl::string_view name;
  Function function;
};
// Names that are the same word in LaTeX and in plain text.
constexpr NamedKind kFunctions[] = {
    {"sin", Function::kSin},       {"cos", Function::kCos},       {"tan", Function::kTan},
    {"cot", Function::kCot},       {"ctg", Function::kCot},       {"sec", Function::kSec},
    {"csc", Function::kCsc},       {"tg", Function::kTan},        {"arcsin", Function::kArcsin},
    {"arccos", Function::kArccos}, {"arctan", Function::kArctan}, {"arctg", Function::kArctan},
    {"sinh", Function::kSinh},     {"cosh", Function::kCosh},     {"tanh", Function::kTanh},
    {"exp", Function::kExp},       {"ln", Function::kLn},         {"gcd", Function::kGcd},
    {"lcm", Function::kLcm},       {"min", Function::kMin},       {"max", Function::kMax},
    {"Re", Function::kRe},         {"Im", Function::kIm},         {"floor", Function::kFloor},
    {"ceil", Function::kCeil},     {"asin", Function::kArcsin},   {"acos", Function::kArccos},
    {"atan", Function::kArctan},   {"abs", Function::kAbs},       {"GCD", Function::kGcd},
    {"LCM", Function::kLcm},
};
constexpr std::pair<absl::string_view, NamedFunction> kNamedFunctions[] = {
    {"log", NamedFunction::kLog},
    {"lg", NamedFunction::kLog10},
    {"lb", NamedFunction::kLog2},
    {"det", NamedFunction::kDet},
};
constexpr absl::string_view kGreek[] = {
    "alpha", "beta",  "gamma", "delta",  "epsilon", "zeta", "eta",   "theta", "iota", "kappa", "lambda",
    "mu",    "nu",    "xi",    "rho",    "sigma",   "tau",  "phi",   "chi",   "psi",  "omega", "upsilon",
    "Gamma", "Delta", "Theta", "Lambda", "Xi",      "Pi",   "Sigma", "Phi",   "Psi",  "Omega", "Upsilon"};

Table SharedTable() {
  Table table;
  for (const auto& [name, function] : kFunctions) table[name] = Of(TokenKind::kFunction, function);
  for (const auto& [name, function] : kNamedFunctions) table[name] = Of(TokenKind::kFunction, function);
  for (const absl::string_view name : kGreek) table[name] = Of(TokenKind::kSymbol, 0, name);
  table["pi"] = Of(TokenKind::kConstant, Constant::kPi);
  table["infty"] = Of(TokenKind::kConstant, Constant::kInfinity);
  table["cup"] = Of(TokenKind::kUnion);
  table["cap"] = Of(TokenKind::kIntersect);
  table["mod"] = Of(TokenKind::kMod);
  return table;
}

Table MakeCommands() {
  Table table = SharedTable();
  for (const char* name : {"frac", "dfrac", "tfrac", "cfrac"}) table[name] = Of(TokenKind::kOver, 0);
  for (const char* name : {"binom", "dbinom", "tbinom"}) table[name] = Of(TokenKind::kOver, 1);
  table["choose"] = Of(TokenKind::kChoose);
  table["over"] = Of(TokenKind::kChoose, 1);
  table["sqrt"] = Of(TokenKind::kRoot, 0);
  table["cbrt"] = Of(TokenKind::kRoot, 3);
  for (const char* name : {"times", "cdot", "ast", "bullet", "circ", "cross"})
    table[name] = Of(TokenKind::kTimes);
  table["circ"] = Of(TokenKind::kUnknown, 0, "\\circ");
  for (const char* name : {"div", "slash"}) table[name] = Of(TokenKind::kDivide);
  table["colon"] = Of(TokenKind::kColon);
  table["pm"] = Of(TokenKind::kPlusMinus);
  table["mp"] = Of(TokenKind::kPlusMinus, 1);
  for (const char* name : {"ne", "neq"}) table[name] = Of(TokenKind::kRelation, Relation::kNotEqual);
  for (const char* name : {"le", "leq", "leqslant", "leqq"})
    table[name] = Of(TokenKind::kRelation, Relation::kLessEqual);
  for (const char* name : {"ge", "geq", "geqslant", "geqq"})
    table[name] = Of(TokenKind::kRelation, Relation::kGreaterEqual);
  table["lt"] = Of(TokenKind::kRelation, Relation::kLess);
  table["gt"] = Of(TokenKind::kRelation, Relation::kGreater);
  for (const char* name : {"approx", "approxeq", "simeq"})
    table[name] = Of(TokenKind::kRelation, Relation::kApproximately);
  table["in"] = Of(TokenKind::kRelation, Relation::kIn);
  for (const char* name : {"to", "rightarrow", "longrightarrow"})
    table[name] = Of(TokenKind::kRelation, Relation::kTo);
  table["equiv"] = Of(TokenKind::kRelation, Relation::kCongruent);
  for (const char* name : {"setminus", "smallsetminus", "backslash"}) table[name] = Of(TokenKind::kSetMinus);
  for (const char* name : {"emptyset", "varnothing"})
    table[name] = Of(TokenKind::kConstant, Constant::kEmptySet);
  table["R"] = Of(TokenKind::kConstant, Constant::kReals);
  table["Z"] = Of(TokenKind::kConstant, Constant::kIntegers);
  table["N"] = Of(TokenKind::kConstant, Constant::kNaturals);
  table["Q"] = Of(TokenKind::kConstant, Constant::kRationals);
  table["C"] = Of(TokenKind::kConstant, Constant::kComplex);
  for (const char* name : {"lbrace"}) table[name] = Of(TokenKind::kOpenSet);
  for (const char* name : {"rbrace"}) table[name] = Of(TokenKind::kCloseSet);
  table["lbrack"] = Of(TokenKind::kOpenSquare);
  table["rbrack"] = Of(TokenKind::kCloseSquare);
  table["langle"] = Of(TokenKind::kOpenAngle);
  table["rangle"] = Of(TokenKind::kCloseAngle);
  table["lfloor"] = Of(TokenKind::kOpenFloor);
  table["rfloor"] = Of(TokenKind::kCloseFloor);
  table["lceil"] = Of(TokenKind::kOpenCeil);
  table["rceil"] = Of(TokenKind::kCloseCeil);
  table["lvert"] = Of(TokenKind::kOpenBar);
  table["rvert"] = Of(TokenKind::kCloseBar);
  table["vert"] = Of(TokenKind::kBar);
  table["mid"] = Of(TokenKind::kSuchThat);
  for (const char* name : {"Vert", "lVert", "rVert"}) table[name] = Of(TokenKind::kNorm);
  for (const char* name : {"land", "wedge"}) table[name] = Of(TokenKind::kAnd);
  for (const char* name : {"lor", "vee"}) table[name] = Of(TokenKind::kOr);
  table["bmod"] = Of(TokenKind::kMod);
  table["begin"] = Of(TokenKind::kBeginEnvironment);
  table["end"] = Of(TokenKind::kEndEnvironment);
  for (const char* name : {"ldots", "dots", "cdots", "dotsc", "dotsb", "vdots", "ddots"})
    table[name] = Of(TokenKind::kDots);
  table["imath"] = Of(TokenKind::kConstant, Constant::kI);
  table["degree"] = Of(TokenKind::kDegree);
  table["percent"] = Of(TokenKind::kPercent);
  table["prime"] = Of(TokenKind::kPrime);
  for (const absl::string_view name : {"sum", "prod", "int", "iint", "iiint", "oint", "lim", "limsup",
                                       "liminf", "bigcup", "bigcap", "sup", "inf"})
    table[name] = Of(TokenKind::kBigOperator, 0, name);
  for (const absl::string_view name : {"varepsilon", "vartheta", "varphi", "varrho", "varsigma"})
    table[name] = Of(TokenKind::kSymbol, 0, name.substr(3));
  for (const absl::string_view name : {"top",       "intercal",       "ell",       "hbar",       "partial",
                                       "nabla",     "triangle",       "square",    "perp",       "parallel",
                                       "bot",       "angle",          "exists",    "Rightarrow", "implies",
                                       "iff",       "Leftrightarrow", "subset",    "subseteq",   "notin",
                                       "star",      "dagger",         "checkmark", "heartsuit",  "clubsuit",
                                       "spadesuit", "diamondsuit"})
    table[name] = Of(TokenKind::kSymbol, 0, name);
  table["forall"] = Of(TokenKind::kWords, 0, "for all");
  for (const char* name : {"exists", "Rightarrow", "implies", "iff", "Leftrightarrow", "subset", "subseteq",
                           "notin", "perp", "parallel"})
    table[name] = Of(TokenKind::kUnknown, 0, "\\");
  return table;
}

Table MakeWords() {
  Table table = SharedTable();
  table["sqrt"] = Of(TokenKind::kRoot, 0);
  table["cbrt"] = Of(TokenKind::kRoot, 3);
  for (const char* name : {"infinity", "Infinity", "inf", "oo"})
    table[name] = Of(TokenKind::kConstant, Constant::kInfinity);
  table["Pi"] = Of(TokenKind::kSymbol, 0, "Pi");
  for (const char* name : {"and", "And", "AND"}) table[name] = Of(TokenKind::kAnd);
  for (const char* name : {"or", "Or", "OR"}) table[name] = Of(TokenKind::kOr);
  for (const char* name : {"percent", "percentage", "pct", "Percent"}) table[name] = Of(TokenKind::kPercent);
  for (const char* name : {"degrees", "degree", "deg"}) table[name] = Of(TokenKind::kDegree);
  table["in"] = Of(TokenKind::kRelation, Relation::kIn);
  table["union"] = Of(TokenKind::kUnion);
  return table;
}

absl::flat_hash_map<char32_t, Token> MakeRunes() {
  absl::flat_hash_map<char32_t, Token> table;
  for (const char32_t dash : {U'−', U'–', U'—', U'‐', U'‑', U'‒', U'－'}) table[dash] = Of(TokenKind::kMinus);
  for (const char32_t times : {U'×', U'·', U'⋅', U'∙', U'•', U'∗', U'✕', U'⨯'})
    table[times] = Of(TokenKind::kTimes);
  for (const char32_t over : {U'÷', U'∕', U'⁄'}) table[over] = Of(TokenKind::kDivide);
  table[U'＋'] = Of(TokenKind::kPlus);
  table[U'±'] = Of(TokenKind::kPlusMinus);
  table[U'∓'] = Of(TokenKind::kPlusMinus, 1);
  table[U'√'] = Of(TokenKind::kRoot, 0);
  table[U'∛'] = Of(TokenKind::kRoot, 3);
  table[U'∞'] = Of(TokenKind::kConstant, Constant::kInfinity);
  table[U'π'] = Of(TokenKind::kConstant, Constant::kPi);
  table[U'∅'] = Of(TokenKind::kConstant, Constant::kEmptySet);
  table[U'ℝ'] = Of(TokenKind::kConstant, Constant::kReals);
  table[U'ℤ'] = Of(TokenKind::kConstant, Constant::kIntegers);
  table[U'ℕ'] = Of(TokenKind::kConstant, Constant::kNaturals);
  table[U'ℚ'] = Of(TokenKind::kConstant, Constant::kRationals);
  table[U'ℂ'] = Of(TokenKind::kConstant, Constant::kComplex);
  table[U'≤'] = table[U'⩽'] = Of(TokenKind::kRelation, Relation::kLessEqual);
  table[U'≥'] = table[U'⩾'] = Of(TokenKind::kRelation, Relation::kGreaterEqual);
  table[U'≠'] = Of(TokenKind::kRelation, Relation::kNotEqual);
  table[U'≈'] = Of(TokenKind::kRelation, Relation::kApproximately);
  table[U'≡'] = Of(TokenKind::kRelation, Relation::kCongruent);
  table[U'∈'] = Of(TokenKind::kRelation, Relation::kIn);
  table[U'→'] = Of(TokenKind::kRelation, Relation::kTo);
  table[U'＝'] = Of(TokenKind::kRelation, Relation::kEqual);
  table[U'∪'] = Of(TokenKind::kUnion);
  table[U'∩'] = Of(TokenKind::kIntersect);
  table[U'∖'] = Of(TokenKind::kSetMinus);
  table[U'∧'] = Of(TokenKind::kAnd);
  table[U'∨'] = Of(TokenKind::kOr);
  table[U'°'] = table[U'º'] = Of(TokenKind::kDegree);
  table[U'′'] = table[U'’'] = Of(TokenKind::kPrime);
  table[U'…'] = table[U'⋯'] = Of(TokenKind::kDots);
  table[U'⟨'] = table[U'〈'] = Of(TokenKind::kOpenAngle);
  table[U'⟩'] = table[U'〉'] = Of(TokenKind::kCloseAngle);
  table[U'⌊'] = Of(TokenKind::kOpenFloor);
  table[U'⌋'] = Of(TokenKind::kCloseFloor);
  table[U'⌈'] = Of(TokenKind::kOpenCeil);
  table[U'⌉'] = Of(TokenKind::kCloseCeil);
  table[U'‖'] = Of(TokenKind::kNorm);
  table[U'∣'] = Of(TokenKind::kSuchThat);
  table[U'（'] = Of(TokenKind::kOpenParen);
  table[U'）'] = Of(TokenKind::kCloseParen);
  table[U'，'] = table[U'、'] = Of(TokenKind::kComma);
  table[U'；'] = Of(TokenKind::kSemicolon);
  table[U'：'] = Of(TokenKind::kColon);
  table[U'％'] = Of(TokenKind::kPercent);
  for (const auto& [rune, name] :
       std::initializer_list<std::pair<char32_t, absl::string_view>>{{U'€', "€"},
                                                                     {U'£', "£"},
                                                                     {U'¥', "¥"},
                                                                     {U'₹', "₹"},
                                                                     {U'₽', "₽"},
                                                                     {U'₩', "₩"},
                                                                     {U'₪', "₪"},
                                                                     {U'¢', "¢"},
                                                                     {U'₫', "₫"},
                                                                     {U'฿', "฿"}})
    table[rune] = Of(TokenKind::kCurrency, 0, name);
  for (const auto& [rune, over, under] :
       std::initializer_list<std::tuple<char32_t, uint32_t, uint32_t>>{{U'½', 1, 2},
                                                                       {U'⅓', 1, 3},
                                                                       {U'⅔', 2, 3},
                                                                       {U'¼', 1, 4},
                                                                       {U'¾', 3, 4},
                                                                       {U'⅕', 1, 5},
                                                                       {U'⅖', 2, 5},
                                                                       {U'⅗', 3, 5},
                                                                       {U'⅘', 4, 5},
                                                                       {U'⅙', 1, 6},
                                                                       {U'⅚', 5, 6},
                                                                       {U'⅐', 1, 7},
                                                                       {U'⅛', 1, 8},
                                                                       {U'⅜', 3, 8},
                                                                       {U'⅝', 5, 8},
                                                                       {U'⅞', 7, 8},
                                                                       {U'⅑', 1, 9},
                                                                       {U'⅒', 1, 10}})
    table[rune] = Of(TokenKind::kFraction, 100 * over + under);
  constexpr char32_t kLetters[] = U"αβγδεζηθικλμνξρστφχψωυΓΔΘΛΞΠΣΦΨΩΥ";
  for (size_t i = 0; i < std::size(kGreek); ++i) table[kLetters[i]] = Of(TokenKind::kSymbol, 0, kGreek[i]);
  table[U'ϕ'] = Of(TokenKind::kSymbol, 0, "phi");
  table[U'∠'] = Of(TokenKind::kSymbol, 0, "angle");
  table[U'△'] = Of(TokenKind::kSymbol, 0, "triangle");
  table[U'ℓ'] = Of(TokenKind::kSymbol, 0, "ell");
  table[U'Δ'] = table[U'∆'] = Of(TokenKind::kSymbol, 0, "Delta");
  table[U'∑'] = Of(TokenKind::kBigOperator, 0, "sum");
  table[U'∏'] = Of(TokenKind::kBigOperator, 0, "prod");
  table[U'∫'] = Of(TokenKind::kBigOperator, 0, "int");
  return table;
}

template <typename Map, typename Key>
const Token* Find(const Map& map, const Key& key) {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : &found->second;
}

bool IsVowel(char c) { return absl::StrContains("aeiouyAEIOUY", c); }

}  // namespace

const Token* CommandToken(absl::string_view name) {
  static const auto* const kCommands = new Table(MakeCommands());
  return Find(*kCommands, name);
}

const Token* WordToken(absl::string_view word) {
  static const auto* const kWords = new Table(MakeWords());
  return Find(*kWords, word);
}

const Token* RuneToken(char32_t rune) {
  static const auto* const kRunes = new absl::flat_hash_map<char32_t, Token>(MakeRunes());
  return Find(*kRunes, rune);
}

bool IsStyleCommand(absl::string_view name) {
  static const auto* const kNames =
      new Names{"displaystyle", "textstyle", "scriptstyle", "limits",  "nolimits", "mathbf",
                "boldsymbol",   "bm",        "mathit",      "mathcal", "mathsf",   "mathscr",
                "mathtt",       "mathfrak",  "boxed",       "fbox",    "vec",      "hat",
                "widehat",      "tilde",     "mathop",      "mathrel", "mathbin",  "mathord",
                "ensuremath",   "rm",        "bf",          "it",      "big",      "Big",
                "bigg",         "Bigg",      "bigl",        "bigr",    "Bigl",     "Bigr",
                "biggl",        "biggr",     "Biggl",       "Biggr",   "quad",     "qquad",
                "thinspace",    "hfill",     "left",        "right",   "middle",   "overrightarrow",
                "underline",    "color",     "nonumber",    "large",   "Large",    "small",
                "hline",        "enspace",   "mleft",       "mright",  "bigm",     "Bigm",
                "medspace",     "thickspace"};
  return kNames->contains(name);
}

bool IsTextCommand(absl::string_view name) {
  static const auto* const kNames =
      new Names{"text",   "textbf", "textit", "textrm",       "textnormal", "mbox",
                "mathrm", "hbox",   "textsf", "operatorname", "emph",       "texttt"};
  return kNames->contains(name);
}

bool IsWord(absl::string_view letters) {
  static const auto* const kShort = new Names{
      "yes",   "Yes",  "YES",  "no",   "No",     "NO",     "odd",    "Odd", "Is",  "is",  "the", "The",
      "cm",    "mm",   "km",   "dm",   "kg",     "mg",     "ft",     "yd",  "lb",  "lbs", "oz",  "hr",
      "hrs",   "min",  "mins", "sec",  "mph",    "kmh",    "kph",    "mL",  "ml",  "sq",  "th",  "st",
      "nd",    "rd",   "pm",   "am",   "PM",     "AM",     "day",    "men", "pie", "gal", "mol", "rad",
      "of",    "to",   "by",   "if",   "for",    "are",    "per",    "DNE", "all", "All", "any", "not",
      "Not",   "cup",  "cm²",  "an",   "Monday", "Sunday", "Friday", "one", "two", "six", "ten", "new",
      "old",   "red",  "box",  "cat",  "dog",    "car",    "pen",    "toy", "row", "way", "his", "her",
      "its",   "at",   "as",   "it",   "we",     "USD",    "pts",    "pt",  "hz",  "Hz",  "kHz", "dollars",
      "cents", "than", "more", "left", "NaN",    "nan"};
  if (letters.size() >= 4)
    return std::any_of(letters.begin(), letters.end(), IsVowel) || kShort->contains(letters);
  return kShort->contains(letters);
}

bool ChangesTheNumber(absl::string_view word) {
  static const auto* const kWords =
      new Names{"hundred", "hundreds", "thousand", "thousands", "million", "millions", "billion", "billions",
                "trillion", "dozen", "dozens", "percent", "pi", "half", "halves", "third", "thirds",
                "quarter", "quarters", "fifths", "tenths", "times", "plus", "minus", "over", "or", "and",
                "to", "not", "no", "than", "mod", "factor", "squared", "cubed", "least", "most", "between",
                "negative", "infinity", "power", "root", "twice", "double", "triple", "more", "fewer",
                "never", "except", "without", "if", "when", "where",
                // Dates are words.
                "january", "february", "march", "april", "june", "july", "august", "september", "october",
                "november", "december"};
  return kWords->contains(absl::AsciiStrToLower(word));
}

bool HarmlessWords(absl::string_view words) {
  for (size_t i = 0; i < words.size();) {
    size_t end = i;
    while (end < words.size() && absl::ascii_isalpha(static_cast<unsigned char>(words[end]))) ++end;
    if (end > i && ChangesTheNumber(words.substr(i, end - i))) return false;
    i = end + 1;
  }
  return true;
}

uint64_t WordMultiplier(absl::string_view word) {
  if (word == "hundred") return 100;
  if (word == "thousand") return 1'000;
  if (word == "million") return 1'000'000;
  if (word == "billion") return 1'000'000'000;
  if (word == "trillion") return 1'000'000'000'000;
  return 0;
}

}  // namespace entrain
