#include "verifier/regex/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <array>

#include "absl/strings/str_cat.h"

namespace entrain {
namespace {

constexpr uint32_t kMaxSteps = 10'000'000;   // PCRE2's own count, from one start
constexpr uint32_t kMaxDepth = 100'000;      // nested backtracking points
constexpr uint32_t kMaxHeapKib = 16 * 1024;  // memory of the backtracking points

template <auto kFree>
struct Free {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using MatchData = std::unique_ptr<pcre2_match_data, Free<pcre2_match_data_free>>;
using MatchContext = std::unique_ptr<pcre2_match_context, Free<pcre2_match_context_free>>;

std::string ErrorText(int code) {
  std::array<PCRE2_UCHAR, 256> text{};
  pcre2_get_error_message(code, text.data(), text.size());
  return reinterpret_cast<const char*>(text.data());
}

// PCRE2's match limit begins anew at every start of a search, so it does not bound a search. Automatic
// callouts do: one call before every item of the pattern that is tried. A single item may pass the whole text
// (".*+"), so the way from the last call counts as well.
struct Meter {
  MatchBudget& budget;
  PCRE2_SIZE position = 0;
};
int CountWork(pcre2_callout_block* block, void* data) {
  auto& meter = *static_cast<Meter*>(data);
  if (block->current_position > meter.position)
    meter.budget.left -= static_cast<int64_t>((block->current_position - meter.position) / 64);
  meter.position = block->current_position;
  return --meter.budget.left < 0 ? PCRE2_ERROR_CALLOUT : 0;
}

Pattern::Match NoMatch(int code) {
  const auto limit = [](std::string detail) {
    return Pattern::Match{.outcome = Pattern::Outcome::kLimit, .detail = std::move(detail)};
  };
  switch (code) {
    case PCRE2_ERROR_NOMATCH:
      return {.outcome = Pattern::Outcome::kNoMatch};
    case PCRE2_ERROR_CALLOUT:
      return limit(absl::StrCat("work: more than ", kMaxMatchWork, " items of the pattern tried"));
    case PCRE2_ERROR_MATCHLIMIT:
      return limit(absl::StrCat("work: more than ", kMaxSteps, " steps from one start"));
    case PCRE2_ERROR_DEPTHLIMIT:
      return limit(absl::StrCat("depth: more than ", kMaxDepth));
    case PCRE2_ERROR_HEAPLIMIT:
      return limit(absl::StrCat("memory: more than ", kMaxHeapKib, " KiB"));
    default:
      break;
  }
  if (code <= PCRE2_ERROR_UTF8_ERR1 && code >= PCRE2_ERROR_UTF8_ERR21)
    return {.outcome = Pattern::Outcome::kNotUtf8};
  return {.outcome = Pattern::Outcome::kError, .detail = ErrorText(code)};
}

}  // namespace

void Pattern::FreeCode::operator()(void* code) const { pcre2_code_free(static_cast<pcre2_code*>(code)); }

absl::StatusOr<Pattern> Pattern::Compile(absl::string_view pattern, Options options) {
  if (pattern.size() > kMaxPatternBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a pattern of at most ", kMaxPatternBytes, " bytes, found ", pattern.size()));
  }
  uint32_t flags = PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C | PCRE2_AUTO_CALLOUT;
  if (options.ignore_case) flags |= PCRE2_CASELESS;
  if (options.ecmascript) flags |= PCRE2_ALT_BSUX | PCRE2_DOLLAR_ENDONLY | PCRE2_MATCH_UNSET_BACKREF;
  int problem = 0;
  PCRE2_SIZE place = 0;
  pcre2_code* code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), flags,
                                   &problem, &place, nullptr);
  if (code == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a regular expression: ", ErrorText(problem), " at byte ", place));
  }
  return Pattern(code);
}

Pattern::Match Pattern::Run(absl::string_view text, bool search, MatchBudget& budget) const {
  if (text.size() > kMaxSubjectBytes)
    return {.outcome = Outcome::kLimit,
            .detail = absl::StrCat("text: more than ", kMaxSubjectBytes, " bytes")};
  const auto* code = static_cast<const pcre2_code*>(code_.get());
  const MatchData data(pcre2_match_data_create_from_pattern(code, nullptr));
  const MatchContext context(pcre2_match_context_create(nullptr));
  if (data == nullptr || context == nullptr)
    return {.outcome = Outcome::kError, .detail = "no memory for a match"};
  Meter meter{.budget = budget};
  pcre2_set_callout(context.get(), CountWork, &meter);
  pcre2_set_match_limit(context.get(), kMaxSteps);
  pcre2_set_depth_limit(context.get(), kMaxDepth);
  pcre2_set_heap_limit(context.get(), kMaxHeapKib);
  // A view of nothing may have no address; PCRE2 wants one.
  const char* subject = text.empty() ? "" : text.data();
  const int count = pcre2_match(code, reinterpret_cast<PCRE2_SPTR>(subject), text.size(), 0,
                                search ? 0u : PCRE2_ANCHORED | PCRE2_ENDANCHORED, data.get(), context.get());
  if (count < 0) return NoMatch(count);
  const PCRE2_SIZE* bounds = pcre2_get_ovector_pointer(data.get());
  // \K may set the begin behind the end.
  return {.outcome = Outcome::kMatch,
          .text = bounds[0] <= bounds[1] ? std::string(text.substr(bounds[0], bounds[1] - bounds[0])) : ""};
}

}  // namespace entrain
