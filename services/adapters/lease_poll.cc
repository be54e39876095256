#include "services/adapters/lease_poll.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/mutex.h"
#include "services/convert/field.h"
#include "services/convert/learner_convert.h"
#include "services/runtime/grpc_status.h"

namespace entrain {
namespace {

// Shared by the call and by the desk's callback, either of which may end first.
struct Poll {
  Mutex mutex;
  bool answered ABSL_GUARDED_BY(mutex) = false;   // somebody has taken on to call Finish
  bool cancelled ABSL_GUARDED_BY(mutex) = false;  // the caller is gone
  std::vector<std::string> granted ABSL_GUARDED_BY(mutex);
};

void GiveBack(FrontDesk& desk, const std::string& worker, const std::vector<std::string>& leases) {
  // A failure means that they are dead already.
  if (!leases.empty()) desk.ReturnLeases(worker, leases).IgnoreError();
}

class LeasePoll final : public grpc::ServerUnaryReactor {
 public:
  LeasePoll(FrontDesk& desk, std::string worker)
      : desk_(desk), worker_(std::move(worker)), poll_(std::make_shared<Poll>()) {}

  void Start(int32_t max_leases, const std::string& held_digest, absl::Duration wait,
             learner::v1::LeasePromptsResponse* response) {
    // `this` and `response` live until Finish, and only the one that sets `answered` touches them.
    desk_.LeasePrompts(
        worker_, max_leases, held_digest, wait,
        [this, response, poll = poll_, &desk = desk_, worker = worker_](absl::StatusOr<LeaseReply> reply) {
          std::vector<std::string> granted;
          if (reply.ok()) {
            for (const Lease& lease : reply->leases) granted.push_back(lease.lease_id);
          }
          if (!Claim(*poll, granted)) return GiveBack(desk, worker, granted);
          if (reply.ok()) *response = LeaseReplyToProto(*reply);
          Finish(ToGrpcStatus(Translate(reply.status())));
        });
  }

  void OnCancel() override {
    std::vector<std::string> lost;
    bool mine = false;
    {
      MutexLock lock(poll_->mutex);
      poll_->cancelled = true;
      mine = !poll_->answered;
      poll_->answered = true;
      lost.swap(poll_->granted);
    }
    GiveBack(desk_, worker_, lost);
    if (mine) Finish(grpc::Status(grpc::StatusCode::CANCELLED, "the caller went away"));
  }

  void OnDone() override { delete this; }

 private:
  // False when the caller is gone. Afterwards `granted` belongs to the call.
  static bool Claim(Poll& poll, const std::vector<std::string>& granted) {
    MutexLock lock(poll.mutex);
    if (poll.answered) return false;
    poll.answered = true;
    poll.granted = granted;
    return true;
  }

  // A closed desk is a learner that stops: to the worker the same as one that is away.
  static absl::Status Translate(const absl::Status& status) {
    return absl::IsCancelled(status) ? absl::UnavailableError("the learner is stopping") : status;
  }

  FrontDesk& desk_;
  const std::string worker_;
  const std::shared_ptr<Poll> poll_;
};

class Refusal final : public grpc::ServerUnaryReactor {
 public:
  explicit Refusal(const absl::Status& status) { Finish(ToGrpcStatus(status)); }
  void OnDone() override { delete this; }
};

}  // namespace

grpc::ServerUnaryReactor* StartLeasePoll(FrontDesk& desk, const learner::v1::LeasePromptsRequest& request,
                                         learner::v1::LeasePromptsResponse* response) {
  if (request.worker().empty()) return new Refusal(FieldError("worker", "the name of the worker", "nothing"));
  if (request.max_leases() < 1)
    return new Refusal(FieldError("max_leases", "at least 1", absl::StrCat(request.max_leases())));
  const absl::StatusOr<absl::Duration> wait = DurationFromProto("wait", request.wait());
  if (!wait.ok()) return new Refusal(wait.status());
  if (*wait < absl::ZeroDuration())
    return new Refusal(FieldError("wait", "at least 0 s", absl::FormatDuration(*wait)));
  auto* poll = new LeasePoll(desk, request.worker());
  poll->Start(request.max_leases(), request.held_weights_digest(), std::min(*wait, kMaxLeaseWait), response);
  return poll;
}

}  // namespace entrain
