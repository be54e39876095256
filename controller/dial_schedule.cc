#include "controller/dial_schedule.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/nearest.h"
#include "controller/dials.h"

namespace entrain {
namespace {

// In the order of the variant.
constexpr std::array<const char*, std::variant_size_v<DialSchedule>> kNames = {
    "static", "piecewise", "stage", "epoch", "entropy_guided", "aer", "entropic", "magic", "pi"};

// All laws with their defaults, in the same order.
template <size_t... kIndex>
std::vector<DialSchedule> Defaults(std::index_sequence<kIndex...>) {
  return {DialSchedule(std::in_place_index<kIndex>)...};
}

// Collects what is wrong with the numbers of one law.
class Checker {
 public:
  Checker(std::string field, std::vector<std::string>& problems)
      : field_(std::move(field)), problems_(problems) {}

  void Expect(bool legal, const char* key, const std::string& range, double found) {
    if (!legal) problems_.push_back(absl::StrCat(field_, ".", key, ": expected ", range, ", found ", found));
  }
  void Positive(const char* key, double value) {
    Expect(std::isfinite(value) && value > 0, key, "a number above 0", value);
  }
  void NotNegative(const char* key, double value) {
    Expect(std::isfinite(value) && value >= 0, key, "a number of at least 0", value);
  }
  void Within(const char* key, double value, double low, double high) {
    Expect(value >= low && value <= high, key, absl::StrCat("from ", low, " to ", high), value);
  }

  void Law(const StaticDial&) {}
  void Law(const PiecewiseDial& law) {
    if (law.points.empty())
      problems_.push_back(absl::StrCat(field_, ".points: expected at least one point, found none"));
    for (size_t i = 0; i < law.points.size(); ++i) {
      const double at = law.points[i].at;
      const bool legal = law.by_position ? at <= 1 : at == std::floor(at) && at <= 9e15;
      if (legal && at >= 0 && (i == 0 || at > law.points[i - 1].at)) continue;
      problems_.push_back(absl::StrCat(
          field_, ".points[", i, "].", law.by_position ? "position" : "step", ": expected ",
          law.by_position ? "positions that rise from 0 to 1" : "steps that rise from 0", ", found ", at));
    }
  }
  void Law(const StageDial&) {}
  void Law(const EpochDial& law) {
    Expect(law.epochs >= 1 && law.epochs <= 1'000'000, "epochs", "a whole number from 1 to 1000000",
           static_cast<double>(law.epochs));
  }
  void Law(const EntropyGuidedDial& law) {
    Positive("target", law.target);
    Expect(law.delta > 0 && law.delta <= 1, "delta", "a number above 0, up to 1", law.delta);
    Within("initial", law.initial, 0, 1);
  }
  void Law(const AerDial& law) {
    Expect(law.tau > 0 && law.tau < 1, "tau", "a number between 0 and 1", law.tau);
    Positive("rate", law.rate);
    Positive("max", law.max);
    Within("initial", law.initial, 0, law.max);
    if (law.h_init.has_value()) Positive("h_init", *law.h_init);
  }
  void Law(const EntropicDial& law) { Gains(law); }
  void Law(const MagicDial& law) {
    Positive("target", law.target);
    Positive("delta", law.delta);
    Bounded(law);
  }
  void Law(const PiDial& law) {
    Gains(law);
    Bounded(law);
  }

 private:
  template <typename PiLaw>
  void Gains(const PiLaw& law) {
    Positive("target", law.target);
    NotNegative("kp", law.kp);
    NotNegative("ki", law.ki);
  }
  template <typename BoundedLaw>
  void Bounded(const BoundedLaw& law) {
    Expect(law.min < law.max, "min", absl::StrCat("a number below max (", law.max, ")"), law.min);
    Within("initial", law.initial, law.min, law.max);
  }

  const std::string field_;
  std::vector<std::string>& problems_;
};

// The values that a law may give: all of them, or the ends between which all of them are.
struct Extreme {
  std::string key;  // where the schedule says it; "": the law itself does
  double value;
};
std::vector<Extreme> ExtremesOf(const StaticDial& law) { return {{"value", law.value}}; }
std::vector<Extreme> ExtremesOf(const PiecewiseDial& law) {
  std::vector<Extreme> values;
  for (size_t i = 0; i < law.points.size(); ++i)
    values.push_back({absl::StrCat("points[", i, "].value"), law.points[i].value});
  return values;
}
std::vector<Extreme> ExtremesOf(const StageDial&) { return {{"", 0}, {"", 1}}; }
std::vector<Extreme> ExtremesOf(const EpochDial&) { return {{"", 0}, {"", 1}}; }
std::vector<Extreme> ExtremesOf(const EntropyGuidedDial&) { return {{"", 0}, {"", 1}}; }
std::vector<Extreme> ExtremesOf(const AerDial& law) { return {{"", 0}, {"max", law.max}}; }
std::vector<Extreme> ExtremesOf(const EntropicDial&) { return {{"", -1}, {"", 1}}; }
std::vector<Extreme> ExtremesOf(const MagicDial& law) { return {{"min", law.min}, {"max", law.max}}; }
std::vector<Extreme> ExtremesOf(const PiDial& law) { return {{"min", law.min}, {"max", law.max}}; }

}  // namespace

std::string DialLawName(const DialSchedule& dial) { return kNames[dial.index()]; }

std::vector<std::string> DialLawNames() { return {kNames.begin(), kNames.end()}; }

std::optional<DialSchedule> DialLawFromName(const std::string& name) {
  const auto found = std::ranges::find(kNames, name);
  if (found == kNames.end()) return std::nullopt;
  static const auto* laws =
      new std::vector<DialSchedule>(Defaults(std::make_index_sequence<kNames.size()>()));
  return (*laws)[static_cast<size_t>(found - kNames.begin())];
}

bool IsClosedLoop(const DialSchedule& dial) {
  return std::visit(
      [](const auto& law) {
        return requires { law.target; }
        || requires { law.tau; };
      },
      dial);
}

std::vector<std::string> NeededDialNumbers(const DialSchedule& dial) {
  if (std::holds_alternative<StaticDial>(dial)) return {"value"};
  if (std::holds_alternative<PiDial>(dial)) return {"target", "min", "max"};
  return {};
}

std::string DialField(const std::string& name) {
  return absl::StrCat("dials.", absl::Utf8SafeCEscape(name.substr(0, 60)));
}

void CheckDial(const std::string& name, const DialSchedule& dial, std::vector<std::string>& problems) {
  const std::string field = DialField(name);
  const DialInfo* const info = FindDial(name);
  if (info == nullptr)
    problems.push_back(absl::StrCat(field, ": unknown dial", DidYouMean(name, DialNames())));
  Checker checker(field, problems);
  std::visit([&](const auto& law) { checker.Law(law); }, dial);
  if (info == nullptr) return;
  for (const Extreme& extreme : std::visit([](const auto& law) { return ExtremesOf(law); }, dial)) {
    if (info->Legal(extreme.value)) continue;
    if (extreme.key.empty()) {
      problems.push_back(absl::StrCat(field, ".law: ", DialLawName(dial), " may give ", extreme.value,
                                      ", and the legal range of this dial is ", info->Range()));
    } else {
      checker.Expect(false, extreme.key.c_str(), info->Range(), extreme.value);
    }
  }
}

}  // namespace entrain
