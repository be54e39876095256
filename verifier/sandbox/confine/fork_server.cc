#include "verifier/sandbox/confine/fork_server.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "verifier/sandbox/confine/keeper.h"

namespace entrain::confine {
namespace {

// False: nobody asks any longer.
bool NextRun(int listen, int (&descriptors)[kRunDescriptors]) {
  char byte = 0;
  iovec data{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(descriptors))];
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  for (;;) {
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    const ssize_t got = recvmsg(listen, &message, MSG_CMSG_CLOEXEC);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    const cmsghdr* rights = CMSG_FIRSTHDR(&message);
    if (rights == nullptr || rights->cmsg_len != CMSG_LEN(sizeof(descriptors))) continue;
    memcpy(descriptors, CMSG_DATA(rights), sizeof(descriptors));
    return true;
  }
}

// Processes and threads of this user. RLIMIT_NPROC counts them together with those of a run.
long CountTasks() {
  long tasks = 0;
  DIR* entries = opendir("/proc");
  if (entries == nullptr) return 0;
  while (const dirent* entry = readdir(entries)) {
    const std::string path = std::string("/proc/") + entry->d_name;
    struct stat found {};
    if (entry->d_name[0] < '0' || entry->d_name[0] > '9' || stat(path.c_str(), &found) != 0) continue;
    struct stat threads {};  // every folder in task/ is one link
    if (found.st_uid == geteuid() && stat((path + "/task").c_str(), &threads) == 0) {
      tasks += static_cast<long>(threads.st_nlink) - 2;
    }
  }
  closedir(entries);
  return tasks;
}

// glibc's fork cannot make namespaces. The child is the keeper, which calls nothing of glibc that asks for
// its own thread's number.
pid_t Fork(bool namespaces) {
  const unsigned long flags = namespaces ? CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS : 0;
  return static_cast<pid_t>(syscall(SYS_clone, flags | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
}

void ReportFailure(int control, const char* what) {
  RunReport report;
  snprintf(report.failure, sizeof(report.failure), "%s: %s", what, strerror(errno));
  send(control, &report, sizeof(report), MSG_NOSIGNAL);
}

}  // namespace

RunRequest ServeRuns(const ForkServerOptions& options) {
  KeeperSetup setup;
  setup.namespaces = options.namespaces;
  setup.user = geteuid();
  setup.group = getegid();
  setup.base_folder = options.base_folder;
  setup.base_path = options.base_path;
  setup.proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const int abi = FileAccess::Abi();
  setup.landlock = abi > 0;
  setup.file_access.Allow(options.readable);
  // With namespaces of its own a run has nobody else to signal, and nothing outside to name but what cannot
  // be written.
  const std::string failure = setup.filter.Build(
      {.signals = options.namespaces || abi >= kAbiOfScopedSignals, .metadata = options.namespaces});
  if (!failure.empty() || (!options.namespaces && abi == 0)) {
    dprintf(2, "%s\n", failure.empty() ? "this kernel has no Landlock" : failure.c_str());
    _exit(1);
  }
  // Twice what is there now, and more: the rest of this user's processes come and go. The keepers' looks, not
  // this, hold a run to its number.
  if (!options.namespaces) setup.other_tasks = 2 * CountTasks() + 512;
  signal(SIGCHLD, SIG_IGN);  // keepers need no reaping
  int descriptors[kRunDescriptors];
  while (NextRun(options.listen, descriptors)) {
    const pid_t keeper = Fork(options.namespaces);
    if (keeper == 0) {
      signal(SIGCHLD, SIG_DFL);
      close(options.listen);
      return KeepRun(setup, descriptors);
    }
    if (keeper < 0) ReportFailure(descriptors[kControl], "no process for the run");
    for (int descriptor : descriptors) close(descriptor);
  }
  // Succeeds when no run is left; else the last of them does it.
  if (!options.base_path.empty()) rmdir(options.base_path.c_str());
  _exit(0);
}

}  // namespace entrain::confine
