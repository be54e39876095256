// Token statistics of one row, one thread, items = vocabulary entries. Baselines in the same run: the plain
// formulas, four passes over a softmax written out in double; and LibTorch's log_softmax followed by the sums
// that entropy needs.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <benchmark/benchmark.h>

#include <cmath>

#include "bench/bench_model.h"
#include "kernels/token_stats.h"

namespace entrain::bench {
namespace {

void OnePass(benchmark::State& state) {
  const std::vector<float> logits = Logits(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(ComputeTokenStat(logits, 3, 1.0));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void PlainFormulas(benchmark::State& state) {
  const std::vector<float> logits = Logits(state.range(0));
  std::vector<double> p(logits.size());
  for (auto _ : state) {
    double total = 0, entropy = 0, n = 0;
    for (size_t i = 0; i < p.size(); ++i) total += p[i] = std::exp(static_cast<double>(logits[i]));
    for (double& x : p) x /= total;
    for (const double x : p) entropy -= x * std::log(x);
    for (const double x : p) n += x * x * (std::log(x) + entropy);
    benchmark::DoNotOptimize(entropy);
    benchmark::DoNotOptimize(n);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void LogSoftmaxOfLibTorch(benchmark::State& state) {
  at::set_num_threads(1);
  std::vector<float> logits = Logits(state.range(0));
  const at::Tensor z = at::from_blob(logits.data(), {1, state.range(0)}, at::kFloat);
  for (auto _ : state) {
    const at::Tensor log_p = at::log_softmax(z, -1);
    const at::Tensor p = log_p.exp();
    const double entropy = -(p * log_p).sum().item<float>();
    const double n = (p * p * (log_p + entropy)).sum().item<float>();
    benchmark::DoNotOptimize(n);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void Backward(benchmark::State& state) {
  const std::vector<float> logits = Logits(state.range(0));
  std::vector<float> out(logits.size());
  const TokenStat stat = ComputeTokenStat(logits, 3, 1.0);
  for (auto _ : state) {
    TokenStatBackward(logits, 3, 1.0, stat, 1.0, 0.1, out);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void OnePassBFloat16(benchmark::State& state) {
  std::vector<BFloat16> logits;
  for (const float logit : Logits(state.range(0))) logits.push_back(ToBFloat16(logit));
  for (auto _ : state) benchmark::DoNotOptimize(ComputeTokenStat(logits, 3, 1.0));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

BENCHMARK(PlainFormulas)->Arg(14)->Arg(151936)->Unit(benchmark::kMicrosecond);
BENCHMARK(LogSoftmaxOfLibTorch)->Arg(14)->Arg(151936)->Unit(benchmark::kMicrosecond);
BENCHMARK(OnePass)->Arg(14)->Arg(151936)->Unit(benchmark::kMicrosecond);
BENCHMARK(OnePassBFloat16)->Arg(14)->Arg(151936)->Unit(benchmark::kMicrosecond);
BENCHMARK(Backward)->Arg(14)->Arg(151936)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace entrain::bench
