#pragma once

#include <functional>
#include <string>
#include <vector>

#include "learner/objective/objective.h"
#include "learner/objective/surrogate.h"

namespace entrain {

// What a token rule sees. Only what the method says it needs is filled in.
struct TokenView {
  double old_logp = 0;
  double new_logp = 0;
  double advantage = 0;
  double old_entropy = 0;
  double entropy = 0;
  double sequence_log_ratio = 0;  // mean of new_logp − old_logp over the sequence's masked tokens
  bool selected = false;          // by the method's plan
};
using TokenRule = std::function<TokenLoss(const TokenView&)>;

// The parameters of one objective: what was given, else the method's default.
class Parameters {
 public:
  explicit Parameters(const ObjectiveSpec& spec);
  double Number(absl::string_view name) const;
  const std::string& Word(absl::string_view name) const;
  const ObjectiveSpec& spec() const { return spec_; }

 private:
  const ObjectiveSpec& spec_;
};

// A number that a method takes, with its legal range; both ends belong to it unless they are open.
struct NumberParameter {
  std::string name;
  double fallback = 0;  // NaN: there is none, it must be given
  double low = 0;
  double high = 0;
  bool open_low = false;
  bool open_high = false;
};
// A choice; the first word is the default.
struct WordParameter {
  std::string name;
  std::vector<std::string> words;
};

// A dial of a directive (docs/formats.md, `dials:`) and the number parameter that it moves.
struct DialTarget {
  std::string dial;
  std::string parameter;
};

// One published method as a composition of pure stages. A stage that is absent does nothing:
//   shape → edit → bounds and surrogate (`rule`) → weights and selection (`plan`) → entropy term (`bonus`) →
//   aggregation.
struct Method {
  ObjectiveInfo info;
  std::vector<NumberParameter> numbers;
  std::vector<WordParameter> words;
  Aggregation aggregation = Aggregation::kTokenMean;
  bool free_aggregation = false;  // `aggregation` may be given
  bool takes_tis = false;
  bool takes_horizon = false;
  bool gated = false;             // `rule` may detach a token
  std::vector<DialTarget> dials;  // what a directive may move

  // Advantages, mask and weights of the whole rollout batch, from quantities of the old policy.
  std::function<void(const Parameters&, TokenBatch&)> prepare;
  // Weights, selection and extra terms of a mini-batch, with new_logp as a constant.
  std::function<void(const Parameters&, const PlanKey&, TokenBatch&)> plan;
  std::function<TokenRule(const Parameters&)> rule;
  // Coefficient c of a term −c·H in a token's loss, before token-mean; of the sequence's group accuracy.
  std::function<double(const Parameters&, double group_accuracy, double measured_entropy)> bonus;
};

const std::vector<Method>& Methods();
const Method* FindMethod(absl::string_view name);

}  // namespace entrain
