#include "verifier/service/judging_pool.h"

#include <algorithm>
#include <list>
#include <map>
#include <numeric>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "common/clock.h"
#include "common/mutex.h"
#include "common/status_macros.h"

namespace entrain {
namespace {

size_t BytesOf(const VerifyItem& item) {
  return item.verifier.size() + item.completion.size() + item.answer.size() + item.options_json.size();
}

Verdict Late(absl::string_view why, absl::string_view when, double seconds = 0) {
  return {.kind = VerdictKind::kTimeout, .detail = absl::StrCat(why, when), .seconds = seconds};
}

constexpr absl::string_view kDeadline = "the deadline passed ";
constexpr absl::string_view kBefore = "before this item was judged";

}  // namespace

// One client's batches that have items which have not begun.
struct WaitingClient {
  std::string name;
  std::list<std::shared_ptr<JudgingPool::Batch>> batches;
  size_t items = 0, bytes = 0;
};

// What `items` says and `ends` never change; everything else is guarded by the pool's mutex.
class JudgingPool::Batch {
 public:
  Batch(std::vector<VerifyItem> all, absl::Duration now, absl::Duration deadline, Done tell)
      : items(std::move(all)), done(std::move(tell)), verdicts(items.size()), answered(items.size()) {
    ends.reserve(items.size());
    for (const VerifyItem& item : items) ends.push_back(now + std::min(deadline, item.timeout));
    by_end.resize(items.size());
    std::iota(by_end.begin(), by_end.end(), 0);
    std::ranges::stable_sort(by_end, {}, [this](uint32_t i) { return ends[i]; });
  }

  // The earliest end of an item without a verdict. There must be one.
  absl::Duration NextEnd() {
    while (answered[by_end[first_end]]) ++first_end;
    return ends[by_end[first_end]];
  }
  void Answer(size_t i, Verdict verdict) {
    verdicts[i] = std::move(verdict);
    answered[i] = true;
    --open;
  }

  const std::vector<VerifyItem> items;
  std::vector<absl::Duration> ends;  // of each item, by the monotonic clock
  const Done done;
  std::vector<Verdict> verdicts;
  std::vector<bool> answered;    // has its verdict
  std::vector<uint32_t> by_end;  // items, earliest end first
  size_t first_end = 0;          // into by_end: all before have verdicts
  size_t open = items.size();    // without a verdict
  size_t begun = 0;              // items before this one do not wait
  size_t waiting = items.size();
  size_t bytes = 0;                           // of the texts of all items
  std::list<WaitingClient>::iterator client;  // valid while waiting > 0, like `place`
  std::list<std::shared_ptr<Batch>>::iterator place;
  std::multimap<absl::Duration, std::shared_ptr<Batch>>::iterator timer;  // valid while open > 0
};

class JudgingPool::State {
 public:
  State(JudgingPoolOptions options, Verifier& verifier)
      : options_(std::move(options)), verifier_(verifier), running_(options_.threads) {
    for (size_t i = 0; i < options_.threads; ++i) threads_.emplace_back([this, i] { Work(i); });
    threads_.emplace_back([this] { KeepTime(); });
  }

  absl::StatusOr<Ticket> Submit(const std::string& client, std::vector<VerifyItem> items,
                                absl::Duration deadline, Done done) {
    if (items.empty()) return absl::InvalidArgumentError("items: expected at least one, found none");
    const auto batch =
        std::make_shared<Batch>(std::move(items), clock_.Monotonic(), deadline, std::move(done));
    for (const VerifyItem& item : batch->items) batch->bytes += BytesOf(item);
    Wakes wakes;
    ENTRAIN_RETURN_IF_ERROR(Enqueue(client, batch, wakes));
    // Without the lock, which who is woken takes at once.
    if (wakes.timer) time_changed_.NotifyOne();
    for (size_t i = 0; i < wakes.threads; ++i) work_.NotifyOne();
    return batch;
  }

  void Cancel(const Ticket& ticket) {
    const std::shared_ptr<Batch> batch = ticket.lock();
    if (batch == nullptr) return;
    Stops stops;
    {
      MutexLock lock(mutex_);
      if (batch->open == 0) return;
      for (size_t i = 0; i < batch->items.size(); ++i) {
        if (!batch->answered[i]) Close(*batch, i, {}, stops);
      }
      timers_.erase(batch->timer);
      ++stats_.batches_cancelled;
    }
    Stop(stops);
    batch->done(absl::CancelledError("the caller went away"));
  }

  void Drain(absl::Duration grace) {
    MutexLock lock(mutex_);
    draining_ = true;
    drained_by_ = std::min(drained_by_, clock_.Monotonic() + grace);
    work_.NotifyAll();
    time_changed_.NotifyOne();
  }

  void Join() { threads_.clear(); }

  JudgingPoolStats Stats() const {
    MutexLock lock(mutex_);
    JudgingPoolStats stats = stats_;
    stats.clients_waiting = static_cast<int64_t>(clients_.size());
    return stats;
  }

 private:
  // What a thread judges. Lives in the thread; others read it with the lock, while running_ points to it.
  struct Task {
    explicit Task(absl::Duration now) : begin(now) {}
    absl::Duration begin;
    std::shared_ptr<Batch> batch;
    size_t index = 0;
    std::stop_source stop;
  };
  using Stops = absl::InlinedVector<std::stop_source, 4>;
  // Who sleeps and must not, now that there is another batch.
  struct Wakes {
    bool timer = false;
    size_t threads = 0;
  };

  absl::Status Enqueue(const std::string& client, const std::shared_ptr<Batch>& batch, Wakes& wakes) {
    MutexLock lock(mutex_);
    if (draining_) {
      ++stats_.batches_refused;
      return absl::UnavailableError("the verifier is stopping; ask another replica");
    }
    auto known = by_name_.find(client);
    if (!Fits(*batch, known == by_name_.end() ? nullptr : &*known->second)) {
      ++stats_.batches_refused;
      return absl::ResourceExhaustedError(absl::StrCat("the verifier's queue is full (", stats_.items_waiting,
                                                       " items of ", by_name_.size(),
                                                       " clients wait); ask another replica or later"));
    }
    if (known == by_name_.end()) {
      clients_.push_back({.name = client});
      known = by_name_.emplace(client, std::prev(clients_.end())).first;
    }
    batch->client = known->second;
    batch->place = batch->client->batches.insert(batch->client->batches.end(), batch);
    batch->client->items += batch->waiting;
    batch->client->bytes += batch->bytes;
    stats_.items_waiting += static_cast<int64_t>(batch->waiting);
    stats_.bytes_waiting += static_cast<int64_t>(batch->bytes);
    batch->timer = timers_.emplace(batch->NextEnd(), batch);
    wakes.timer = batch->timer->first < timer_sleeps_until_;
    wakes.threads = std::min(idle_threads_, batch->waiting);
    return absl::OkStatus();
  }

  static bool RoomFor(size_t size, size_t of_client, size_t of_all, size_t max) {
    return of_all <= max && of_client + size <= max - of_all;
  }
  // `client` is null when nothing of it waits.
  bool Fits(const Batch& batch, const WaitingClient* client) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return RoomFor(batch.items.size(), client == nullptr ? 0 : client->items,
                   static_cast<size_t>(stats_.items_waiting), options_.max_items) &&
           RoomFor(batch.bytes, client == nullptr ? 0 : client->bytes,
                   static_cast<size_t>(stats_.bytes_waiting), options_.max_bytes);
  }

  // One item waits no longer.
  void Leave(Batch& batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    --batch.waiting;
    --batch.client->items;
    --stats_.items_waiting;
    if (batch.waiting > 0) return;
    const auto client = batch.client;
    client->bytes -= batch.bytes;
    stats_.bytes_waiting -= static_cast<int64_t>(batch.bytes);
    client->batches.erase(batch.place);
    if (client->items > 0) return;
    by_name_.erase(client->name);
    clients_.erase(client);
  }

  // Item i, which has no verdict, gets this one: it waits no longer, or what is being said about it is not
  // listened to any more. The batch must be held by the caller.
  void Close(Batch& batch, size_t i, Verdict verdict, Stops& stops) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    batch.Answer(i, std::move(verdict));
    if (i >= batch.begun) return Leave(batch);
    for (const Task* task : running_) {
      if (task != nullptr && task->batch.get() == &batch && task->index == i) stops.push_back(task->stop);
    }
  }

  // The next item by turns, from now on run by this thread. False when there is none.
  bool TakeItem(size_t thread, Task& task) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (clients_.empty()) return false;
    clients_.splice(clients_.end(), clients_, clients_.begin());
    task.batch = clients_.back().batches.front();
    Batch& batch = *task.batch;
    while (batch.answered[batch.begun]) ++batch.begun;
    task.index = batch.begun++;
    Leave(batch);
    running_[thread] = &task;
    ++stats_.items_running;
    return true;
  }

  // What this thread judged. True when its batch is complete, to be announced without the lock.
  bool Record(size_t thread, const Task& task, Verdict verdict) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    running_[thread] = nullptr;
    --stats_.items_running;
    Batch& batch = *task.batch;
    if (batch.answered[task.index]) return false;
    batch.Answer(task.index, std::move(verdict));
    if (batch.open > 0) return false;
    timers_.erase(batch.timer);
    ++stats_.batches_answered;
    return true;
  }

  Verdict Judge(const Task& task) {
    const VerifyItem& item = task.batch->items[task.index];
    const absl::Duration left = task.batch->ends[task.index] - task.begin;
    if (left <= absl::ZeroDuration()) return Late(kDeadline, kBefore);
    absl::StatusOr<std::vector<Verdict>> verdicts =
        verifier_.Verify(std::span(&item, 1), {left, task.stop.get_token()});
    if (verdicts.ok() && verdicts->size() == 1) return std::move((*verdicts)[0]);
    return {.kind = VerdictKind::kError,
            .detail = verdicts.ok() ? absl::StrCat("expected 1 verdict, found ", verdicts->size())
                                    : std::string(verdicts.status().message())};
  }

  void Announce(Batch& batch) {
    if (options_.answered) options_.answered(batch.items, batch.verdicts);
    batch.done(std::move(batch.verdicts));
  }

  void Work(size_t thread) {
    while (std::unique_ptr<Task> task = AwaitItem(thread)) {
      while (task != nullptr) {
        Verdict verdict = Judge(*task);
        // What an item needs is made, and what it leaves is freed, without the lock.
        auto next = std::make_unique<Task>(clock_.Monotonic());
        bool complete = false, found = false;
        {
          MutexLock lock(mutex_);
          complete = Record(thread, *task, std::move(verdict));
          found = !complete && TakeItem(thread, *next);
        }
        if (complete) Announce(*task->batch);
        task = found ? std::move(next) : nullptr;
      }
    }
  }

  // Null when the pool drains and nothing waits.
  std::unique_ptr<Task> AwaitItem(size_t thread) {
    auto task = std::make_unique<Task>(clock_.Monotonic());
    MutexLock lock(mutex_);
    while (!TakeItem(thread, *task)) {
      if (draining_) return nullptr;
      ++idle_threads_;
      work_.Wait(mutex_);
      --idle_threads_;
      task->begin = clock_.Monotonic();
    }
    return task;
  }

  // Gives the items of a batch that end by `now` their verdict; complete batches are left to announce.
  void Expire(const std::shared_ptr<Batch>& batch, absl::Duration now, Stops& stops)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    while (batch->open > 0 && (batch->NextEnd() <= now || drained_by_ <= now)) {
      const size_t i = batch->by_end[batch->first_end];
      double seconds = 0;
      for (const Task* task : running_) {
        if (task != nullptr && task->batch == batch && task->index == i)
          seconds = absl::ToDoubleSeconds(now - task->begin);
      }
      const absl::string_view why = batch->ends[i] <= now ? kDeadline : "the verifier stopped ";
      const absl::string_view when = i < batch->begun ? "while this item was judged" : kBefore;
      Close(*batch, i, Late(why, when, seconds), stops);
    }
  }

  void KeepTime() {
    while (true) {
      Stops stops;
      std::vector<std::shared_ptr<Batch>> complete;
      {
        MutexLock lock(mutex_);
        if (draining_ && timers_.empty()) return;
        const absl::Duration now = clock_.Monotonic();
        while (!timers_.empty() && (timers_.begin()->first <= now || drained_by_ <= now)) {
          const std::shared_ptr<Batch> batch = timers_.begin()->second;
          timers_.erase(timers_.begin());
          Expire(batch, now, stops);
          if (batch->open > 0) {
            batch->timer = timers_.emplace(batch->NextEnd(), batch);
          } else {
            ++stats_.batches_answered;
            complete.push_back(batch);
          }
        }
        if (complete.empty() && stops.empty()) AwaitTime(now);
      }
      Stop(stops);
      for (const auto& batch : complete) Announce(*batch);
    }
  }

  void AwaitTime(absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const absl::Duration next =
        std::min(drained_by_, timers_.empty() ? absl::InfiniteDuration() : timers_.begin()->first);
    // The longest wait is bounded, because a wait without end overflows in the standard library.
    timer_sleeps_until_ = std::min(next, now + absl::Hours(1));
    time_changed_.WaitFor(mutex_, absl::ToChronoNanoseconds(timer_sleeps_until_ - now));
    timer_sleeps_until_ = -absl::InfiniteDuration();
  }

  static void Stop(Stops& stops) {
    for (std::stop_source& stop : stops) stop.request_stop();
  }

  const JudgingPoolOptions options_;
  Verifier& verifier_;
  Clock& clock_ = Clock::Real();
  mutable Mutex mutex_;
  CondVar work_;                                              // an item waits, or draining
  CondVar time_changed_;                                      // an earlier end, or draining
  std::list<WaitingClient> clients_ ABSL_GUARDED_BY(mutex_);  // whose turn is next first
  std::map<std::string, std::list<WaitingClient>::iterator> by_name_ ABSL_GUARDED_BY(mutex_);
  std::multimap<absl::Duration, std::shared_ptr<Batch>> timers_ ABSL_GUARDED_BY(mutex_);  // by NextEnd
  std::vector<const Task*> running_ ABSL_GUARDED_BY(mutex_);  // of each thread; null while it judges nothing
  size_t idle_threads_ ABSL_GUARDED_BY(mutex_) = 0;
  // Of KeepTime, which looks at timers_ before it sleeps; in the past while it is awake.
  absl::Duration timer_sleeps_until_ ABSL_GUARDED_BY(mutex_) = -absl::InfiniteDuration();
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Duration drained_by_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteDuration();
  JudgingPoolStats stats_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::jthread> threads_;  // last: they use the others
};

JudgingPool::JudgingPool(JudgingPoolOptions options, Verifier& verifier)
    : state_(std::make_unique<State>(std::move(options), verifier)) {}

JudgingPool::~JudgingPool() { Close(); }

absl::StatusOr<JudgingPool::Ticket> JudgingPool::Submit(const std::string& client,
                                                        std::vector<VerifyItem> items,
                                                        absl::Duration deadline, Done done) {
  return state_->Submit(client, std::move(items), deadline, std::move(done));
}

void JudgingPool::Cancel(const Ticket& ticket) { state_->Cancel(ticket); }
void JudgingPool::Drain(absl::Duration grace) { state_->Drain(grace); }

void JudgingPool::Close() {
  state_->Drain(absl::ZeroDuration());
  state_->Join();
}

JudgingPoolStats JudgingPool::Stats() const { return state_->Stats(); }

}  // namespace entrain
