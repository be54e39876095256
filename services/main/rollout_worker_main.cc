// entrain-rollout-worker: lease → generate → verify → submit. Needs its learner's address alone; joins and
// leaves at any time.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "absl/strings/str_cat.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mutex.h"
#include "common/status_macros.h"
#include "rollout_worker/rollout_loop.h"
#include "services/clients/grpc_learner_link.h"
#include "services/clients/grpc_verifier.h"
#include "services/main/process.h"
#include "services/main/worker_model.h"
#include "services/runtime/channel.h"
#include "services/runtime/http_server.h"
#include "services/runtime/signal_waiter.h"
#include "services/telemetry/room_samples.h"

namespace entrain {
namespace {

struct Flags {
  std::string learner;
  std::string verifier;  // empty: what the learner says
  std::string name = absl::StrCat("worker-", getpid());
  std::string http = "127.0.0.1:0";
  std::string device = "cpu";
  std::string dtype = "float32";
  int32_t threads = 1;
};

// The verifier of the run: its address comes with Join, so the connection is made at the first call after it.
class JoinedVerifier final : public Verifier {
 public:
  JoinedVerifier(std::string address, std::string worker)
      : worker_(std::move(worker)), address_(std::move(address)) {}

  void SetAddress(const std::string& address) {
    MutexLock lock(mutex_);
    if (address.empty() || address == address_) return;
    address_ = address;
    verifier_ = nullptr;
  }

  absl::StatusOr<std::vector<Verdict>> Verify(std::span<const VerifyItem> items,
                                              const VerifyCall& call) override {
    std::shared_ptr<GrpcVerifier> verifier;
    {
      MutexLock lock(mutex_);
      if (verifier_ == nullptr) {
        ENTRAIN_ASSIGN_OR_RETURN(verifier_, GrpcVerifier::Connect(address_, std::nullopt, worker_));
      }
      verifier = verifier_;
    }
    return verifier->Verify(items, call);
  }

  void Cancel() {
    MutexLock lock(mutex_);
    if (verifier_ != nullptr) verifier_->Cancel();
  }

 private:
  const std::string worker_;
  Mutex mutex_;
  std::string address_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<GrpcVerifier> verifier_ ABSL_GUARDED_BY(mutex_);
};

absl::Status Work(const Flags& flags, SignalWaiter& signals) {
  ENTRAIN_ASSIGN_OR_RETURN(const auto channel, OpenChannel(flags.learner));
  GrpcLearnerLink link(channel);
  JoinedVerifier verifier(flags.verifier, flags.name);
  const WorkerModelFactory make_model = MakeWorkerModelFactory(flags.threads, flags.device, flags.dtype);
  const auto joined = [&](const JoinReply& reply) {
    if (flags.verifier.empty()) verifier.SetAddress(reply.verifier_address);
    return make_model(reply);
  };
  RolloutLoop loop({.name = flags.name, .device = flags.device, .dtype = flags.dtype}, link, verifier, joined,
                   Clock::Real());
  MetricsPage page("rollout-worker");
  page.Add([&loop] { return SamplesOf(loop.stats()); });
  ENTRAIN_ASSIGN_OR_RETURN(
      const std::unique_ptr<HttpServer> http,
      HttpServer::Start({.listen = flags.http, .metrics = [&page] { return page.Text(); }}));
  AnnounceListening("rollout-worker", "", http->address());
  const std::stop_callback cancel(signals.token(), [&] {
    link.Cancel();
    verifier.Cancel();
  });
  const absl::Status status = loop.Run(signals.token());
  http->Stop();
  LogInfo(
      "leaving",
      {{"worker", flags.name}, {"completions", loop.stats().completions}, {"tokens", loop.stats().tokens}});
  return status;
}

}  // namespace
}  // namespace entrain

int main(int argc, char** argv) {
  entrain::BeginProcess("rollout-worker");
  entrain::SignalWaiter signals;
  entrain::Flags flags;
  CLI::App app{"A rollout worker: draws completions for a learner and has them judged"};
  app.add_option("--learner", flags.learner, "host:port of the learner")->required();
  app.add_option("--verifier", flags.verifier,
                 "host:port, or several with commas; default: what the learner says");
  app.add_option("--name", flags.name, "Of this worker, in logs and metrics")->capture_default_str();
  app.add_option("--threads", flags.threads, "Threads of the engine")->capture_default_str();
  app.add_option("--device", flags.device, "cpu")->capture_default_str();
  app.add_option("--dtype", flags.dtype, "float32")->capture_default_str();
  app.add_option("--http", flags.http, "host:port of /metrics and /healthz")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  return entrain::ExitStatus(entrain::Work(flags, signals));
}
