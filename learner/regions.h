#pragma once

#include <array>
#include <span>

namespace entrain {

// Which of the four regions a token is in (arXiv 2602.09782, section 3; docs/methods.md 0.4): 1 and 2 for A >
// 0, 3 and 4 for A < 0; 1 and 4 lower entropy when the token trains, 2 and 3 raise it. 0: A == 0 or a tie.
//
// The simplified rule of the paper compares the token's surprisal with the entropy.
int RegionBySurprisal(double logprob, double entropy, double advantage);
// The exact first-order rule compares S with N: dH = −eta·g·(S − N).
int RegionByScore(double s, double n, double advantage);

// Shares of E1 … E4 among a number of tokens, or of another amount that tokens have, added up token by token.
struct RegionCounts {
  std::array<double, 5> count{};
  void Add(int region, double amount = 1) { count[static_cast<size_t>(region)] += amount; }
  double Share(int region, double total) const {
    return total > 0 ? count[static_cast<size_t>(region)] / total : 0.0;
  }
};

}  // namespace entrain
