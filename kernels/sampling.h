#pragma once

#include <cstdint>
#include <span>

namespace entrain {

struct SampledToken {
  int32_t token = 0;
  float logprob = 0;  // nats, at the temperature, of the whole distribution (before top-k and top-p)
};

// Draws by inversion: the first token, in id order, at which the cumulative probability of the kept tokens
// exceeds uniform · total. logits: [V], finite. temperature > 0; top_k 0 and top_p 1 are off (top-k first,
// then the smallest set of most probable tokens that holds top_p of the rest; ties keep the lower id).
// uniform in [0, 1).
SampledToken SampleToken(std::span<const float> logits, double temperature, int32_t top_k, double top_p,
                         double uniform);

// The smallest number of most probable tokens that together hold at least p of softmax(logits / temperature):
// the size of the top-p nucleus that SampleToken keeps. logits: [V]; 0 when one is not finite. temperature >
// 0, p in (0, 1]. Linear in V as long as the nucleus is small.
int32_t NucleusSize(std::span<const float> logits, double temperature, double p);

// The most probable token, ties to the lower id.
SampledToken GreedyToken(std::span<const float> logits, double temperature);

}  // namespace entrain
