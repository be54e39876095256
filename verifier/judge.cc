#include "verifier/judge.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/nearest.h"
#include "verifier/exact_decimal.h"

namespace entrain {
namespace {

constexpr size_t kMaxShown = 500;  // bytes of a completion that a verdict repeats

std::string Shorten(std::string text) {
  if (text.size() > kMaxShown) text = absl::StrCat(text.substr(0, kMaxShown), "…");
  return text;
}

}  // namespace

Verdict Correct(std::string extracted) {
  return {.kind = VerdictKind::kCorrect, .score = 1.0, .extracted = Shorten(std::move(extracted))};
}

Verdict Wrong(std::string extracted, std::string detail) {
  return {.kind = VerdictKind::kWrong,
          .score = 0.0,
          .extracted = Shorten(std::move(extracted)),
          .detail = Shorten(std::move(detail))};
}

Verdict Unparsable(std::string detail) {
  return {.kind = VerdictKind::kUnparsable, .score = 0.0, .detail = Shorten(std::move(detail))};
}

Verdict Limit(std::string detail) {
  return {.kind = VerdictKind::kLimit, .score = 0.0, .detail = Shorten(std::move(detail))};
}

Verdict OurError(std::string detail) {
  return {.kind = VerdictKind::kError, .detail = Shorten(std::move(detail))};
}

std::optional<Verdict> PastMaxBytes(absl::string_view completion) {
  if (completion.size() <= kMaxCompletionBytes) return std::nullopt;
  return Limit(absl::StrCat("completion: more than ", kMaxCompletionBytes, " bytes"));
}

std::string Judge::Problem(absl::string_view answer, const nlohmann::json& options) const {
  const Verdict verdict = Decide("", answer, options, {});
  return verdict.kind == VerdictKind::kError ? verdict.detail : "";
}

std::string Shown(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).substr(0, 60);
}

const nlohmann::json* JudgeOptions::Find(const char* name) {
  known_.emplace_back(name);
  const auto found = options_.find(name);
  return found == options_.end() ? nullptr : &*found;
}

void JudgeOptions::Complain(const char* name, absl::string_view expected, const nlohmann::json& found) {
  if (!problem_.empty()) return;
  problem_ = absl::StrCat("verifier_options.", name, ": expected ", expected, ", found ", Shown(found));
}

bool JudgeOptions::Flag(const char* name, bool fallback) {
  const auto* value = Find(name);
  if (value == nullptr) return fallback;
  if (!value->is_boolean()) Complain(name, "true or false", *value);
  return value->is_boolean() ? value->get<bool>() : fallback;
}

namespace {

bool IsWhole(const nlohmann::json& value, int64_t low, int64_t high) {
  // As doubles first: a number above int64 must not wrap.
  return value.is_number_integer() && value.get<double>() >= static_cast<double>(low) &&
         value.get<double>() <= static_cast<double>(high);
}

}  // namespace

int64_t JudgeOptions::Whole(const char* name, int64_t low, int64_t high, int64_t fallback) {
  const auto* value = Find(name);
  if (value == nullptr) return fallback;
  if (IsWhole(*value, low, high)) return value->get<int64_t>();
  Complain(name, absl::StrCat("a whole number from ", low, " to ", high), *value);
  return fallback;
}

std::vector<int64_t> JudgeOptions::Wholes(const char* name, int64_t low, int64_t high) {
  const auto* value = Find(name);
  if (value == nullptr) return {};
  const bool fits = value->is_array() &&
                    std::ranges::all_of(*value, [&](const auto& entry) { return IsWhole(entry, low, high); });
  if (fits) return value->get<std::vector<int64_t>>();
  Complain(name, absl::StrCat("a list of whole numbers from ", low, " to ", high), *value);
  return {};
}

std::vector<std::string> JudgeOptions::Words(const char* name, std::vector<std::string> fallback) {
  const auto* value = Find(name);
  if (value == nullptr) return fallback;
  const bool fits =
      value->is_array() && std::ranges::all_of(*value, [](const auto& entry) { return entry.is_string(); });
  if (!fits) {
    Complain(name, "a list of words", *value);
    return fallback;
  }
  return value->get<std::vector<std::string>>();
}

std::vector<std::string> JudgeOptions::WordsOf(const char* name, const std::vector<std::string>& choices,
                                               std::vector<std::string> fallback) {
  std::vector<std::string> words = Words(name, fallback);
  if (words.empty()) Complain(name, "at least one word", options_.at(name));
  for (const std::string& word : words) {
    if (std::ranges::find(choices, word) == choices.end())
      Complain(name, absl::StrCat("only ", absl::StrJoin(choices, ", ")), word);
  }
  return problem_.empty() ? words : fallback;
}

std::string JudgeOptions::Word(const char* name, const std::vector<std::string>& choices,
                               const std::string& fallback) {
  const auto* value = Find(name);
  if (value == nullptr) return fallback;
  if (value->is_string() && std::ranges::find(choices, value->get<std::string>()) != choices.end())
    return value->get<std::string>();
  Complain(name, absl::StrJoin(choices, " or "), *value);
  return fallback;
}

std::optional<mpq_class> JudgeOptions::Amount(const char* name) {
  const auto* value = Find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_number() && value->get<double>() >= 0 && value->get<double>() <= 1e300) {
    // The shortest text that reads back as the same double is what was written, up to 15 digits.
    if (const std::optional<mpq_class> exact = ExactDecimal(value->dump()); exact.has_value()) return exact;
  }
  Complain(name, "a number of at least 0", *value);
  return std::nullopt;
}

absl::Duration JudgeOptions::Seconds(const char* name, absl::Duration fallback) {
  const auto* value = Find(name);
  if (value == nullptr) return fallback;
  const double seconds = value->is_number() ? value->get<double>() : 0.0;
  if (seconds >= 0.01 && seconds <= 3600) return absl::Seconds(seconds);
  Complain(name, "0.01 to 3600 seconds", *value);
  return fallback;
}

std::string JudgeOptions::Problem() const {
  if (!problem_.empty()) return problem_;
  for (const auto& [name, value] : options_.items()) {
    if (std::ranges::find(known_, name) == known_.end()) {
      return absl::StrCat("verifier_options: unknown key \"", name.substr(0, 60), "\"",
                          known_.empty() ? "" : DidYouMean(name, known_));
    }
  }
  return "";
}

}  // namespace entrain
