#include "services/runtime/worker_pool.h"

#include <utility>

namespace entrain {

WorkerPool::WorkerPool(size_t threads, size_t queue) : tasks_(queue) {
  for (size_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this] {
      while (auto task = tasks_.Pop()) (*task)();
    });
  }
}

WorkerPool::~WorkerPool() { Close(); }

bool WorkerPool::TryRun(std::function<void()> task) { return tasks_.TryPush(std::move(task)); }

void WorkerPool::Close() {
  tasks_.Close();
  threads_.clear();
}

}  // namespace entrain
