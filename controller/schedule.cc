#include "controller/schedule.h"

#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "controller/bounds.h"
#include "controller/dials.h"
#include "controller/laws/laws.h"

namespace entrain {
namespace {

using Problems = std::vector<std::string>;

bool In(double value, double low, double high) {
  return std::isfinite(value) && value >= low && value <= high;
}

void CheckPoints(const ClipSchedule& clip, Problems& problems) {
  if (clip.law != ClipLaw::kPiecewise) {
    if (!clip.points.empty()) problems.push_back("clip.piecewise: only with law: piecewise");
    return;
  }
  if (clip.points.empty())
    problems.push_back("clip.piecewise.points: expected at least one point, found none");
  for (size_t i = 0; i < clip.points.size(); ++i) {
    const PiecewisePoint& point = clip.points[i];
    const std::string field = absl::StrCat("clip.piecewise.points[", i, "]");
    if (point.step < 0 || (i > 0 && point.step <= clip.points[i - 1].step)) {
      problems.push_back(absl::StrCat(field, ".step: expected steps that rise from 0, found ", point.step));
    }
    if (!point.upper.off) CheckUpperLine(field + ".upper", point.upper.line, problems);
    if (!point.lower.off) CheckLowerLine(field + ".lower", point.lower.line, problems);
    if (point.upper.off != clip.points[0].upper.off || point.lower.off != clip.points[0].lower.off) {
      problems.push_back(absl::StrCat(field, ": a side that is off at one point must be off at all"));
    }
  }
  if (clip.upper.has_value() || clip.lower.has_value())
    problems.push_back("clip.upper, clip.lower: not with law: piecewise; the points say it");
}

void Expect(bool legal, const char* field, const char* range, double found, Problems& problems) {
  if (!legal) problems.push_back(absl::StrCat(field, ": expected ", range, ", found ", found));
}

void CheckPhase(const ClipSchedule& clip, Problems& problems) {
  const PhaseSchedule& phase = clip.phase;
  if (clip.law != ClipLaw::kId && clip.law != ClipLaw::kDid && phase != PhaseSchedule{})
    problems.push_back("clip.phase: only with law: id or did");
  if (phase.begin.has_value()) {
    if (phase.advance != PhaseAdvance::kHand) problems.push_back("clip.phase.begin: only with advance: hand");
    Expect(*phase.begin >= 0, "clip.phase.begin", "a step of at least 0", static_cast<double>(*phase.begin),
           problems);
  }
  const InflectionSettings& detector = phase.inflection;
  const auto count = [&](const char* field, int64_t value, int64_t low) {
    Expect(value >= low && value <= 1'000'000, field, low == 0 ? "0 to 1000000" : "1 to 1000000",
           static_cast<double>(value), problems);
  };
  count("clip.phase.inflection.n_base", detector.n_base, 1);
  count("clip.phase.inflection.hits", detector.hits, 1);
  count("clip.phase.inflection.refractory", detector.refractory, 0);
  Expect(std::isfinite(detector.margin) && detector.margin > 0, "clip.phase.inflection.margin",
         "a number above 0", detector.margin, problems);
  Expect(detector.ema > 0 && detector.ema <= 1, "clip.phase.inflection.ema", "a number above 0, up to 1",
         detector.ema, problems);
}

void CheckThermostat(const ClipSchedule& clip, Problems& problems) {
  const ThermostatSettings& settings = clip.thermostat;
  if (clip.law != ClipLaw::kThermostat) {
    if (settings != ThermostatSettings{}) problems.push_back("clip.thermostat: only with law: thermostat");
    return;
  }
  if (clip.upper.has_value() || clip.lower.has_value()) {
    problems.push_back(
        "clip.upper, clip.lower: not with law: thermostat; clip.thermostat.up, clip.thermostat.down and "
        "clip.eps_std say it");
  }
  Expect(std::isfinite(settings.target) && settings.target > 0, "clip.thermostat.target", "a number above 0",
         settings.target, problems);
  Expect(std::isfinite(settings.band) && settings.band >= 0, "clip.thermostat.band", "a number of at least 0",
         settings.band, problems);
  Expect(settings.ema > 0 && settings.ema <= 1, "clip.thermostat.ema", "a number above 0, up to 1",
         settings.ema, problems);
  Expect(settings.interval >= 1 && settings.interval <= 1'000'000, "clip.thermostat.interval", "1 to 1000000",
         static_cast<double>(settings.interval), problems);
  for (const auto& [field, box] :
       {std::pair("clip.thermostat.up", &settings.up), {"clip.thermostat.down", &settings.down}}) {
    if (box->high.has_value())
      CheckUpperLine(absl::StrCat(field, ".high"), {.intercept = *box->high}, problems);
    if (box->low.has_value()) CheckLowerLine(absl::StrCat(field, ".low"), {.intercept = *box->low}, problems);
  }
}

void CheckDials(const std::map<std::string, DialSchedule>& dials, Problems& problems) {
  if (dials.size() > Dials().size()) {
    problems.push_back(absl::StrCat("dials: expected at most ", Dials().size(),
                                    ", all that there are, found ", dials.size()));
    return;
  }
  for (const auto& [name, dial] : dials) CheckDial(name, dial, problems);
}

// Two closed loops on one entropy fight each other (docs/methods.md 12, rule 4).
void CheckOneClosedLoop(const Schedule& schedule, Problems& problems) {
  const std::vector<std::string> loops = schedule.ClosedLoops();
  if (loops.size() < 2) return;
  problems.push_back(
      absl::StrCat(loops.back().substr(0, loops.back().find(' ')),
                   ": expected at most one law that reads the entropy, since two of them work against each "
                   "other, found ",
                   absl::StrJoin(loops, ", ")));
}

}  // namespace

std::vector<std::string> Schedule::ClosedLoops() const {
  std::vector<std::string> loops;
  if (IsClosedLoop(clip.law)) loops.push_back(absl::StrCat("clip.law (", ClipLawName(clip.law), ")"));
  for (const auto& [name, dial] : dials) {
    if (IsClosedLoop(dial)) loops.push_back(absl::StrCat(DialField(name), " (", DialLawName(dial), ")"));
  }
  return loops;
}

absl::Status Schedule::Validate() const {
  Problems problems;
  if (clip.total_steps.has_value() && *clip.total_steps < 1) {
    problems.push_back(absl::StrCat("clip.total_steps: expected at least 1, found ", *clip.total_steps));
  }
  if (!(clip.phase_split > 0 && clip.phase_split < 1)) {
    problems.push_back(
        absl::StrCat("clip.phase_split: expected a number between 0 and 1, found ", clip.phase_split));
  }
  if (!In(clip.eps_std, 0, 1))
    problems.push_back(absl::StrCat("clip.eps_std: expected 0 to 1, found ", clip.eps_std, kEpsilonOrRatio));
  if (clip.upper.has_value() && !clip.upper->off) CheckUpperLine("clip.upper", clip.upper->line, problems);
  if (clip.lower.has_value() && !clip.lower->off) CheckLowerLine("clip.lower", clip.lower->line, problems);
  if (clip.od_h_init.has_value() && !(std::isfinite(*clip.od_h_init) && *clip.od_h_init > 0)) {
    problems.push_back(
        absl::StrCat("clip.od.h_init: expected \"measured\" or a number above 0, found ", *clip.od_h_init));
  }
  if (!(clip.od_h_min_ratio > 0 && clip.od_h_min_ratio < 1)) {
    problems.push_back(
        absl::StrCat("clip.od.h_min_ratio: expected a number between 0 and 1, found ", clip.od_h_min_ratio));
  }
  CheckPhase(clip, problems);
  CheckThermostat(clip, problems);
  CheckPoints(clip, problems);
  CheckDials(dials, problems);
  CheckOneClosedLoop(*this, problems);
  if (guards.max_change_per_step.has_value() &&
      !(std::isfinite(*guards.max_change_per_step) && *guards.max_change_per_step > 0)) {
    problems.push_back(absl::StrCat("guards.max_change_per_step: expected a number above 0, found ",
                                    *guards.max_change_per_step));
  }
  if (!(std::isfinite(guards.dead_band) && guards.dead_band >= 0)) {
    problems.push_back(
        absl::StrCat("guards.dead_band: expected a number of at least 0, found ", guards.dead_band));
  }
  if (problems.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrJoin(problems, "\n"));
}

bool Schedule::NeedsLines() const {
  const auto sloped = [](const std::optional<ClipLine>& line) {
    return line.has_value() && line->slope != 0;
  };
  switch (clip.law) {
    case ClipLaw::kStatic:
      return (clip.upper.has_value() && !clip.upper->off && clip.upper->line.slope != 0) ||
             (clip.lower.has_value() && !clip.lower->off && clip.lower->line.slope != 0);
    case ClipLaw::kPiecewise:
      for (const PiecewisePoint& point : clip.points) {
        if ((!point.upper.off && point.upper.line.slope != 0) ||
            (!point.lower.off && point.lower.line.slope != 0))
          return true;
      }
      return false;
    case ClipLaw::kThermostat:
      return false;
    default:
      return sloped(laws::DynamicUpper(clip)) || sloped(laws::DynamicLower(clip));
  }
}

}  // namespace entrain
