#include "learner/update_metrics.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "learner/objective/kl.h"
#include "learner/objective/surrogate.h"
#include "learner/quantile.h"
#include "learner/regions.h"

namespace entrain {
namespace {

double Ratio(double part, double whole) { return whole > 0 ? part / whole : 0.0; }

double Deviation(double sum, double squares, double count) {
  const double mean = Ratio(sum, count);
  return std::sqrt(std::max(0.0, Ratio(squares, count) - mean * mean));
}

void WriteRange(const std::string& prefix, const RangeSums& range, std::map<std::string, double>& out) {
  if (!(range.count > 0)) return;
  out[prefix + "mean"] = range.sum / range.count;
  out[prefix + "min"] = range.least;
  out[prefix + "max"] = range.most;
}

void WriteRegions(const std::string& rule, const std::array<EntropySums, 5>& regions, double tokens,
                  const std::string& suffix, std::map<std::string, double>& out) {
  for (size_t region = 1; region <= 4; ++region) {
    const std::string name = absl::StrCat(rule, "/e", region, "_predicted_change");
    out[name + suffix] = Ratio(regions[region].kept_change, tokens);
    out[absl::StrCat(name, "_clipped", suffix)] = Ratio(regions[region].cut_change, tokens);
  }
}

}  // namespace

void UpdateMetrics::AddPlan(const std::map<std::string, double>& found, double tokens) {
  if (found.empty()) return;
  AddScaled(found, tokens, present_.found);
  present_.found_tokens += tokens;
}

void UpdateMetrics::AddPart(const TokenBatch& tokens, const ObjectiveResult& result,
                            const Denominators& denominators) {
  present_.loss += result.loss;
  AddScaled(result.stats, denominators.tokens, present_.shares);
  for (size_t i = 0; i < tokens.mask.size(); ++i) {
    if (tokens.mask[i] > 0) AddToken(tokens, result.outcomes[i], i);
  }
}

void UpdateMetrics::AddToken(const TokenBatch& tokens, const TokenOutcome& outcome, size_t i) {
  const double advantage = tokens.advantage[i], old_logp = tokens.old_logp[i], new_logp = tokens.new_logp[i];
  const double old_entropy = tokens.old_entropy[i];
  const double log_ratio = std::clamp(new_logp - old_logp, -kLogRatioClamp, kLogRatioClamp);
  const double ratio = std::exp(log_ratio), q = std::exp(old_logp);
  UpdateSums& sums = present_;
  ++sums.tokens;
  sums.excess += ratio - 1;
  sums.excess_squares += (ratio - 1) * (ratio - 1);
  sums.log_ratio_squares += log_ratio * log_ratio;
  // The tokens were drawn from the old policy: KL(old ‖ new).
  sums.k1 += K1Estimate(old_logp, new_logp);
  sums.k3 += K3Estimate(old_logp, new_logp);
  log_ratios_.push_back(static_cast<float>(log_ratio));

  const double s_minus_n = std::exp(new_logp) * (new_logp + tokens.entropy[i]) - tokens.new_n[i];
  const double old_s = q * (old_logp + old_entropy), old_n = tokens.old_n[i];
  const bool trains = outcome.coefficient != 0;
  EntropySums change{.tokens = 1};
  if (trains) {
    change.kept_change = -outcome.coefficient * s_minus_n;
  } else if (advantage != 0) {
    change.cut = 1;
    change.cut_change = -ratio * advantage * s_minus_n;
  }
  sums.effective += trains ? 1 : 0;
  sums.all.Add(change);
  sums.simple[static_cast<size_t>(RegionBySurprisal(old_logp, old_entropy, advantage))].Add(change);
  sums.exact[static_cast<size_t>(RegionByScore(old_s, old_n, advantage))].Add(change);

  const ClippedSums clipped{.tokens = 1,
                            .q = q,
                            .exp_minus_entropy = std::exp(-old_entropy),
                            .s_below_n = old_s < old_n ? 1.0 : 0.0};
  if (outcome.clipped_high) sums.high.Add(clipped);
  if (outcome.clipped_low) sums.low.Add(clipped);
  if (outcome.lo > 0) sums.lower_bound.Add(outcome.lo);
  if (std::isfinite(outcome.hi)) sums.upper_bound.Add(outcome.hi);
  if (!tokens.weight.empty()) sums.weight.Add(tokens.weight[i]);
  // A probability that is not a number counts as 0: its update is dropped.
  const auto bins = static_cast<double>(sums.by_q.size());
  sums.by_q[q > 0 ? static_cast<size_t>(std::min(q * bins, bins - 1)) : 0].Add(
      {.tokens = 1, .high = outcome.clipped_high ? 1.0 : 0.0, .low = outcome.clipped_low ? 1.0 : 0.0});
}

void UpdateMetrics::Keep(double gradient_norm) {
  if (kept_ == 0) first_ = present_;
  total_.Add(std::exchange(present_, {}));
  log_ratios_kept_ = log_ratios_.size();
  gradient_norm_ += gradient_norm;
  gradient_norm_max_ = std::max(gradient_norm_max_, gradient_norm);
  ++kept_;
}

void UpdateMetrics::Drop() {
  present_ = {};
  log_ratios_.resize(log_ratios_kept_);
  ++dropped_;
}

void UpdateMetrics::WriteEntropy(std::map<std::string, double>& out) const {
  for (const auto& [sums, suffix] : {std::pair(&total_, ""), std::pair(&first_, "_first")}) {
    out[absl::StrCat("entropy/predicted_change", suffix)] = Ratio(sums->all.kept_change, sums->tokens);
    out[absl::StrCat("entropy/predicted_change_clipped", suffix)] = Ratio(sums->all.cut_change, sums->tokens);
    WriteRegions("region", sums->simple, sums->tokens, suffix, out);
    WriteRegions("region_exact", sums->exact, sums->tokens, suffix, out);
  }
  for (size_t region = 1; region <= 4; ++region) {
    const EntropySums &simple = total_.simple[region], &exact = total_.exact[region];
    out[absl::StrCat("region/e", region, "_clip_frac")] = Ratio(simple.cut, simple.tokens);
    out[absl::StrCat("region_exact/e", region, "_clip_frac")] = Ratio(exact.cut, exact.tokens);
  }
}

void UpdateMetrics::WriteRatio(std::map<std::string, double>& out) {
  out["ratio/mean"] = 1 + Ratio(total_.excess, total_.tokens);
  out["ratio/std"] = Deviation(total_.excess, total_.excess_squares, total_.tokens);
  out["log_ratio/mean"] = -Ratio(total_.k1, total_.tokens);
  out["log_ratio/std"] = Deviation(total_.k1, total_.log_ratio_squares, total_.tokens);
  // The exponential keeps the order: quantiles of r are those of ln r.
  for (const auto& [name, at] : {std::pair("q01", 0.01), {"q50", 0.5}, {"q99", 0.99}, {"max", 1.0}}) {
    const double value = Quantile(log_ratios_, at);
    out[absl::StrCat("log_ratio/", name)] = value;
    out[absl::StrCat("ratio/", name)] = std::exp(value);
  }
  out["kl/old_new"] = Ratio(total_.k3, total_.tokens);
  out["kl/old_new_k1"] = Ratio(total_.k1, total_.tokens);
}

void UpdateMetrics::WriteClip(std::map<std::string, double>& out) const {
  for (const auto& [side, sums] : {std::pair("high", &total_.high), std::pair("low", &total_.low)}) {
    out[absl::StrCat("clip/", side, "_mean_q")] = Ratio(sums->q, sums->tokens);
    out[absl::StrCat("clip/", side, "_mean_exp_minus_entropy")] =
        Ratio(sums->exp_minus_entropy, sums->tokens);
    out[absl::StrCat("clip/", side, "_s_below_n_frac")] = Ratio(sums->s_below_n, sums->tokens);
  }
  WriteRange("clip/lower_bound_", total_.lower_bound, out);
  WriteRange("clip/upper_bound_", total_.upper_bound, out);
  for (size_t i = 0; i < total_.by_q.size(); ++i) {
    const BinSums& bin = total_.by_q[i];
    const std::string name = absl::StrCat("clip/by_q/0.", i);
    out[name + "_tokens_frac"] = Ratio(bin.tokens, total_.tokens);
    out[name + "_high_frac"] = Ratio(bin.high, bin.tokens);
    out[name + "_low_frac"] = Ratio(bin.low, bin.tokens);
  }
}

std::map<std::string, double> UpdateMetrics::Result() {
  std::map<std::string, double> out = prepared_;
  for (const auto& [name, sum] : total_.shares) out[name] = Ratio(sum, total_.tokens);
  for (const auto& [name, sum] : total_.found) out[name] = Ratio(sum, total_.found_tokens);
  // Share-weighted sums: WriteClip has the means.
  out.erase("clip/high_q_sum");
  out.erase("clip/low_q_sum");
  WriteEntropy(out);
  WriteRatio(out);
  WriteClip(out);
  WriteRange("weight/", total_.weight, out);
  const double updates = std::max(kept_, 1.0);
  out["loss/mean"] = total_.loss / updates;
  out["grad/norm"] = gradient_norm_ / updates;
  out["grad/norm_max"] = gradient_norm_max_;
  out["tokens/trained"] = total_.tokens;
  out["tokens/effective"] = total_.effective;
  out["updates/done"] = kept_;
  out["updates/skipped"] = dropped_;
  return out;
}

}  // namespace entrain
