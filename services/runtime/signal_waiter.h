#pragma once

#include <atomic>
#include <stop_token>
#include <thread>

namespace entrain {

// Turns SIGINT and SIGTERM into a stop request. Construct it in main before any other thread: it blocks both
// signals in the calling thread, and threads made later inherit that, so that only this object's own thread
// sees them and nothing runs in a handler. A second signal ends the process at once with 128 + its number. A
// child process inherits the block: unblock both signals between fork and exec.
class SignalWaiter {
 public:
  SignalWaiter();
  ~SignalWaiter();  // ends its thread; the signals stay blocked
  SignalWaiter(const SignalWaiter&) = delete;
  SignalWaiter& operator=(const SignalWaiter&) = delete;

  std::stop_token token() const { return source_.get_token(); }
  // The same stop, for another reason (the run is over).
  void RequestStop() { source_.request_stop(); }
  // Waits until a signal came or RequestStop was called.
  void Wait() const;
  // The first signal's number; 0 when none came.
  int signal() const { return signal_; }

 private:
  void Loop();
  std::stop_source source_;
  std::atomic<int> signal_ = 0;
  int signal_fd_ = -1;
  int end_fd_ = -1;
  std::thread thread_;
};

}  // namespace entrain
