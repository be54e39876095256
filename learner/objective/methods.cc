#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "learner/objective/advantage_shaping.h"
#include "learner/objective/clip_bounds.h"
#include "learner/objective/covariance.h"
#include "learner/objective/method.h"
#include "learner/objective/steer.h"
#include "learner/objective/token_masks.h"
#include "learner/objective/token_rules.h"

// Every objective as a composition of stages. Defaults and ranges: docs/methods.md 12.

namespace entrain {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNeeded = std::numeric_limits<double>::quiet_NaN();

NumberParameter AtLeast(const char* name, double fallback, double low) {
  return {.name = name, .fallback = fallback, .low = low, .high = kInfinity};
}
NumberParameter MoreThan(const char* name, double fallback, double low) {
  return {.name = name, .fallback = fallback, .low = low, .high = kInfinity, .open_low = true};
}
NumberParameter Between(const char* name, double fallback, double low, double high) {
  return {.name = name, .fallback = fallback, .low = low, .high = high};
}
// (0, 1].
NumberParameter Share(const char* name, double fallback) {
  return {.name = name, .fallback = fallback, .low = 0, .high = 1, .open_low = true};
}
NumberParameter Finite(const char* name, double fallback) {
  return {.name = name, .fallback = fallback, .low = -1e300, .high = 1e300};
}
NumberParameter DualC(double fallback) { return MoreThan("dual_c", fallback, 1.0); }

std::vector<NumberParameter> Box(double eps_low, double eps_high, std::vector<NumberParameter> more = {}) {
  more.insert(more.begin(), {Between("eps_low", eps_low, 0.0, 1.0), AtLeast("eps_high", eps_high, 0.0)});
  return more;
}

RatioBounds BoxOf(const Parameters& p) {
  return {.lo = 1 - p.Number("eps_low"), .hi = 1 + p.Number("eps_high")};
}

// Infinity is off.
std::optional<double> DualOf(const Parameters& p) {
  const double dual_c = p.Number("dual_c");
  return std::isinf(dual_c) ? std::nullopt : std::optional(dual_c);
}

// The clipped surrogate with a constant box, without and with dual clip.
TokenRule PlainBox(const Parameters& p) {
  return [bounds = BoxOf(p)](const TokenView& token) {
    return ClippedSurrogate(RatioOf(token), token.advantage, bounds, std::nullopt);
  };
}
TokenRule DualBox(const Parameters& p) {
  return [bounds = BoxOf(p), dual_c = DualOf(p)](const TokenView& token) {
    return ClippedSurrogate(RatioOf(token), token.advantage, bounds, dual_c);
  };
}

PSource PSourceOf(const std::string& word) {
  return word == "new" ? PSource::kNew : word == "old" ? PSource::kOld : PSource::kClosed;
}

TokenRule Lines(const Parameters& p) {
  return [upper = p.spec().upper, lower = p.spec().lower, source = PSourceOf(p.Word("p_source")),
          eps_min = p.Number("eps_min"), eps_max = p.Number("eps_max"),
          dual_c = DualOf(p)](const TokenView& token) {
    const RatioBounds bounds = LineBounds(upper, lower, source, std::exp(token.old_logp),
                                          std::exp(token.new_logp), eps_min, eps_max);
    return ClippedSurrogate(RatioOf(token), token.advantage, bounds, dual_c);
  };
}

// A weight for tokens with A > 0.
TokenRule WeighedPositives(const Parameters& p) {
  return [box = PlainBox(p), lam = p.Number("lam")](const TokenView& token) {
    TokenLoss out = box(token);
    if (token.advantage > 0) {
      out.loss *= lam;
      out.gradient *= lam;
    }
    return out;
  };
}

// The box, and no loss for the tokens that the plan selected.
TokenRule WithoutSelected(const Parameters& p) {
  return [bounds = BoxOf(p)](const TokenView& token) {
    TokenLoss out =
        ClippedSurrogate(FreeRatio(token.new_logp - token.old_logp), token.advantage, bounds, std::nullopt);
    if (token.selected) out.loss = out.gradient = 0;
    return out;
  };
}

// EntroPIC's second term (arXiv 2511.15248; docs/methods.md 10.9): alpha · mean of −r·|A| over the tokens
// whose current probability is above p_thresh.
void PlanEntropic(const Parameters& p, const PlanKey&, TokenBatch& batch) {
  const double threshold = p.Number("p_thresh"), alpha = p.Number("alpha");
  double count = 0;
  const auto probable = [&](size_t i) {
    return batch.mask[i] > 0 && std::exp(batch.new_logp[i]) > threshold;
  };
  for (size_t i = 0; i < batch.mask.size(); ++i) count += probable(i) ? batch.mask[i] : 0.0;
  batch.push.assign(batch.mask.size(), 0.0);
  for (size_t i = 0; i < batch.mask.size(); ++i) {
    if (probable(i))
      batch.push[i] = alpha * batch.mask[i] * std::abs(batch.advantage[i]) / std::max(count, 1.0);
  }
}

const ObjectiveNeeds kOldEntropy = {.old_entropy = true};

std::vector<Method> MakeMethods() {
  std::vector<Method> methods;
  methods.push_back(
      {.info = {.name = "ppo_clip",
                .clip = ClipForm::kBox,
                .summary = "the clipped surrogate with a constant box (GRPO; arXiv 1707.06347)"},
       .numbers = Box(0.2, 0.2, {DualC(kInfinity)}),
       .free_aggregation = true,
       .takes_tis = true,
       .takes_horizon = true,
       .dials = {{"dual_c", "dual_c"}},
       .rule = DualBox});
  methods.push_back(
      {.info = {.name = "flex_clip",
                .clip = ClipForm::kLines,
                .summary = "clip thresholds that are lines in the token's probability (arXiv 2602.09782)"},
       .numbers = {AtLeast("eps_min", 0.0, 0.0), AtLeast("eps_max", kInfinity, 0.0), DualC(kInfinity)},
       .words = {{"p_source", {"closed", "new", "old"}}},
       .free_aggregation = true,
       .takes_tis = true,
       .takes_horizon = true,
       .dials = {{"dual_c", "dual_c"}},
       .rule = Lines});
  methods.push_back({.info = {.name = "dr_grpo",
                              .clip = ClipForm::kBox,
                              .summary = "no length bias: sums over a constant horizon (arXiv 2503.20783)"},
                     .numbers = Box(0.2, 0.2),
                     .aggregation = Aggregation::kSeqMeanTokenSumNorm,
                     .takes_horizon = true,
                     .rule = PlainBox});
  methods.push_back({.info = {.name = "dapo",
                              .clip = ClipForm::kBox,
                              .summary = "clip-higher with dual clip (arXiv 2503.14476)"},
                     .numbers = Box(0.2, 0.28, {DualC(10)}),
                     .dials = {{"dual_c", "dual_c"}},
                     .rule = DualBox});
  methods.push_back({.info = {.name = "gspo",
                              .clip = ClipForm::kBox,
                              .summary = "one ratio for a sequence (arXiv 2507.18071)"},
                     .numbers = Box(3e-4, 4e-4),
                     .aggregation = Aggregation::kSeqMeanTokenMean,
                     .rule = [](const Parameters& p) -> TokenRule {
                       return
                           [bounds = BoxOf(p)](const TokenView& token) { return GspoToken(token, bounds); };
                     }});
  methods.push_back({.info = {.name = "cispo",
                              .clip = ClipForm::kBox,
                              .summary = "clips the weight of a token, not its gradient (arXiv 2506.13585)"},
                     .numbers = Box(1.0, 4.0),
                     .rule = [](const Parameters& p) -> TokenRule {
                       return
                           [bounds = BoxOf(p)](const TokenView& token) { return CispoToken(token, bounds); };
                     }});
  methods.push_back({.info = {.name = "sapo",
                              .clip = ClipForm::kNone,
                              .summary = "a smooth gate instead of a clip (arXiv 2511.20347)"},
                     .numbers = {MoreThan("tau_pos", 1.0, 0.0), MoreThan("tau_neg", 1.05, 0.0)},
                     .aggregation = Aggregation::kSeqMeanTokenMean,
                     .dials = {{"sapo_tau_pos", "tau_pos"}, {"sapo_tau_neg", "tau_neg"}},
                     .rule = [](const Parameters& p) -> TokenRule {
                       return [positive = p.Number("tau_pos"), negative = p.Number("tau_neg")](
                                  const TokenView& token) { return SapoToken(token, positive, negative); };
                     }});
  methods.push_back(
      {.info = {.name = "clip_b",
                .clip = ClipForm::kBox,
                .ratio_based = false,
                .summary = "drops negative tokens far below the batch's mean score (arXiv 2602.03392)",
                .needs = kOldEntropy},
       .numbers = Box(0.2, 0.2, {MoreThan("mu", 2.5, 0.0)}),
       .dials = {{"clip_b_mu", "mu"}},
       .prepare = [](const Parameters& p, TokenBatch& batch) { ClipByBatch(p.Number("mu"), batch); },
       .rule = PlainBox});
  methods.push_back(
      {.info = {.name = "clip_v",
                .clip = ClipForm::kBox,
                .ratio_based = false,
                .summary = "drops negative tokens far below the vocabulary's mean score (arXiv 2602.03392)",
                .needs = {.old_entropy = true, .old_n = true}},
       .numbers = Box(0.2, 0.2, {MoreThan("mu", 8.5, 0.0), Between("max_frac", 1e-4, 0.0, 1.0)}),
       .dials = {{"clip_v_mu", "mu"}, {"clip_v_max_frac", "max_frac"}},
       .prepare = [](const Parameters& p,
                     TokenBatch& batch) { ClipByVocabulary(p.Number("mu"), p.Number("max_frac"), batch); },
       .rule = PlainBox});
  methods.push_back({.info = {.name = "pos_adv_reweight",
                              .clip = ClipForm::kBox,
                              .ratio_based = false,
                              .summary = "weighs tokens with a positive advantage by lam (arXiv 2511.05993)"},
                     .numbers = Box(0.2, 0.2, {Between("lam", 0.0, 0.0, 1.0)}),
                     .free_aggregation = true,
                     .dials = {{"positive_advantage_weight", "lam"}},
                     .rule = WeighedPositives});
  methods.push_back(
      {.info = {.name = "random_positive_clip",
                .clip = ClipForm::kBox,
                .ratio_based = false,
                .summary =
                    "no loss for a random share of the positive tokens, the control (arXiv 2511.05993)"},
       .numbers = Box(0.2, 0.2, {Share("ratio", 2e-4)}),
       .dials = {{"random_positive_clip_ratio", "ratio"}},
       .plan = [](const Parameters& p, const PlanKey& key,
                  TokenBatch& batch) { DropPositivesAtRandom(p.Number("ratio"), key, batch); },
       .rule = PlainBox});
  methods.push_back(
      {.info = {.name = "aer",
                .clip = ClipForm::kBox,
                .ratio_based = false,
                .summary = "an entropy bonus for hard prompts (arXiv 2510.10959, reconstruction)",
                .needs = {.entropy = true, .group_accuracy = true}},
       .numbers = Box(0.2, 0.2, {AtLeast("alpha", kNeeded, 0.0), Share("rho", 0.5)}),
       .words = {{"form", {"linear", "indicator"}}},
       .dials = {{"entropy_bonus", "alpha"}, {"difficulty_rho", "rho"}},
       .rule = PlainBox,
       .bonus = [](const Parameters& p, double accuracy, double) {
         const double rho = p.Number("rho");
         const double linear = std::max(0.0, (rho - accuracy) / rho);
         const double indicator = accuracy <= rho ? 1.0 : 0.0;
         return p.Number("alpha") * (p.Word("form") == "linear" ? linear : indicator);
       }});
  methods.push_back(
      {.info = {.name = "magic_entropy",
                .clip = ClipForm::kBox,
                .ratio_based = false,
                .summary = "an entropy bonus while entropy is at or below a target (arXiv 2505.22312)",
                .needs = {.entropy = true, .measured_entropy = true}},
       .numbers = Box(0.2, 0.2, {AtLeast("coef", kNeeded, 0.0), MoreThan("target", 0.2, 0.0)}),
       .dials = {{"entropy_bonus", "coef"}},
       .rule = PlainBox,
       .bonus = [](const Parameters& p, double, double measured) {
         return measured <= p.Number("target") ? p.Number("coef") : 0.0;
       }});
  methods.push_back(
      {.info = {.name = "steer",
                .clip = ClipForm::kBox,
                .ratio_based = false,
                .summary = "weighs tokens down by the entropy change they make (arXiv 2510.10150)",
                .needs = kOldEntropy},
       .numbers =
           Box(0.2, 0.28,
               {DualC(10), Share("w_min", 0.7), MoreThan("w_max", 1.2, 0.0), Between("power", 1, 1, 2)}),
       .words = {{"form", {"exp", "linear"}}, {"scope", {"mini", "micro"}}},
       .dials = {{"steer_w_min", "w_min"}, {"steer_w_max", "w_max"}, {"dual_c", "dual_c"}},
       .plan =
           [](const Parameters& p, const PlanKey&, TokenBatch& batch) {
             WeighByEntropyChange({.linear = p.Word("form") == "linear",
                                   .w_min = p.Number("w_min"),
                                   .w_max = p.Number("w_max"),
                                   .power = p.Number("power")},
                                  batch);
           },
       .rule = DualBox});
  methods.push_back(
      {.info = {.name = "clip_cov",
                .clip = ClipForm::kBox,
                .ratio_based = false,
                .summary = "no loss for a few tokens with a large covariance (arXiv 2505.22617)"},
       .numbers = Box(1.0, 1.0, {Share("ratio", 2e-4), Finite("lb", 1.0), Finite("ub", 5.0)}),
       .dials = {{"clip_cov_ratio", "ratio"}},
       .plan =
           [](const Parameters& p, const PlanKey& key, TokenBatch& batch) {
             if (!batch.selected.empty()) return;  // given with the batch
             SelectByCovariance({.ratio = p.Number("ratio"),
                                 .lb = p.Number("lb"),
                                 .ub = p.Number("ub"),
                                 .eps_low = p.Number("eps_low"),
                                 .eps_high = p.Number("eps_high")},
                                key, batch);
           },
       .rule = WithoutSelected});
  methods.push_back(
      {.info = {.name = "kl_cov",
                .clip = ClipForm::kNone,
                .summary = "holds the tokens with the largest covariance back (arXiv 2505.22617)"},
       .numbers = {Share("ratio", 2e-3), AtLeast("coef", 1.0, 0.0)},
       .dials = {{"kl_cov_ratio", "ratio"}, {"kl_cov_coef", "coef"}},
       .plan = [](const Parameters& p, const PlanKey&,
                  TokenBatch& batch) { SelectLargestCovariance(p.Number("ratio"), batch); },
       .rule = [](const Parameters& p) -> TokenRule {
         return [coef = p.Number("coef")](const TokenView& token) { return KlCovToken(token, coef); };
       }});
  methods.push_back(
      {.info = {.name = "ce_gppo",
                .clip = ClipForm::kBox,
                .summary = "clipped tokens keep a bounded gradient (arXiv 2509.20712)"},
       .numbers = Box(0.2, 0.2, {DualC(10), AtLeast("beta1", 0.75, 0.0), AtLeast("beta2", 1.0, 0.0)}),
       .dials = {{"ce_gppo_beta1", "beta1"}, {"ce_gppo_beta2", "beta2"}, {"dual_c", "dual_c"}},
       .rule = [](const Parameters& p) -> TokenRule {
         return [bounds = BoxOf(p), beta1 = p.Number("beta1"), beta2 = p.Number("beta2"), dual_c = DualOf(p)](
                    const TokenView& token) { return CeGppoToken(token, bounds, beta1, beta2, dual_c); };
       }});
  methods.push_back(
      {.info = {.name = "erc",
                .clip = ClipForm::kBox,
                .summary = "no gradient where a token's entropy moved too far (arXiv 2512.05591)",
                .needs = {.old_entropy = true, .entropy = true}},
       .numbers =
           Box(0.2, 0.28,
               {DualC(10),
                {.name = "lo", .fallback = 0.95, .low = 0, .high = 1, .open_low = true, .open_high = true},
                MoreThan("hi", 1.05, 1.0)}),
       .gated = true,
       .dials = {{"erc_low", "lo"}, {"erc_high", "hi"}, {"dual_c", "dual_c"}},
       .rule = [](const Parameters& p) -> TokenRule {
         return [bounds = BoxOf(p), lo = p.Number("lo"), hi = p.Number("hi"), dual_c = DualOf(p)](
                    const TokenView& token) { return ErcToken(token, bounds, lo, hi, dual_c); };
       }});
  methods.push_back(
      {.info = {.name = "entropic",
                .clip = ClipForm::kBox,
                .ratio_based = false,
                .summary = "pushes or pulls probable tokens with weight alpha (arXiv 2511.15248)"},
       .numbers = Box(0.2, 0.2,
                      {Finite("alpha", kNeeded),
                       {.name = "p_thresh", .fallback = 0.95, .low = 0, .high = 1, .open_high = true}}),
       .dials = {{"entropic_alpha", "alpha"}, {"entropic_p_thresh", "p_thresh"}},
       .plan = PlanEntropic,
       .rule = PlainBox});
  methods.push_back(
      {.info = {.name = "high_entropy_tokens",
                .clip = ClipForm::kBox,
                .ratio_based = false,
                .summary = "trains the tokens with the highest entropy only (arXiv 2506.01939)",
                .needs = kOldEntropy},
       .numbers = Box(0.2, 0.28, {Share("rho", 0.2)}),
       .dials = {{"high_entropy_share", "rho"}},
       .prepare = [](const Parameters& p, TokenBatch& batch) { KeepHighEntropy(p.Number("rho"), batch); },
       .rule = PlainBox});
  methods.push_back(
      {.info = {.name = "dcpo",
                .clip = ClipForm::kNone,
                .summary = "bounds that widen for improbable tokens (arXiv 2509.02333)"},
       .numbers = {AtLeast("eps_low", 0.16, 0.0), AtLeast("eps_high", 0.2, 0.0), DualC(10)},
       .aggregation = Aggregation::kSeqMeanTokenMean,
       .free_aggregation = true,
       .dials = {{"dcpo_eps_low", "eps_low"}, {"dcpo_eps_high", "eps_high"}, {"dual_c", "dual_c"}},
       .rule = [](const Parameters& p) -> TokenRule {
         return [eps_low = p.Number("eps_low"), eps_high = p.Number("eps_high"), cap = p.Number("dual_c"),
                 dual_c = DualOf(p)](const TokenView& token) {
           return ClippedSurrogate(FreeRatio(token.new_logp - token.old_logp), token.advantage,
                                   DcpoBounds(std::exp(token.old_logp), eps_low, eps_high, cap), dual_c);
         };
       }});
  methods.push_back({.info = {.name = "abc_grpo",
                              .clip = ClipForm::kNone,
                              .summary = "a box for each sign, gradient zero outside it (arXiv 2601.03895)"},
                     .numbers = {AtLeast("e1", 0.2, 0.0), Between("e2", 0.2, 0.0, 1.0),
                                 AtLeast("e3", 0.2, 0.0), Between("e4", 0.2, 0.0, 1.0)},
                     .free_aggregation = true,
                     .dials = {{"abc_e1", "e1"}, {"abc_e2", "e2"}, {"abc_e3", "e3"}, {"abc_e4", "e4"}},
                     .rule = [](const Parameters& p) -> TokenRule {
                       return [positive = RatioBounds{.lo = 1 - p.Number("e2"), .hi = 1 + p.Number("e1")},
                               negative = RatioBounds{.lo = 1 - p.Number("e4"), .hi = 1 + p.Number("e3")}](
                                  const TokenView& token) { return AbcToken(token, positive, negative); };
                     }});
  methods.push_back(
      {.info = {.name = "ppl_shaped",
                .clip = ClipForm::kBox,
                .ratio_based = false,
                .summary = "larger advantages for responses of low perplexity (arXiv 2508.02260)"},
       .numbers = Box(0.2, 0.2, {Between("alpha", 0.01, 0.0, 1.0), Finite("floor", 0.0)}),
       .dials = {{"ppl_alpha", "alpha"}},
       .prepare = [](const Parameters& p,
                     TokenBatch& batch) { ShapeByPerplexity(p.Number("alpha"), p.Number("floor"), batch); },
       .rule = PlainBox});
  methods.push_back(
      {.info = {.name = "position_shaped",
                .clip = ClipForm::kBox,
                .ratio_based = false,
                .summary = "larger advantages towards the end of a response (arXiv 2508.02260)"},
       .numbers = Box(0.2, 0.2, {AtLeast("gamma", 0.1, 0.0), Finite("d", 2.0)}),
       .words = {{"form", {"sigmoid", "linear"}}},
       .dials = {{"position_gamma", "gamma"}, {"position_d", "d"}},
       .prepare =
           [](const Parameters& p, TokenBatch& batch) {
             ShapeByPosition(p.Number("gamma"), p.Number("d"), p.Word("form") == "linear", batch);
           },
       .rule = PlainBox});
  return methods;
}

}  // namespace

const std::vector<Method>& Methods() {
  static const auto* methods = new std::vector<Method>(MakeMethods());
  return *methods;
}

const Method* FindMethod(absl::string_view name) {
  const auto found =
      std::ranges::find(Methods(), name, [](const Method& method) { return method.info.name; });
  return found == Methods().end() ? nullptr : &*found;
}

Parameters::Parameters(const ObjectiveSpec& spec) : spec_(spec) {}

double Parameters::Number(absl::string_view name) const {
  const auto given = spec_.numbers.find(std::string(name));
  if (given != spec_.numbers.end()) return given->second;
  for (const NumberParameter& parameter : FindMethod(spec_.name)->numbers) {
    if (parameter.name == name) return parameter.fallback;
  }
  return kNeeded;
}

const std::string& Parameters::Word(absl::string_view name) const {
  static const std::string none;
  const auto given = spec_.words.find(std::string(name));
  if (given != spec_.words.end()) return given->second;
  for (const WordParameter& parameter : FindMethod(spec_.name)->words) {
    if (parameter.name == name) return parameter.words.front();
  }
  return none;
}

}  // namespace entrain
