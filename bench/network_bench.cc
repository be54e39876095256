// Training, items = scored tokens. The argument is the number of threads. "Score" is the baseline: the
// forward pass alone, without gradient; a step should cost about three to four times as much. The demo model
// has 14 vocabulary entries; the Vocabulary rows are one layer under 32,000, where the head is most of the
// work and its logits are computed twice. Memory: bench/peak_memory.
#include <benchmark/benchmark.h>

#include <cstdlib>

#include "bench/bench_model.h"
#include "kernels/adamw.h"
#include "policy/network.h"
#include "policy/parameters.h"

namespace entrain::bench {
namespace {

struct Work {
  std::unique_ptr<Network> network;
  std::vector<std::vector<TokenId>> prompts, completions;
  std::vector<TrainSequence> sequences;
  int64_t tokens = 0;
};

Work MakeWork(const ModelConfig& config, int64_t threads, int64_t sequences, int64_t prompt_tokens,
              int64_t completion_tokens) {
  Work work;
  auto network = Network::Create(config, {.threads = static_cast<int32_t>(threads)});
  if (!network.ok()) std::abort();
  work.network = std::move(*network);
  const std::vector<float> weights = InitParameters(config, 1);
  std::copy(weights.begin(), weights.end(), work.network->parameters().begin());
  for (int64_t i = 0; i < sequences; ++i) {
    work.prompts.push_back(Tokens(config.vocab_size, prompt_tokens, static_cast<uint64_t>(2 * i)));
    work.completions.push_back(
        Tokens(config.vocab_size, completion_tokens, static_cast<uint64_t>(2 * i + 1)));
  }
  for (size_t i = 0; i < work.prompts.size(); ++i)
    work.sequences.push_back({.prompt = work.prompts[i], .completion = work.completions[i]});
  work.tokens = sequences * completion_tokens;
  return work;
}

void Score(benchmark::State& state, const ModelConfig& config, int64_t sequences, int64_t prompt_tokens,
           int64_t completion_tokens) {
  const Work work = MakeWork(config, state.range(0), sequences, prompt_tokens, completion_tokens);
  for (auto _ : state) {
    const auto stats = work.network->Score(work.sequences, 1.0);
    if (!stats.ok()) return state.SkipWithError(stats.status().ToString().c_str());
    benchmark::DoNotOptimize(stats->logprob.data());
  }
  state.SetItemsProcessed(state.iterations() * work.tokens);
}

// Forward, backward, gradient norm and AdamW.
void Step(benchmark::State& state, const ModelConfig& config, int64_t sequences, int64_t prompt_tokens,
          int64_t completion_tokens) {
  const Work work = MakeWork(config, state.range(0), sequences, prompt_tokens, completion_tokens);
  const auto tokens = static_cast<size_t>(work.tokens);
  const TokenGradients gradients{.logprob = std::vector<float>(tokens, -1.0f / static_cast<float>(tokens))};
  std::vector<float> first(work.network->parameters().size()), second(first.size());
  int64_t step = 0;
  for (auto _ : state) {
    work.network->ZeroGradients();
    const absl::Status status = work.network->ForwardBackward(
        work.sequences, 1.0, [&](const TokenStats&) -> absl::StatusOr<TokenGradients> { return gradients; });
    if (!status.ok()) return state.SkipWithError(status.ToString().c_str());
    const double norm = GlobalNorm(work.network->gradients());
    AdamWStep(work.network->parameters(), work.network->gradients(), first, second, ++step,
              norm > 1 ? 1 / norm : 1, {.lr = 1e-4});
  }
  state.SetItemsProcessed(state.iterations() * work.tokens);
}

void WarmupScore(benchmark::State& state) { Score(state, DemoModel(), 256, 5, 4); }
void WarmupStep(benchmark::State& state) { Step(state, DemoModel(), 256, 5, 4); }
void ReinforcementScore(benchmark::State& state) { Score(state, DemoModel(), 64, 9, 8); }
void ReinforcementStep(benchmark::State& state) { Step(state, DemoModel(), 64, 9, 8); }
void VocabularyScore(benchmark::State& state) { Score(state, WideModel(), 8, 16, 64); }
void VocabularyStep(benchmark::State& state) { Step(state, WideModel(), 8, 16, 64); }

BENCHMARK(WarmupScore)->Arg(1)->Arg(2)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(WarmupStep)->Arg(1)->Arg(2)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(ReinforcementScore)->Arg(1)->Arg(2)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(ReinforcementStep)->Arg(1)->Arg(2)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(VocabularyScore)->Arg(1)->Arg(2)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(VocabularyStep)->Arg(1)->Arg(2)->Unit(benchmark::kMillisecond)->UseRealTime();

// The optimiser alone, bytes = parameters, gradients and both moments.
void AdamW(benchmark::State& state) {
  std::vector<float> parameters(593280, 0.1f), gradients(parameters.size(), 0.01f), first(parameters.size()),
      second(parameters.size());
  int64_t step = 0;
  for (auto _ : state) AdamWStep(parameters, gradients, first, second, ++step, 1.0, {});
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(parameters.size()) * 16);
}
BENCHMARK(AdamW)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace entrain::bench
