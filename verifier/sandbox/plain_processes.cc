#include "verifier/sandbox/plain_processes.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/clock.h"
#include "common/mutex.h"
#include "common/status_macros.h"
#include "verifier/sandbox/descriptor.h"

namespace entrain {
namespace {

absl::Status Failed(absl::string_view what, int error) {
  return absl::UnavailableError(absl::StrCat(what, ": ", strerror(error)));
}

struct Pipe {
  Descriptor read, write;
};

absl::StatusOr<Pipe> MakePipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return Failed("pipe", errno);
  return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
}

// A working folder with its files; goes with the object.
class Folder {
 public:
  static absl::StatusOr<Folder> Make(const std::vector<SandboxFile>& files) {
    std::error_code error;
    Folder out;
    out.path_ = (std::filesystem::temp_directory_path(error) / "entrain-run-XXXXXX").string();
    if (mkdtemp(out.path_.data()) == nullptr) {
      const int code = errno;
      out.path_.clear();
      return Failed("working folder", code);
    }
    for (const SandboxFile& file : files) {
      std::ofstream stream(absl::StrCat(out.path_, "/", file.name), std::ios::binary);
      stream << file.content;
      if (!stream.flush()) return absl::UnavailableError(absl::StrCat("working folder: ", file.name));
    }
    return out;
  }
  ~Folder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  Folder(Folder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  Folder& operator=(Folder&&) = delete;
  const std::string& path() const { return path_; }

 private:
  Folder() = default;
  std::string path_;
};

class PlainRun final : public SandboxRun {
 public:
  PlainRun(Folder folder, pid_t process, Descriptor input, Descriptor output, Descriptor errors,
           const SandboxLimits& limits)
      : folder_(std::move(folder)),
        process_(process),
        input_(std::move(input)),
        output_(std::move(output)),
        errors_(std::move(errors)),
        limits_(limits),
        start_(Clock::Real().Monotonic()),
        step_{.started = start_},
        timer_([this](const std::stop_token& stop) { KillWhenTimeIsOver(stop); }) {}

  ~PlainRun() override {
    Kill();
    const auto ignored = Wait();
  }

  int input() const override { return input_.get(); }
  int output() const override { return output_.get(); }
  int error_output() const override { return errors_.get(); }
  void CloseInput() override { input_.Close(); }

  bool CountOutput(int64_t bytes) override {
    counted_ += bytes;
    if (counted_ <= limits_.output_bytes) return true;
    End(RunEnd::kLimit, LimitKind::kSize, absl::StrCat("output of ", limits_.output_bytes >> 10, " KiB"));
    return false;
  }

  void BeginStep() override {
    MutexLock lock(mutex_);
    if (ended_) return;
    const Use use = UseNow();
    step_ = {.started = Clock::Real().Monotonic(), .cpu = use.cpu, .starved = use.starved};
  }

  void Kill() override { End(RunEnd::kStopped, LimitKind::kNone, ""); }

  absl::StatusOr<SandboxOutcome> Wait() override {
    if (outcome_.has_value()) return *outcome_;
    siginfo_t info{};
    int result = 0;
    do {  // not reaped yet: the number stays this process's until `ended_` is set
      result = waitid(P_PID, static_cast<id_t>(process_), &info, WEXITED | WNOWAIT);
    } while (result != 0 && errno == EINTR);
    int status = 0;
    rusage usage{};
    absl::Duration starved;
    {
      MutexLock lock(mutex_);
      starved = UseNow().starved;
      kill(-process_, SIGKILL);  // what is left of its group
      wait4(process_, &status, 0, &usage);
      ended_ = true;
    }
    timer_.request_stop();
    SandboxOutcome out;
    out.wall = Clock::Real().Monotonic() - start_;
    out.starved = starved;
    out.cpu = absl::DurationFromTimeval(usage.ru_utime) + absl::DurationFromTimeval(usage.ru_stime);
    MutexLock lock(mutex_);
    if (end_.has_value()) {
      out.end = *end_;
      out.limit = limit_;
      out.limit_kind = limit_kind_;
    } else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU) {
      out.end = RunEnd::kLimit;
      out.limit = absl::StrFormat("cpu time of %g s", absl::ToDoubleSeconds(limits_.cpu));
      out.limit_kind = LimitKind::kCpu;
    } else if (WIFSIGNALED(status)) {
      out.end = RunEnd::kSignalled;
      out.code = WTERMSIG(status);
    } else {
      out.code = WEXITSTATUS(status);
    }
    outcome_ = out;
    return out;
  }

 private:
  struct Use {
    absl::Duration cpu, starved;
  };
  struct Step {
    absl::Duration started, cpu, starved;
  };

  // Of the first process, which has not been reaped; `starved` of its first thread.
  Use UseNow() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    Use use;
    clockid_t clock = 0;
    timespec cpu{};
    if (clock_getcpuclockid(process_, &clock) == 0 && clock_gettime(clock, &cpu) == 0)
      use.cpu = absl::DurationFromTimespec(cpu);
    std::ifstream schedstat(absl::StrCat("/proc/", process_, "/schedstat"));
    if (int64_t ran = 0, waited = 0; schedstat >> ran >> waited) {
      const absl::Duration others = std::max(use.cpu - absl::Nanoseconds(ran), absl::ZeroDuration());
      use.starved = std::max(absl::Nanoseconds(waited) - others, absl::ZeroDuration());
    }
    return use;
  }

  void End(RunEnd end, LimitKind kind, std::string limit) {
    MutexLock lock(mutex_);
    if (ended_) return;
    if (!end_.has_value()) {
      end_ = end;
      limit_kind_ = kind;
      limit_ = std::move(limit);
    }
    kill(-process_, SIGKILL);
  }

  void EndPast(LimitKind kind, absl::Duration limit) {
    End(RunEnd::kLimit, kind,
        absl::StrFormat("%s time of %g s", kind == LimitKind::kCpu ? "cpu" : "wall",
                        absl::ToDoubleSeconds(limit)));
  }

  // Whether a time is over: then the run is being ended.
  bool LookAtTimes() {
    const absl::Duration now = Clock::Real().Monotonic();
    Use use;
    Step step;
    {
      MutexLock lock(mutex_);
      if (ended_) return true;
      use = UseNow();
      step = step_;
    }
    if (now - start_ >= limits_.deadline) {
      Kill();
    } else if (use.cpu - step.cpu > limits_.step_cpu) {
      EndPast(LimitKind::kCpu, limits_.step_cpu);
    } else if (use.cpu > limits_.cpu) {
      EndPast(LimitKind::kCpu, limits_.cpu);
    } else if (now - step.started - (use.starved - step.starved) >= limits_.step_wall) {
      EndPast(LimitKind::kWall, limits_.step_wall);
    } else if (now - start_ - use.starved >= limits_.wall) {
      EndPast(LimitKind::kWall, limits_.wall);
    } else {
      return false;
    }
    return true;
  }

  void KillWhenTimeIsOver(const std::stop_token& stop) {
    std::mutex sleep;
    std::unique_lock lock(sleep);
    std::condition_variable_any never;
    while (!stop.stop_requested() && !LookAtTimes())
      never.wait_for(lock, stop, std::chrono::milliseconds(20), [] { return false; });
  }

  Folder folder_;
  const pid_t process_;
  Descriptor input_, output_, errors_;
  const SandboxLimits limits_;
  const absl::Duration start_;
  int64_t counted_ = 0;
  Mutex mutex_;
  std::optional<RunEnd> end_ ABSL_GUARDED_BY(mutex_);  // why it was killed
  LimitKind limit_kind_ ABSL_GUARDED_BY(mutex_) = LimitKind::kNone;
  std::string limit_ ABSL_GUARDED_BY(mutex_);
  Step step_ ABSL_GUARDED_BY(mutex_);
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<SandboxOutcome> outcome_;
  std::jthread timer_;  // last: it uses the others
};

void Limit(pid_t process, __rlimit_resource resource, int64_t value) {
  const rlimit limit{static_cast<rlim_t>(value), static_cast<rlim_t>(value)};
  prlimit(process, resource, &limit, nullptr);
}

class PlainProcesses final : public Sandbox {
 public:
  PlainProcesses(std::map<std::string, std::string> programs, std::string python)
      : programs_(std::move(programs)), python_(std::move(python)) {}

  absl::StatusOr<std::unique_ptr<SandboxRun>> Start(const SandboxRequest& request) override {
    std::vector<std::string> argv = request.argv;
    if (!request.python_program.empty()) {
      const auto program = programs_.find(request.python_program);
      if (program == programs_.end())
        return absl::InternalError(absl::StrCat("no program \"", request.python_program, "\""));
      argv = {python_, "-I", "-c", program->second};
    }
    ENTRAIN_ASSIGN_OR_RETURN(Folder folder, Folder::Make(request.files));
    ENTRAIN_ASSIGN_OR_RETURN(Pipe input, MakePipe());
    ENTRAIN_ASSIGN_OR_RETURN(Pipe output, MakePipe());
    ENTRAIN_ASSIGN_OR_RETURN(Pipe errors, MakePipe());
    ENTRAIN_ASSIGN_OR_RETURN(const pid_t process, Spawn(argv, folder.path(), input, output, errors));
    Limit(process, RLIMIT_CORE, 0);
    Limit(process, RLIMIT_AS, request.limits.memory_bytes);
    Limit(process, RLIMIT_FSIZE, request.limits.disk_bytes);
    // Behind the look at the times, for what it does not see: of each process.
    Limit(process, RLIMIT_CPU, absl::ToInt64Seconds(absl::Ceil(request.limits.cpu, absl::Seconds(1))) + 1);
    for (const int end : {input.write.get(), output.read.get(), errors.read.get()})
      fcntl(end, F_SETFL, O_NONBLOCK);
    return std::make_unique<PlainRun>(std::move(folder), process, std::move(input.write),
                                      std::move(output.read), std::move(errors.read), request.limits);
  }

  std::vector<std::string> layers() const override { return {}; }

 private:
  static absl::StatusOr<pid_t> Spawn(const std::vector<std::string>& argv, const std::string& folder,
                                     const Pipe& input, const Pipe& output, const Pipe& errors) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
    posix_spawn_file_actions_adddup2(&actions, input.read.get(), 0);
    posix_spawn_file_actions_adddup2(&actions, output.write.get(), 1);
    posix_spawn_file_actions_adddup2(&actions, errors.write.get(), 2);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    std::vector<char*> arguments;
    for (const std::string& argument : argv) arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    const std::string home = absl::StrCat("HOME=", folder);
    std::string environment[] = {"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", "PYTHONHASHSEED=0",
                                 home};
    std::vector<char*> variables;
    for (std::string& variable : environment) variables.push_back(variable.data());
    variables.push_back(nullptr);
    pid_t process = 0;
    const int error =
        posix_spawn(&process, arguments[0], &actions, &attributes, arguments.data(), variables.data());
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) return Failed(argv[0], error);
    return process;
  }

  const std::map<std::string, std::string> programs_;
  const std::string python_;
};

}  // namespace

std::unique_ptr<Sandbox> MakePlainProcesses(std::map<std::string, std::string> python_programs,
                                            std::string python) {
  return std::make_unique<PlainProcesses>(std::move(python_programs), std::move(python));
}

}  // namespace entrain
