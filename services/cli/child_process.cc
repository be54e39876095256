#include "services/cli/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace entrain {

absl::StatusOr<ChildProcess> ChildProcess::Start(const std::vector<std::string>& arguments,
                                                 const std::string& log_file) {
  const int log = open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (log < 0)
    return absl::UnavailableError(absl::StrCat(log_file, ": cannot be written: ", std::strerror(errno)));
  int pipe_ends[2];
  if (pipe2(pipe_ends, O_CLOEXEC) != 0) {
    close(log);
    return absl::UnavailableError(absl::StrCat("no pipe: ", std::strerror(errno)));
  }
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const pid_t pid = fork();
  if (pid == 0) {
    // Of its own process group: Ctrl-C on the terminal reaches the supervisor alone, which then stops
    // everything in order.
    setpgid(0, 0);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    dup2(pipe_ends[1], STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    const int null = open("/dev/null", O_RDONLY);
    dup2(null, STDIN_FILENO);
    execv(argv[0], argv.data());
    dprintf(STDERR_FILENO, "%s: cannot be started: %s\n", argv[0], std::strerror(errno));
    _exit(127);
  }
  close(pipe_ends[1]);
  close(log);
  if (pid < 0) {
    close(pipe_ends[0]);
    return absl::UnavailableError(absl::StrCat("no process: ", std::strerror(errno)));
  }
  return ChildProcess(pid, pipe_ends[0]);
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept { *this = std::move(other); }

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(out_, other.out_);
  std::swap(buffer_, other.buffer_);
  std::swap(status_, other.status_);
  return *this;
}

ChildProcess::~ChildProcess() {
  if (out_ >= 0) close(out_);
  if (pid_ > 0 && !Poll().has_value()) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
}

absl::StatusOr<std::string> ChildProcess::ReadLine(absl::Duration timeout) {
  const absl::Time until = absl::Now() + timeout;
  while (true) {
    if (const size_t end = buffer_.find('\n'); end != std::string::npos) {
      const std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      return line;
    }
    pollfd wait{.fd = out_, .events = POLLIN, .revents = 0};
    const int64_t left = std::max<int64_t>(0, absl::ToInt64Milliseconds(until - absl::Now()));
    if (poll(&wait, 1, static_cast<int>(std::min<int64_t>(left, 1000))) < 0 && errno != EINTR) {
      return absl::UnavailableError(std::strerror(errno));
    }
    if (wait.revents == 0) {
      if (left == 0) return absl::DeadlineExceededError("it said nothing");
      continue;
    }
    char chunk[4096];
    const ssize_t size = read(out_, chunk, sizeof(chunk));
    if (size <= 0) return absl::UnavailableError("it ended before it listened");
    buffer_.append(chunk, static_cast<size_t>(size));
  }
}

std::optional<int> ChildProcess::Poll() {
  if (status_.has_value() || pid_ <= 0) return status_;
  int raw = 0;
  if (waitpid(pid_, &raw, WNOHANG) == pid_) status_ = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
  return status_;
}

void ChildProcess::Signal(int signal) const {
  if (pid_ > 0 && !status_.has_value()) kill(pid_, signal);
}

}  // namespace entrain
