#pragma once

namespace entrain {

// Estimators of KL(new || ref) at one token that was drawn from the new policy (Schulman 2020, "Approximating
// KL divergence"; docs/methods.md 10.1). With d = clamp(ref_logp − new_logp, ±20): k1 = −d, unbiased and of
// either sign; k3 = e^d − d − 1, unbiased and never negative, clamped to 10. Nats.
double K1Estimate(double new_logp, double ref_logp);
double K3Estimate(double new_logp, double ref_logp);

// Their derivatives with respect to new_logp: 1 and 1 − e^d. Zero where a clamp holds the estimate.
double K1Gradient(double new_logp, double ref_logp);
double K3Gradient(double new_logp, double ref_logp);

}  // namespace entrain
