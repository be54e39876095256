#include "learner/objective/objective.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/nearest.h"
#include "common/status_macros.h"
#include "learner/objective/aggregation.h"
#include "learner/objective/batch_statistics.h"
#include "learner/objective/method.h"
#include "learner/objective/reference_kl.h"
#include "learner/objective/region_mask.h"
#include "learner/objective/surrogate.h"
#include "learner/objective/tis.h"

namespace entrain {
namespace {

constexpr char kKlDial[] = "kl_coef";

absl::Status CheckColumns(const ObjectiveSpec& spec, const TokenBatch& batch, bool with_new) {
  const size_t count = batch.mask.size();
  const ObjectiveNeeds& needs = FindMethod(spec.name)->info.needs;
  const auto check = [](absl::string_view name, const std::vector<double>& column, size_t expected,
                        bool needed) -> absl::Status {
    if (column.size() == expected || (!needed && column.empty())) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("\"", name, "\": expected ", expected, " values, found ", column.size()));
  };
  if (batch.sequence_begin.empty() || batch.sequence_begin.front() != 0 ||
      batch.sequence_begin.back() != static_cast<int64_t>(count) ||
      !std::is_sorted(batch.sequence_begin.begin(), batch.sequence_begin.end())) {
    return absl::InvalidArgumentError(
        "sequence_begin: expected rising positions from 0 to the number of tokens");
  }
  ENTRAIN_RETURN_IF_ERROR(check("old_logp", batch.old_logp, count, true));
  ENTRAIN_RETURN_IF_ERROR(check("new_logp", batch.new_logp, count, with_new));
  ENTRAIN_RETURN_IF_ERROR(check("advantages", batch.advantage, count, true));
  ENTRAIN_RETURN_IF_ERROR(check("rollout_logp", batch.rollout_logp, count, spec.tis.has_value()));
  ENTRAIN_RETURN_IF_ERROR(check("ref_logp", batch.ref_logp, count, with_new && spec.kl.has_value()));
  ENTRAIN_RETURN_IF_ERROR(
      check("old_entropy", batch.old_entropy, count, needs.old_entropy || spec.regions.Any()));
  ENTRAIN_RETURN_IF_ERROR(check("entropy", batch.entropy, count, with_new && needs.entropy));
  const bool exact = spec.regions.Any() && spec.regions.rule == RegionMask::Rule::kExact;
  ENTRAIN_RETURN_IF_ERROR(check("old_n", batch.old_n, count, needs.old_n || exact));
  ENTRAIN_RETURN_IF_ERROR(
      check("group_accuracy", batch.group_accuracy, batch.sequence_begin.size() - 1, needs.group_accuracy));
  return check("weight", batch.weight, count, false);
}

absl::Status CheckGiven(const ObjectiveSpec& spec) {
  const std::vector<std::string> missing = MissingParameters(spec);
  if (missing.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(spec.name, ": \"params.", missing.front(), "\" is missing"));
}

std::string Shown(double value) { return std::isinf(value) ? "inf" : absl::StrCat(value); }

std::string RangeOf(const NumberParameter& parameter) {
  if (parameter.low < -1e299) return "a finite number";
  if (!std::isinf(parameter.high)) {
    return absl::StrCat(parameter.open_low ? "more than " : "from ", Shown(parameter.low),
                        parameter.open_high  ? " and less than "
                        : parameter.open_low ? " and at most "
                                             : " to ",
                        Shown(parameter.high));
  }
  return parameter.open_low ? absl::StrCat("more than ", Shown(parameter.low))
                            : absl::StrCat(Shown(parameter.low), " or more");
}

// "closed, new or old".
std::string OneOf(const std::vector<std::string>& words) {
  const auto last = words.end() - 1;
  return words.size() == 1 ? *last : absl::StrCat(absl::StrJoin(words.begin(), last, ", "), " or ", *last);
}

bool Legal(const NumberParameter& parameter, double value) {
  return (parameter.open_low ? value > parameter.low : value >= parameter.low) &&
         (parameter.open_high ? value < parameter.high : value <= parameter.high);
}

// What keeps lo ≤ 1 ≤ hi at every old probability in [0, 1] (docs/methods.md 12): the solved form has no
// clamp that would.
void CheckLines(const ObjectiveSpec& spec, std::vector<std::string>& problems) {
  const Parameters parameters(spec);
  const auto check = [&](const char* name, const std::optional<EpsLine>& line, bool legal,
                         const char* range) {
    if (!line.has_value()) return;
    const bool finite = std::isfinite(line->intercept) && std::isfinite(line->slope);
    if (finite && (legal || parameters.Word("p_source") != "closed")) return;
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
  if (parameters.Number("eps_min") > parameters.Number("eps_max"))
    problems.push_back(absl::StrCat(spec.name, ": \"eps_min\": expected no more than eps_max"));
}

// GSPO's mean log-ratio, for every token of a sequence.
std::vector<double> SequenceLogRatios(const TokenBatch& batch) {
  std::vector<double> out(batch.mask.size(), 0.0);
  ForEachSequence(batch, [&](size_t, size_t first, size_t last) {
    double sum = 0, length = 0;
    for (size_t i = first; i < last; ++i) {
      if (!(batch.mask[i] > 0)) continue;
      sum += batch.mask[i] * (batch.new_logp[i] - batch.old_logp[i]);
      length += batch.mask[i];
    }
    std::fill(out.begin() + static_cast<std::ptrdiff_t>(first),
              out.begin() + static_cast<std::ptrdiff_t>(last), sum / std::max(length, 1.0));
  });
  return out;
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
  for (const Method& method : Methods()) infos.push_back(method.info);
  return infos;
}

ClipForm ClipFormOf(const ObjectiveSpec& spec) {
  const Method* method = FindMethod(spec.name);
  return method == nullptr ? ClipForm::kNone : method->info.clip;
}

DefaultBox DefaultBoxOf(const ObjectiveSpec& spec) {
  const ObjectiveSpec plain{.name = spec.name};
  const Parameters parameters(plain);
  return {.eps_low = parameters.Number("eps_low"), .eps_high = parameters.Number("eps_high")};
}

std::vector<std::string> MissingParameters(const ObjectiveSpec& spec) {
  std::vector<std::string> missing;
  for (const NumberParameter& parameter : FindMethod(spec.name)->numbers) {
    if (std::isnan(parameter.fallback) && !spec.numbers.contains(parameter.name))
      missing.push_back(parameter.name);
  }
  return missing;
}

std::vector<std::string> DialsOf(const ObjectiveSpec& spec) {
  std::vector<std::string> names;
  if (const Method* method = FindMethod(spec.name); method != nullptr) {
    for (const DialTarget& target : method->dials) names.push_back(target.dial);
  }
  if (spec.kl.has_value()) names.emplace_back(kKlDial);
  std::ranges::sort(names);
  return names;
}

std::vector<std::string> NeededDials(const ObjectiveSpec& spec) {
  const std::vector<std::string> missing = MissingParameters(spec);
  std::vector<std::string> names = DialsOf(spec);
  std::erase_if(names, [&](const std::string& dial) {
    return std::ranges::find(missing, DialParameter(spec, dial)) == missing.end();
  });
  return names;
}

std::string DialParameter(const ObjectiveSpec& spec, const std::string& dial) {
  const Method* method = FindMethod(spec.name);
  if (method == nullptr) return "";
  const auto target = std::ranges::find(method->dials, dial, &DialTarget::dial);
  return target == method->dials.end() ? "" : target->parameter;
}

bool TurnDial(ObjectiveSpec& spec, const std::string& dial, double value) {
  if (dial == kKlDial && spec.kl.has_value()) {
    spec.kl->coef = value;
    return true;
  }
  const std::string parameter = DialParameter(spec, dial);
  if (parameter.empty()) return false;
  spec.numbers[parameter] = value;
  return true;
}

std::vector<std::string> ObjectiveParameters(const std::string& name) {
  std::vector<std::string> names;
  for (const ParameterInfo& parameter : DescribeParameters(name)) names.push_back(parameter.name);
  return names;
}

std::vector<ParameterInfo> DescribeParameters(const std::string& name) {
  const Method* method = FindMethod(name);
  if (method == nullptr) return {};
  std::vector<ParameterInfo> out;
  for (const NumberParameter& parameter : method->numbers) {
    out.push_back({.name = parameter.name,
                   .range = RangeOf(parameter),
                   .fallback = std::isnan(parameter.fallback) ? "needed"
                               : parameter.name == "dual_c" && std::isinf(parameter.fallback)
                                   ? "off"
                                   : Shown(parameter.fallback)});
  }
  for (const WordParameter& parameter : method->words)
    out.push_back({.name = parameter.name,
                   .range = absl::StrJoin(parameter.words, " | "),
                   .fallback = parameter.words.front()});
  if (method->takes_horizon)
    out.push_back({.name = "horizon", .range = "more than 0", .fallback = "the longest sequence"});
  if (method->info.clip == ClipForm::kLines) {
    const ObjectiveSpec plain;
    const auto line = [](const std::optional<EpsLine>& side) {
      return absl::StrCat("[", side->intercept, ", ", side->slope, "]");
    };
    out.push_back({.name = "upper", .range = "[intercept, slope] or off", .fallback = line(plain.upper)});
    out.push_back({.name = "lower", .range = "[intercept, slope] or off", .fallback = line(plain.lower)});
  }
  return out;
}

absl::Status ValidateObjective(const ObjectiveSpec& spec) {
  const Method* method = FindMethod(spec.name);
  if (method == nullptr) {
    std::vector<std::string> names;
    for (const Method& known : Methods()) names.push_back(known.info.name);
    return absl::InvalidArgumentError(
        absl::StrCat("unknown objective \"", spec.name, "\"", DidYouMean(spec.name, names)));
  }
  const std::vector<std::string> known = ObjectiveParameters(spec.name);
  std::vector<std::string> problems;
  const auto expected = [&](const std::string& name, absl::string_view range, const auto& found) {
    problems.push_back(absl::StrCat(spec.name, ": \"", name, "\": expected ", range, ", found ", found));
  };
  const auto unknown = [&](const std::string& name) {
    problems.push_back(
        absl::StrCat(spec.name, ": unknown parameter \"", name, "\"", DidYouMean(name, known)));
  };
  for (const auto& [name, value] : spec.numbers) {
    const auto parameter = std::ranges::find(method->numbers, name, &NumberParameter::name);
    if (parameter != method->numbers.end()) {
      if (!Legal(*parameter, value)) expected(name, RangeOf(*parameter), value);
    } else if (std::ranges::find(method->words, name, &WordParameter::name) != method->words.end()) {
      expected(name, "a word", value);
    } else if (std::ranges::find(known, name) != known.end()) {
      expected(name, "a line", value);
    } else {
      unknown(name);
    }
  }
  for (const auto& [name, value] : spec.words) {
    const auto parameter = std::ranges::find(method->words, name, &WordParameter::name);
    if (parameter != method->words.end()) {
      if (std::ranges::find(parameter->words, value) == parameter->words.end())
        expected(name, OneOf(parameter->words), absl::StrCat("\"", value, "\""));
    } else if (std::ranges::find(known, name) != known.end()) {
      expected(name, "a number", absl::StrCat("\"", value, "\""));
    } else {
      unknown(name);
    }
  }
  if (method->info.clip == ClipForm::kLines) CheckLines(spec, problems);
  const Parameters parameters(spec);
  if (spec.name == "steer" && parameters.Word("form") == "linear" &&
      parameters.Number("w_min") > parameters.Number("w_max"))
    problems.push_back("steer: \"w_min\": expected no more than w_max");
  if (spec.name == "clip_cov" && !(parameters.Number("lb") < parameters.Number("ub")))
    problems.push_back("clip_cov: \"lb\": expected less than ub");
  if (spec.aggregation.has_value() && !method->free_aggregation) {
    problems.push_back(absl::StrCat(spec.name, ": \"aggregation\": this objective fixes its own, ",
                                    AggregationName(method->aggregation)));
  }
  if (spec.tis.has_value() && !method->takes_tis)
    problems.push_back(absl::StrCat(spec.name, ": \"tis\" goes with ppo_clip and flex_clip"));
  if (spec.tis.has_value() && !(spec.tis->cap > 0))
    problems.push_back(absl::StrCat("tis: \"cap\": expected more than 0, found ", spec.tis->cap));
  const auto& masked = spec.regions.masked;
  if (masked[1] && masked[2] && masked[3] && masked[4])
    problems.push_back("regions: \"mask\": with all four regions masked nothing would train");
  if (spec.kl.has_value() && !(spec.kl->coef >= 0 && std::isfinite(spec.kl->coef)))
    problems.push_back(absl::StrCat("kl: \"coef\": expected a number of 0 or more, found ", spec.kl->coef));
  if (!problems.empty()) return absl::InvalidArgumentError(absl::StrJoin(problems, "\n"));
  return absl::OkStatus();
}

absl::Status PrepareBatch(const ObjectiveSpec& spec, TokenBatch& batch) {
  ENTRAIN_RETURN_IF_ERROR(ValidateObjective(spec));
  ENTRAIN_RETURN_IF_ERROR(CheckGiven(spec));
  ENTRAIN_RETURN_IF_ERROR(CheckColumns(spec, batch, /*with_new=*/false));
  SilenceRegions(spec.regions, batch);
  if (const Method& method = *FindMethod(spec.name); method.prepare) method.prepare(Parameters(spec), batch);
  if (spec.tis.has_value()) batch.found.merge(TisState(*spec.tis, batch));
  return absl::OkStatus();
}

PlanScope PlanScopeOf(const ObjectiveSpec& spec) {
  const Method* method = FindMethod(spec.name);
  if (method == nullptr || !method->plan) return PlanScope::kNothing;
  return Parameters(spec).Word("scope") == "micro" ? PlanScope::kPart : PlanScope::kMinibatch;
}

absl::Status PlanMinibatch(const ObjectiveSpec& spec, const PlanKey& key, TokenBatch& batch) {
  ENTRAIN_RETURN_IF_ERROR(ValidateObjective(spec));
  ENTRAIN_RETURN_IF_ERROR(CheckGiven(spec));
  ENTRAIN_RETURN_IF_ERROR(CheckColumns(spec, batch, /*with_new=*/true));
  if (const Method& method = *FindMethod(spec.name); method.plan) method.plan(Parameters(spec), key, batch);
  return absl::OkStatus();
}

absl::StatusOr<ObjectiveResult> EvaluateObjective(const ObjectiveSpec& spec, const TokenBatch& batch,
                                                  const Denominators& denominators) {
  ENTRAIN_RETURN_IF_ERROR(ValidateObjective(spec));
  ENTRAIN_RETURN_IF_ERROR(CheckGiven(spec));
  ENTRAIN_RETURN_IF_ERROR(CheckColumns(spec, batch, /*with_new=*/true));
  const Method& method = *FindMethod(spec.name);
  const Parameters parameters(spec);
  const Aggregation aggregation = spec.aggregation.value_or(method.aggregation);
  const double horizon = spec.horizon > 0 ? spec.horizon : LongestSequence(batch);
  const std::vector<double> weights = AggregationWeights(aggregation, batch, denominators, horizon);
  const std::vector<double> corrections =
      spec.tis.has_value() ? TisWeights(*spec.tis, batch) : std::vector<double>();
  const std::vector<double> sequence_log_ratios = SequenceLogRatios(batch);
  const TokenRule rule = method.rule(parameters);
  const auto at = [](const auto& column, size_t i) {
    return column.empty() ? 0.0 : static_cast<double>(column[i]);
  };

  ObjectiveResult result;
  result.grad_new_logp.assign(batch.mask.size(), 0.0);
  result.outcomes.resize(batch.mask.size());
  double high = 0, low = 0, dual_count = 0, high_q = 0, low_q = 0, ratio = 0, selected = 0, kept = 0;
  double silenced = 0;
  for (size_t i = 0; i < batch.mask.size(); ++i) {
    if (!(batch.mask[i] > 0)) continue;
    const TokenView view = {.old_logp = batch.old_logp[i],
                            .new_logp = batch.new_logp[i],
                            .advantage = batch.advantage[i],
                            .old_entropy = at(batch.old_entropy, i),
                            .entropy = at(batch.entropy, i),
                            .sequence_log_ratio = sequence_log_ratios[i],
                            .selected = at(batch.selected, i) != 0};
    const TokenLoss token = rule(view);
    const double weight = weights[i] * (corrections.empty() ? 1.0 : corrections[i]) *
                          (batch.weight.empty() ? 1.0 : batch.weight[i]);
    const bool silent = at(batch.silent, i) != 0;
    if (!silent) {
      result.loss += weight * token.loss;
      result.grad_new_logp[i] = weight * token.gradient;
      if (!batch.push.empty() && batch.push[i] != 0) {
        const double pushed = batch.push[i] * token.ratio;
        result.loss -= pushed;
        if (std::abs(view.new_logp - view.old_logp) <= kLogRatioClamp) result.grad_new_logp[i] -= pushed;
      }
    }
    result.outcomes[i] = {.coefficient = -result.grad_new_logp[i] / weights[i],
                          .lo = token.bounds.lo,
                          .hi = token.bounds.hi,
                          .clipped_high = token.clipped_high,
                          .clipped_low = token.clipped_low};
    const double mask = batch.mask[i];
    ratio += mask * token.ratio;
    if (view.selected) selected += mask;
    if (silent) silenced += mask;
    if (!token.detached) kept += mask;
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
  double bonus = 0, bonus_sequences = 0;
  if (method.bonus) {
    result.grad_entropy.assign(batch.mask.size(), 0.0);
    ForEachSequence(batch, [&](size_t sequence, size_t first, size_t last) {
      const double accuracy = batch.group_accuracy.empty() ? 0.0 : batch.group_accuracy[sequence];
      const double coefficient = method.bonus(parameters, accuracy, batch.measured_entropy) / tokens;
      bool trained = false;
      for (size_t i = first; i < last; ++i) {
        if (!(batch.mask[i] > 0) || at(batch.silent, i) != 0) continue;
        trained = true;
        bonus += coefficient * batch.mask[i];
        result.loss -= coefficient * batch.mask[i] * batch.entropy[i];
        result.grad_entropy[i] = -coefficient * batch.mask[i];
      }
      if (trained && coefficient > 0) ++bonus_sequences;
    });
  }
  result.stats = {{"clip/high_frac", high / tokens},       {"clip/low_frac", low / tokens},
                  {"clip/dual_frac", dual_count / tokens}, {"clip/high_q_sum", high_q / tokens},
                  {"clip/low_q_sum", low_q / tokens},      {"ratio/mean", ratio / tokens}};
  if (!batch.selected.empty()) result.stats["selected/frac"] = selected / tokens;
  if (!batch.silent.empty()) result.stats["silent/frac"] = silenced / tokens;
  if (method.gated) result.stats["erc/kept_frac"] = kept / tokens;
  if (method.bonus) {
    result.stats["bonus/mean"] = bonus;
    result.stats["bonus/prompts_frac"] = bonus_sequences / std::max(denominators.sequences, 1.0);
  }
  if (spec.kl.has_value()) AddReferenceKl(*spec.kl, batch, denominators, weights, result);
  return result;
}

}  // namespace entrain
