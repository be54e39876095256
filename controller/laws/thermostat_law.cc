#include "absl/strings/str_format.h"
#include "controller/laws/laws.h"

namespace entrain::laws {
namespace {

std::optional<ClipLine> Flat(const std::optional<double>& epsilon) {
  return epsilon.has_value() ? std::optional(ClipLine{.intercept = *epsilon}) : std::nullopt;
}

ThermostatState::Mode Switch(const ThermostatSettings& settings, const ThermostatState& state) {
  using Mode = ThermostatState::Mode;
  if (state.ema < settings.target - settings.band) return Mode::kUp;
  if (state.ema > settings.target + settings.band) return Mode::kDown;
  const bool back = (state.mode == Mode::kUp && state.ema >= settings.target) ||
                    (state.mode == Mode::kDown && state.ema <= settings.target);
  return back ? Mode::kHold : state.mode;
}

}  // namespace

// A thermostat of three boxes, closed loop (docs/methods.md 7.3; arXiv 2509.26114): up when the smoothed
// entropy is below target − band, down when it is above target + band, and back to hold, the box eps_std,
// when it has come to the target. Smoothed: h ← ema · H_k + (1 − ema) · h over measured steps, from the first
// H on; decided at every `interval`-th of them.
LawOutput Thermostat(const ClipSchedule& schedule, const LawState& state, const LawInput& input) {
  using Mode = ThermostatState::Mode;
  const ThermostatSettings& settings = schedule.thermostat;
  ThermostatState now = state.thermostat.value_or(ThermostatState{});
  LawOutput out{.next = state};
  if (input.entropy_nats.has_value()) {
    const double h = *input.entropy_nats;
    now.ema = now.count == 0 ? h : settings.ema * h + (1 - settings.ema) * now.ema;
    ++now.count;
    const bool decides = now.count % settings.interval == 0;
    if (decides) now.mode = Switch(settings, now);
    out.reason =
        absl::StrFormat("thermostat: smoothed entropy %.4f for %.4f ± %.4f%s", now.ema, settings.target,
                        settings.band, decides ? "" : ", between decisions: as before");
  } else {
    out.reason = "thermostat: no entropy was measured; the state stays";
  }
  if (now.mode == Mode::kHold) {
    out.bounds = {.upper = Standard(schedule), .lower = Standard(schedule)};
    out.state = "hold";
  } else {
    const EpsilonBox& box = now.mode == Mode::kUp ? settings.up : settings.down;
    out.bounds = {.upper = Flat(box.high), .lower = Flat(box.low)};
    out.state = now.mode == Mode::kUp ? "raise" : "lower";
  }
  out.next.thermostat = now;
  return out;
}

}  // namespace entrain::laws
