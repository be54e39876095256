#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace entrain {

// The law of one dial (`dials:` of a schedule, docs/formats.md): one number beside the clip bounds. Entropies
// are in nats, steps are the trainer's. What each law computes stands in its file of controller/laws/.

struct StaticDial {
  double value = 0;
  friend bool operator==(const StaticDial&, const StaticDial&) = default;
};

struct DialPoint {
  double at = 0;  // a step (whole, from 0), or a place in the run from 0 to 1
  double value = 0;
  friend bool operator==(const DialPoint&, const DialPoint&) = default;
};
struct PiecewiseDial {
  bool by_position = false;       // `at` of the points is k/K instead of k
  std::vector<DialPoint> points;  // strictly rising, at least one
  friend bool operator==(const PiecewiseDial&, const PiecewiseDial&) = default;
};

struct StageDial {
  friend bool operator==(const StageDial&, const StageDial&) = default;
};

struct EpochDial {
  int64_t epochs = 1;  // E ≥ 1: passes over the data that the run makes
  friend bool operator==(const EpochDial&, const EpochDial&) = default;
};

struct EntropyGuidedDial {
  double target = 0.2;   // > 0
  double delta = 0.05;   // (0, 1]: change per step
  double initial = 0.0;  // [0, 1]
  friend bool operator==(const EntropyGuidedDial&, const EntropyGuidedDial&) = default;
};

struct AerDial {
  double tau = 0.4;              // (0, 1): the target is tau · H_0
  double rate = 5e-3;            // > 0: change per step and nat of error
  double max = 0.05;             // > 0
  double initial = 0.0;          // [0, max]
  std::optional<double> h_init;  // H_0 > 0; absent: the first that the run measured
  friend bool operator==(const AerDial&, const AerDial&) = default;
};

struct EntropicDial {
  double target = 0.1;  // > 0
  double kp = 1.0;      // ≥ 0
  double ki = 0.01;     // ≥ 0
  friend bool operator==(const EntropicDial&, const EntropicDial&) = default;
};

struct MagicDial {
  double target = 0.2;   // > 0
  double delta = 1e-4;   // > 0: change per step
  double min = 0.0;      // ≤ max
  double max = 5e-3;     //
  double initial = 0.0;  // [min, max]
  friend bool operator==(const MagicDial&, const MagicDial&) = default;
};

struct PiDial {
  double target = 0;   // > 0
  double kp = 1.0;     // ≥ 0
  double ki = 0.01;    // ≥ 0
  double min = 0;      // < max
  double max = 0;      //
  double initial = 0;  // [min, max]: the value at the target, before any error has summed up
  bool raises = true;  // whether a larger value of the dial raises entropy
  friend bool operator==(const PiDial&, const PiDial&) = default;
};

using DialSchedule = std::variant<StaticDial, PiecewiseDial, StageDial, EpochDial, EntropyGuidedDial, AerDial,
                                  EntropicDial, MagicDial, PiDial>;

// "static", "piecewise", "stage", "epoch", "entropy_guided", "aer", "entropic", "magic", "pi".
std::string DialLawName(const DialSchedule& dial);
// A law of that name with its defaults; nullopt for another name.
std::optional<DialSchedule> DialLawFromName(const std::string& name);
std::vector<std::string> DialLawNames();

// Whether a law's output depends on what is measured.
bool IsClosedLoop(const DialSchedule& dial);

// The numbers of a law that have no default.
std::vector<std::string> NeededDialNumbers(const DialSchedule& dial);

// Calls `visit(name, number)` for every number of a law but optional ones, points and counts, by the names of
// docs/formats.md. `Visit` takes (const char*, double&), or const double& for a const law.
template <typename Dial, typename Visit>
void VisitDialNumbers(Dial& dial, const Visit& visit) {
  const auto law = [&visit](auto& one) {
    if constexpr (requires { one.value; }) visit("value", one.value);
    if constexpr (requires { one.target; }) visit("target", one.target);
    if constexpr (requires { one.delta; }) visit("delta", one.delta);
    if constexpr (requires { one.tau; }) visit("tau", one.tau);
    if constexpr (requires { one.rate; }) visit("rate", one.rate);
    if constexpr (requires { one.kp; }) visit("kp", one.kp);
    if constexpr (requires { one.ki; }) visit("ki", one.ki);
    if constexpr (requires { one.min; }) visit("min", one.min);
    if constexpr (requires { one.max; }) visit("max", one.max);
    if constexpr (requires { one.initial; }) visit("initial", one.initial);
  };
  std::visit(law, dial);
}

// "dials.NAME" for messages: short and printable whatever the name is.
std::string DialField(const std::string& name);

// Everything that is wrong with the law of dial `name`, each beginning with "dials.NAME": an unknown dial
// (with the nearest right name), numbers out of range, values that the law may take outside the dial's legal
// range.
void CheckDial(const std::string& name, const DialSchedule& dial, std::vector<std::string>& problems);

}  // namespace entrain
