// A verifier service under load: batches of 64 solutions of GSM8K with the verifier math, over loopback TCP,
// server and callers in one process, without a cache.
//   build/<preset>/bin/verifier_service_bench [--seconds 5] [--load 0.5] [--data FILE]
// Prints, one JSON object a line:
//   direct      the baseline: the same batches judged in this process by one thread; batches/s and the time
//   of
//               one
//   single      items/s of callers that send one item a call
//   saturation  batches/s of callers that always have a call under way
//   open_loop   latency at `load` of saturation: calls leave by a clock whatever the answers do, and a call's
//               time counts from when it should have left
// cpu_us_per_batch is processor time of callers and server together: unlike rates and latencies it hardly
// depends on what else the machine does.
// Good: p99 below 5 ms at half of saturation.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <ctime>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "common/clock.h"
#include "common/mutex.h"
#include "entrain/verifier/v1/verifier_service.grpc.pb.h"
#include "services/adapters/verifier_adapter.h"
#include "services/convert/verdict_convert.h"
#include "services/runtime/channel.h"
#include "services/runtime/grpc_server.h"
#include "verifier/local_verifier.h"
#include "verifier/service/judging_pool.h"

namespace entrain::bench {
namespace {

using verifier::v1::VerifierService;
using verifier::v1::VerifyRequest;
using verifier::v1::VerifyResponse;

constexpr size_t kBatch = 64;

// Processor time of this process so far.
double CpuSeconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

double Now() { return absl::ToDoubleSeconds(Clock::Real().Monotonic()); }

std::vector<std::vector<VerifyItem>> Batches(const std::string& path) {
  std::vector<std::vector<VerifyItem>> batches;
  std::ifstream file(path);
  std::string line;
  for (size_t n = 0; std::getline(file, line); ++n) {
    const std::string solution = nlohmann::json::parse(line).at("answer");
    if (n % kBatch == 0) batches.emplace_back();
    batches.back().push_back(
        {.verifier = "math", .completion = solution, .answer = solution.substr(solution.rfind("#### ") + 5)});
  }
  if (batches.size() > 1) batches.pop_back();  // not full
  return batches;
}

VerifyRequest RequestOf(std::span<const VerifyItem> items) {
  VerifyRequest request;
  for (const VerifyItem& item : items) *request.add_items() = VerifyItemToProto(item);
  return request;
}

// Sorted seconds → the value below which the share q lies.
double Quantile(const std::vector<double>& sorted, double q) {
  return sorted.empty() ? 0 : sorted[static_cast<size_t>(q * static_cast<double>(sorted.size() - 1))];
}

void Print(const std::string& what, const nlohmann::ordered_json& numbers) {
  nlohmann::ordered_json line = {{"measured", what}};
  line.update(numbers);
  std::cout << line.dump() << std::endl;
}

struct Direct {
  double batches_per_s = 0, median_seconds = 0;
};

Direct MeasureDirect(Verifier& verifier, const std::vector<std::vector<VerifyItem>>& batches,
                     double seconds) {
  std::vector<double> times;
  int64_t correct = 0;
  const double begin = Now(), cpu_before = CpuSeconds();
  while (Now() < begin + seconds) {
    const double start = Now();
    const auto verdicts = verifier.Verify(batches[times.size() % batches.size()], absl::Hours(1));
    times.push_back(Now() - start);
    for (const Verdict& verdict : *verdicts) correct += verdict.kind == VerdictKind::kCorrect ? 1 : 0;
  }
  const double total = Now() - begin;
  const auto count = static_cast<double>(times.size());
  std::ranges::sort(times);
  const Direct direct{.batches_per_s = count / total, .median_seconds = Quantile(times, 0.5)};
  Print("direct", {{"batches_per_s", direct.batches_per_s},
                   {"items_per_s", direct.batches_per_s * kBatch},
                   {"batch_p50_ms", 1e3 * direct.median_seconds},
                   {"cpu_us_per_batch", 1e6 * (CpuSeconds() - cpu_before) / count},
                   {"correct_share", static_cast<double>(correct) / (count * kBatch)}});
  return direct;
}

// Calls per second of `callers` threads that send one request after the other.
double ClosedLoop(const std::vector<std::unique_ptr<VerifierService::Stub>>& stubs,
                  const std::vector<VerifyRequest>& requests, double seconds) {
  std::atomic<int64_t> calls = 0;
  const double begin = Now();
  {
    std::vector<std::jthread> callers;
    for (size_t c = 0; c < stubs.size(); ++c) {
      callers.emplace_back([&, c] {
        for (size_t i = c; Now() < begin + seconds; i += stubs.size()) {
          grpc::ClientContext context;
          VerifyResponse response;
          if (stubs[c]->Verify(&context, requests[i % requests.size()], &response).ok()) ++calls;
        }
      });
    }
  }
  return static_cast<double>(calls) / (Now() - begin);
}

struct Call {
  grpc::ClientContext context;
  VerifyResponse response;
};

// Seconds of every call, from when it should have left; sorted.
std::vector<double> OpenLoop(const std::vector<std::unique_ptr<VerifierService::Stub>>& stubs,
                             const std::vector<VerifyRequest>& requests, double calls_per_s, double seconds,
                             int64_t& failed) {
  Mutex mutex;
  CondVar changed;
  std::vector<double> times;
  size_t answered = 0;
  const auto count = static_cast<size_t>(calls_per_s * seconds);
  const double begin = Now();
  for (size_t i = 0; i < count; ++i) {
    const double due = begin + static_cast<double>(i) / calls_per_s;
    if (const double early = due - Now(); early > 0) Clock::Real().Sleep(absl::Seconds(early));
    auto call = std::make_shared<Call>();
    stubs[i % stubs.size()]->async()->Verify(&call->context, &requests[i % requests.size()], &call->response,
                                             [&, call, due](const grpc::Status& status) {
                                               MutexLock lock(mutex);
                                               times.push_back(Now() - due);
                                               failed += status.ok() ? 0 : 1;
                                               ++answered;
                                               changed.NotifyAll();
                                             });
  }
  MutexLock lock(mutex);
  while (answered < count) changed.Wait(mutex);
  std::ranges::sort(times);
  return times;
}

int Run(const std::string& data, double seconds, double load) {
  const std::vector<std::vector<VerifyItem>> batches = Batches(data);
  if (batches.empty()) {
    std::cerr << data << ": expected lines of GSM8K, found none\n";
    return 2;
  }
  std::vector<VerifyRequest> requests, singles;
  for (const auto& batch : batches) {
    requests.push_back(RequestOf(batch));
    for (const VerifyItem& item : batch) singles.push_back(RequestOf(std::span(&item, 1)));
  }
  const std::unique_ptr<LocalVerifier> verifier = CreateLocalVerifier();
  const Direct direct = MeasureDirect(*verifier, batches, seconds);

  const size_t threads = std::max(1u, std::thread::hardware_concurrency());
  JudgingPool pool({.threads = threads}, *verifier);
  const auto service = MakeVerifierService(pool);
  grpc::Service* services[] = {service.get()};
  const auto server = GrpcServer::Start({}, services);
  if (!server.ok()) {
    std::cerr << server.status() << "\n";
    return 1;
  }
  std::vector<std::unique_ptr<VerifierService::Stub>> stubs;
  for (size_t i = 0; i < 2 * threads; ++i)
    stubs.push_back(VerifierService::NewStub(*OpenChannel((*server)->address())));
  ClosedLoop(stubs, requests, 0.5);  // connections are made
  const double single = ClosedLoop(stubs, singles, seconds);
  Print("single", {{"items_per_s", single}});
  const double cpu_before = CpuSeconds(), begin = Now();
  const double saturation = ClosedLoop(stubs, requests, seconds);
  const double cpu_share = (CpuSeconds() - cpu_before) / (Now() - begin);
  Print("saturation", {{"batches_per_s", saturation},
                       {"items_per_s", saturation * kBatch},
                       {"of_direct", saturation / direct.batches_per_s},
                       {"of_single", saturation * kBatch / single},
                       {"cpu_us_per_batch", 1e6 * cpu_share / saturation}});
  int64_t failed = 0;
  const std::vector<double> times = OpenLoop(stubs, requests, load * saturation, seconds, failed);
  Print("open_loop", {{"load", load},
                      {"batches_per_s", load * saturation},
                      {"p50_ms", 1e3 * Quantile(times, 0.5)},
                      {"p99_ms", 1e3 * Quantile(times, 0.99)},
                      {"p999_ms", 1e3 * Quantile(times, 0.999)},
                      {"max_ms", 1e3 * times.back()},
                      {"p50_of_direct", Quantile(times, 0.5) / direct.median_seconds},
                      {"failed", failed}});
  (*server)->Shutdown(absl::Seconds(5));
  return 0;
}

}  // namespace
}  // namespace entrain::bench

int main(int argc, char** argv) {
  std::string data = "examples/gsm8k/data/test.jsonl";
  double seconds = 5, load = 0.5;
  CLI::App app{"Rate and latency of a verifier service"};
  app.add_option("--data", data, "Lines with GSM8K's \"answer\"")->capture_default_str();
  app.add_option("--seconds", seconds, "Of each measurement")->capture_default_str();
  app.add_option("--load", load, "Share of the saturation rate")
      ->check(CLI::Range(0.01, 1.0))
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  return entrain::bench::Run(data, seconds, load);
}
