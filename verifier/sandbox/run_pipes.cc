#include "verifier/sandbox/run_pipes.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <memory>
#include <utility>
#include <vector>

namespace entrain {
namespace {

constexpr size_t kChunk = 64 << 10;
constexpr size_t kKeptErrors = 4 << 10;
constexpr size_t kMaxWritten = 1 << 20;  // bytes that are kept though they are written

// write(2) to a pipe that may have no reader: EPIPE, and no SIGPIPE to anybody.
ssize_t WriteQuietly(int descriptor, const char* data, size_t size) {
  sigset_t pipe_signal, before, pending;
  sigemptyset(&pipe_signal);
  sigaddset(&pipe_signal, SIGPIPE);
  sigpending(&pending);
  pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
  const ssize_t written = write(descriptor, data, size);
  const int error = errno;
  if (written < 0 && error == EPIPE && !sigismember(&pending, SIGPIPE)) {
    const timespec at_once{};
    while (sigtimedwait(&pipe_signal, nullptr, &at_once) < 0 && errno == EINTR) {
    }
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return written;
}

// Bytes read; 0 at the end; -1 when there is nothing now.
ssize_t Read(int descriptor, std::string& chunk) {
  chunk.resize(kChunk);
  ssize_t count = 0;
  do {
    count = read(descriptor, chunk.data(), chunk.size());
  } while (count < 0 && errno == EINTR);
  chunk.resize(static_cast<size_t>(std::max<ssize_t>(count, 0)));
  if (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK) return 0;
  return count;
}

int Milliseconds(absl::Duration timeout) {
  constexpr int64_t kMost = 60'000;
  return static_cast<int>(
      std::clamp(absl::ToInt64Milliseconds(absl::Ceil(timeout, absl::Milliseconds(1))), int64_t{0}, kMost));
}

}  // namespace

void RunPipes::Send(absl::string_view bytes) {
  if (!input_open_) return;
  if (written_ == to_write_.size() || written_ > kMaxWritten) {
    to_write_.erase(0, written_);
    written_ = 0;
  }
  to_write_.append(bytes.data(), bytes.size());
  Write();
}

void RunPipes::EndInput() {
  end_input_ = true;
  if (input_open_ && unsent() == 0) {
    run_.CloseInput();
    input_open_ = false;
  }
}

void RunPipes::Write() {
  while (input_open_ && unsent() > 0) {
    const ssize_t count = WriteQuietly(run_.input(), to_write_.data() + written_, unsent());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (count < 0) {  // nobody reads any longer
      written_ = to_write_.size();
      end_input_ = true;
      break;
    }
    written_ += static_cast<size_t>(count);
  }
  if (end_input_) EndInput();
}

void RunPipes::ReadOutput() {
  std::string chunk;
  const ssize_t count = Read(run_.output(), chunk);
  if (count == 0) output_open_ = false;
  if (count <= 0) return;
  run_.CountOutput(count);
  output_.append(chunk);
}

void RunPipes::ReadErrors() {
  std::string chunk;
  const ssize_t count = Read(run_.error_output(), chunk);
  if (count == 0) errors_open_ = false;
  if (count <= 0) return;
  run_.CountOutput(count);
  error_bytes_ += count;
  errors_.append(chunk);
  if (errors_.size() > kKeptErrors) errors_.erase(0, errors_.size() - kKeptErrors);
}

void RunPipes::Move(std::span<RunPipes* const> pipes, absl::Duration timeout) {
  std::vector<pollfd> polled;
  for (RunPipes* each : pipes) {
    // A negative descriptor is left out by poll.
    polled.push_back({each->output_open_ && !each->paused_ ? each->run_.output() : -1, POLLIN, 0});
    polled.push_back({each->errors_open_ ? each->run_.error_output() : -1, POLLIN, 0});
    polled.push_back({each->input_open_ && each->unsent() > 0 ? each->run_.input() : -1, POLLOUT, 0});
  }
  if (poll(polled.data(), polled.size(), Milliseconds(timeout)) <= 0) return;
  for (size_t n = 0; n < pipes.size(); ++n) {
    if (polled[3 * n].revents != 0) pipes[n]->ReadOutput();
    if (polled[3 * n + 1].revents != 0) pipes[n]->ReadErrors();
    if (polled[3 * n + 2].revents != 0) pipes[n]->Write();
  }
}

absl::StatusOr<FinishedRun> RunToEnd(Sandbox& sandbox, const SandboxRequest& request, absl::string_view input,
                                     const std::stop_token& stop) {
  absl::StatusOr<std::unique_ptr<SandboxRun>> run = sandbox.Start(request);
  if (!run.ok()) return run.status();
  const std::stop_callback kill(stop, [&run] { (*run)->Kill(); });
  RunPipes pipes(**run);
  pipes.Send(input);
  pipes.EndInput();
  RunPipes* const moved[] = {&pipes};
  while (pipes.open()) RunPipes::Move(moved, absl::Seconds(1));
  absl::StatusOr<SandboxOutcome> outcome = (*run)->Wait();
  if (!outcome.ok()) return outcome.status();
  return FinishedRun{*std::move(outcome), std::move(pipes.output()), pipes.errors()};
}

}  // namespace entrain
