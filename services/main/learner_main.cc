// entrain-learner: owns the model; leases prompts, admits groups, updates the policy, publishes versions.
#include <CLI/CLI.hpp>
#include <fstream>
#include <random>
#include <sstream>
#include <thread>

#include "absl/strings/str_format.h"
#include "common/clock.h"
#include "common/digest.h"
#include "common/log.h"
#include "common/status_macros.h"
#include "learner/front_desk.h"
#include "learner/train_loop.h"
#include "policy/model_folder.h"
#include "policy/network.h"
#include "services/adapters/learner_adapter.h"
#include "services/clients/grpc_steering.h"
#include "services/config/run_config.h"
#include "services/main/learner_setup.h"
#include "services/main/process.h"
#include "services/main/run_inputs.h"
#include "services/runtime/channel.h"
#include "services/runtime/grpc_server.h"
#include "services/runtime/http_server.h"
#include "services/runtime/server_lifecycle.h"
#include "services/runtime/signal_waiter.h"
#include "services/telemetry/room_samples.h"
#include "trajectory/data_order.h"

namespace entrain {
namespace {

struct Flags {
  std::string config;
  RunFolder folder;
  std::string run_id;
  std::string listen = "127.0.0.1:0";
  std::string http = "127.0.0.1:0";
  std::string controller;
  std::string verifier;
  bool resume = false;
  bool apply_schedule = false;
  bool insecure = false;
};

// Identity, not a decision: it only has to differ from that of the learner before.
std::string NewIncarnation() {
  std::random_device device;
  return absl::StrFormat("%08x%08x", device(), device());
}

absl::StatusOr<std::shared_ptr<const DataOrder>> LoadOrder(const std::string& path,
                                                           const StartingModel& model,
                                                           const RunConfig& config, bool shuffle) {
  ENTRAIN_ASSIGN_OR_RETURN(std::vector<Prompt> prompts,
                           LoadPrompts(path, *model.tokenizer, model.files.config, *VerifierOf(config)));
  return std::make_shared<const DataOrder>(std::move(prompts), config.seed, shuffle);
}

FrontDeskOptions DeskOptions(const RunConfig& config, const Flags& flags, const StartingModel& model,
                             const std::optional<Checkpoint>& checkpoint) {
  FrontDeskOptions out;
  out.join = {.run_id = flags.run_id,
              .incarnation = NewIncarnation(),
              .seed = config.seed,
              .train_sampling = {.temperature = config.rollout.temperature,
                                 .top_p = config.rollout.top_p,
                                 .top_k = config.rollout.top_k,
                                 .max_tokens = config.rollout.max_tokens},
              .model_files = model.files.files,
              .model_files_digest = DigestOfFiles(model.files.files),
              .verifier_address = flags.verifier,
              .verify_deadline_seconds = config.verifier.deadline_seconds,
              .verify_retries = config.verifier.retries};
  out.join.eval_sampling = out.join.train_sampling;
  out.prompts_per_step = config.learner.prompts_per_step;
  out.completions_per_prompt = config.learner.completions_per_prompt;
  out.total_steps = config.learner.steps;
  out.max_staleness = config.learner.max_staleness;
  out.exact_staleness = config.exact_staleness;
  out.dynamic_sampling = config.learner.dynamic_sampling;
  out.vocab_size = model.files.config.vocab_size;
  if (checkpoint.has_value()) {
    out.first_step = checkpoint->next_step;
    out.first_ordinal = checkpoint->next_ordinal;
  }
  return out;
}

// The newest checkpoint of the run; a run that was killed before its first one begins anew.
absl::StatusOr<std::optional<Checkpoint>> FindCheckpoint(const Flags& flags) {
  if (!flags.resume) return std::nullopt;
  absl::StatusOr<Checkpoint> checkpoint = ReadNewestCheckpoint(flags.folder.CheckpointsFolder());
  if (absl::IsNotFound(checkpoint.status())) return std::nullopt;
  ENTRAIN_RETURN_IF_ERROR(checkpoint.status());
  return *std::move(checkpoint);
}

absl::Status Train(const Flags& flags, const RunConfig& config, const std::string& config_digest,
                   SignalWaiter& signals) {
  ENTRAIN_ASSIGN_OR_RETURN(std::optional<Checkpoint> checkpoint, FindCheckpoint(flags));
  ENTRAIN_ASSIGN_OR_RETURN(const auto events, LineWriter::Open(flags.folder.EventsFile()));
  const auto report_warmup = [&events](const WarmupProgress& progress) {
    if (!progress.pass_rate.has_value() && progress.step % 10 != 0) return;
    std::map<std::string, double> numbers = {{"step", static_cast<double>(progress.step)},
                                             {"loss", progress.loss}};
    if (progress.pass_rate.has_value()) numbers["pass_rate"] = *progress.pass_rate;
    events->Write(EventJson("warmup", {}, numbers)).IgnoreError();
  };
  ENTRAIN_ASSIGN_OR_RETURN(const StartingModel model,
                           PrepareModel(config, flags.folder, report_warmup, signals.token()));
  ENTRAIN_ASSIGN_OR_RETURN(const auto train,
                           LoadOrder(config.data_train, model, config, config.data_shuffle));
  std::shared_ptr<const DataOrder> eval;
  if (!config.data_eval.empty()) {
    ENTRAIN_ASSIGN_OR_RETURN(eval, LoadOrder(config.data_eval, model, config, /*shuffle=*/false));
  }
  ENTRAIN_ASSIGN_OR_RETURN(const std::unique_ptr<Network> network,
                           Network::Create(model.files.config, {.device = config.learner_device,
                                                                .dtype = config.learner_dtype,
                                                                .threads = config.learner.threads}));
  std::ranges::copy(model.weights, network->parameters().begin());
  std::unique_ptr<Network> reference;
  if (config.learner.objective.kl.has_value()) {
    ENTRAIN_ASSIGN_OR_RETURN(reference, LoadReference(config, model));
    const auto weights =
        WeightsSnapshot::Make(0, {reference->parameters().begin(), reference->parameters().end()});
    ENTRAIN_RETURN_IF_ERROR(events->Write(EventJson(
        "reference",
        {{"model", config.kl_reference.empty() ? "start" : config.kl_reference}, {"digest", weights->digest}},
        {})));
  }

  const std::unique_ptr<FrontDesk> desk =
      FrontDesk::Create(DeskOptions(config, flags, model, checkpoint), train, eval, Clock::Real());
  const auto service = MakeLearnerService(*desk);
  grpc::Service* const services[] = {service.get()};
  ENTRAIN_ASSIGN_OR_RETURN(const std::unique_ptr<GrpcServer> server,
                           GrpcServer::Start({.listen = flags.listen, .insecure = flags.insecure}, services));
  ENTRAIN_ASSIGN_OR_RETURN(const auto channel, OpenChannel(flags.controller));
  GrpcSteering steering(channel);
  const std::stop_callback cancel(signals.token(), [&steering] { steering.Cancel(); });

  std::unique_ptr<TrainLoop> loop;
  MetricsPage page("learner");
  page.Add([&desk] { return SamplesOf(desk->Stats()); });
  std::atomic<TrainLoop*> running = nullptr;  // for scrapes before the loop is there
  page.Add([&running]() -> std::vector<Sample> {
    TrainLoop* const now = running.load();
    if (now == nullptr) return {};
    LearnerStats stats = now->stats();
    stats.last["step"] = static_cast<double>(stats.step);
    return SamplesOfStepRecord(stats.last);
  });
  ENTRAIN_ASSIGN_OR_RETURN(const std::unique_ptr<HttpServer> http,
                           HttpServer::Start({.listen = flags.http,
                                              .insecure = flags.insecure,
                                              .ready = [&server] { return server->serving(); },
                                              .metrics = [&page] { return page.Text(); }}));
  std::jthread ticker([&desk](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      desk->Tick();
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  });
  ServerLifecycle lifecycle(*server, http.get());
  lifecycle.OnClose([&desk] { desk->Close(); });
  lifecycle.Serving();
  AnnounceListening("learner", server->address(), http->address());
  LogInfo("serving", {{"grpc", server->address()}, {"http", http->address()}, {"run", flags.run_id}});

  absl::Status status = [&]() -> absl::Status {
    ENTRAIN_ASSIGN_OR_RETURN(loop, TrainLoop::Create({.learner = config.learner,
                                                      .folder = flags.folder,
                                                      .run_id = flags.run_id,
                                                      .name = config.name,
                                                      .config_digest = config_digest,
                                                      .schedule = config.schedule,
                                                      .apply_schedule = flags.apply_schedule,
                                                      .reference = reference.get()},
                                                     std::move(checkpoint), *network, *desk, steering,
                                                     Clock::Real(), signals.token()));
    running = loop.get();
    ENTRAIN_RETURN_IF_ERROR(loop->Run(signals.token()));
    return WriteModelFolder(flags.folder.ExportFolder(), model.files, network->parameters());
  }();
  // Workers learn that the run has ended with their next lease; give them the time to ask.
  if (status.ok()) Clock::Real().Sleep(absl::Milliseconds(200));
  const absl::Status stopped = lifecycle.Shutdown(absl::Seconds(1));
  running = nullptr;
  return status.ok() ? stopped : status;
}

int Run(const Flags& flags, SignalWaiter& signals) {
  std::ifstream file(flags.config);
  std::ostringstream text;
  text << file.rdbuf();
  const absl::StatusOr<RunConfig> config = ReadRunConfig(flags.config, {});
  if (!config.ok()) return UsageStatus(config.status());
  return ExitStatus(Train(flags, *config, DigestOf(text.str()), signals));
}

}  // namespace
}  // namespace entrain

int main(int argc, char** argv) {
  entrain::BeginProcess("learner");
  entrain::SignalWaiter signals;
  entrain::Flags flags;
  CLI::App app{"The learner: leases prompts to rollout workers, admits their groups, updates the policy"};
  app.add_option("--config", flags.config, "Effective configuration (config.json of an attempt)")->required();
  app.add_option("--run", flags.folder.root, "Run folder")->required();
  app.add_option("--run-id", flags.run_id, "Of the run, from run.json")->required();
  app.add_option("--attempt", flags.folder.attempt, "Number of this launch")->capture_default_str();
  app.add_option("--controller", flags.controller, "host:port of the entropy controller")->required();
  app.add_option("--verifier", flags.verifier,
                 "host:port of the verifiers, with commas: what workers are told");
  app.add_option("--listen", flags.listen, "host:port of the gRPC service; port 0 takes a free one")
      ->capture_default_str();
  app.add_option("--http", flags.http, "host:port of /metrics, /healthz and /readyz")->capture_default_str();
  app.add_flag("--resume", flags.resume, "Go on from the newest complete checkpoint");
  app.add_flag("--apply-schedule", flags.apply_schedule,
               "Make the run file's schedule a new revision when it differs");
  app.add_flag("--insecure", flags.insecure, "Allow plaintext on an address that other machines reach");
  CLI11_PARSE(app, argc, argv);
  return entrain::Run(flags, signals);
}
