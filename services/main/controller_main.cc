// entrain-controller: observations in, directives out, for any number of runs.
#include <CLI/CLI.hpp>

#include "common/clock.h"
#include "common/log.h"
#include "common/status_macros.h"
#include "controller/controller.h"
#include "services/adapters/controller_adapter.h"
#include "services/main/process.h"
#include "services/runtime/grpc_server.h"
#include "services/runtime/http_server.h"
#include "services/runtime/server_lifecycle.h"
#include "services/runtime/signal_waiter.h"
#include "services/runtime/worker_pool.h"
#include "services/telemetry/room_samples.h"
#include "services/web/controller_page.h"

namespace entrain {
namespace {

struct Flags {
  std::string db = "controller.sqlite";
  std::string listen = "127.0.0.1:0";
  std::string http = "127.0.0.1:0";
  TlsOptions tls;
  bool insecure = false;
};

absl::Status Serve(const Flags& flags, SignalWaiter& signals) {
  ENTRAIN_ASSIGN_OR_RETURN(const std::unique_ptr<Controller> controller,
                           Controller::Create(flags.db, Clock::Real()));
  WorkerPool pool(/*threads=*/4, /*queue=*/256);
  std::stop_source streams;
  const auto telemetry = MakeTelemetryService(*controller, pool, streams.get_token());
  const auto schedules = MakeScheduleService(*controller, pool);
  const auto runs = MakeRunService(*controller, pool, streams.get_token());
  grpc::Service* const services[] = {telemetry.get(), schedules.get(), runs.get()};
  GrpcServerOptions options{.listen = flags.listen, .insecure = flags.insecure};
  if (!flags.tls.certificate_file.empty()) options.tls = flags.tls;
  ENTRAIN_ASSIGN_OR_RETURN(const std::unique_ptr<GrpcServer> server, GrpcServer::Start(options, services));
  MetricsPage page("controller");
  page.Add([&controller] { return SamplesOf(controller->stats()); });
  ENTRAIN_ASSIGN_OR_RETURN(const std::unique_ptr<HttpServer> http,
                           HttpServer::Start({.listen = flags.http,
                                              .insecure = flags.insecure,
                                              .ready = [&server] { return server->serving(); },
                                              .metrics = [&page] { return page.Text(); }},
                                             ControllerPageRoutes(*controller)));
  ServerLifecycle lifecycle(*server, http.get());
  lifecycle.OnClose([&streams] { streams.request_stop(); });
  lifecycle.OnDrained([&pool] {
    pool.Close();
    return absl::OkStatus();
  });
  lifecycle.Serving();
  AnnounceListening("controller", server->address(), http->address());
  LogInfo("serving", {{"grpc", server->address()}, {"http", http->address()}, {"db", flags.db}});
  signals.Wait();
  return lifecycle.Shutdown(absl::Seconds(2));
}

}  // namespace
}  // namespace entrain

int main(int argc, char** argv) {
  entrain::BeginProcess("controller");
  entrain::SignalWaiter signals;
  entrain::Flags flags;
  CLI::App app{
      "The entropy controller: observations in, directives out; schedules edited live, with history"};
  app.add_option("--db", flags.db, "SQLite file with the history; made when it is not there")
      ->capture_default_str();
  app.add_option("--listen", flags.listen, "host:port of the gRPC services; port 0 takes a free one")
      ->capture_default_str();
  app.add_option("--http", flags.http, "host:port of the page, /metrics, /healthz and /readyz")
      ->capture_default_str();
  app.add_option("--tls-certificate", flags.tls.certificate_file, "PEM file");
  app.add_option("--tls-key", flags.tls.key_file, "PEM file");
  app.add_option("--tls-ca", flags.tls.ca_file,
                 "PEM file of the authority that clients' certificates must come from");
  app.add_flag("--insecure", flags.insecure, "Allow plaintext on an address that other machines reach");
  CLI11_PARSE(app, argc, argv);
  return entrain::ExitStatus(entrain::Serve(flags, signals));
}
