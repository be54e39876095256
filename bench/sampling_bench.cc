// Drawing one token, items = vocabulary entries. The argument is the vocabulary: the demo model's and
// Qwen2.5's. "Greedy" is the baseline: the same exponentials, no draw.
#include <benchmark/benchmark.h>

#include "bench/bench_model.h"
#include "kernels/sampling.h"

namespace entrain::bench {
namespace {

template <typename Draw>
void Run(benchmark::State& state, Draw draw) {
  const std::vector<float> logits = Logits(state.range(0));
  const Rng rng({.seed = 3, .purpose = RngPurpose::kTrainSample});
  uint64_t position = 0;
  for (auto _ : state) benchmark::DoNotOptimize(draw(logits, rng.Uniform(position++)));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void Greedy(benchmark::State& state) {
  Run(state, [](std::span<const float> logits, double) { return GreedyToken(logits, 1.0); });
}
void Whole(benchmark::State& state) {
  Run(state, [](std::span<const float> logits, double u) { return SampleToken(logits, 1.0, 0, 1.0, u); });
}
void TopK(benchmark::State& state) {
  Run(state, [](std::span<const float> logits, double u) { return SampleToken(logits, 1.0, 20, 1.0, u); });
}
void TopP(benchmark::State& state) {
  Run(state, [](std::span<const float> logits, double u) { return SampleToken(logits, 1.0, 0, 0.95, u); });
}

BENCHMARK(Greedy)->Arg(14)->Arg(151936)->Unit(benchmark::kMicrosecond);
BENCHMARK(Whole)->Arg(14)->Arg(151936)->Unit(benchmark::kMicrosecond);
BENCHMARK(TopK)->Arg(14)->Arg(151936)->Unit(benchmark::kMicrosecond);
BENCHMARK(TopP)->Arg(14)->Arg(151936)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace entrain::bench
