#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <thread>
#include <vector>

#include "common/bounded_queue.h"

namespace entrain {

// Threads that run what gRPC's own threads must not wait for. Thread-safe.
class WorkerPool {
 public:
  // At most `queue` tasks wait.
  WorkerPool(size_t threads, size_t queue);
  ~WorkerPool();  // Close

  // False at once when the queue is full or the pool is closed; the task then never runs.
  [[nodiscard]] bool TryRun(std::function<void()> task);
  // Runs what waits already and joins the threads. Idempotent; not from a task.
  void Close();
  size_t waiting() { return tasks_.size(); }

 private:
  BoundedQueue<std::function<void()>> tasks_;
  std::vector<std::jthread> threads_;
};

}  // namespace entrain
