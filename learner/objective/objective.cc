#include "learner/objective/objective.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/nearest.h"
#include "common/status_macros.h"
#include "learner/objective/aggregation.h"
#include "learner/objective/clip_bounds.h"
#include "learner/objective/surrogate.h"
#include "learner/objective/tis.h"

namespace entrain {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// A number that an objective takes.
struct NumberParameter {
  const char* name;
  double low, high;  // legal range, inclusive
  const char* range;
};

struct Definition {
  ObjectiveInfo info;
  std::vector<NumberParameter> numbers;
  std::vector<std::string> words;
  Aggregation aggregation;
};

const NumberParameter kDualC = {"dual_c", 1.0, kInfinity, "more than 1"};
const NumberParameter kHorizon = {"horizon", 0.0, 1e12, "more than 0"};

const std::vector<Definition>& Definitions() {
  static const auto* definitions = new std::vector<Definition>{
      {.info = {.name = "flex_clip",
                .clip = ClipForm::kLines,
                .ratio_based = true,
                .summary = "clip thresholds that are lines in the token's probability (arXiv 2602.09782)"},
       .numbers = {{"eps_min", 0.0, kInfinity, "0 or more"},
                   {"eps_max", 0.0, kInfinity, "0 or more"},
                   kDualC,
                   kHorizon},
       .words = {"p_source"},
       .aggregation = Aggregation::kTokenMean},
      {.info = {.name = "ppo_clip",
                .clip = ClipForm::kBox,
                .ratio_based = true,
                .summary = "the clipped surrogate with a constant box (GRPO, Dr.GRPO)"},
       .numbers = {{"eps_low", 0.0, 1.0, "from 0 to 1 (1 is off)"},
                   {"eps_high", 0.0, kInfinity, "0 or more (inf is off)"},
                   kDualC,
                   kHorizon},
       .words = {},
       .aggregation = Aggregation::kTokenMean}};
  return *definitions;
}

const Definition* Find(const std::string& name) {
  for (const Definition& definition : Definitions()) {
    if (definition.info.name == name) return &definition;
  }
  return nullptr;
}

double NumberOr(const ObjectiveSpec& spec, const char* name, double fallback) {
  const auto found = spec.numbers.find(name);
  return found == spec.numbers.end() ? fallback : found->second;
}

std::optional<PSource> PSourceOf(const ObjectiveSpec& spec) {
  const auto found = spec.words.find("p_source");
  if (found == spec.words.end() || found->second == "closed") return PSource::kClosed;
  if (found->second == "new") return PSource::kNew;
  if (found->second == "old") return PSource::kOld;
  return std::nullopt;
}

absl::Status CheckColumns(const ObjectiveSpec& spec, const TokenBatch& batch) {
  const size_t count = batch.mask.size();
  const auto check = [count](absl::string_view name, const std::vector<double>& column,
                             bool needed) -> absl::Status {
    if (column.size() == count || (!needed && column.empty())) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("\"", name, "\": expected ", count, " values, found ", column.size()));
  };
  ENTRAIN_RETURN_IF_ERROR(check("old_logp", batch.old_logp, true));
  ENTRAIN_RETURN_IF_ERROR(check("new_logp", batch.new_logp, true));
  ENTRAIN_RETURN_IF_ERROR(check("advantages", batch.advantage, true));
  ENTRAIN_RETURN_IF_ERROR(check("rollout_logp", batch.rollout_logp, spec.tis.has_value()));
  if (batch.sequence_begin.empty() || batch.sequence_begin.front() != 0 ||
      batch.sequence_begin.back() != static_cast<int64_t>(count) ||
      !std::is_sorted(batch.sequence_begin.begin(), batch.sequence_begin.end())) {
    return absl::InvalidArgumentError(
        "sequence_begin: expected rising positions from 0 to the number of tokens");
  }
  return absl::OkStatus();
}

// The box or the lines of a spec, at one token.
class BoundsOf {
 public:
  explicit BoundsOf(const ObjectiveSpec& spec)
      : spec_(spec),
        lines_(spec.name == "flex_clip"),
        source_(*PSourceOf(spec)),
        eps_min_(NumberOr(spec, "eps_min", 0.0)),
        eps_max_(NumberOr(spec, "eps_max", kInfinity)),
        box_{.lo = 1 - NumberOr(spec, "eps_low", 0.2), .hi = 1 + NumberOr(spec, "eps_high", 0.2)} {}

  RatioBounds operator()(double old_logp, double new_logp) const {
    if (!lines_) return box_;
    return LineBounds(spec_.upper, spec_.lower, source_, std::exp(old_logp), std::exp(new_logp), eps_min_,
                      eps_max_);
  }

 private:
  const ObjectiveSpec& spec_;
  const bool lines_;
  const PSource source_;
  const double eps_min_, eps_max_;
  const RatioBounds box_;
};

// What keeps lo ≤ 1 ≤ hi at every old probability in [0, 1] (docs/methods.md 12): the solved form has no
// clamp that would.
void CheckLines(const ObjectiveSpec& spec, std::vector<std::string>& problems) {
  const auto check = [&](const char* name, const std::optional<EpsLine>& line, bool legal,
                         const char* range) {
    if (!line.has_value()) return;
    const bool finite = std::isfinite(line->intercept) && std::isfinite(line->slope);
    if (finite && (legal || PSourceOf(spec) != PSource::kClosed)) return;
    problems.push_back(absl::StrCat(spec.name, ": \"", name, "\": expected ",
                                    finite ? range : "finite numbers", ", found [", line->intercept, ", ",
                                    line->slope, "]"));
  };
  const EpsLine u = spec.upper.value_or(EpsLine{}), l = spec.lower.value_or(EpsLine{});
  check("upper", spec.upper, u.intercept >= 0 && u.intercept + u.slope >= 0 && u.slope < 1,
        "intercept >= 0, intercept + slope >= 0 and slope < 1");
  check("lower", spec.lower,
        l.intercept >= 0 && l.intercept <= 1 && l.intercept + l.slope >= 0 && l.slope > -1,
        "intercept from 0 to 1, intercept + slope >= 0 and slope > -1");
  if (NumberOr(spec, "eps_min", 0.0) > NumberOr(spec, "eps_max", kInfinity))
    problems.push_back(absl::StrCat(spec.name, ": \"eps_min\": expected no more than eps_max"));
}

double LongestSequence(const TokenBatch& batch) {
  int64_t longest = 1;
  for (size_t i = 0; i + 1 < batch.sequence_begin.size(); ++i)
    longest = std::max(longest, batch.sequence_begin[i + 1] - batch.sequence_begin[i]);
  return static_cast<double>(longest);
}

}  // namespace

std::vector<ObjectiveInfo> RegisteredObjectives() {
  std::vector<ObjectiveInfo> infos;
  for (const Definition& definition : Definitions()) infos.push_back(definition.info);
  return infos;
}

std::vector<std::string> ObjectiveParameters(const std::string& name) {
  const Definition* definition = Find(name);
  if (definition == nullptr) return {};
  std::vector<std::string> names = definition->words;
  for (const NumberParameter& parameter : definition->numbers) names.emplace_back(parameter.name);
  if (definition->info.clip == ClipForm::kLines) names.insert(names.end(), {"upper", "lower"});
  return names;
}

absl::Status ValidateObjective(const ObjectiveSpec& spec) {
  const Definition* definition = Find(spec.name);
  if (definition == nullptr) {
    std::vector<std::string> names;
    for (const Definition& known : Definitions()) names.push_back(known.info.name);
    return absl::InvalidArgumentError(
        absl::StrCat("unknown objective \"", spec.name, "\"", DidYouMean(spec.name, names)));
  }
  const std::vector<std::string> known = ObjectiveParameters(spec.name);
  std::vector<std::string> problems;
  for (const auto& [name, value] : spec.numbers) {
    const auto parameter = std::ranges::find(definition->numbers, name,
                                             [](const NumberParameter& p) { return std::string(p.name); });
    if (parameter == definition->numbers.end() && std::ranges::find(known, name) != known.end()) {
      problems.push_back(absl::StrCat(spec.name, ": \"", name, "\": found the number ", value, " where ",
                                      name == "p_source" ? "a word" : "a line", " is expected"));
    } else if (parameter == definition->numbers.end()) {
      problems.push_back(
          absl::StrCat(spec.name, ": unknown parameter \"", name, "\"", DidYouMean(name, known)));
    } else if (!(value >= parameter->low && value <= parameter->high) ||
               (parameter->name == kDualC.name && value <= 1)) {
      problems.push_back(
          absl::StrCat(spec.name, ": \"", name, "\": expected ", parameter->range, ", found ", value));
    }
  }
  for (const auto& [name, value] : spec.words) {
    if (std::ranges::find(definition->words, name) == definition->words.end() &&
        std::ranges::find(known, name) != known.end()) {
      problems.push_back(
          absl::StrCat(spec.name, ": \"", name, "\": expected a number, found \"", value, "\""));
    } else if (std::ranges::find(definition->words, name) == definition->words.end()) {
      problems.push_back(
          absl::StrCat(spec.name, ": unknown parameter \"", name, "\"", DidYouMean(name, known)));
    } else if (!PSourceOf(spec).has_value()) {
      problems.push_back(
          absl::StrCat(spec.name, ": \"p_source\": expected closed, new or old, found \"", value, "\""));
    }
  }
  if (definition->info.clip == ClipForm::kLines) CheckLines(spec, problems);
  if (spec.tis.has_value() && !(spec.tis->cap > 0))
    problems.push_back(absl::StrCat("tis: \"cap\": expected more than 0, found ", spec.tis->cap));
  if (!problems.empty()) return absl::InvalidArgumentError(absl::StrJoin(problems, "\n"));
  return absl::OkStatus();
}

absl::StatusOr<ObjectiveResult> EvaluateObjective(const ObjectiveSpec& spec, const TokenBatch& batch,
                                                  const Denominators& denominators) {
  ENTRAIN_RETURN_IF_ERROR(ValidateObjective(spec));
  ENTRAIN_RETURN_IF_ERROR(CheckColumns(spec, batch));
  const Aggregation aggregation = spec.aggregation.value_or(Find(spec.name)->aggregation);
  const double horizon = spec.horizon > 0 ? spec.horizon : LongestSequence(batch);
  const std::vector<double> weights = AggregationWeights(aggregation, batch, denominators, horizon);
  const std::vector<double> corrections =
      spec.tis.has_value() ? TisWeights(*spec.tis, batch) : std::vector<double>();
  const BoundsOf bounds_of(spec);
  const auto dual = spec.numbers.find("dual_c");
  const std::optional<double> dual_c =
      dual == spec.numbers.end() ? std::nullopt : std::optional(dual->second);

  ObjectiveResult result;
  result.grad_new_logp.assign(batch.mask.size(), 0.0);
  double high = 0, low = 0, dual_count = 0, high_q = 0, low_q = 0, ratio = 0;
  for (size_t i = 0; i < batch.mask.size(); ++i) {
    if (!(batch.mask[i] > 0)) continue;
    const TokenLoss token = ClippedSurrogate(batch.old_logp[i], batch.new_logp[i], batch.advantage[i],
                                             bounds_of(batch.old_logp[i], batch.new_logp[i]), dual_c);
    const double weight = weights[i] * (corrections.empty() ? 1.0 : corrections[i]);
    result.loss += weight * token.loss;
    result.grad_new_logp[i] = weight * token.gradient;
    const double mask = batch.mask[i];
    ratio += mask * token.ratio;
    if (token.clipped_dual) dual_count += mask;
    if (token.clipped_high) {
      high += mask;
      high_q += mask * std::exp(batch.old_logp[i]);
    }
    if (token.clipped_low) {
      low += mask;
      low_q += mask * std::exp(batch.old_logp[i]);
    }
  }
  const double tokens = std::max(denominators.tokens, 1.0);
  result.stats = {{"clip/high_frac", high / tokens},       {"clip/low_frac", low / tokens},
                  {"clip/dual_frac", dual_count / tokens}, {"clip/high_q_sum", high_q / tokens},
                  {"clip/low_q_sum", low_q / tokens},      {"ratio/mean", ratio / tokens}};
  return result;
}

}  // namespace entrain
