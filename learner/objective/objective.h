#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace entrain {

// How per-token losses become one number (docs/methods.md 0.2). Denominators are global over the optimiser's
// mini-batch.
enum class Aggregation { kTokenMean, kSeqMeanTokenMean, kSeqMeanTokenSum, kSeqMeanTokenSumNorm, kTokenSum };

// Which thresholds an objective takes from a directive.
enum class ClipForm { kLines, kBox, kNone };

// eps(p) = intercept + slope · p of one step; nullopt is off. Mirrors controller/directive.h without knowing
// it.
struct EpsLine {
  double intercept = 0;
  double slope = 0;
};

// One mini-batch or a part of it, as columns over tokens; sequences are ranges. All columns have the same
// length. Positions with mask 0 may hold anything, even NaN. Numbers are doubles; natural logarithms, nats.
struct TokenBatch {
  std::vector<double> old_logp, new_logp, advantage, mask;
  std::vector<double> old_entropy, entropy, old_n, new_n, rollout_logp;  // empty when not given
  std::vector<double> ref_logp;         // of the reference model; empty without ObjectiveSpec::kl
  std::vector<int64_t> sequence_begin;  // [B + 1]; sequence i is [begin[i], begin[i+1])
  std::vector<double> group_accuracy;   // [B]: share of correct completions of the sequence's group
  double measured_entropy = 0;          // mean entropy of the rollout batch before its update
  // What PrepareBatch and PlanMinibatch add; empty: weight 1, nothing selected, no extra term.
  std::vector<double> weight;     // constant factor of a token's loss
  std::vector<uint8_t> selected;  // 1: the method treats this token apart
  std::vector<double> push;       // coefficient of an extra term −push·r, already aggregated
  std::vector<uint8_t> silent;    // 1: neither loss nor gradient, but counted (region_mask.h)
  // What they found out on the way, by the names of docs/metrics.md ("Method state").
  std::map<std::string, double> found;
};

// What the means are over: the whole mini-batch, whatever part of it is at hand.
struct Denominators {
  double tokens = 0;     // sum of mask
  double sequences = 0;  // sequences with at least one unmasked token
};
Denominators CountDenominators(const TokenBatch& batch);

struct TruncatedImportanceSampling {
  enum class Level { kToken, kSequence };
  enum class Mode { kTruncate, kMask };
  Level level = Level::kToken;
  Mode mode = Mode::kTruncate;
  double cap = 2.0;              // > 0
  std::optional<double> lowest;  // of kMask; absent: 1 / cap
};

// Regions E1 … E4 whose tokens do not train (region_mask.h).
struct RegionMask {
  enum class Rule { kSurprisal, kExact };
  std::array<bool, 5> masked{};  // [0] is not used
  Rule rule = Rule::kSurprisal;
  bool Any() const { return masked[1] || masked[2] || masked[3] || masked[4]; }
};

// A term that holds the policy near a reference model: coef · k(new, ref) for every token that is trained, by
// the estimators of learner/objective/kl.h (docs/methods.md 10.1). k1 as a loss has the gradient of ln p with
// the same sign for every token, whose mean over the policy's own tokens is zero: it measures and adds noise,
// and does not pull. k3 pulls.
enum class KlEstimator { kK1, kK3 };
struct ReferenceKl {
  double coef = 0;  // ≥ 0; 0: measured only
  KlEstimator estimator = KlEstimator::kK3;
};

// An objective, ready to be evaluated. Parameters by name as in `entrain objective` (docs/formats.md); "inf"
// and "off" are represented by infinity.
struct ObjectiveSpec {
  std::string name;                                   // "ppo_clip", "flex_clip", …
  std::map<std::string, double> numbers;              // eps_low, eps_high, dual_c (infinity: off), …
  std::map<std::string, std::string> words;           // p_source: closed | new | old, …
  std::optional<EpsLine> upper{EpsLine{0.5, -0.25}};  // flex_clip
  std::optional<EpsLine> lower{EpsLine{0.3, -0.13}};
  std::optional<Aggregation> aggregation;  // absent: the objective's own
  double horizon = 0;                      // of kSeqMeanTokenSumNorm; 0: the longest sequence
  std::optional<TruncatedImportanceSampling> tis;
  RegionMask regions;             // none masked, unless an experiment says so
  std::optional<ReferenceKl> kl;  // every objective may have it
};

// What an objective did with one token.
struct TokenOutcome {
  // g = −d l / d new_logp of the token's loss l before aggregation, with every weight of the method: the
  // coefficient of the entropy law (docs/methods.md 0.4). Ascent on the objective moves new_logp along it.
  double coefficient = 0;
  // Bounds that the importance ratio was held to; 0 and infinity: none.
  double lo = 0;
  double hi = std::numeric_limits<double>::infinity();
  bool clipped_high = false;
  bool clipped_low = false;
};

// Loss, its gradient with respect to new_logp (and entropy, when the objective has such a term; else empty),
// and sums for statistics. Parts of a mini-batch add up: loss, gradients and sums of the parts are those of
// the whole.
struct ObjectiveResult {
  double loss = 0;
  std::vector<double> grad_new_logp;
  std::vector<double> grad_entropy;
  std::vector<TokenOutcome> outcomes;  // one for each token; the default where the mask is 0
  // "clip/high_frac", "clip/low_frac", "clip/dual_frac", "selected/frac", "silent/frac": shares of the
  // denominators' tokens (weighted by mask); "clip/high_q_sum", "clip/low_q_sum": old probabilities of the
  // clipped tokens, summed and divided by the same; "ratio/mean"; of an objective that has it,
  // "erc/kept_frac", "bonus/mean" and "bonus/prompts_frac"; with a reference model "kl/ref_k1" and
  // "kl/ref_k3" (docs/metrics.md).
  std::map<std::string, double> stats;
};

// What an objective reads beside log-probs, advantages and mask.
struct ObjectiveNeeds {
  bool old_entropy = false;
  bool entropy = false;
  bool old_n = false;
  bool group_accuracy = false;
  bool measured_entropy = false;
};
struct ObjectiveInfo {
  std::string name;
  ClipForm clip = ClipForm::kNone;
  bool ratio_based = true;  // does nothing while the ratio is 1 (methods.md 0.6)
  std::string summary;
  ObjectiveNeeds needs;
};
std::vector<ObjectiveInfo> RegisteredObjectives();
// Of a registered objective; kNone for an unknown name.
ClipForm ClipFormOf(const ObjectiveSpec& spec);
// The box that an objective of form kBox was published with: eps_low and eps_high.
struct DefaultBox {
  double eps_low = 0.2;
  double eps_high = 0.2;
};
DefaultBox DefaultBoxOf(const ObjectiveSpec& spec);
// Parameters without a default that `spec` does not give.
std::vector<std::string> MissingParameters(const ObjectiveSpec& spec);
// Names of the dials that this objective takes from a directive, in order; "kl_coef" is one when it has a
// reference model.
std::vector<std::string> DialsOf(const ObjectiveSpec& spec);
// Those of them without which a parameter is missing (MissingParameters).
std::vector<std::string> NeededDials(const ObjectiveSpec& spec);
// The number parameter that a dial of DialsOf moves; "" for another name and for "kl_coef".
std::string DialParameter(const ObjectiveSpec& spec, const std::string& dial);
// Sets what a dial of DialsOf moves, without a look at its range (ValidateObjective). False for another name.
bool TurnDial(ObjectiveSpec& spec, const std::string& dial, double value);
// A parameter as people read it: "eps_low", "from 0 to 1", "0.2".
struct ParameterInfo {
  std::string name;
  std::string range;
  std::string fallback;  // "needed" when there is none
};
std::vector<ParameterInfo> DescribeParameters(const std::string& name);
// Names of the parameters that an objective takes, as `entrain objective` spells them; empty for an unknown
// one.
std::vector<std::string> ObjectiveParameters(const std::string& name);
// InvalidArgument lists all problems: unknown objective or parameter (with the nearest right name), value out
// of range.
absl::Status ValidateObjective(const ObjectiveSpec& spec);

// The order of a step: PrepareBatch once over the rollout batch, PlanMinibatch once over each mini-batch,
// EvaluateObjective over its parts.

// Shapes advantages, edits the mask and weighs tokens, from the old policy's columns; new_logp is not read.
// `batch` must be the whole rollout batch: statistics are over it. InvalidArgument like EvaluateObjective.
absl::Status PrepareBatch(const ObjectiveSpec& spec, TokenBatch& batch);

// Which random choice this is; equal keys choose equally.
struct PlanKey {
  uint64_t seed = 0;
  int64_t step = 0;
  int64_t update = 0;  // mini-batches since the start of the step
};
enum class PlanScope { kNothing, kMinibatch, kPart };
// Whether PlanMinibatch does something, and over what: kPart means every part by itself (STEER's released
// code; results then depend on the parts).
PlanScope PlanScopeOf(const ObjectiveSpec& spec);
// Weighs and selects tokens of a mini-batch with new_logp as constants.
absl::Status PlanMinibatch(const ObjectiveSpec& spec, const PlanKey& key, TokenBatch& batch);

// `denominators` of the whole mini-batch. InvalidArgument when a needed column or parameter is missing or
// lengths differ.
absl::StatusOr<ObjectiveResult> EvaluateObjective(const ObjectiveSpec& spec, const TokenBatch& batch,
                                                  const Denominators& denominators);

}  // namespace entrain
