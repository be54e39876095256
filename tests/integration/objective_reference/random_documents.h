#pragma once

#include <array>
#include <nlohmann/json.hpp>
#include <string>

#include "common/rng.h"
#include "tests/integration/objective_reference/reference.h"

namespace entrain {

using Json = nlohmann::json;

// Random documents in the format of `entrain objective` (docs/formats.md).

// A source of choices.
class Draw {
 public:
  explicit Draw(uint64_t ordinal)
      : rng_({.seed = Seed(), .purpose = RngPurpose::kData, .ordinal = ordinal}) {}
  double Uniform(double low, double high) { return low + (high - low) * rng_.Uniform(position_++); }
  size_t Below(size_t bound) { return static_cast<size_t>(rng_.Below(bound, position_++)); }
  bool Chance(double share) { return rng_.Uniform(position_++) < share; }

 private:
  Rng rng_;
  uint64_t position_ = 0;
};

inline Json Matrix(size_t rows, size_t columns) { return Json(rows, Json(columns, 0.0)); }

inline Json RandomParams(Draw& draw, const std::string& objective) {
  Json params = Json::object();
  if (objective == "ppo_clip") {
    params["eps_low"] = draw.Chance(0.2) ? 1.0 : draw.Uniform(0.01, 0.5);
    params["eps_high"] = draw.Chance(0.2) ? Json("inf") : Json(draw.Uniform(0.01, 0.5));
  } else {
    const double u0 = draw.Uniform(0.05, 0.6), l0 = draw.Uniform(0.05, 0.6);
    params["upper"] = {u0, draw.Uniform(-u0, 0.5)};
    params["lower"] = {l0, draw.Uniform(-l0, 0.3)};
    const char* sources[] = {"closed", "new", "old"};
    params["p_source"] = sources[draw.Below(3)];
    if (draw.Chance(0.4)) {
      params["eps_min"] = draw.Uniform(0.0, 0.1);
      params["eps_max"] = draw.Uniform(0.2, 0.5);
    }
  }
  if (draw.Chance(0.4)) params["dual_c"] = draw.Uniform(1.1, 2.0);
  return params;
}

// Parameters of the other objectives, most of them away from their defaults.
inline Json OtherParams(Draw& draw, const std::string& objective) {
  Json params = Json::object();
  const auto number = [&](const char* name, double low, double high) {
    params[name] = draw.Uniform(low, high);
  };
  const auto word = [&](const char* name, const char* one, const char* other) {
    params[name] = draw.Chance(0.5) ? one : other;
  };
  if (objective == "sapo") {
    number("tau_pos", 0.5, 2);
    number("tau_neg", 0.5, 2);
  } else if (objective == "kl_cov") {
    number("ratio", 0.01, 0.6);
    number("coef", 0, 2);
  } else if (objective == "abc_grpo") {
    for (const char* side : {"e1", "e2", "e3", "e4"}) number(side, 0.05, 0.5);
  } else if (objective == "clip_cov") {
    params["selected"] = nullptr;  // a draw cannot be compared: the caller gives one
  } else {
    number("eps_low", 0.02, objective == "dcpo" ? 0.2 : 0.5);
    number("eps_high", 0.02, 0.5);
  }
  if (objective == "dapo" || objective == "steer" || objective == "ce_gppo" || objective == "erc" ||
      objective == "dcpo") {
    if (draw.Chance(0.5)) number("dual_c", 1.1, 3);
    if (objective != "dcpo" && draw.Chance(0.2)) params["dual_c"] = nullptr;
  }
  if (objective == "dr_grpo" && draw.Chance(0.7)) number("horizon", 4, 40);
  if (objective == "clip_b") number("mu", 0.2, 2);
  if (objective == "clip_v") {
    number("mu", 0.1, 1.5);
    number("max_frac", 0, 0.4);
  }
  if (objective == "pos_adv_reweight") number("lam", 0, 1);
  if (objective == "aer") {
    number("alpha", 0, 0.1);
    number("rho", 0.2, 1);
    if (draw.Chance(0.5)) params["form"] = "linear";
  }
  if (objective == "magic_entropy") {
    number("coef", 0, 0.01);
    number("target", 0.1, 1);
  }
  if (objective == "steer") {
    word("form", "exp", "linear");
    number("w_min", 0.5, 0.9);
    number("w_max", 0.95, 1.4);
  }
  if (objective == "ce_gppo") {
    number("beta1", 0, 1.2);
    number("beta2", 0, 1.2);
  }
  if (objective == "erc") {
    number("lo", 0.6, 0.95);
    number("hi", 1.05, 1.6);
  }
  if (objective == "entropic") {
    number("alpha", -1, 1);
    number("p_thresh", 0.05, 0.5);
  }
  if (objective == "high_entropy_tokens") number("rho", 0.05, 1);
  if (objective == "ppl_shaped") {
    number("alpha", 0, 1);
    number("floor", 0, 0.5);
  }
  if (objective == "position_shaped") {
    number("gamma", 0, 0.5);
    number("d", -3, 5);
    word("form", "sigmoid", "linear");
  }
  return params;
}

inline constexpr std::array<const char*, 21> kOthers = {"dr_grpo",
                                                        "dapo",
                                                        "gspo",
                                                        "cispo",
                                                        "sapo",
                                                        "clip_b",
                                                        "clip_v",
                                                        "pos_adv_reweight",
                                                        "aer",
                                                        "magic_entropy",
                                                        "steer",
                                                        "clip_cov",
                                                        "kl_cov",
                                                        "ce_gppo",
                                                        "erc",
                                                        "entropic",
                                                        "high_entropy_tokens",
                                                        "dcpo",
                                                        "abc_grpo",
                                                        "ppl_shaped",
                                                        "position_shaped"};

// Columns that the other objectives read; entropies and N as a policy could have them.
inline void AddColumns(Draw& draw, Json& document) {
  const size_t rows = document["mask"].size(), columns = document["mask"][0].size();
  for (const char* key : {"old_entropy", "entropy", "old_n", "new_n"}) {
    document[key] = Matrix(rows, columns);
    for (size_t i = 0; i < rows; ++i) {
      for (size_t t = 0; t < columns; ++t) {
        const bool masked = document["mask"][i][t] == 0.0;
        document[key][i][t] = draw.Uniform(0.01, key == std::string("old_n") ? 0.2 : 2.0);
        if (masked && draw.Chance(0.5)) document[key][i][t] = nullptr;
        if (masked && draw.Chance(0.3)) document["new_logp"][i][t] = nullptr;
      }
    }
  }
  document["group_accuracy"] = Json::array();
  for (size_t i = 0; i < rows; ++i) document["group_accuracy"].push_back(draw.Uniform(0, 1));
  document["measured_entropy"] = draw.Uniform(0, 1);
}

inline Json RandomDocument(uint64_t ordinal);

inline Json OtherDocument(uint64_t ordinal, const std::string& objective) {
  Draw draw(1000 + ordinal);
  Json document = RandomDocument(2 * ordinal + 1);
  document["objective"] = objective;
  document["params"] = OtherParams(draw, objective);
  document.erase("aggregation");
  document.erase("tis");
  if (objective == "pos_adv_reweight" || objective == "dcpo" || objective == "abc_grpo") {
    const std::array<const char*, 3> modes = {"token-mean", "seq-mean-token-mean", "token-sum"};
    document["aggregation"] = modes[draw.Below(modes.size())];
  }
  AddColumns(draw, document);
  if (objective == "clip_cov") {
    Json selected = document["mask"];
    for (auto& row : selected) {
      for (auto& value : row) value = draw.Chance(0.3);
    }
    document["params"]["selected"] = selected;
  }
  return document;
}

inline Json RandomDocument(uint64_t ordinal) {
  Draw draw(ordinal);
  const std::string objective = ordinal % 2 == 0 ? "flex_clip" : "ppo_clip";
  Json document = {{"objective", objective}, {"params", RandomParams(draw, objective)}, {"seed", 0}};
  const std::array<const char*, 5> modes = {"token-mean", "seq-mean-token-mean", "seq-mean-token-sum",
                                            "seq-mean-token-sum-norm", "token-sum"};
  if (ordinal != 0) document["aggregation"] = modes[ordinal % modes.size()];
  if (draw.Chance(0.5)) document["params"]["horizon"] = draw.Uniform(4, 40);
  const size_t rows = 2 + draw.Below(4), columns = 1 + draw.Below(8);
  for (const char* key : {"old_logp", "new_logp", "advantages", "mask", "rollout_logp"})
    document[key] = Matrix(rows, columns);
  for (size_t i = 0; i < rows; ++i) {
    const size_t length = draw.Below(columns + 1);  // a row may have no trained token at all
    for (size_t t = 0; t < columns; ++t) {
      const double old_logp = draw.Uniform(-5, -0.01);
      document["old_logp"][i][t] = old_logp;
      document["new_logp"][i][t] = old_logp + draw.Uniform(-0.9, 0.9);
      document["advantages"][i][t] = draw.Chance(0.1) ? 0.0 : draw.Uniform(-2, 2);
      document["rollout_logp"][i][t] = old_logp + draw.Uniform(-1.5, 1.5);
      document["mask"][i][t] = t < length ? 1.0 : 0.0;
      if (t >= length && draw.Chance(0.3)) document["old_logp"][i][t] = nullptr;
    }
  }
  if (draw.Chance(0.6)) {
    document["tis"] = {{"level", draw.Chance(0.5) ? "token" : "sequence"},
                       {"mode", draw.Chance(0.5) ? "truncate" : "mask"},
                       {"cap", draw.Uniform(1.1, 3.0)}};
    if (draw.Chance(0.5)) document["tis"]["lo"] = draw.Uniform(0.1, 0.9);
  }
  return document;
}

}  // namespace entrain
