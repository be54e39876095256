#include "verifier/sandbox/helper_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "verifier/sandbox/confine/server_arguments.h"

namespace entrain {
namespace {

// A copy above the numbers that the helper's descriptors get: none of them is overwritten before it is moved.
Descriptor High(int number) {
  return Descriptor(number < 0 ? -1 : fcntl(number, F_DUPFD_CLOEXEC, 3 * confine::kHelperDescriptorsEnd));
}

Descriptor HighFile(const std::string& path, int flags) {
  const Descriptor file(open(path.c_str(), flags | O_CLOEXEC));
  return High(file.get());
}

absl::Status Failed(const std::string& what) {
  return absl::UnavailableError(absl::StrCat("sandbox: ", what, ": ", strerror(errno)));
}

}  // namespace

HelperProcess::~HelperProcess() {
  MutexLock lock(mutex_);
  Stop();
}

void HelperProcess::Stop() {
  socket_.Close();
  if (process_ < 0) return;
  const absl::Time patience = absl::Now() + absl::Seconds(5);
  while (waitpid(process_, nullptr, WNOHANG) == 0) {
    if (absl::Now() > patience) kill(process_, SIGKILL);
    absl::SleepFor(absl::Milliseconds(1));
  }
  process_ = -1;
}

absl::Status HelperProcess::Start() {
  Stop();
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return Failed("socketpair");
  Descriptor ours(pair[0]);
  const Descriptor theirs_low(pair[1]);
  log_ = Descriptor(memfd_create("sandbox-log", MFD_CLOEXEC));
  const Descriptor programs(memfd_create("sandbox-programs", MFD_CLOEXEC));
  const std::string& text = options_.python_programs;
  if (programs.get() < 0 ||
      pwrite(programs.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
    return Failed("memfd");
  }
  const std::string program = options_.folder + "/entrain-sandbox";
  const std::string library = options_.folder + "/entrain-sandbox-python.so";
  const std::string base = options_.base_path.empty() ? "/" : options_.base_path;
  struct Given {
    int number;
    std::string name;
    Descriptor descriptor;
  };
  Given given[] = {{0, "/dev/null", HighFile("/dev/null", O_RDONLY)},
                   {1, "log", High(log_.get())},
                   {2, "log", High(log_.get())},
                   {confine::kListen, "socket", High(theirs_low.get())},
                   {confine::kProgramFile, program, HighFile(program, O_RDONLY)},
                   {confine::kPythonLibrary, library, HighFile(library, O_RDONLY)},
                   {confine::kPythonPrograms, "programs", High(programs.get())},
                   {confine::kBaseFolder, base, HighFile(base, O_RDONLY | O_DIRECTORY)}};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  for (const Given& one : given) {
    if (one.descriptor.get() < 0) return Failed(one.name);
    posix_spawn_file_actions_adddup2(&actions, one.descriptor.get(), one.number);
  }
  sigset_t signals;
  sigemptyset(&signals);
  posix_spawnattr_setsigmask(&attributes, &signals);
  sigfillset(&signals);
  posix_spawnattr_setsigdefault(&attributes, &signals);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::vector<std::string> arguments = {program,
                                        "start",
                                        options_.namespaces ? "bubblewrap" : "landlock",
                                        options_.python ? "python" : "plain",
                                        absl::StrCat(options_.user),
                                        options_.python_path,
                                        options_.base_path};
  arguments.insert(arguments.end(), options_.readable.begin(), options_.readable.end());
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const int failure = posix_spawn(&process_, program.c_str(), &actions, &attributes, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (failure != 0) {
    process_ = -1;
    errno = failure;
    return Failed(program);
  }
  socket_ = std::move(ours);
  return absl::OkStatus();
}

bool HelperProcess::Send(const int (&descriptors)[confine::kRunDescriptors]) {
  char byte = 0;
  iovec data{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(descriptors))] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  cmsghdr* rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof(descriptors));
  memcpy(CMSG_DATA(rights), descriptors, sizeof(descriptors));
  ssize_t sent = 0;
  do {
    sent = sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent == 1;
}

absl::Status HelperProcess::Begin(const int (&descriptors)[confine::kRunDescriptors]) {
  MutexLock lock(mutex_);
  if (process_ >= 0 && waitpid(process_, nullptr, WNOHANG) == process_) process_ = -1;
  if (process_ >= 0 && Send(descriptors)) return absl::OkStatus();
  if (absl::Status started = Start(); !started.ok()) return started;
  return Send(descriptors) ? absl::OkStatus() : Failed("the fork server does not listen");
}

std::string HelperProcess::Complaint() {
  MutexLock lock(mutex_);
  char text[1000];
  const ssize_t size = log_.get() < 0 ? 0 : pread(log_.get(), text, sizeof(text), 0);
  return size <= 0
             ? ""
             : std::string(absl::StripAsciiWhitespace(absl::string_view(text, static_cast<size_t>(size))));
}

}  // namespace entrain
