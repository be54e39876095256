// One item through the verifier that the service runs. Input: a letter that chooses the verifier, then
// completion, answer and options, each behind a 0x1f: "m\x1f\boxed{1}\x1f1\x1f{}". The verifiers that run
// programs are left out.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "tests/fuzz/fuzz_input.h"
#include "verifier/local_verifier.h"

namespace entrain {
namespace {

struct Letter {
  char letter;
  const char* verifier;
};
constexpr Letter kLetters[] = {{'m', "math"},  {'n', "numeric"}, {'h', "choice"},    {'j', "json"},
                               {'r', "regex"}, {'x', "exact"},   {'d', "countdown"}, {'w', "weighted"}};

std::string VerifierOf(absl::string_view field) {
  static const auto* registered = new std::vector<std::string>(RegisteredVerifiers());
  for (const auto& [letter, verifier] : kLetters) {
    if (field == absl::string_view(&letter, 1) &&
        std::ranges::find(*registered, verifier) != registered->end())
      return verifier;
  }
  return "math";
}

// Programs must not run here, not even as a part of `weighted`.
bool MayRunPrograms(absl::string_view verifier, absl::string_view options) {
  return verifier == "weighted" &&
         (absl::StrContains(options, "cod") || absl::StrContains(options, "command") ||
          absl::StrContains(options, "\\u"));
}

Verdict VerdictOf(const VerifyItem& item) {
  static Verifier* verifier = CreateLocalVerifier().release();
  const auto verdicts = verifier->Verify(std::span(&item, 1), absl::InfiniteDuration());
  Require(verdicts.ok() && verdicts->size() == 1, "one item has one verdict");
  return (*verdicts)[0];
}

void CheckVerdict(const Verdict& verdict) {
  Require(verdict.kind != VerdictKind::kTimeout, "work is bounded by work, not by time");
  Require(verdict.score.has_value() == !IsOurFailure(verdict.kind), "a score, unless the failure is ours");
  if (!verdict.score.has_value()) return;
  const double score = *verdict.score;
  Require(std::isfinite(score), "a score is finite");
  Require((verdict.kind == VerdictKind::kCorrect) == (score == 1),
          "correct is a score of 1 and the only one");
  Require(verdict.kind == VerdictKind::kWrong ? score >= 0 && score < 1 : true, "wrong is below 1");
  Require(verdict.kind == VerdictKind::kUnparsable || verdict.kind == VerdictKind::kLimit ? score == 0 : true,
          "unparsable and limit are 0");
  Require(verdict.extracted.size() + verdict.detail.size() < 2000, "what a verdict repeats is short");
}

}  // namespace
}  // namespace entrain

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace entrain;  // NOLINT: the entry point is C
  const auto [letter, completion, answer, options] =
      SplitFields<4>({reinterpret_cast<const char*>(data), size});
  const VerifyItem item{.verifier = VerifierOf(letter),
                        .completion = std::string(completion),
                        .answer = std::string(answer),
                        .options_json = options.empty() ? "{}" : std::string(options)};
  if (MayRunPrograms(item.verifier, options)) return -1;
  const WorkBound bound;
  const Verdict verdict = VerdictOf(item);
  bound.Check(item.verifier.c_str());
  CheckVerdict(verdict);
  if (size % 8 == 0) {  // the same bytes, the same verdict; not every time, for speed
    const Verdict again = VerdictOf(item);
    Require(again.kind == verdict.kind && again.score == verdict.score &&
                again.extracted == verdict.extracted && again.detail == verdict.detail,
            "a verdict is a function of the item");
  }
  return 0;
}
