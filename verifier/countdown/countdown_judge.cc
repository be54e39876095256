#include <gmpxx.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "verifier/judges.h"

namespace entrain {
namespace {

constexpr size_t kMaxExpressionBytes = 4096;
constexpr int kMaxDepth = 64;
constexpr size_t kMaxDigits = 40;                          // of one number
constexpr int64_t kMaxNumber = 1'000'000'000'000'000'000;  // of the given ones

// expression = term { ('+' | '-') term }, term = factor { ('*' | '/') factor }, factor = number | '-' factor
// | '(' expression ')'. Exact; never evaluated as code.
class ExpressionParser {
 public:
  explicit ExpressionParser(absl::string_view text) : text_(text) {}

  // nullopt: `problem` says why, and `past_limit` whether a limit was passed.
  std::optional<mpq_class> Parse() {
    std::optional<mpq_class> value = Sum(0);
    if (value.has_value() && (SkipSpace(), at_ != text_.size())) {
      problem = absl::StrCat("unexpected \"", text_.substr(at_, 1), "\" at byte ", at_);
      return std::nullopt;
    }
    return value;
  }

  std::string problem;
  bool past_limit = false;
  std::vector<int64_t> numbers;  // in order; beyond int64: −1

 private:
  void SkipSpace() {
    while (at_ < text_.size() && absl::ascii_isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }
  // The next character if it is one of `wanted`, else 0.
  char Take(absl::string_view wanted) {
    SkipSpace();
    if (at_ >= text_.size() || wanted.find(text_[at_]) == absl::string_view::npos) return 0;
    return text_[at_++];
  }
  std::nullopt_t Fail(std::string why, bool limit = false) {
    if (problem.empty()) {
      problem = std::move(why);
      past_limit = limit;
    }
    return std::nullopt;
  }

  std::optional<mpq_class> Sum(int depth) {
    std::optional<mpq_class> value = Product(depth);
    while (value.has_value()) {
      const char sign = Take("+-");
      if (sign == 0) return value;
      const std::optional<mpq_class> next = Product(depth);
      if (!next.has_value()) return std::nullopt;
      *value = sign == '+' ? mpq_class(*value + *next) : mpq_class(*value - *next);
    }
    return value;
  }

  std::optional<mpq_class> Product(int depth) {
    std::optional<mpq_class> value = Factor(depth);
    while (value.has_value()) {
      const char sign = Take("*/");
      if (sign == 0) return value;
      const std::optional<mpq_class> next = Factor(depth);
      if (!next.has_value()) return std::nullopt;
      if (sign == '/' && *next == 0) return Fail("division by zero");
      *value = sign == '*' ? mpq_class(*value * *next) : mpq_class(*value / *next);
    }
    return value;
  }

  std::optional<mpq_class> Factor(int depth) {
    if (depth > kMaxDepth) return Fail(absl::StrCat("depth: more than ", kMaxDepth), true);
    if (Take("-") != 0) {
      std::optional<mpq_class> value = Factor(depth + 1);
      if (value.has_value()) *value = -*value;
      return value;
    }
    if (Take("(") != 0) {
      std::optional<mpq_class> value = Sum(depth + 1);
      if (value.has_value() && Take(")") == 0) return Fail(absl::StrCat("expected \")\" at byte ", at_));
      return value;
    }
    SkipSpace();
    const size_t begin = at_;
    while (at_ < text_.size() && absl::ascii_isdigit(static_cast<unsigned char>(text_[at_]))) ++at_;
    if (at_ == begin) return Fail(absl::StrCat("expected a number at byte ", at_));
    if (at_ - begin > kMaxDigits)
      return Fail(absl::StrCat("digits: more than ", kMaxDigits, " in one number"), true);
    const mpz_class value(std::string(text_.substr(begin, at_ - begin)), 10);
    numbers.push_back(value.fits_slong_p() ? value.get_si() : -1);
    return mpq_class(value);
  }

  absl::string_view text_;
  size_t at_ = 0;
};

// terms × digits joined by '+', nothing else: "45+92".
bool HasForm(absl::string_view text, int64_t terms, int64_t digits) {
  if (static_cast<int64_t>(text.size()) != terms * (digits + 1) - 1) return false;
  const std::vector<absl::string_view> parts = absl::StrSplit(text, '+');
  return static_cast<int64_t>(parts.size()) == terms &&
         std::ranges::all_of(parts, [digits](absl::string_view part) {
           return static_cast<int64_t>(part.size()) == digits && part[0] != '0' &&
                  std::all_of(part.begin(), part.end(),
                              [](char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); });
         });
}

class CountdownJudge final : public Judge {
 public:
  VerifierInfo Describe() const override {
    return {.summary = "The completion is an arithmetic expression whose value is the reference.",
            .options = {{"numbers", "any", "exactly these, each as often as it is listed"},
                        {"terms", "any", "a sum of that many terms and nothing else; goes with digits"},
                        {"digits", "any", "of each term"}}};
  }

  Verdict Decide(absl::string_view completion, absl::string_view answer, const nlohmann::json& options,
                 const JudgeContext&) const override {
    JudgeOptions read(options);
    std::vector<int64_t> allowed = read.Wholes("numbers", 0, kMaxNumber);
    const int64_t terms = read.Whole("terms", 1, 64, 0), digits = read.Whole("digits", 1, 18, 0);
    if (const std::string problem = read.Problem(); !problem.empty()) return OurError(problem);
    if ((terms == 0) != (digits == 0)) return OurError("verifier_options: terms and digits go together");
    if (read.Has("numbers") && allowed.empty())
      return OurError("verifier_options.numbers: expected at least one, found none");
    if (terms != 0 && read.Has("numbers"))
      return OurError("verifier_options: numbers excludes terms and digits");
    ExpressionParser target(absl::StripAsciiWhitespace(answer));
    const std::optional<mpq_class> wanted = target.Parse();
    if (!wanted.has_value())
      return OurError(absl::StrCat("answer: expected a number, found \"", answer.substr(0, 60), "\""));

    if (terms != 0 && !HasForm(completion, terms, digits)) {
      return completion.empty() ? Unparsable("the completion is empty")
                                : Unparsable(absl::StrCat("expected ", terms, " numbers of ", digits,
                                                          " digits joined by +"));
    }
    const absl::string_view text = absl::StripAsciiWhitespace(completion);
    if (text.size() > kMaxExpressionBytes)
      return Limit(absl::StrCat("expression: more than ", kMaxExpressionBytes, " bytes"));
    const size_t equals = text.find('=');
    ExpressionParser given(text.substr(0, equals));
    const std::optional<mpq_class> value = given.Parse();
    if (!value.has_value()) return given.past_limit ? Limit(given.problem) : Unparsable(given.problem);
    if (equals != absl::string_view::npos) {  // "3*5=15" must be true as a whole
      ExpressionParser right(text.substr(equals + 1));
      const std::optional<mpq_class> other = right.Parse();
      if (!other.has_value()) return right.past_limit ? Limit(right.problem) : Unparsable(right.problem);
      if (*other != *value) return Wrong(std::string(text), "the two sides of = differ");
    }
    if (read.Has("numbers")) {
      std::ranges::sort(allowed);
      std::ranges::sort(given.numbers);
      if (given.numbers != allowed)
        return Wrong(std::string(text), "other numbers than the given ones, each once");
    }
    if (*value != *wanted)
      return Wrong(std::string(text), absl::StrCat("is ", value->get_str().substr(0, 60)));
    return Correct(std::string(text));
  }
};

}  // namespace

std::unique_ptr<Judge> MakeCountdownJudge() { return std::make_unique<CountdownJudge>(); }

}  // namespace entrain
