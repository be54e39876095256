#include "services/adapters/steer_stream.h"

#include <functional>
#include <optional>

#include "common/mutex.h"
#include "common/status_macros.h"
#include "services/convert/steering_convert.h"
#include "services/runtime/grpc_status.h"

namespace entrain {
namespace {

using controller::v1::SteerRequest;
using controller::v1::SteerResponse;

// Every operation is started under the lock, so that none follows Finish; gRPC runs reactions on threads of
// its own, never inside a start.
class SteerStream final : public grpc::ServerBidiReactor<SteerRequest, SteerResponse> {
 public:
  SteerStream(ControllerPort& controller, WorkerPool& pool, std::stop_token stop)
      : controller_(controller),
        pool_(pool),
        on_stop_(stop, [this] { End(absl::UnavailableError("the controller is stopping")); }) {
    MutexLock lock(mutex_);
    if (!end_) StartRead(&request_);
  }

  void OnReadDone(bool ok) override {
    // The trainer has no more observations, or is gone.
    if (!ok) return End(absl::OkStatus());
    {
      MutexLock lock(mutex_);
      if (end_) return;
      working_ = true;
    }
    if (pool_.TryRun([this] { Reply(Answer()); })) return;
    Reply(absl::ResourceExhaustedError("too many calls wait; try again later"));
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return End(absl::UnavailableError("the trainer went away"));
    MutexLock lock(mutex_);
    request_.Clear();
    if (!end_) StartRead(&request_);
  }

  void OnCancel() override { End(absl::CancelledError("the trainer went away")); }

  void OnDone() override {
    { MutexLock lock(mutex_); }  // whoever called Finish has left
    delete this;
  }

 private:
  absl::Status Answer() {
    ENTRAIN_ASSIGN_OR_RETURN(const Observation observation,
                             ObservationFromProto("observation", request_.observation()));
    ENTRAIN_ASSIGN_OR_RETURN(const Directive directive, controller_.ReportStep(observation));
    response_.Clear();
    *response_.mutable_directive() = DirectiveToProto(directive);
    return absl::OkStatus();
  }

  // The pool has done its work: send the answer, or the end that came meanwhile.
  void Reply(const absl::Status& status) {
    MutexLock lock(mutex_);
    working_ = false;
    if (!end_ && !status.ok()) end_ = status;
    if (end_) {
      Finish(ToGrpcStatus(*end_));
    } else {
      StartWrite(&response_);
    }
  }

  // Once, whoever comes first. While the pool works on this stream it must live on, so Finish is left to
  // Reply.
  void End(const absl::Status& status) {
    MutexLock lock(mutex_);
    if (end_) return;
    end_ = status;
    if (!working_) Finish(ToGrpcStatus(status));
  }

  ControllerPort& controller_;
  WorkerPool& pool_;
  SteerRequest request_;
  SteerResponse response_;
  Mutex mutex_;
  bool working_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<absl::Status> end_ ABSL_GUARDED_BY(mutex_);
  std::stop_callback<std::function<void()>> on_stop_;
};

}  // namespace

grpc::ServerBidiReactor<SteerRequest, SteerResponse>* StartSteerStream(ControllerPort& controller,
                                                                       WorkerPool& pool,
                                                                       std::stop_token stop) {
  return new SteerStream(controller, pool, std::move(stop));
}

}  // namespace entrain
