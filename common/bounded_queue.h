#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <utility>

#include "common/mutex.h"

namespace entrain {

// First in, first out, between threads; holds at most `capacity` elements. Close() wakes every waiter: pushes
// are then refused, pops hand out what is left and then say nullopt. Thread-safe.
template <typename T>
class BoundedQueue {
 public:
  explicit BoundedQueue(size_t capacity) : capacity_(capacity) {}

  // Waits for room. False when the queue is closed; the element is then dropped by the caller's choice, not
  // here.
  [[nodiscard]] bool Push(T element) {
    MutexLock lock(mutex_);
    while (elements_.size() >= capacity_ && !closed_) not_full_.Wait(mutex_);
    if (closed_) return false;
    elements_.push_back(std::move(element));
    not_empty_.NotifyOne();
    return true;
  }

  // False at once when the queue is full or closed.
  [[nodiscard]] bool TryPush(T element) {
    MutexLock lock(mutex_);
    if (closed_ || elements_.size() >= capacity_) return false;
    elements_.push_back(std::move(element));
    not_empty_.NotifyOne();
    return true;
  }

  // Waits for an element. nullopt when the queue is closed and empty.
  std::optional<T> Pop() {
    MutexLock lock(mutex_);
    while (elements_.empty() && !closed_) not_empty_.Wait(mutex_);
    return TakeFront();
  }

  std::optional<T> TryPop() {
    MutexLock lock(mutex_);
    return TakeFront();
  }

  void Close() {
    MutexLock lock(mutex_);
    closed_ = true;
    not_empty_.NotifyAll();
    not_full_.NotifyAll();
  }

  size_t size() {
    MutexLock lock(mutex_);
    return elements_.size();
  }

 private:
  std::optional<T> TakeFront() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (elements_.empty()) return std::nullopt;
    std::optional<T> element(std::move(elements_.front()));
    elements_.pop_front();
    not_full_.NotifyOne();
    return element;
  }

  const size_t capacity_;
  Mutex mutex_;
  CondVar not_empty_;
  CondVar not_full_;
  std::deque<T> elements_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace entrain
