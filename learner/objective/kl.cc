#include "learner/objective/kl.h"

#include <algorithm>
#include <cmath>

namespace entrain {
namespace {

constexpr double kMaxGap = 20.0;  // nats
constexpr double kMaxK3 = 10.0;   // nats

double Gap(double new_logp, double ref_logp) { return std::clamp(ref_logp - new_logp, -kMaxGap, kMaxGap); }

}  // namespace

double K1Estimate(double new_logp, double ref_logp) { return -Gap(new_logp, ref_logp); }

double K3Estimate(double new_logp, double ref_logp) {
  const double gap = Gap(new_logp, ref_logp);
  // expm1 keeps the digits of a small gap, where e^d − 1 and d cancel.
  return std::clamp(std::expm1(gap) - gap, -kMaxK3, kMaxK3);
}

double K1Gradient(double new_logp, double ref_logp) {
  return std::abs(ref_logp - new_logp) < kMaxGap ? 1.0 : 0.0;
}

double K3Gradient(double new_logp, double ref_logp) {
  return K3Estimate(new_logp, ref_logp) < kMaxK3 ? -std::expm1(Gap(new_logp, ref_logp)) : 0.0;
}

}  // namespace entrain
