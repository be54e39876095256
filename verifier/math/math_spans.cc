#include "verifier/math/math_spans.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace entrain {
namespace {

constexpr size_t kNone = absl::string_view::npos;

// Walks over the formulas of a text, first to last, once.
class SpanReader {
 public:
  SpanReader(absl::string_view text, size_t from) : text_(text), at_(from) {}

  std::optional<MathSpan> Next() {
    while (at_ < text_.size()) {
      const size_t length = Mark();
      if (length == 0) {
        ++at_;
        continue;
      }
      if (Closes()) {
        const size_t end = at_ + length;
        MathSpan span{.begin = open_, .end = end};
        span.inside = absl::StripAsciiWhitespace(text_.substr(open_ + length, at_ - open_ - length));
        open_ = kNone;
        at_ = end;
        if (!span.inside.empty()) return span;
        continue;
      }
      if (Opens()) {
        open_ = at_;
        mark_ = text_.substr(at_, length);
      }
      at_ += length;
    }
    return std::nullopt;
  }

 private:
  // The length of the mark, or of the escaped character, at this place; 0: neither.
  size_t Mark() {
    const char c = text_[at_];
    if (c == '\n' && open_ != kNone && !Display()) open_ = kNone;
    if (c == '\\') return std::min<size_t>(2, text_.size() - at_);
    if (c != '$') return 0;
    return at_ + 1 < text_.size() && text_[at_ + 1] == '$' ? 2 : 1;
  }
  bool Display() const { return mark_ == "$$" || mark_ == "\\["; }
  bool Closes() const {
    if (open_ == kNone) return false;
    const absl::string_view here = text_.substr(at_, mark_.size());
    if (mark_ == "\\(") return here == "\\)";
    if (mark_ == "\\[") return here == "\\]";
    if (here != mark_ || (mark_ == "$" && text_.substr(at_, 2) == "$$")) return false;
    // A dollar that a digit follows opens something, or is money.
    return mark_ == "$$" || at_ + 1 >= text_.size() ||
           !absl::ascii_isdigit(static_cast<unsigned char>(text_[at_ + 1]));
  }
  bool Opens() const {
    const absl::string_view here = text_.substr(at_, 2);
    if (here == "\\(" || here == "\\[") return true;
    return text_[at_] == '$' && !(open_ != kNone && mark_ == "$$" && here != "$$");
  }

  absl::string_view text_;
  size_t at_;
  size_t open_ = kNone;     // where the open formula begins
  absl::string_view mark_;  // how
};

// Between two formulas that are one answer: "and", "or", a comma.
bool Joins(absl::string_view between) {
  if (between.size() > 16) return false;
  between = absl::StripAsciiWhitespace(between);
  const bool comma = absl::ConsumePrefix(&between, ",");
  between = absl::StripAsciiWhitespace(between);
  return (between.empty() && comma) || between == "and" || between == "or" || between == ";";
}

// The percent sign behind a formula.
absl::string_view PercentAfter(absl::string_view text, size_t end) {
  const absl::string_view rest = absl::StripLeadingAsciiWhitespace(text.substr(end, 16));
  for (const absl::string_view percent : {"%", "\\%", "percent", "pct"}) {
    if (absl::StartsWith(rest, percent)) return "%";
  }
  return "";
}

}  // namespace

std::optional<MathSpan> FirstMathSpan(absl::string_view text) {
  constexpr size_t kMaxBytes = 4'000;  // a formula that begins near the start of a sentence
  return SpanReader(text.substr(0, kMaxBytes), 0).Next();
}

std::string MathSpansText(absl::string_view text, const MathSpan& first, size_t& end) {
  std::string out = absl::StrCat(first.inside, PercentAfter(text, first.end));
  end = first.end;
  for (int more = 0; more < 16; ++more) {
    const std::optional<MathSpan> next = SpanReader(text.substr(0, end + 4'000), end).Next();
    if (!next.has_value() || !Joins(text.substr(end, next->begin - end))) break;
    absl::StrAppend(&out, ", ", next->inside, PercentAfter(text, next->end));
    end = next->end;
  }
  return out;
}

std::optional<std::pair<size_t, std::string>> LastMathSpans(absl::string_view text) {
  std::string joined;
  size_t end = kNone;
  SpanReader reader(text, 0);
  std::vector<MathSpan> together;
  while (const std::optional<MathSpan> span = reader.Next()) {
    const bool joins = !together.empty() && Joins(text.substr(end, span->begin - end));
    if (!joins) together.clear();
    if (together.size() < 64) together.push_back(*span);
    end = span->end;
  }
  if (together.empty()) return std::nullopt;
  for (const MathSpan& span : together)
    absl::StrAppend(&joined, joined.empty() ? "" : ", ", span.inside, PercentAfter(text, span.end));
  return std::pair(end, joined);
}

}  // namespace entrain
