#pragma once

#include <map>
#include <string>
#include <vector>

#include "learner/objective/objective.h"

namespace entrain {

// Every registered objective with parameters under which its own rule acts on a few dozen random tokens,
// where the published defaults would touch one token in thousands. Good for properties that all objectives
// share; an objective that is new takes part with its defaults, and fails with the name of a parameter that
// it needs.
inline std::vector<ObjectiveSpec> EveryObjective() {
  const std::map<std::string, std::map<std::string, double>> numbers = {
      {"flex_clip", {{"dual_c", 1.5}}},
      {"dapo", {{"dual_c", 1.2}}},
      {"gspo", {{"eps_low", 0.05}, {"eps_high", 0.05}}},
      {"clip_b", {{"mu", 0.5}}},
      {"clip_v", {{"mu", 0.3}, {"max_frac", 0.1}}},
      {"pos_adv_reweight", {{"lam", 0.35}}},
      {"random_positive_clip", {{"ratio", 0.3}}},
      {"aer", {{"alpha", 0.1}}},
      {"magic_entropy", {{"coef", 0.1}, {"target", 2}}},
      {"clip_cov", {{"ratio", 0.2}, {"lb", 0.01}}},
      {"kl_cov", {{"ratio", 0.2}}},
      {"erc", {{"lo", 0.9}, {"hi", 1.1}}},
      {"entropic", {{"alpha", 0.3}, {"p_thresh", 0.25}}},
      {"high_entropy_tokens", {{"rho", 0.4}}},
      {"ppl_shaped", {{"alpha", 0.3}}},
  };
  std::vector<ObjectiveSpec> specs;
  for (const ObjectiveInfo& info : RegisteredObjectives()) {
    ObjectiveSpec spec{.name = info.name};
    if (const auto found = numbers.find(info.name); found != numbers.end()) spec.numbers = found->second;
    specs.push_back(std::move(spec));
  }
  return specs;
}

}  // namespace entrain
