// entrain-verifier: completion + reference → verdict. Stateless; run as many as you like.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <thread>

#include "absl/strings/str_join.h"
#include "common/log.h"
#include "common/status_macros.h"
#include "services/adapters/verifier_adapter.h"
#include "services/main/process.h"
#include "services/main/verifier_flags.h"
#include "services/runtime/grpc_server.h"
#include "services/runtime/http_server.h"
#include "services/runtime/server_lifecycle.h"
#include "services/runtime/signal_waiter.h"
#include "services/telemetry/room_samples.h"
#include "verifier/local_verifier.h"
#include "verifier/service/caching_verifier.h"
#include "verifier/service/judging_pool.h"

namespace entrain {
namespace {

struct Flags {
  std::string listen = "127.0.0.1:0";
  std::string http = "127.0.0.1:0";
  uint32_t concurrency = 0;
  uint32_t queue = 16384;
  uint32_t cache_mb = 64;
  double grace_s = 2;
  bool insecure = false;
  VerifierFlags verifier;
};

// Programs of completions run in a sandbox or, when the operator says so, without; which it is shall be seen.
void PrepareSandbox(LocalVerifier& verifier, SandboxPolicy policy) {
  const absl::StatusOr<std::vector<std::string>> layers = verifier.PrepareSandbox();
  if (policy == SandboxPolicy::kOff) {
    LogWarning("sandbox is off: programs of completions run with the rights of this process", {});
  } else if (layers.ok()) {
    LogInfo("sandbox", {{"layers", absl::StrJoin(*layers, ", ")}});
  } else {
    LogWarning("no sandbox: items that run a program will be errors",
               {{"reason", std::string(layers.status().message())}});
  }
}

absl::Status Serve(const Flags& flags, SignalWaiter& signals) {
  ENTRAIN_ASSIGN_OR_RETURN(LocalVerifierOptions options, LocalVerifierOptionsOf(flags.verifier));
  const SandboxPolicy policy = options.sandbox;
  const std::unique_ptr<LocalVerifier> local = CreateLocalVerifier(std::move(options));
  PrepareSandbox(*local, policy);
  CachingVerifier cache(
      *local, [&](const VerifyItem& item) { return local->MayKeep(item); }, size_t{flags.cache_mb} << 20);
  Verifier& verifier = flags.cache_mb > 0 ? static_cast<Verifier&>(cache) : *local;
  std::vector<std::string> names;
  for (const VerifierInfo& info : local->Registered()) names.push_back(info.name);
  VerdictMeter meter(names);
  const uint32_t threads =
      flags.concurrency > 0 ? flags.concurrency : std::max(1u, std::thread::hardware_concurrency());
  JudgingPool pool({.threads = threads,
                    .max_items = flags.queue,
                    .answered = [&meter](auto items, auto verdicts) { meter.Count(items, verdicts); }},
                   verifier);
  const auto service = MakeVerifierService(pool);
  grpc::Service* const services[] = {service.get()};
  ENTRAIN_ASSIGN_OR_RETURN(const std::unique_ptr<GrpcServer> server,
                           GrpcServer::Start({.listen = flags.listen, .insecure = flags.insecure}, services));
  MetricsPage page("verifier");
  page.Add([&meter] { return SamplesOf(meter.Read()); });
  page.Add([&pool] { return SamplesOf(pool.Stats()); });
  page.Add([&local] { return SamplesOf(local->Failures()); });
  if (flags.cache_mb > 0) page.Add([&cache] { return SamplesOf(cache.Stats()); });
  ENTRAIN_ASSIGN_OR_RETURN(const std::unique_ptr<HttpServer> http,
                           HttpServer::Start({.listen = flags.http,
                                              .insecure = flags.insecure,
                                              .ready = [&server] { return server->serving(); },
                                              .metrics = [&page] { return page.Text(); }}));
  ServerLifecycle lifecycle(*server, http.get());
  const absl::Duration grace = absl::Seconds(flags.grace_s);
  lifecycle.OnClose([&] { pool.Drain(grace); });
  lifecycle.OnDrained([&pool] {
    pool.Close();
    return absl::OkStatus();
  });
  lifecycle.Serving();
  AnnounceListening("verifier", server->address(), http->address());
  LogInfo("serving", {{"grpc", server->address()}, {"http", http->address()}, {"threads", threads}});
  signals.Wait();
  return lifecycle.Shutdown(grace + absl::Seconds(1));  // so that what the pool says last gets out
}

}  // namespace
}  // namespace entrain

int main(int argc, char** argv) {
  entrain::BeginProcess("verifier");
  entrain::SignalWaiter signals;
  entrain::Flags flags;
  CLI::App app{"A verifier: completion + reference → verdict"};
  app.add_option("--listen", flags.listen, "host:port of the gRPC service; port 0 takes a free one")
      ->capture_default_str();
  app.add_option("--http", flags.http, "host:port of /metrics, /healthz and /readyz")->capture_default_str();
  app.add_option("--concurrency", flags.concurrency, "Threads that judge; 0: one per core")
      ->capture_default_str();
  app.add_option("--queue", flags.queue, "Completions that may wait; a batch that does not fit is refused")
      ->check(CLI::Range(8192, 1 << 20))
      ->capture_default_str();
  app.add_option("--cache-mb", flags.cache_mb,
                 "MiB for verdicts that are given again; 0: every item is judged")
      ->check(CLI::Range(0, 1 << 16))
      ->capture_default_str();
  app.add_option("--grace", flags.grace_s,
                 "Seconds that a stop leaves to what was accepted; what is open then is answered \"timeout\"")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  app.add_flag("--insecure", flags.insecure, "Allow plaintext on an address that other machines reach");
  entrain::AddVerifierFlags(app, flags.verifier);
  CLI11_PARSE(app, argc, argv);
  return entrain::ExitStatus(entrain::Serve(flags, signals));
}
