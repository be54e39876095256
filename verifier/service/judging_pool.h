#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/verdict.h"
#include "verifier/verifier.h"

namespace entrain {

struct JudgingPoolOptions {
  size_t threads = 1;
  // Bounds of what waits: items that have not begun, and the bytes of the texts of their batches, which stay
  // in memory as a whole. Beyond that there is at most one batch for each thread.
  size_t max_items = 16384;
  size_t max_bytes = size_t{512} << 20;
  // Told of every batch that is answered with verdicts, before its caller; from any thread, never under a
  // lock. A batch that was called off is not told.
  std::function<void(std::span<const VerifyItem>, std::span<const Verdict>)> answered;
};

struct JudgingPoolStats {
  int64_t items_waiting = 0, bytes_waiting = 0, clients_waiting = 0, items_running = 0;  // now
  // Cumulative.
  int64_t batches_answered = 0;   // with a verdict for each item
  int64_t batches_refused = 0;    // did not fit, or came while draining
  int64_t batches_cancelled = 0;  // called off by their callers
};

// Threads that judge items of many callers' batches. The item is the unit of work:
//   FAIR. Clients take turns, one item each; inside a client, batches go in the order in which they came. A
//   client with batches of thousands does not hold up one with single items.
//   BOUNDED. A batch is taken whole or not at all (ResourceExhausted; nothing is judged). It is taken when
//   what its client has waiting, with it, is no more than the room that is left. So one client alone fills
//   half of the queue, n greedy ones n/(n+1), and there is always room for another.
//   ON TIME. An item without a verdict at its deadline is kTimeout then, not when a thread is free: judging
//   that runs is asked to stop, and what it says later is thrown away.
//   CALLED OFF. Cancel drops what waits and stops what runs.
// Judging never blocks a caller. Thread-safe.
class JudgingPool {
 public:
  using Done = std::function<void(absl::StatusOr<std::vector<Verdict>>)>;
  class Batch;
  using Ticket = std::weak_ptr<Batch>;

  // `verifier` is asked for one item at a time, from every thread; it must outlive the pool.
  JudgingPool(JudgingPoolOptions options, Verifier& verifier);
  ~JudgingPool();  // Close

  // `done` is called exactly once if the batch was taken (OK), by a thread of the pool or by Cancel: with one
  // verdict per item in order, or Cancelled. `deadline` is for all of the batch, from now; an item's own
  // timeout may be shorter. ResourceExhausted: did not fit. Unavailable: the pool drains.
  absl::StatusOr<Ticket> Submit(const std::string& client, std::vector<VerifyItem> items,
                                absl::Duration deadline, Done done);
  // Nobody waits for the verdicts any longer. Runs the stop callbacks of what is being judged. Nothing
  // happens when the batch was answered already.
  void Cancel(const Ticket& ticket);

  // Refuses new batches from now on. What is there is judged for another `grace`; what is open then is
  // kTimeout. Does not wait.
  void Drain(absl::Duration grace);
  // Drain without grace, and joins the threads; every batch has been answered then. Idempotent; from one
  // thread, which is none of the pool's.
  void Close();

  JudgingPoolStats Stats() const;

 private:
  class State;
  const std::unique_ptr<State> state_;
};

}  // namespace entrain
