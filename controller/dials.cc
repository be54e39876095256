#include "controller/dials.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"

namespace entrain {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

DialInfo Finite(const char* name, const char* meaning) {
  return {.name = name, .low = -kInfinity, .high = kInfinity, .meaning = meaning};
}
DialInfo AtLeast(const char* name, double low, const char* meaning) {
  return {.name = name, .low = low, .high = kInfinity, .meaning = meaning};
}
DialInfo MoreThan(const char* name, double low, const char* meaning) {
  return {.name = name, .low = low, .high = kInfinity, .open_low = true, .meaning = meaning};
}
DialInfo Unit(const char* name, const char* meaning) {
  return {.name = name, .low = 0, .high = 1, .meaning = meaning};
}
// (0, 1].
DialInfo Share(const char* name, const char* meaning) {
  return {.name = name, .low = 0, .high = 1, .open_low = true, .meaning = meaning};
}

std::vector<DialInfo> MakeDials() {
  std::vector<DialInfo> dials = {
      AtLeast("abc_e1", 0, "ABC-GRPO: upper epsilon for A > 0"),
      Unit("abc_e2", "ABC-GRPO: lower epsilon for A > 0"),
      AtLeast("abc_e3", 0, "ABC-GRPO: upper epsilon for A < 0"),
      Unit("abc_e4", "ABC-GRPO: lower epsilon for A < 0"),
      AtLeast("ce_gppo_beta1", 0, "gradient kept below the lower bound; lowers entropy"),
      AtLeast("ce_gppo_beta2", 0, "gradient kept above the upper bound; raises entropy"),
      MoreThan("clip_b_mu", 0, "Clip_B: width in standard deviations; smaller drops more negative tokens"),
      Share("clip_cov_ratio", "Clip-Cov: share of tokens without a gradient; raises entropy"),
      Unit("clip_v_max_frac", "Clip_V: largest share of tokens that is dropped"),
      MoreThan("clip_v_mu", 0, "Clip_V: width in standard deviations; smaller drops more negative tokens"),
      AtLeast("dcpo_eps_high", 0, "DCPO: upper epsilon"),
      AtLeast("dcpo_eps_low", 0, "DCPO: lower epsilon"),
      Share("difficulty_rho", "AER: group accuracy below which a prompt gets an entropy bonus"),
      MoreThan("dual_c", 1, "dual clip: largest ratio for A < 0"),
      Finite("entropic_alpha", "EntroPIC: weight of the probable tokens' term; larger lowers entropy"),
      {.name = "entropic_p_thresh",
       .low = 0,
       .high = 1,
       .open_high = true,
       .meaning = "EntroPIC: probability above which a token counts as probable"},
      AtLeast("entropy_bonus", 0, "coefficient of the entropy bonus (AER: alpha); raises entropy"),
      MoreThan("erc_high", 1, "ERC: highest entropy ratio of a token that keeps its gradient"),
      {.name = "erc_low",
       .low = 0,
       .high = 1,
       .open_low = true,
       .open_high = true,
       .meaning = "ERC: lowest entropy ratio of a token that keeps its gradient"},
      Share("high_entropy_share", "share of the tokens, those of highest entropy, that is trained"),
      AtLeast("kl_coef", 0, "coefficient of a KL penalty"),
      AtLeast("kl_cov_coef", 0, "KL-Cov: coefficient of the penalty; raises entropy"),
      Share("kl_cov_ratio", "KL-Cov: share of tokens with the penalty; raises entropy"),
      Finite("position_d", "position shaping: offset of the sigmoid"),
      AtLeast("position_gamma", 0, "position shaping: strength"),
      Unit("positive_advantage_weight", "weight of tokens with A > 0; larger lowers entropy"),
      Unit("ppl_alpha", "perplexity shaping: strength"),
      Share("random_positive_clip_ratio", "share of the positive tokens without a loss"),
      MoreThan("sapo_tau_neg", 0, "SAPO: temperature of the gate for A < 0"),
      MoreThan("sapo_tau_pos", 0, "SAPO: temperature of the gate for A > 0"),
      MoreThan("steer_w_max", 0, "STEER: largest weight of a token"),
      Share("steer_w_min", "STEER: smallest weight of a token")};
  return dials;
}

}  // namespace

bool DialInfo::Legal(double value) const {
  return std::isfinite(value) && (open_low ? value > low : value >= low) &&
         (open_high ? value < high : value <= high);
}

std::string DialInfo::Range() const {
  if (std::isinf(low)) return "a finite number";
  const std::string from = absl::StrCat(open_low ? "more than " : "at least ", low);
  if (std::isinf(high)) return from;
  return absl::StrCat(from, open_high ? " and less than " : " and at most ", high);
}

const std::vector<DialInfo>& Dials() {
  static const auto* dials = new std::vector<DialInfo>(MakeDials());
  return *dials;
}

const DialInfo* FindDial(absl::string_view name) {
  const auto dial = std::ranges::find(Dials(), name, &DialInfo::name);
  return dial == Dials().end() ? nullptr : &*dial;
}

std::vector<std::string> DialNames() {
  std::vector<std::string> names;
  for (const DialInfo& dial : Dials()) names.push_back(dial.name);
  return names;
}

}  // namespace entrain
