#include "services/adapters/watch_stream.h"

#include <deque>
#include <functional>
#include <optional>

#include "common/mutex.h"
#include "services/convert/history_convert.h"
#include "services/runtime/grpc_status.h"

namespace entrain {
namespace {

using controller::v1::WatchRunResponse;

// Every operation is started under the lock, so that none follows Finish; gRPC runs reactions on threads of
// its own, never inside a start.
class WatchStream final : public grpc::ServerWriteReactor<WatchRunResponse> {
 public:
  WatchStream(ControllerPort& controller, std::stop_token stop)
      : controller_(controller),
        on_stop_(stop, [this] { End(absl::UnavailableError("the controller is stopping")); }) {}

  void Start(const std::string& run_id) {
    {
      // Sent at once, so that the watcher knows from when on it sees everything.
      MutexLock lock(mutex_);
      if (!ended_) StartSendInitialMetadata();
    }
    const absl::StatusOr<int64_t> watch =
        controller_.Watch(run_id, [this](const ControllerPort::Event& event) { Push(event); });
    if (!watch.ok()) return End(watch.status());
    watch_ = *watch;
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return End(absl::CancelledError("the watcher went away"));
    MutexLock lock(mutex_);
    queue_.pop_front();
    // A deque's elements stay where they are while others are added behind.
    if (!ended_ && !queue_.empty()) StartWrite(&queue_.front());
  }

  void OnCancel() override { End(absl::CancelledError("the watcher went away")); }

  void OnDone() override {
    if (watch_) controller_.Unwatch(*watch_);
    { MutexLock lock(mutex_); }  // whoever called Finish has left
    delete this;
  }

 private:
  void Push(const ControllerPort::Event& event) {
    MutexLock lock(mutex_);
    if (ended_) return;
    if (queue_.size() >= kMaxWatchBacklog) {
      return EndLocked(
          absl::ResourceExhaustedError("the watcher reads too slowly; list what it missed and watch again"));
    }
    *queue_.emplace_back().mutable_event() = EventToProto(event);
    if (queue_.size() == 1) StartWrite(&queue_.front());
  }

  void End(const absl::Status& status) {
    MutexLock lock(mutex_);
    EndLocked(status);
  }

  void EndLocked(const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (!ended_) Finish(ToGrpcStatus(status));
    ended_ = true;
  }

  ControllerPort& controller_;
  std::optional<int64_t> watch_;
  Mutex mutex_;
  std::deque<WatchRunResponse> queue_ ABSL_GUARDED_BY(mutex_);  // the first is being written
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  std::stop_callback<std::function<void()>> on_stop_;
};

}  // namespace

grpc::ServerWriteReactor<WatchRunResponse>* StartWatchStream(ControllerPort& controller,
                                                             const std::string& run_id,
                                                             std::stop_token stop) {
  auto* stream = new WatchStream(controller, std::move(stop));
  stream->Start(run_id);
  return stream;
}

}  // namespace entrain
