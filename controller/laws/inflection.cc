#include "controller/laws/inflection.h"

namespace entrain {

bool NextSample(const InflectionSettings& settings, double entropy_nats, InflectionState& state) {
  const int64_t t = state.samples++;  // number of this sample
  if (t == 0) {
    state.smoothed = entropy_nats;
    return false;
  }
  const double before = state.smoothed, growth_before = state.growth;
  state.smoothed = settings.ema * entropy_nats + (1 - settings.ema) * before;
  state.growth = state.smoothed - before;
  if (t == 1) return false;
  const double delta = 0.5 * (growth_before + state.growth);  // δ_{t−1}
  if (t - 1 <= settings.n_base) {
    state.base_sum += delta;
    ++state.bases;
    return false;
  }
  const bool hit = delta < settings.margin * (state.base_sum / static_cast<double>(state.bases));
  state.hits = hit ? state.hits + 1 : 0;
  if (state.quiet > 0) {
    --state.quiet;
    return false;
  }
  if (state.hits < settings.hits) return false;
  state.quiet = settings.refractory;
  state.hits = 0;
  return true;
}

}  // namespace entrain
