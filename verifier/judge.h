#pragma once

#include <gmpxx.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/verdict.h"
#include "verifier/verifier_info.h"

namespace entrain {

// What judging one item may use. Judges that only compute bound their work and never look at it; those that
// run programs must end by `time_left` (kTimeout) and soon after `stop` (whatever they return then is thrown
// away).
struct JudgeContext {
  absl::Duration time_left = absl::InfiniteDuration();  // when judging begins
  std::stop_token stop;
};

// One kind of judgement. Pure: the verdict is a function of completion, answer and options. Bounded by work,
// not by time. Thread-safe.
class Judge {
 public:
  virtual ~Judge() = default;

  // For people: a summary that says what a correct completion is, and the options. The name is the table's.
  virtual VerifierInfo Describe() const = 0;

  // `options` is an object. A reference or an option that cannot be read is kError with a detail, whatever
  // the completion is: our failure, never the completion's.
  virtual Verdict Decide(absl::string_view completion, absl::string_view answer,
                         const nlohmann::json& options, const JudgeContext& context) const = 0;

  // What is wrong with a reference and its options, before there is any completion; "" when they can be used.
  // As it stands: what Decide says of an empty completion. Judges that would run something, or that read a
  // reference only once they have an answer, say it themselves.
  virtual std::string Problem(absl::string_view answer, const nlohmann::json& options) const;

  // Whether a verdict may be kept and given again to the same question. False for judges, or options, whose
  // answer may differ the next time: what runs commands of which nobody says that they are pure.
  virtual bool MayKeep(const nlohmann::json& /*options*/) const { return true; }

  // Whether judging needs the sandbox.
  virtual bool RunsPrograms(const nlohmann::json& /*options*/) const { return false; }
};

// By registered name.
using JudgeTable = std::map<std::string, std::unique_ptr<Judge>, std::less<>>;

Verdict Correct(std::string extracted);
Verdict Wrong(std::string extracted, std::string detail);
Verdict Unparsable(std::string detail);
Verdict Limit(std::string detail);
Verdict OurError(std::string detail);

// The largest completion that judges read which take time in proportion to it.
inline constexpr size_t kMaxCompletionBytes = 8u << 20;
// kLimit for a larger one.
std::optional<Verdict> PastMaxBytes(absl::string_view completion);

// The beginning of a JSON value, for messages.
std::string Shown(const nlohmann::json& value);

// Options of one judge, read strictly: what is not asked for is unknown.
class JudgeOptions {
 public:
  explicit JudgeOptions(const nlohmann::json& options) : options_(options) {}
  bool Flag(const char* name, bool fallback);
  int64_t Whole(const char* name, int64_t low, int64_t high, int64_t fallback);
  std::vector<int64_t> Wholes(const char* name, int64_t low, int64_t high);
  std::vector<std::string> Words(const char* name, std::vector<std::string> fallback);
  // At least one, each of `choices`.
  std::vector<std::string> WordsOf(const char* name, const std::vector<std::string>& choices,
                                   std::vector<std::string> fallback);
  // One of `choices`.
  std::string Word(const char* name, const std::vector<std::string>& choices, const std::string& fallback);
  // A decimal number from 0, as it is written: 0.1 is one tenth. At most 1e±300.
  std::optional<mpq_class> Amount(const char* name);
  // 0.01 to 3600 seconds.
  absl::Duration Seconds(const char* name, absl::Duration fallback);
  // Anything; the judge reads it. nullptr when it is absent.
  const nlohmann::json* Any(const char* name) { return Find(name); }
  bool Has(const char* name) const { return options_.contains(name); }
  // The first problem, or an option that nobody asked for; "" when all is well. Call last.
  std::string Problem() const;

 private:
  const nlohmann::json* Find(const char* name);
  void Complain(const char* name, absl::string_view expected, const nlohmann::json& found);

  const nlohmann::json& options_;
  std::vector<std::string> known_;
  std::string problem_;
};

}  // namespace entrain
