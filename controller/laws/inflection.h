#pragma once

#include <cstdint>

#include "controller/schedule.h"

namespace entrain {

// What the detector remembers of a series; a fresh one has seen nothing.
struct InflectionState {
  int64_t samples = 0;  // seen so far
  double smoothed = 0;  // s_t
  double growth = 0;    // g_t = s_t − s_{t−1}
  double base_sum = 0;  // of the first smoothed growths, n_base of them
  int64_t bases = 0;    // how many they are: an edit may change n_base later
  int64_t hits = 0;     // in a row, up to now
  int64_t quiet = 0;    // samples that are still refractory
  friend bool operator==(const InflectionState&, const InflectionState&) = default;
};

// Takes the next sample; true when the series has bent by now. With s the smoothed series (s_0 = H_0,
// s_t = ema · H_t + (1 − ema) · s_{t−1}), g_t = s_t − s_{t−1} and δ_t = (g_t + g_{t+1})/2, it has when δ_t <
// margin · mean(δ_1 … δ_n_base) for the `hits`-th t in a row, t > n_base; δ_t is known with sample t + 1.
// With ema 1 and hits 1 the first find at sample t + 1 is the t* of docs/methods.md 3.1 (arXiv 2602.01345).
// O(1).
bool NextSample(const InflectionSettings& settings, double entropy_nats, InflectionState& state);

}  // namespace entrain
