// entrain-sandbox: what the verifier starts to confine programs. Not for people.
//
//   entrain-sandbox start bubblewrap|landlock plain|python USER PYTHON BASE_PATH READABLE…
//       gives up what it has of the verifier's (descriptors, environment, session, root), and becomes a fork
//       server; with bubblewrap it stays as the parent, so that both end when the verifier does.
//   entrain-sandbox serve NAMESPACES BASE_PATH READABLE…
//       the fork server for command lines.
// The descriptors that it expects are in server_arguments.h.
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "verifier/sandbox/confine/keeper.h"
#include "verifier/sandbox/confine/python_bootstrap.h"
#include "verifier/sandbox/confine/server_arguments.h"

namespace entrain::confine {
namespace {

using Arguments = std::vector<std::string>;

[[noreturn]] void Fail(const char* what) {
  dprintf(2, "%s: %s\n", what, strerror(errno));
  _exit(1);
}

[[noreturn]] void Execute(const Arguments& command) {
  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  Fail(arguments[0]);
}

Arguments Plus(Arguments command, const Arguments& more) {
  command.insert(command.end(), more.begin(), more.end());
  return command;
}

// A root of its own: programs and libraries to read, six devices, and nothing that can be written but /tmp,
// which every run covers with its own. Namespaces: user, pid, net, ipc, uts, cgroup, mount.
Arguments Bubblewrap(const Arguments& readable) {
  Arguments command = {
      "bwrap",         "--unshare-user",       "--unshare-pid",     "--unshare-net", "--unshare-ipc",
      "--unshare-uts", "--unshare-cgroup-try", "--die-with-parent", "--new-session", "--cap-drop",
      "ALL",           "--hostname",           "sandbox",           "--ro-bind",     "/usr",
      "/usr"};
  const auto add = [&command](const Arguments& more) { command = Plus(command, more); };
  for (const char* path : {"/bin", "/sbin", "/lib", "/lib32", "/lib64"}) {
    char target[256] = {};
    if (readlink(path, target, sizeof(target) - 1) > 0) {
      add({"--symlink", target, path});
    } else {
      add({"--ro-bind-try", path, path});
    }
  }
  for (const char* path : {"/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime"})
    add({"--ro-bind-try", path, path});
  for (const std::string& path : readable) add({"--ro-bind", path, path});
  add({"--proc", "/proc", "--tmpfs", "/dev"});
  for (const char* path : {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"}) {
    add({"--dev-bind", path, path});
  }
  add({"--remount-ro", "/dev", "--tmpfs", "/tmp", "--remount-ro", "/", "--chdir", "/tmp", "--"});
  return command;
}

// Ends with the child, or when the verifier is gone: then the child sees that too, and has two seconds to end
// its runs before it is killed. What the child leaves (bubblewrap's own child outlives it for a moment) is
// waited for: nothing is left to a first process that may reap nobody.
[[noreturn]] void StayAsParent(pid_t child) {
  const int watched = static_cast<int>(syscall(SYS_pidfd_open, child, 0));
  pollfd events[] = {{watched, POLLIN, 0}, {kListen, 0, 0}};
  while (watched >= 0 && poll(events, 2, -1) < 0 && errno == EINTR) continue;
  if ((events[0].revents & POLLIN) == 0 && poll(events, 1, 2000) <= 0) kill(child, SIGKILL);
  int code = 1;
  for (;;) {
    int status = 0;
    const pid_t ended = waitpid(-1, &status, 0);
    if (ended < 0 && errno != EINTR) _exit(code);
    if (ended == child && WIFEXITED(status)) code = WEXITSTATUS(status);
  }
}

void BecomeUser(const std::string& user) {
  const auto id = static_cast<uid_t>(strtoul(user.c_str(), nullptr, 10));
  if (id == 0) return;
  if (setgroups(0, nullptr) != 0 || setresgid(id, id, id) != 0 || setresuid(id, id, id) != 0)
    Fail("setresuid");
}

int Start(char** argv) {
  const bool namespaces = strcmp(argv[2], "bubblewrap") == 0;
  const bool python = strcmp(argv[3], "python") == 0;
  setsid();
  close_range(kHelperDescriptorsEnd, ~0U, 0);
  if (chdir("/") != 0) Fail("/");
  umask(077);
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;  // of a keeper that walks through a folder; a program gets its own
  setrlimit(RLIMIT_NOFILE, &files);
  clearenv();
  setenv("PATH", "/usr/local/bin:/usr/bin:/bin", 1);
  setenv("LANG", "C.UTF-8", 1);
  setenv("PYTHONHASHSEED", "0", 1);  // a verdict is the same every time
  BecomeUser(argv[4]);
  ForkServerOptions options;
  options.namespaces = namespaces;
  options.base_path = argv[6];
  for (char** path = argv + 7; *path != nullptr; ++path) options.readable.emplace_back(*path);
  Arguments command = namespaces ? Bubblewrap(options.readable) : Arguments{};
  const std::string descriptors = "/proc/self/fd/";
  if (python) {
    // What an interpreter asks of its input and output when it starts, a run's pipes must answer in the same
    // way.
    int pipe_ends[2];
    if (pipe(pipe_ends) != 0 || dup2(pipe_ends[0], 0) < 0 || dup2(pipe_ends[1], 1) < 0) Fail("pipe");
    close_range(kHelperDescriptorsEnd, ~0U, 0);
    // No environment, no site of the user, no byte code written.
    command = Plus(command, {argv[5], "-I", "-B", "-X", "utf8", "-c", kPythonBootstrap});
    command.push_back(descriptors + std::to_string(kPythonLibrary));
    command.push_back(std::to_string(kPythonPrograms));
  } else {
    command.push_back(descriptors + std::to_string(kProgramFile));
    command.emplace_back("serve");
  }
  command = Plus(command, WriteServerArguments(options));
  if (!namespaces) Execute(command);
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  const pid_t child = fork();
  if (child < 0) Fail("fork");
  if (child == 0) Execute(command);
  StayAsParent(child);
}

int Serve(char** argv) {
  const RunRequest request = ServeRuns(ReadServerArguments(argv + 2));
  if (request.probe) _exit(ProbeLayers());
  if (request.argv.empty()) _exit(126);
  ExecuteProgram(request);
}

}  // namespace
}  // namespace entrain::confine

int main(int argc, char** argv) {
  if (argc >= 7 && strcmp(argv[1], "start") == 0) return entrain::confine::Start(argv);
  if (argc >= 4 && strcmp(argv[1], "serve") == 0) return entrain::confine::Serve(argv);
  fprintf(stderr, "entrain-sandbox confines programs for entrain's verifiers, which start it themselves.\n");
  return 2;
}
