#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <array>
#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "verifier/judges.h"

namespace entrain {
namespace {

constexpr size_t kMaxPatternBytes = 64 << 10;
constexpr size_t kMaxCompletionBytes = 128 << 10;
constexpr int64_t kMaxWork = 2'000'000;  // pattern items tried and 64-byte blocks passed, over a whole search
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
using Code = std::unique_ptr<pcre2_code, Free<pcre2_code_free>>;
using MatchData = std::unique_ptr<pcre2_match_data, Free<pcre2_match_data_free>>;
using MatchContext = std::unique_ptr<pcre2_match_context, Free<pcre2_match_context_free>>;

std::string ErrorText(int code) {
  std::array<PCRE2_UCHAR, 256> text{};
  pcre2_get_error_message(code, text.data(), text.size());
  return reinterpret_cast<const char*>(text.data());
}

// PCRE2's match limit begins anew at every start of a search, so it does not bound a search. Automatic
// callouts do: one call before every item of the pattern that is tried. A single item may pass the whole
// completion
// (".*+"), so the way from the last call counts as well.
struct Meter {
  int64_t left = kMaxWork;
  PCRE2_SIZE position = 0;
};
int CountWork(pcre2_callout_block* block, void* data) {
  auto& meter = *static_cast<Meter*>(data);
  if (block->current_position > meter.position)
    meter.left -= static_cast<int64_t>((block->current_position - meter.position) / 64);
  meter.position = block->current_position;
  return --meter.left < 0 ? PCRE2_ERROR_CALLOUT : 0;
}

// The completion must match the pattern that the reference is. Interpreted, not compiled to machine code: the
// work then counts the same on every machine.
class RegexJudge final : public Judge {
 public:
  VerifierInfo Describe() const override {
    return {.summary = "The completion matches the reference, a PCRE2 pattern, from end to end.",
            .options = {{"trim", "true", "white space at both ends of the completion does not count"},
                        {"search", "false", "a match anywhere in the completion will do"},
                        {"ignore_case", "false", "letters of all alphabets"}}};
  }

  Verdict Decide(absl::string_view completion, absl::string_view answer, const nlohmann::json& options,
                 const JudgeContext&) const override {
    JudgeOptions read(options);
    const bool trim = read.Flag("trim", true), search = read.Flag("search", false),
               ignore_case = read.Flag("ignore_case", false);
    if (const std::string problem = read.Problem(); !problem.empty()) return OurError(problem);
    if (answer.size() > kMaxPatternBytes)
      return OurError(absl::StrCat("answer: expected a pattern of at most ", kMaxPatternBytes,
                                   " bytes, found ", answer.size()));
    int problem = 0;
    PCRE2_SIZE place = 0;
    const Code code(pcre2_compile(
        reinterpret_cast<PCRE2_SPTR>(answer.data()), answer.size(),
        PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C | PCRE2_AUTO_CALLOUT | (ignore_case ? PCRE2_CASELESS : 0u),
        &problem, &place, nullptr));
    if (code == nullptr)
      return OurError(
          absl::StrCat("answer: expected a regular expression: ", ErrorText(problem), " at byte ", place));

    const absl::string_view text = trim ? absl::StripAsciiWhitespace(completion) : completion;
    if (text.size() > kMaxCompletionBytes)
      return Limit(absl::StrCat("completion: more than ", kMaxCompletionBytes, " bytes"));
    const MatchData data(pcre2_match_data_create_from_pattern(code.get(), nullptr));
    const MatchContext context(pcre2_match_context_create(nullptr));
    if (data == nullptr || context == nullptr) return OurError("no memory for a match");
    Meter meter;
    pcre2_set_callout(context.get(), CountWork, &meter);
    pcre2_set_match_limit(context.get(), kMaxSteps);
    pcre2_set_depth_limit(context.get(), kMaxDepth);
    pcre2_set_heap_limit(context.get(), kMaxHeapKib);
    // A view of nothing may have no address; PCRE2 wants one.
    const char* subject = text.empty() ? "" : text.data();
    const int count =
        pcre2_match(code.get(), reinterpret_cast<PCRE2_SPTR>(subject), text.size(), 0,
                    search ? 0u : PCRE2_ANCHORED | PCRE2_ENDANCHORED, data.get(), context.get());
    if (count >= 0) {
      const PCRE2_SIZE* bounds = pcre2_get_ovector_pointer(data.get());
      // \K may set the begin behind the end.
      return Correct(bounds[0] <= bounds[1] ? std::string(text.substr(bounds[0], bounds[1] - bounds[0]))
                                            : std::string());
    }
    return NoMatch(count, text);
  }

 private:
  static Verdict NoMatch(int code, absl::string_view text) {
    switch (code) {
      case PCRE2_ERROR_NOMATCH:
        return Wrong(std::string(text), "does not match");
      case PCRE2_ERROR_CALLOUT:
        return Limit(absl::StrCat("work: more than ", kMaxWork, " items of the pattern tried"));
      case PCRE2_ERROR_MATCHLIMIT:
        return Limit(absl::StrCat("work: more than ", kMaxSteps, " steps from one start"));
      case PCRE2_ERROR_DEPTHLIMIT:
        return Limit(absl::StrCat("depth: more than ", kMaxDepth));
      case PCRE2_ERROR_HEAPLIMIT:
        return Limit(absl::StrCat("memory: more than ", kMaxHeapKib, " KiB"));
      default:
        break;
    }
    if (code <= PCRE2_ERROR_UTF8_ERR1 && code >= PCRE2_ERROR_UTF8_ERR21)
      return Unparsable("the completion is not UTF-8");
    return OurError(absl::StrCat("regex: ", ErrorText(code)));
  }
};

}  // namespace

std::unique_ptr<Judge> MakeRegexJudge() { return std::make_unique<RegexJudge>(); }

}  // namespace entrain
