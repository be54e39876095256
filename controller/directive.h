#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace entrain {

// A clip threshold as a line in the token's probability: eps(p) = intercept + slope · p (arXiv 2602.09782,
// section 1.2 of docs/methods.md). An epsilon, never an absolute ratio bound.
struct ClipLine {
  double intercept = 0;
  double slope = 0;
  friend bool operator==(const ClipLine&, const ClipLine&) = default;
};

// Both thresholds of one step. nullopt: that side is off.
struct ClipBounds {
  std::optional<ClipLine> upper;  // eps_plus; matters for A > 0
  std::optional<ClipLine> lower;  // eps_minus; matters for A < 0
  friend bool operator==(const ClipBounds&, const ClipBounds&) = default;
};

// What a trainer uses from `step` on. Made by the controller, numbered per run without gap or repeat.
struct Directive {
  int64_t id = 0;  // per run, from 1
  std::string run_id;
  int64_t attempt = 0;
  int64_t step = 0;      // takes effect at the start of this step
  int64_t revision = 0;  // of the schedule it was computed from
  ClipBounds bounds;
  std::map<std::string, double> dials;  // further numbers by name; empty when the schedule has none
  std::string state;                    // the law's state in a word: "raise", "lower", "static", …
  std::string reason;                   // a sentence for people
  std::string law_state;  // opaque; carried by the trainer's checkpoint so that a lost controller can go on
  friend bool operator==(const Directive&, const Directive&) = default;
};

}  // namespace entrain
