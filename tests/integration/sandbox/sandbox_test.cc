// What a run can do in either way of confinement, and what becomes of one that goes too far.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/integration/sandbox/run_program.h"
#include "tests/testing/processes.h"
#include "tests/testing/temporary_folder.h"
#include "verifier/sandbox/confine/system_calls.h"
#include "verifier/sandbox/run_pipes.h"

namespace entrain {
namespace {

using ::testing::HasSubstr;

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

class SandboxTest : public testing::TestWithParam<SandboxWay> {
 protected:
  static void SetUpTestSuite() { setenv("ENTRAIN_SECRET", "verifier's own", 1); }

  // One for all tests of a way: runs leave nothing behind.
  void SetUp() override {
    auto& made = Made()[GetParam()];
    if (!made.has_value()) made = CreateSandbox(Options());
    if (!made->ok()) {
      ASSERT_TRUE(CreateSandbox({}).ok()) << "no way works here, but one must: " << made->status();
      GTEST_SKIP() << "this machine cannot: " << made->status();
    }
    sandbox_ = (*made)->get();
  }
  static void TearDownTestSuite() { Made().clear(); }

  static SandboxOptions Options() {
    SandboxOptions options;
    options.way = GetParam();
    options.python_programs = {{"item", kRunItem}};
    return options;
  }
  static std::map<SandboxWay, std::optional<absl::StatusOr<std::unique_ptr<Sandbox>>>>& Made() {
    static std::map<SandboxWay, std::optional<absl::StatusOr<std::unique_ptr<Sandbox>>>> made;
    return made;
  }

  Ran Python(const std::string& source, const SandboxLimits& limits = {}) {
    return RunRequest(*sandbox_, PythonRequest(source, limits));
  }

  // The program prints "refused" and the name of the error, or something else when it got through.
  void ExpectRefused(const std::string& statements) {
    const Ran ran =
        Python("try:\n    " + std::string(absl::StrCat(statements)) +
               "\n    print('got through')\nexcept (OSError, RuntimeError) as e:\n    print('refused', e)\n");
    EXPECT_THAT(ran.output, HasSubstr("refused")) << statements << "\n" << ran.error_output;
  }

  Sandbox* sandbox_ = nullptr;
};

TEST_P(SandboxTest, RunsAPythonProgramAndSaysHowItEnded) {
  const Ran ran = Python("import sys\nprint('out')\nprint('err', file=sys.stderr)\nsys.exit(7)");
  EXPECT_EQ(ran.output, "out\n");
  EXPECT_EQ(ran.error_output, "err\n");
  EXPECT_EQ(ran.outcome.end, RunEnd::kExited);
  EXPECT_EQ(ran.outcome.code, 7);
  EXPECT_GT(ran.outcome.cpu, absl::ZeroDuration());
  EXPECT_GE(ran.outcome.wall, absl::ZeroDuration());
}

TEST_P(SandboxTest, RunsACommandLineWithInput) {
  SandboxRequest request;
  request.argv = {"/bin/sh", "-c", "cat; pwd >&2; cat note"};
  request.files = {{"note", "from a file\n"}};
  auto run = sandbox_->Start(request);
  ASSERT_TRUE(run.ok()) << run.status();
  ASSERT_EQ(write((*run)->input(), "typed\n", 6), 6);
  const Ran ran = Finish(**run);
  EXPECT_EQ(ran.output, "typed\nfrom a file\n");
  EXPECT_THAT(ran.error_output, HasSubstr("/tmp"));
  EXPECT_EQ(ran.outcome.end, RunEnd::kExited);
  EXPECT_EQ(ran.outcome.code, 0);
}

TEST_P(SandboxTest, AProgramThatIsNotThereIsOurFailure) {
  SandboxRequest request;
  request.argv = {"/usr/bin/no-such-program"};
  auto run = sandbox_->Start(request);
  ASSERT_TRUE(run.ok());
  const auto outcome = (*run)->Wait();
  EXPECT_EQ(outcome.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(outcome.status().message(), HasSubstr("/usr/bin/no-such-program: No such file"));
}

TEST_P(SandboxTest, RefusesMalformedRequests) {
  for (const SandboxRequest& request :
       {SandboxRequest{}, SandboxRequest{.argv = {"sh"}}, SandboxRequest{.python_program = "nobody"},
        SandboxRequest{.argv = {"/bin/true"}, .files = {{"../up", ""}}},
        SandboxRequest{.argv = {"/bin/true"}, .files = {{"..", ""}}}}) {
    EXPECT_EQ(sandbox_->Start(request).status().code(), absl::StatusCode::kInvalidArgument);
  }
}

TEST_P(SandboxTest, SignalsOfTheProgramAreReported) {
  const Ran ran = Python("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)");
  EXPECT_EQ(ran.outcome.end, RunEnd::kSignalled);
  EXPECT_EQ(ran.outcome.code, SIGSEGV);
}

TEST_P(SandboxTest, OrdinaryPythonWorks) {
  const Ran ran = Python(R"py(
import asyncio, collections, json, math, os, random, re, subprocess, sys, tempfile, threading
class A: pass
assert A.__module__ == "__main__" and sys.modules["__main__"].__dict__["A"] is A
with open("note.txt", "w") as f: f.write("x")
os.mkdir("folder"); os.rename("note.txt", "folder/note.txt"); os.symlink("folder", "link")
with tempfile.TemporaryFile() as f: f.write(b"y")
t = threading.Thread(target=lambda: None); t.start(); t.join()
assert subprocess.run(["/bin/echo", "hi"], capture_output=True).stdout == b"hi\n"
assert subprocess.run([sys.executable, "-c", "print(2)"], capture_output=True, start_new_session=True).stdout == b"2\n"
async def f(): await asyncio.sleep(0); return 3
assert asyncio.run(f()) == 3
assert len(os.urandom(4)) == 4
print("fine")
)py");
  EXPECT_EQ(ran.output, "fine\n") << ran.error_output;
  EXPECT_EQ(ran.outcome.end, RunEnd::kExited) << ran.outcome.limit;
  EXPECT_EQ(ran.outcome.code, 0);
}

// ---- what must not be reached ----

TEST_P(SandboxTest, NoNetwork) {
  for (const char* family : {"AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK", "AF_PACKET"}) {
    for (const char* type : {"SOCK_STREAM", "SOCK_DGRAM", "SOCK_RAW"}) {
      ExpectRefused(absl::StrCat("import socket; socket.socket(socket.", family, ", socket.", type, ")"));
    }
  }
  ExpectRefused("import socket; socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)");
}

TEST_P(SandboxTest, NoSecrets) {
  for (const char* path :
       {"/etc/shadow", "/etc/passwd", "/etc/hostname", "/root/.profile", "/proc/1/environ",
        "/proc/self/environ", "/proc/mounts", "/sys/kernel/notes", "/dev/mem", "/dev/kmsg"}) {
    ExpectRefused(absl::StrCat("open('", path, "', 'rb').read()"));
  }
  for (const char* path : {"/root", "/home", "/etc", "/proc", "/var", "/srv"}) {
    const Ran ran = Python(absl::StrCat(
        "import os\ntry: print(len([n for n in os.listdir('", path,
        "') if n not in ('alternatives', 'ld.so.cache', 'localtime')]))\nexcept OSError: print(0)"));
    EXPECT_EQ(ran.output, "0\n") << path;
  }
  ExpectRefused(absl::StrCat("open('/proc/", getpid(), "/environ', 'rb').read()"));
  ExpectRefused(absl::StrCat("open('", ENTRAIN_SOURCE_DIR, "/README.md', 'rb').read()"));
  const Ran environment = Python("import os; print(sorted(os.environ))");
  EXPECT_EQ(environment.output, "['HOME', 'LANG', 'PATH', 'PWD', 'PYTHONHASHSEED', 'TMPDIR']\n");
}

TEST_P(SandboxTest, NoDescriptorsOfTheVerifier) {
  const int leaked = open("/etc/passwd", O_RDONLY);  // without O_CLOEXEC, as a careless library would
  const Ran ran = Python(R"py(
import os
found = []
for n in range(3, 1024):
    try: os.fstat(n); found.append(n)
    except OSError: pass
print(found)
)py");
  close(leaked);
  // 3: item.py itself, which was opened to be read, is closed by then.
  EXPECT_EQ(ran.output, "[]\n");
}

TEST_P(SandboxTest, NothingOutsideIsWritten) {
  for (const char* path : {"/x", "/usr/x", "/usr/bin/x", "/etc/x", "/var/tmp/x", "/dev/x", "/dev/shm/x",
                           "/run/x", "/tmp/../x"}) {
    ExpectRefused(absl::StrCat("open('", path, "', 'w')"));
    EXPECT_FALSE(std::filesystem::exists(path)) << path;
  }
  ExpectRefused("import os; os.unlink('/usr/bin/python3')");
  ExpectRefused("import os; os.rename('/usr/bin/env', 'env')");
  ExpectRefused("import os; os.truncate('/usr/bin/env', 0)");
  ExpectRefused("import os; os.mknod('device', 0o600 | 0o20000, os.makedev(1, 3))");
}

TEST_P(SandboxTest, LinksLeadNowhere) {
  ExpectRefused("import os; os.symlink('/etc/passwd', 'a'); open('a').read()");
  ExpectRefused("import os; os.symlink('/usr/x', 'b'); open('b', 'w')");
  ExpectRefused("import os; os.link('/usr/bin/env', 'c')");
  ExpectRefused("import os; os.symlink('/proc/self/cwd/../..', 'd'); open('d/etc/passwd').read()");
}

TEST_P(SandboxTest, NoOtherProcessIsSignalledOrTraced) {
  auto sibling = sandbox_->Start(PythonRequest("import time; time.sleep(1); print('alive')"));
  ASSERT_TRUE(sibling.ok());
  ExpectRefused("import os; os.kill(os.getppid(), 9) if os.getppid() != 1 else os.kill(2 ** 22 - 1, 9)");
  ExpectRefused(absl::StrCat("import os; os.kill(", getpid(), ", 0)"));
  // The first of a process-id namespace cannot be killed from inside; without one, nobody outside can be.
  Python(R"py(
import os
for pid in range(1, 33000):
    if pid != os.getpid():
        try: os.kill(pid, 9)
        except OSError: pass
)py");
  // PTRACE_ATTACH
  ExpectRefused(
      "import ctypes, os; assert ctypes.CDLL(None).ptrace(16, os.getppid(), 0, 0) != 0; raise OSError");
  ExpectRefused("import os, resource; resource.prlimit(os.getppid(), resource.RLIMIT_CPU, (1, 1))");
  ExpectRefused("import os; os.sched_setaffinity(os.getppid(), [0])");
  const Ran ran = Finish(**sibling);
  EXPECT_EQ(ran.output, "alive\n");
  EXPECT_EQ(ran.outcome.end, RunEnd::kExited);
}

// What Landlock does not know: modes, owners and times of files outside, which may be the verifier's own.
TEST_P(SandboxTest, MetadataOutsideStays) {
  const TemporaryFolder folder;
  const std::string mine = folder / "mine";
  std::ofstream(mine) << "x";
  // Everybody may name them, and the user of non-root runs owns them.
  ASSERT_EQ(chmod(folder.path().c_str(), 0777), 0);
  ASSERT_EQ(chmod(mine.c_str(), 0666), 0);
  struct stat before {};
  ASSERT_EQ(stat(mine.c_str(), &before), 0);
  Python(absl::StrCat(
      "import os\nfor f in (lambda p: os.chmod(p, 0), lambda p: os.utime(p, (1, 1)), lambda p: "
      "os.truncate(p, 0), lambda p: os.setxattr(p, 'user.x', b'x'), lambda p: os.chown(p, -1, 0)):\n"
      "    try: f('",
      mine, "')\n    except OSError: pass"));
  struct stat after {};
  ASSERT_EQ(stat(mine.c_str(), &after), 0);
  EXPECT_EQ(after.st_mode, before.st_mode);
  EXPECT_EQ(after.st_mtim.tv_sec, before.st_mtim.tv_sec);
  EXPECT_EQ(after.st_size, 1);
  EXPECT_EQ(after.st_ctim.tv_sec * 1'000'000'000 + after.st_ctim.tv_nsec,
            before.st_ctim.tv_sec * 1'000'000'000 + before.st_ctim.tv_nsec);
}

// A kernel may be newer than the library that names system calls to the filter.
TEST_P(SandboxTest, SystemCallsThatAreNewerThanTheFilterDoNotExist) {
  const TemporaryFolder folder;
  const std::string mine = folder / "mine";
  std::ofstream(mine) << "x";
  uint32_t user = 0;
  ASSERT_TRUE(absl::SimpleAtoi(Python("import os; print(os.getuid())").output, &user));
  ASSERT_EQ(chown(mine.c_str(), user, static_cast<gid_t>(-1)), 0);  // as it is where the verifier is no root
  ASSERT_EQ(chmod(folder.path().c_str(), 0777), 0);
  ASSERT_EQ(chmod(mine.c_str(), 0640), 0);
  const Ran ran = Python(absl::StrCat(R"py(
import ctypes, errno
call = ctypes.CDLL(None, use_errno=True).syscall
def ask(number, *arguments):
    return call(number, *arguments) == -1 and errno.errorcode[ctypes.get_errno()]
path, name, size = b')py",
                                      mine, R"py(', b'user.x', ctypes.c_long(16)
buffer = ctypes.create_string_buffer(64)
print(ask(452, -100, path, 0o666, 0))  # fchmodat2
print(ask(463, -100, path, 0, name, buffer, size))  # setxattrat
print(ask(466, -100, path, 0, name))  # removexattrat
print(ask(469, -100, path, buffer, size, 0))  # file_setattr
print(ask(100_000))  # none yet
)py"));
  EXPECT_EQ(ran.output, "ENOSYS\nENOSYS\nENOSYS\nENOSYS\nENOSYS\n") << ran.error_output;
  struct stat after {};
  ASSERT_EQ(stat(mine.c_str(), &after), 0);
  EXPECT_EQ(after.st_mode & 0777, 0640u);
}

TEST_P(SandboxTest, NoPrivileges) {
  const Ran ran = Python("import os; print(os.getuid() != 0, os.geteuid() != 0, os.getgroups())");
  EXPECT_THAT(ran.output, testing::StartsWith("True True"));
  for (const char* call : {"unshare(0x10000000)", "mount(b'none', b'/tmp', b'tmpfs', 0, None)", "setns(0, 0)",
                           "chroot(b'.')", "syscall(425, 1, 0)", "syscall(321, 0, 0, 0)", "syscall(323, 0)",
                           "syscall(319, b'x', 0)", "shmget(0, 4096, 0o1600)", "syscall(435, 0, 0)"}) {
    ExpectRefused(absl::StrCat("import ctypes; c = ctypes.CDLL(None); r = c.", call,
                               "; assert True\n    if r == -1: raise OSError('", "no')"));
  }
}

TEST_P(SandboxTest, RunsDoNotSeeEachOther) {
  const Ran first = Python("open('secret', 'w').write('x')\nimport os; print(os.getcwd())");
  const Ran second = Python("import os; print(sorted(os.listdir('.')))\n");
  EXPECT_EQ(second.output, "['item.py']\n");
  // Its folder is gone from the machine, wherever it was.
  const std::string folder = first.output.substr(0, first.output.size() - 1);
  EXPECT_TRUE(folder == "/tmp" || !std::filesystem::exists(folder)) << folder;
  EXPECT_FALSE(std::filesystem::exists("/tmp/secret"));
}

// ---- limits ----

void ExpectLimit(const Ran& ran, const std::string& name) {
  EXPECT_EQ(ran.outcome.end, RunEnd::kLimit) << ran.output.substr(0, 500) << ran.error_output.substr(0, 2000);
  EXPECT_EQ(ran.outcome.limit, name);
  EXPECT_LT(ran.took, absl::Seconds(10));
}

TEST_P(SandboxTest, EndlessLoop) {
  ExpectLimit(Python("while True: pass", {.cpu = absl::Milliseconds(300)}), "cpu time of 0.3 s");
}

TEST_P(SandboxTest, EndlessLoopInManyProcesses) {
  const Ran ran = Python(
      "import os\nfor _ in range(4): os.fork() or exec('while True: pass')\nimport time; time.sleep(60)",
      {.cpu = absl::Milliseconds(500)});
  ExpectLimit(ran, "cpu time of 0.5 s");
}

TEST_P(SandboxTest, EndlessSleepWithoutHearing) {
  ExpectLimit(
      Python("import signal, time\nfor s in range(1, 32):\n    try: signal.signal(s, signal.SIG_IGN)\n"
             "    except OSError: pass\nwhile True: time.sleep(100)",
             {.wall = absl::Milliseconds(300)}),
      "wall time of 0.3 s");
}

TEST_P(SandboxTest, StarvingIsNoWallTime) {
  std::vector<pid_t> others;  // so many that the program gets a fifth of a processor at most
  for (unsigned n = 0; n < 5 * std::thread::hardware_concurrency(); ++n) {
    const pid_t other = fork();
    if (other == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      setsid();  // the kernel may share processors between sessions, not processes
      for (volatile bool on = true; on;) {
      }
    }
    others.push_back(other);
  }
  const Ran ran =
      Python("while True: pass", {.cpu = absl::Milliseconds(300), .wall = absl::Milliseconds(600)});
  for (const pid_t other : others) {
    kill(other, SIGKILL);
    waitpid(other, nullptr, 0);
  }
  ExpectLimit(ran, "cpu time of 0.3 s");
  EXPECT_EQ(ran.outcome.limit_kind, LimitKind::kCpu);
  EXPECT_GT(ran.outcome.wall, absl::Milliseconds(600));
  EXPECT_GT(ran.outcome.starved, absl::ZeroDuration());
}

TEST_P(SandboxTest, TheDeadlineStopsARunAndTellsHowLongItStarved) {
  const Ran ran = Python("import time; time.sleep(60)", {.deadline = absl::Milliseconds(200)});
  EXPECT_EQ(ran.outcome.end, RunEnd::kStopped);
  EXPECT_EQ(ran.outcome.limit_kind, LimitKind::kNone);
  EXPECT_GE(ran.outcome.wall, absl::Milliseconds(200));
  EXPECT_LE(ran.outcome.starved, ran.outcome.wall);
}

TEST_P(SandboxTest, AStepHasLimitsOfItsOwn) {
  SandboxRequest request = PythonRequest(
      "import sys, time\n"
      "def spin(s):\n  end = time.process_time() + s\n  while time.process_time() < end: pass\n"
      "spin(0.3)\nprint('a', flush=True)\nsys.stdin.readline()\nspin(0.3)\nprint('b', flush=True)\nspin(9)\n",
      {.step_cpu = absl::Milliseconds(500)});
  auto run = sandbox_->Start(request);
  ASSERT_TRUE(run.ok());
  RunPipes pipes(**run);
  RunPipes* const moved[] = {&pipes};
  while (pipes.open() && pipes.output() != "a\n") RunPipes::Move(moved, absl::Seconds(1));
  (*run)->BeginStep();
  pipes.Send("go on\n");
  while (pipes.open()) RunPipes::Move(moved, absl::Seconds(1));
  const auto outcome = (*run)->Wait();
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(pipes.output(), "a\nb\n");
  EXPECT_EQ(outcome->limit, "cpu time of 0.5 s");
  EXPECT_GT(outcome->cpu, absl::Milliseconds(700));  // 0.3 s of the first step, 0.5 s of the second
}

TEST_P(SandboxTest, EndlessOutput) {
  ExpectLimit(Python("while True: print('x' * 1000)", {.output_bytes = 1 << 20}), "output of 1 MiB");
  ExpectLimit(Python("import os\nwhile True: os.write(2, b'x' * 1000)", {.output_bytes = 1 << 10}),
              "output of 1 KiB");
}

TEST_P(SandboxTest, MemoryByAndBy) {
  ExpectLimit(Python("a = []\nwhile True: a.append(bytearray(1 << 20))", {.memory_bytes = 128 << 20}),
              "memory of 128 MiB");
}

TEST_P(SandboxTest, TenGigabytesAtOnce) {
  const Ran ran =
      Python("try: a = bytearray(10 << 30)\nexcept MemoryError: print('none')", {.memory_bytes = 128 << 20});
  EXPECT_EQ(ran.output, "none\n");
}

TEST_P(SandboxTest, MemoryOfAllProcessesTogether) {
  ExpectLimit(Python(R"py(
import os, time
for _ in range(8):
    if os.fork() == 0:
        a = bytearray(os.urandom(1) * (24 << 20))
        time.sleep(60)
time.sleep(60)
)py",
                     {.memory_bytes = 128 << 20}),
              "memory of 128 MiB");
}

TEST_P(SandboxTest, SharedMemoryCounts) {
  ExpectLimit(Python("import mmap, time\nm = mmap.mmap(-1, 1 << 30)\nfor i in range(0, 1 << 30, 4096): m[i] "
                     "= 1\ntime.sleep(60)",
                     {.memory_bytes = 128 << 20}),
              "memory of 128 MiB");
}

TEST_P(SandboxTest, ForkBombAndAGoodRunBesideIt) {
  auto bomb =
      sandbox_->Start(PythonRequest("import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"));
  ASSERT_TRUE(bomb.ok());
  const Ran good = Python("print('good')");
  EXPECT_EQ(good.output, "good\n");
  ExpectLimit(Finish(**bomb), "32 processes");
}

TEST_P(SandboxTest, ManyThreads) {
  ExpectLimit(Python("import threading, time\nfor _ in range(100):\n    try: "
                     "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
                     "    except RuntimeError: pass\ntime.sleep(60)"),
              "32 processes");
}

TEST_P(SandboxTest, AllOfTheProcessesThatAreAllowed) {
  const Ran ran = Python(
      "import os, time\nfor _ in range(15): os.fork() or (time.sleep(.05), os._exit(0))\n"
      "for _ in range(15): os.wait()\nprint('done')",
      {.processes = 16});
  EXPECT_EQ(ran.output, "done\n") << ran.outcome.limit << ran.error_output;
}

TEST_P(SandboxTest, ZombiesAndOrphansAreReaped) {
  // Orphans end at once and are the keeper's to reap: five hundred of them one after the other pass.
  const Ran ran = Python(
      "import os, time\nfor i in range(500):\n    p = os.fork()\n    if p == 0:\n        os.fork()\n        "
      "os._exit(0)\n"
      "    os.waitpid(p, 0)\n    if i % 8 == 0: time.sleep(.012)\nprint('done')",
      {.processes = 64});
  EXPECT_EQ(ran.output, "done\n") << ran.outcome.limit << ran.error_output;
  ExpectLimit(Python("import os, time\nwhile True:\n    try: os.fork() or os._exit(0)\n    except OSError: "
                     "time.sleep(.001)"),
              "32 processes");
}

TEST_P(SandboxTest, TooManyBytesOnDisk) {
  ExpectLimit(
      Python("import os, time\nfor i in range(40):\n    try: open(f'f{i}', 'wb').write(b'x' * (1 << 20))\n"
             "    except OSError: pass\ntime.sleep(60)"),
      "disk of 16 MiB");
}

TEST_P(SandboxTest, BytesOfDeletedFilesCount) {
  ExpectLimit(
      Python(
          "import os, time\nf = []\nfor i in range(40):\n    f.append(open('f', 'wb'))\n    os.unlink('f')\n"
          "    try: f[-1].write(b'x' * (1 << 20)); f[-1].flush()\n    except OSError: pass\ntime.sleep(60)"),
      "disk of 16 MiB");
}

// The keeper of the same user may not look into a process that executes what it may not read.
TEST_P(SandboxTest, AProgramThatHidesFromTheKeeperIsCounted) {
  const std::string hide = R"py(
import os, shutil, sys, time
shutil.copyfile('/usr/bin/python3', 'hidden')
f = os.open('hidden', os.O_RDONLY); os.fchmod(f, 0o111); os.close(f)
if os.fork(): time.sleep(60)
os.execv('./hidden', ['hidden', '-c', """
import time
a = bytearray(150 << 20)
for i in range(0, len(a), 4096): a[i] = 1
time.sleep(60)
"""])
)py";
  const Ran ran = Python(hide, {.memory_bytes = 128 << 20});
  EXPECT_EQ(ran.outcome.end, RunEnd::kLimit) << ran.error_output;
  EXPECT_THAT(ran.outcome.limit, testing::AnyOf("memory of 128 MiB", "disk of 16 MiB"));
}

TEST_P(SandboxTest, LimitsMayBeAsLargeAsTheyLike) {
  constexpr auto kAll = std::numeric_limits<int64_t>::max();
  constexpr auto kMany = std::numeric_limits<int32_t>::max();
  const Ran ran = Python("print(1)", {.cpu = absl::InfiniteDuration(),
                                      .wall = absl::InfiniteDuration(),
                                      .memory_bytes = kAll,
                                      .processes = kMany,
                                      .open_files = 1 << 20,
                                      .output_bytes = kAll,
                                      .disk_bytes = kAll,
                                      .disk_files = kMany});
  EXPECT_EQ(ran.output, "1\n") << ran.outcome.limit << ran.error_output;
}

TEST_P(SandboxTest, TooManyFiles) {
  ExpectLimit(Python("import time\nfor i in range(1000):\n    try: open(f'f{i}', 'w')\n    except OSError: "
                     "pass\ntime.sleep(60)"),
              "256 files");
}

TEST_P(SandboxTest, AFolderThatIsDeepAndClosedIsRemoved) {
  const Ran ran = Python(
      "import os\nprint(os.getcwd())\nfor i in range(200):\n    os.mkdir('d'); os.chdir('d')\n"
      "open('x', 'w'); os.chmod('.', 0o500)");
  const std::string folder = ran.output.substr(0, ran.output.find('\n'));
  EXPECT_TRUE(folder == "/tmp" || !std::filesystem::exists(folder)) << folder;
  EXPECT_EQ(ran.outcome.end, RunEnd::kExited) << ran.outcome.limit;
}

TEST_P(SandboxTest, OpenFiles) {
  const Ran ran =
      Python("f = []\ntry:\n    while True: f.append(open('/dev/null'))\nexcept OSError: print(len(f) < 64)");
  EXPECT_EQ(ran.output, "True\n");
}

TEST_P(SandboxTest, NoCoreIsLeft) {
  const Ran ran = Python("import os, signal\nos.kill(os.getpid(), signal.SIGABRT)");
  EXPECT_EQ(ran.outcome.end, RunEnd::kSignalled);
  EXPECT_EQ(ran.outcome.code, SIGABRT);
}

// ---- nothing is left ----

TEST_P(SandboxTest, DaemonsDieWithTheProgram) {
  const std::string marker = absl::StrCat("marker", getpid(), WayName(GetParam()));
  const Ran ran = Python(absl::StrCat(R"py(
import os, subprocess, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.setpgid(0, 0) if hasattr(os, 'setpgid') else None
        for n in range(3): os.close(n)
        os.execv('/bin/sh', ['sh', '-c', 'trap "" TERM HUP INT; while :; do sleep 1; done', ')py",
                                      marker, R"py('])
    os._exit(0)
time.sleep(.2)
print('leaving')
)py"));
  EXPECT_EQ(ran.output, "leaving\n") << ran.error_output;
  EXPECT_EQ(ProcessesWith(marker), 0);
}

TEST_P(SandboxTest, ClosingAllDescriptorsHidesNothing) {
  ExpectLimit(
      Python("import os, time\nos.closerange(0, 1000)\ntime.sleep(60)", {.wall = absl::Milliseconds(200)}),
      "wall time of 0.2 s");
}

TEST_P(SandboxTest, ManyRunsAtOnceLeaveNoDescriptor) {
  const auto descriptors = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                         std::filesystem::directory_iterator());
  };
  Python("pass");
  const auto before = descriptors();
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 8; ++thread) {
      threads.emplace_back([this, thread] {
        for (int i = 0; i < 8; ++i) {
          const int number = 100 * thread + i;
          EXPECT_EQ(Python(absl::StrCat("print(", number, ")")).output, absl::StrCat(number, "\n"));
        }
      });
    }
  }
  EXPECT_EQ(descriptors(), before);
}

TEST_P(SandboxTest, ARunThatIsDroppedEnds) {
  const std::string marker = absl::StrCat("dropped", getpid(), WayName(GetParam()));
  SandboxRequest request;
  request.argv = {"/bin/sh", "-c", "sleep 100", marker};
  ASSERT_TRUE(sandbox_->Start(request).ok());
  EXPECT_EQ(ProcessesWith(marker), 0);
}

// A megabyte goes in while the program is already writing.
TEST_P(SandboxTest, LargeFilesAndOutput) {
  SandboxRequest request =
      PythonRequest("import sys; sys.stdout.write(open('data').read())", {.output_bytes = 4 << 20});
  request.files.push_back({"data", std::string(3 << 20, 'x')});
  const Ran ran = RunRequest(*sandbox_, request);
  EXPECT_EQ(ran.output.size(), 3 << 20) << ran.outcome.limit;
  EXPECT_EQ(ran.outcome.end, RunEnd::kExited);
}

TEST_P(SandboxTest, KillEndsARun) {
  auto run = sandbox_->Start(PythonRequest("import time\nprint('begun', flush=True)\ntime.sleep(60)"));
  ASSERT_TRUE(run.ok());
  std::jthread killer([&] {
    absl::SleepFor(absl::Milliseconds(100));
    (*run)->Kill();
  });
  const Ran ran = Finish(**run);
  EXPECT_EQ(ran.outcome.end, RunEnd::kStopped);
  EXPECT_LT(ran.took, absl::Seconds(5));
}

TEST_P(SandboxTest, AForkServerThatDiesIsReplaced) {
  const auto children = [] {
    const std::string text = ReadFile(absl::StrCat("/proc/self/task/", gettid(), "/children"));
    return std::set<std::string>(absl::StrSplit(text, ' ', absl::SkipWhitespace()));
  };
  const std::set<std::string> before = children();
  const auto sandbox = CreateSandbox(Options());
  ASSERT_TRUE(sandbox.ok()) << sandbox.status();
  auto run = (*sandbox)->Start(PythonRequest("import time; time.sleep(60)"));
  ASSERT_TRUE(run.ok());
  int killed = 0;
  for (const std::string& child : children()) {
    if (before.contains(child) || kill(std::stoi(child), SIGKILL) != 0) continue;
    ++killed;
    // A run that is handed to one that is about to end would be lost: our failure, for the caller to retry.
    siginfo_t ended{};
    waitid(P_PID, static_cast<id_t>(std::stoi(child)), &ended, WEXITED | WNOWAIT);
  }
  EXPECT_EQ(killed, 2);
  (*run)->Kill();
  (*run)->Wait().IgnoreError();  // in either way there is an answer
  const Ran ran = RunRequest(**sandbox, PythonRequest("print('again')"));
  EXPECT_EQ(ran.output, "again\n");
}

// ---- which way is taken ----

// What an ordinary pod refuses: new namespaces and mounts, and clone3, whose flags a filter cannot see.
void RefuseNamespaces() {
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  for (const char* name : {"unshare", "mount", "setns", "pivot_root"}) {
    seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), seccomp_syscall_resolve_name(name), 0);
  }
  seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
  for (uint64_t flag : {CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNS, CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS}) {
    seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
                     SCMP_A0(SCMP_CMP_MASKED_EQ, flag, flag));
  }
  EXPECT_EQ(seccomp_load(filter), 0);
  seccomp_release(filter);
}

TEST(SandboxWayTest, BubblewrapIsTakenWhereItWorks) {
  if (!CreateSandbox({.way = SandboxWay::kBubblewrap}).ok()) GTEST_SKIP() << "this machine has no bubblewrap";
  const auto sandbox = CreateSandbox({});
  ASSERT_TRUE(sandbox.ok()) << sandbox.status();
  EXPECT_THAT((*sandbox)->layers()[0], testing::StartsWith("bubblewrap"));
}

TEST(SandboxWayTest, APodWithoutNamespacesTakesLandlock) {
  if (!CreateSandbox({.way = SandboxWay::kLandlock}).ok()) GTEST_SKIP() << "this kernel has no Landlock";
  std::jthread pod([] {  // a filter is a thread's, and its children's
    RefuseNamespaces();
    EXPECT_EQ(CreateSandbox({.way = SandboxWay::kBubblewrap}).status().code(),
              absl::StatusCode::kFailedPrecondition);
    SandboxOptions options;
    options.python_programs = {{"item", kRunItem}};
    const auto sandbox = CreateSandbox(options);
    ASSERT_TRUE(sandbox.ok()) << sandbox.status();
    EXPECT_THAT((*sandbox)->layers()[0], testing::StartsWith("landlock"));
    EXPECT_EQ(RunRequest(**sandbox, PythonRequest("print('in a pod')")).output, "in a pod\n");
  });
}

// Root becomes nobody in particular; a verifier in a pod is somebody to begin with.
TEST_P(SandboxTest, WorksForAnOrdinaryUser) {
  if (geteuid() != 0) GTEST_SKIP() << "every test of this run is one of an ordinary user";
  std::jthread user([] {  // the system call, unlike the library's, changes one thread
    ASSERT_EQ(syscall(SYS_setresgid, 1000, 1000, 1000), 0);
    ASSERT_EQ(syscall(SYS_setresuid, 1000, 1000, 1000), 0);
    const auto sandbox = CreateSandbox(Options());
    ASSERT_TRUE(sandbox.ok()) << sandbox.status();
    const Ran ran = RunRequest(**sandbox, PythonRequest("import os; print(os.getuid())"));
    EXPECT_EQ(ran.output, "1000\n") << ran.error_output;
    ExpectLimit(
        RunRequest(**sandbox,
                   PythonRequest("import os\nwhile True:\n    try: os.fork()\n    except OSError: pass")),
        "32 processes");
    // The verifier is of the same user, and cannot be reached.
    const Ran at_parent =
        RunRequest(**sandbox, PythonRequest(absl::StrCat("import os\ntry: os.kill(", gettid(),
                                                         ", 0); print('reached')\n"
                                                         "except OSError: print('refused')")));
    EXPECT_EQ(at_parent.output, "refused\n");
  });
}

TEST_P(SandboxTest, EverythingDiesWithTheVerifier) {
  const std::string marker = absl::StrCat("orphan", getpid(), WayName(GetParam()));
  const TemporaryFolder folder;
  ASSERT_EQ(chmod(folder.path().c_str(), 0777), 0);
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t verifier = fork();
  if (verifier == 0) {
    SandboxOptions options = Options();
    options.folder = folder.path();
    const auto sandbox = CreateSandbox(options);
    if (!sandbox.ok()) _exit(1);
    SandboxRequest request;
    request.argv = {"/bin/sh", "-c", "sleep 100 & echo; while :; do sleep 1; done", marker};
    const auto run = (*sandbox)->Start(request);
    pollfd begun{(*run)->output(), POLLIN, 0};
    poll(&begun, 1, 10'000);
    if (write(ready[1], "x", 1) != 1) _exit(1);
    for (;;) pause();
  }
  close(ready[1]);
  char byte = 0;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  close(ready[0]);
  EXPECT_GT(ProcessesWith(marker), 0);
  kill(verifier, SIGKILL);
  waitpid(verifier, nullptr, 0);
  const absl::Time patience = absl::Now() + absl::Seconds(5);
  while ((ProcessesWith(marker) > 0 || !std::filesystem::is_empty(folder.path())) && absl::Now() < patience) {
    absl::SleepFor(absl::Milliseconds(5));
  }
  EXPECT_EQ(ProcessesWith(marker), 0);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

// Kernels before 6.12 do not keep signals inside.
TEST(SystemCallFilterTest, SignalsStayInTheProcessWhereNothingElseHoldsThem) {
  confine::SystemCallFilter filter;
  ASSERT_EQ(filter.Build({.signals = false}), "");
  const pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (!filter.Install()) _exit(100);
    int wrong = 0;
    if (kill(getpid(), 0) != 0 || kill(0, 0) != 0) wrong |= 1;
    if (kill(getppid(), 0) == 0 || errno != EPERM) wrong |= 2;
    if (kill(-1, 0) == 0 || kill(-getppid(), 0) == 0) wrong |= 4;
    if (syscall(SYS_tgkill, getppid(), getppid(), 0) == 0 || syscall(SYS_tkill, getppid(), 0) == 0)
      wrong |= 8;
    if (fcntl(0, F_SETOWN, getppid()) == 0) wrong |= 16;
    _exit(wrong);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(SandboxWayTest, SaysWhatFailedInEachWay) {
  std::jthread pod([] {
    RefuseNamespaces();
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(landlock_create_ruleset), 0);
    EXPECT_EQ(seccomp_load(filter), 0);
    seccomp_release(filter);
    const absl::Status status = CreateSandbox({}).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(status.message()),
                testing::AllOf(HasSubstr("with bubblewrap: "), HasSubstr("amespace"),
                               HasSubstr("with landlock: "), HasSubstr("no Landlock")));
  });
}

INSTANTIATE_TEST_SUITE_P(Ways, SandboxTest, testing::Values(SandboxWay::kBubblewrap, SandboxWay::kLandlock),
                         [](const auto& way) { return WayName(way.param); });

}  // namespace
}  // namespace entrain
