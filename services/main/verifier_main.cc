// entrain-verifier: completion + reference → verdict. Stateless; run as many as you like.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <thread>

#include "common/log.h"
#include "common/status_macros.h"
#include "services/adapters/verifier_adapter.h"
#include "services/main/process.h"
#include "services/runtime/grpc_server.h"
#include "services/runtime/http_server.h"
#include "services/runtime/server_lifecycle.h"
#include "services/runtime/signal_waiter.h"
#include "services/runtime/worker_pool.h"
#include "services/telemetry/room_samples.h"
#include "verifier/local_verifier.h"

namespace entrain {
namespace {

struct Flags {
  std::string listen = "127.0.0.1:0";
  std::string http = "127.0.0.1:0";
  uint32_t concurrency = 0;
  bool insecure = false;
};

absl::Status Serve(const Flags& flags, SignalWaiter& signals) {
  const std::unique_ptr<Verifier> local = CreateLocalVerifier();
  CountingVerifier verifier(*local);
  const uint32_t threads =
      flags.concurrency > 0 ? flags.concurrency : std::max(1u, std::thread::hardware_concurrency());
  WorkerPool pool(threads, /*queue=*/64 * threads);
  const auto service = MakeVerifierService(verifier, pool);
  grpc::Service* const services[] = {service.get()};
  ENTRAIN_ASSIGN_OR_RETURN(const std::unique_ptr<GrpcServer> server,
                           GrpcServer::Start({.listen = flags.listen, .insecure = flags.insecure}, services));
  MetricsPage page("verifier");
  page.Add([&] {
    VerifierStats stats = verifier.Stats();
    stats.batches_waiting = static_cast<int64_t>(pool.waiting());
    return SamplesOf(stats);
  });
  ENTRAIN_ASSIGN_OR_RETURN(const std::unique_ptr<HttpServer> http,
                           HttpServer::Start({.listen = flags.http,
                                              .insecure = flags.insecure,
                                              .ready = [&server] { return server->serving(); },
                                              .metrics = [&page] { return page.Text(); }}));
  ServerLifecycle lifecycle(*server, http.get());
  lifecycle.OnDrained([&pool] {
    pool.Close();
    return absl::OkStatus();
  });
  lifecycle.Serving();
  AnnounceListening("verifier", server->address(), http->address());
  LogInfo("serving", {{"grpc", server->address()}, {"http", http->address()}, {"threads", threads}});
  signals.Wait();
  return lifecycle.Shutdown(absl::Seconds(2));
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
  app.add_flag("--insecure", flags.insecure, "Allow plaintext on an address that other machines reach");
  CLI11_PARSE(app, argc, argv);
  return entrain::ExitStatus(entrain::Serve(flags, signals));
}
