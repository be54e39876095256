#include "verifier/local_verifier.h"

#include <algorithm>
#include <exception>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/clock.h"
#include "common/nearest.h"
#include "verifier/judges.h"

namespace entrain {
namespace {

const std::map<std::string, std::unique_ptr<Judge>>& Judges() {
  static const auto* judges = [] {
    auto* out = new std::map<std::string, std::unique_ptr<Judge>>;
    (*out)["countdown"] = MakeCountdownJudge();
    (*out)["exact"] = MakeExactJudge();
    (*out)["math"] = MakeMathJudge();
    (*out)["regex"] = MakeRegexJudge();
    return out;
  }();
  return *judges;
}

// Discarded when they are no JSON.
nlohmann::json OptionsOf(const VerifyItem& item) {
  const auto shallow = [](int depth, nlohmann::json::parse_event_t, nlohmann::json&) { return depth <= 8; };
  return nlohmann::json::parse(item.options_json, shallow, /*allow_exceptions=*/false);
}

Verdict DecideOne(const VerifyItem& item, const JudgeContext& context) {
  const auto judge = Judges().find(item.verifier);
  if (judge == Judges().end()) {
    return OurError(absl::StrCat("unknown verifier \"", item.verifier.substr(0, 60), "\"",
                                 DidYouMean(item.verifier, RegisteredVerifiers())));
  }
  const nlohmann::json options = OptionsOf(item);
  if (!options.is_object()) return OurError("verifier_options: expected an object");
  try {
    return judge->second->Decide(item.completion, item.answer, options, context);
  } catch (const std::exception& error) {  // a library's; ours do not throw
    return OurError(absl::StrCat(item.verifier, ": ", error.what()));
  }
}

class LocalVerifier final : public Verifier {
 public:
  absl::StatusOr<std::vector<Verdict>> Verify(std::span<const VerifyItem> items,
                                              const VerifyCall& call) override {
    Clock& clock = Clock::Real();
    const absl::Duration start = clock.Monotonic();
    std::vector<Verdict> verdicts;
    verdicts.reserve(items.size());
    for (const VerifyItem& item : items) {
      const absl::Duration begin = clock.Monotonic();
      if (call.stop.stop_requested()) return absl::CancelledError("the caller went away");
      const absl::Duration left = std::min(call.deadline, item.timeout) - (begin - start);
      if (left <= absl::ZeroDuration()) {
        verdicts.push_back(
            {.kind = VerdictKind::kTimeout, .detail = "the deadline passed before this item was judged"});
        continue;
      }
      verdicts.push_back(DecideOne(item, {.time_left = left, .stop = call.stop}));
      verdicts.back().seconds = absl::ToDoubleSeconds(clock.Monotonic() - begin);
    }
    return verdicts;
  }
};

}  // namespace

std::unique_ptr<Verifier> CreateLocalVerifier() { return std::make_unique<LocalVerifier>(); }

bool MayKeepVerdict(const VerifyItem& item) {
  const auto judge = Judges().find(item.verifier);
  if (judge == Judges().end()) return false;
  const nlohmann::json options = OptionsOf(item);
  return options.is_object() && judge->second->MayKeep(options);
}

std::vector<std::string> RegisteredVerifiers() {
  std::vector<std::string> names;
  for (const auto& [name, judge] : Judges()) names.push_back(name);
  return names;
}

}  // namespace entrain
