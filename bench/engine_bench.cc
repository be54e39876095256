// Generation with the demo model on one thread, items = tokens drawn. "Alone" is the baseline: the same
// completions, one request and one completion at a time, so that their ratio is what batching and the shared
// prefill bring. A good value: 10,000 tokens/s in batches of eight on one core with AVX-512.
#include <benchmark/benchmark.h>

#include <cstdlib>

#include "bench/bench_model.h"
#include "policy/engine.h"
#include "policy/parameters.h"

namespace entrain::bench {
namespace {

constexpr int32_t kMaxTokens = 8;

std::unique_ptr<Generator> MakeEngine() {
  const ModelConfig config = DemoModel();
  auto engine = CreateEngine(config, {.threads = 1});
  if (!engine.ok() || !(*engine)->SetWeights(WeightsSnapshot::Make(0, InitParameters(config, 1))).ok())
    std::abort();
  return std::move(*engine);
}

// `requests` prompts of 9 tokens with `completions` draws each, EOS ignored: the work does not depend on what
// is drawn.
void Generate(benchmark::State& state, int64_t requests, int32_t completions) {
  const auto engine = MakeEngine();
  std::vector<GenerationRequest> batch;
  for (int64_t i = 0; i < requests; ++i) {
    batch.push_back(
        {.prompt = Tokens(14, 9, static_cast<uint64_t>(i)),
         .completions = completions,
         .key = {.seed = 1, .purpose = RngPurpose::kTrainSample, .ordinal = static_cast<uint64_t>(i)}});
  }
  for (auto _ : state) {
    const auto results = engine->Generate(batch, {.max_tokens = kMaxTokens, .ignore_eos = true}, {});
    if (!results.ok()) return state.SkipWithError(results.status().ToString().c_str());
    benchmark::DoNotOptimize(results->data());
  }
  state.SetItemsProcessed(state.iterations() * requests * completions * kMaxTokens);
  state.counters["completions"] = benchmark::Counter(static_cast<double>(requests * completions),
                                                     benchmark::Counter::kIsIterationInvariantRate);
}

void Alone(benchmark::State& state) { Generate(state, 1, 1); }
void OneGroup(benchmark::State& state) { Generate(state, 1, static_cast<int32_t>(state.range(0))); }
void EightGroups(benchmark::State& state) { Generate(state, 8, static_cast<int32_t>(state.range(0))); }

BENCHMARK(Alone)->Unit(benchmark::kMillisecond);
BENCHMARK(OneGroup)->Arg(8)->Arg(32)->Unit(benchmark::kMillisecond);
BENCHMARK(EightGroups)->Arg(8)->Unit(benchmark::kMillisecond);

// What a worker pays for new weights.
void SetWeights(benchmark::State& state) {
  const auto engine = MakeEngine();
  const auto weights = engine->weights();
  for (auto _ : state) {
    if (!engine->SetWeights(weights).ok()) return state.SkipWithError("SetWeights failed");
  }
}
BENCHMARK(SetWeights)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace entrain::bench
