#include "verifier/sandbox/local_run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "verifier/sandbox/confine/run_message.h"

namespace entrain {
namespace {

// The keeper ends a run at its deadline; later than this it never will.
constexpr absl::Duration kPatience = absl::Seconds(60);

std::string Bytes(int64_t bytes) {
  constexpr int64_t kMebibyte = 1 << 20, kKibibyte = 1 << 10;
  if (bytes % kMebibyte == 0) return absl::StrCat(bytes / kMebibyte, " MiB");
  if (bytes % kKibibyte == 0) return absl::StrCat(bytes / kKibibyte, " KiB");
  return absl::StrCat(bytes, " bytes");
}

std::string Time(absl::Duration time) { return absl::StrFormat("%g s", absl::ToDoubleSeconds(time)); }

std::string LimitName(confine::RunLimit kind, const SandboxLimits& limits) {
  switch (kind) {
    case confine::RunLimit::kCpu:
      return absl::StrCat("cpu time of ", Time(limits.cpu));
    case confine::RunLimit::kStepCpu:
      return absl::StrCat("cpu time of ", Time(limits.step_cpu));
    case confine::RunLimit::kWall:
      return absl::StrCat("wall time of ", Time(limits.wall));
    case confine::RunLimit::kStepWall:
      return absl::StrCat("wall time of ", Time(limits.step_wall));
    case confine::RunLimit::kMemory:
      return absl::StrCat("memory of ", Bytes(limits.memory_bytes));
    case confine::RunLimit::kProcesses:
      return absl::StrCat(limits.processes, " processes");
    case confine::RunLimit::kDiskBytes:
      return absl::StrCat("disk of ", Bytes(limits.disk_bytes));
    case confine::RunLimit::kDiskFiles:
      return absl::StrCat(limits.disk_files, " files");
    case confine::RunLimit::kNone:
      break;
  }
  return "";
}

LimitKind KindOf(confine::RunLimit limit) {
  switch (limit) {
    case confine::RunLimit::kNone:
      return LimitKind::kNone;
    case confine::RunLimit::kCpu:
    case confine::RunLimit::kStepCpu:
      return LimitKind::kCpu;
    case confine::RunLimit::kWall:
    case confine::RunLimit::kStepWall:
      return LimitKind::kWall;
    default:
      return LimitKind::kSize;
  }
}

// 24 hours stand for no limit, and can be added to.
int64_t NanosecondsOf(absl::Duration limit) {
  return absl::ToInt64Nanoseconds(std::clamp(limit, absl::ZeroDuration(), absl::Hours(24)));
}

absl::Status CheckRequest(const SandboxRequest& request) {
  if (request.argv.empty() == request.python_program.empty()) {
    return absl::InvalidArgumentError("sandbox: expected either argv or python_program");
  }
  if (!request.argv.empty() && request.argv[0].substr(0, 1) != "/") {
    return absl::InvalidArgumentError(
        absl::StrCat("sandbox: argv[0]: expected an absolute path, found ", request.argv[0]));
  }
  for (const std::string& argument : request.argv) {
    if (argument.find('\0') != std::string::npos)
      return absl::InvalidArgumentError("sandbox: argv holds a NUL");
  }
  for (const SandboxFile& file : request.files) {
    if (file.name.empty() || file.name == "." || file.name == ".." || file.name.size() > 255 ||
        file.name.find_first_of("/\0", 0, 2) != std::string::npos) {
      return absl::InvalidArgumentError(
          absl::StrCat("sandbox: expected the name of a file without '/', found \"", file.name, "\""));
    }
  }
  return absl::OkStatus();
}

confine::RunRequest ToMessage(const SandboxRequest& request, bool probe) {
  const SandboxLimits& limits = request.limits;
  constexpr int64_t kAllBytes = int64_t{1} << 50;  // stands for no limit, and can be added to
  confine::RunRequest message;
  message.limits = {.cpu_ns = NanosecondsOf(limits.cpu),
                    .wall_ns = NanosecondsOf(limits.wall),
                    .step_cpu_ns = NanosecondsOf(limits.step_cpu),
                    .step_wall_ns = NanosecondsOf(limits.step_wall),
                    .deadline_ns = NanosecondsOf(limits.deadline),
                    .memory_bytes = std::clamp<int64_t>(limits.memory_bytes, 0, kAllBytes),
                    .disk_bytes = std::clamp<int64_t>(limits.disk_bytes, 0, kAllBytes),
                    .processes = limits.processes,
                    .open_files = limits.open_files,
                    .disk_files = limits.disk_files};
  message.probe = probe;
  message.argv = request.argv;
  message.python_program = request.python_program;
  for (const SandboxFile& file : request.files) message.files.emplace_back(file.name, file.content);
  return message;
}

// The program's end blocks; ours does not.
bool MakePipe(Descriptor& ours, Descriptor& theirs, bool we_write) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return false;
  ours = Descriptor(ends[we_write ? 1 : 0]);
  theirs = Descriptor(ends[we_write ? 0 : 1]);
  return fcntl(ours.get(), F_SETFL, O_NONBLOCK) == 0;
}

}  // namespace

absl::StatusOr<std::unique_ptr<LocalRun>> LocalRun::Start(HelperProcess& helper,
                                                          const SandboxRequest& request, bool probe) {
  if (!probe) {
    if (absl::Status checked = CheckRequest(request); !checked.ok()) return checked;
  }
  std::unique_ptr<LocalRun> run(new LocalRun(helper, request.limits));
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
    return absl::UnavailableError(absl::StrCat("sandbox: socketpair: ", strerror(errno)));
  }
  run->control_ = Descriptor(pair[0]);
  {
    const Descriptor control(pair[1]);
    Descriptor input, output, error_output;
    if (!MakePipe(run->input_, input, true) || !MakePipe(run->output_, output, false) ||
        !MakePipe(run->error_output_, error_output, false)) {
      return absl::UnavailableError(absl::StrCat("sandbox: pipe: ", strerror(errno)));
    }
    const int descriptors[] = {control.get(), input.get(), output.get(), error_output.get()};
    if (absl::Status begun = helper.Begin(descriptors); !begun.ok()) return begun;
  }
  const std::string message = confine::Encode(ToMessage(request, probe));
  size_t sent = 0;
  while (sent < message.size()) {
    const ssize_t now = send(run->control_.get(), message.data() + sent, message.size() - sent, MSG_NOSIGNAL);
    if (now < 0 && errno == EINTR) continue;
    if (now <= 0) break;  // the keeper is gone, or has said why it goes: Wait tells
    sent += static_cast<size_t>(now);
  }
  return run;
}

LocalRun::~LocalRun() {
  if (outcome_.has_value()) return;
  Kill();
  Wait().IgnoreError();
}

bool LocalRun::CountOutput(int64_t bytes) {
  output_bytes_ += bytes;
  if (output_bytes_ <= limits_.output_bytes) return true;
  if (!too_much_output_.exchange(true)) Kill();
  return false;
}

void LocalRun::Order(confine::RunOrder order) {
  const auto byte = static_cast<char>(order);
  // A failure means that the keeper has ended, and the run with it.
  if (send(control_.get(), &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) return;
}

absl::StatusOr<SandboxOutcome> LocalRun::Wait() {
  if (!outcome_.has_value()) outcome_ = ReadReport();
  return *outcome_;
}

absl::StatusOr<SandboxOutcome> LocalRun::ReadReport() {
  confine::RunReport report;
  size_t have = 0;
  const absl::Time patience = absl::Now() + std::min(limits_.deadline, absl::Hours(24)) + kPatience;
  char rest = 0;
  for (;;) {  // to the end of the file: then the keeper is gone, too
    pollfd event{control_.get(), POLLIN, 0};
    const int64_t left = absl::ToInt64Milliseconds(patience - absl::Now());
    if (left <= 0) return absl::UnavailableError("sandbox: the keeper of a run does not end");
    if (poll(&event, 1, static_cast<int>(left)) < 0 && errno != EINTR) {
      return absl::InternalError(absl::StrCat("sandbox: poll: ", strerror(errno)));
    }
    if (event.revents == 0) continue;
    const bool full = have == sizeof(report);
    char* to = full ? &rest : reinterpret_cast<char*>(&report) + have;
    const ssize_t got = recv(control_.get(), to, full ? 1 : sizeof(report) - have, MSG_DONTWAIT);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got <= 0) break;
    if (!full) have += static_cast<size_t>(got);
  }
  if (have < sizeof(report)) {
    return absl::UnavailableError(
        absl::StrCat("sandbox: the keeper of a run died before it reported: ", helper_.Complaint()));
  }
  if (report.kind == confine::ReportKind::kFailed) {
    report.failure[sizeof(report.failure) - 1] = '\0';
    return absl::UnavailableError(absl::StrCat("sandbox: ", report.failure));
  }
  SandboxOutcome outcome{.code = report.code,
                         .cpu = absl::Nanoseconds(report.cpu_ns),
                         .wall = absl::Nanoseconds(report.wall_ns),
                         .starved = absl::Nanoseconds(report.starved_ns)};
  if (too_much_output_) {
    outcome.end = RunEnd::kLimit;
    outcome.limit = absl::StrCat("output of ", Bytes(limits_.output_bytes));
    outcome.limit_kind = LimitKind::kSize;
  } else if (report.kind == confine::ReportKind::kLimit) {
    outcome.end = RunEnd::kLimit;
    outcome.limit = LimitName(report.limit, limits_);
    outcome.limit_kind = KindOf(report.limit);
  } else {
    outcome.end = report.kind == confine::ReportKind::kExited      ? RunEnd::kExited
                  : report.kind == confine::ReportKind::kSignalled ? RunEnd::kSignalled
                                                                   : RunEnd::kStopped;
  }
  return outcome;
}

}  // namespace entrain
