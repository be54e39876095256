#include "verifier/sandbox/confine/system_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <iterator>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

namespace entrain::confine {
namespace {

// Refused whatever the arguments are. libseccomp leaves out those that the machine's processor does not have.
const char* const kRefused[] = {
    // network and what stands in for it
    "socket", "connect", "bind", "listen", "accept", "accept4", "io_uring_setup", "io_uring_enter",
    "io_uring_register",
    // other processes
    "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "process_mrelease", "pidfd_getfd",
    "pidfd_send_signal", "kcmp", "setpriority", "ioprio_set", "migrate_pages", "move_pages",
    // namespaces and mounts
    "unshare", "setns", "mount", "umount", "umount2", "pivot_root", "chroot", "open_tree", "move_mount",
    "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr", "open_by_handle_at", "name_to_handle_at",
    // keys, and parts of the kernel that have been broken into often
    "keyctl", "add_key", "request_key", "bpf", "perf_event_open", "userfaultfd", "fanotify_init",
    "inotify_init", "inotify_init1", "lookup_dcookie", "modify_ldt", "personality", "vmsplice",
    // memory that no limit counts
    "memfd_create", "memfd_secret", "shmget", "shmat", "shmctl", "shmdt", "msgget", "msgsnd", "msgrcv",
    "msgctl", "semget", "semop", "semtimedop", "semctl", "mq_open", "mq_unlink",
    // the machine
    "sync", "syncfs", "reboot", "swapon", "swapoff", "settimeofday", "clock_settime", "clock_adjtime",
    "adjtimex", "sethostname", "setdomainname", "acct", "quotactl", "quotactl_fd", "syslog", "iopl", "ioperm",
    "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "vhangup"};

// Take a process; 0 is oneself.
const char* const kOnlyOneself[] = {"prlimit64",      "sched_setaffinity", "sched_setscheduler",
                                    "sched_setparam", "sched_setattr",     "rt_sigqueueinfo"};

// Reach a file by its name, past Landlock.
const char* const kRefusedByName[] = {"chown",     "lchown",      "fchownat",     "setxattr",
                                      "lsetxattr", "removexattr", "lremovexattr", "truncate"};
// The same, but used by well-meaning programs (shutil.copy): these do nothing.
const char* const kIgnoredByName[] = {"chmod", "fchmodat", "utime", "utimes", "futimesat"};

// The first of the calls that do not exist for a run (futex_waitv, Linux 5.16; the numbers are those of every
// architecture). libseccomp knows names up to its own release, and the kernel may be newer; what came since,
// such as fchmodat2 and setxattrat, no C library needs.
constexpr uint32_t kFirstUnknownCall = 449;

constexpr uint64_t kNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
                                 CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWTIME;

// Zero when libseccomp took the rule, or knows no such system call.
int Refuse(scmp_filter_ctx filter, uint32_t action, const char* name,
           std::vector<scmp_arg_cmp> conditions = {}) {
  const int number = seccomp_syscall_resolve_name(name);
  if (number == __NR_SCMP_ERROR) return 0;
  return seccomp_rule_add_array(filter, action, number, conditions.size(), conditions.data());
}

int AddRules(scmp_filter_ctx filter, const OtherLayers& others) {
  const uint32_t no = SCMP_ACT_ERRNO(EPERM);
  int rc = 0;
  for (const char* name : kRefused) rc |= Refuse(filter, no, name);
  for (const char* name : kOnlyOneself) rc |= Refuse(filter, no, name, {SCMP_A0(SCMP_CMP_NE, 0)});
  if (!others.metadata) {
    for (const char* name : kRefusedByName) rc |= Refuse(filter, no, name);
    for (const char* name : kIgnoredByName) rc |= Refuse(filter, SCMP_ACT_ERRNO(0), name);
    rc |= Refuse(filter, SCMP_ACT_ERRNO(0), "utimensat", {SCMP_A1(SCMP_CMP_NE, 0)});
  }
  // Signals by way of a file's owner.
  for (uint64_t command : {F_SETOWN, F_SETOWN_EX, F_SETSIG}) {
    rc |= Refuse(filter, no, "fcntl", {SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffffu, command)});
  }
  // A run stays one process group, so that one signal ends it all. Programs that ask for a group or session
  // of their own go on without.
  rc |= Refuse(filter, SCMP_ACT_ERRNO(0), "setsid");
  rc |= Refuse(filter, SCMP_ACT_ERRNO(0), "setpgid");
  // clone3 hides its flags from a filter; C libraries fall back to clone.
  rc |= Refuse(filter, SCMP_ACT_ERRNO(ENOSYS), "clone3");
  for (uint64_t bit = 1; bit <= kNamespaces; bit <<= 1) {
    if (kNamespaces & bit) rc |= Refuse(filter, no, "clone", {SCMP_A0(SCMP_CMP_MASKED_EQ, bit, bit)});
  }
  // Pairs of connected stream sockets (asyncio needs one) reach nobody outside; a datagram socket could be
  // sent to any path.
  rc |= Refuse(filter, no, "socketpair", {SCMP_A0(SCMP_CMP_NE, AF_UNIX)});
  for (uint64_t type : {SOCK_DGRAM, SOCK_RAW, SOCK_RDM, SOCK_SEQPACKET, SOCK_DCCP, SOCK_PACKET}) {
    rc |= Refuse(filter, no, "socketpair", {SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, type)});
  }
  // The keeper looks into the descriptors of a process that is dumpable, for deleted files.
  rc |= Refuse(filter, no, "prctl", {SCMP_A0(SCMP_CMP_EQ, PR_SET_DUMPABLE)});
  for (uint64_t request :
       {uint64_t{TIOCSTI}, uint64_t{0x541C} /* TIOCLINUX */, uint64_t{FIOSETOWN}, uint64_t{SIOCSPGRP}}) {
    rc |= Refuse(filter, no, "ioctl", {SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffffu, request)});
  }
  return rc;
}

bool InstallProgram(sock_filter* instructions, size_t count) {
  const sock_fprog program{static_cast<unsigned short>(count), instructions};
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

bool InstallNewCallFilter() {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(offsetof(seccomp_data, nr))),
      BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, kFirstUnknownCall, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  return InstallProgram(program, std::size(program));
}

// Only pid 0 (the group) and the first process itself may be signalled.
bool InstallSignalFilter() {
  const auto pid = static_cast<uint32_t>(getpid());
  const auto argument = static_cast<uint32_t>(offsetof(seccomp_data, args));
  const auto number = static_cast<uint32_t>(offsetof(seccomp_data, nr));
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, number),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_kill, 4, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_tgkill, 3, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_tgsigqueueinfo, 2, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_tkill, 4, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, argument),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 2, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, pid, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  return InstallProgram(program, std::size(program));
}

}  // namespace

std::string SystemCallFilter::Build(const OtherLayers& others) {
  others_ = others;
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  if (filter == nullptr) return "seccomp: no filter can be made";
  std::string failure;
  // A balanced tree: a run makes many calls, and the list is long.
  seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
  const int file = memfd_create("filter", MFD_CLOEXEC);
  if (AddRules(filter, others) != 0) {
    failure = "seccomp: a rule cannot be added";
  } else if (file < 0 || seccomp_export_bpf(filter, file) != 0) {
    failure = "seccomp: the filter cannot be compiled";
  } else {
    struct stat size {};
    fstat(file, &size);
    program_.resize(static_cast<size_t>(size.st_size) / sizeof(sock_filter));
    const auto bytes = static_cast<ssize_t>(program_.size() * sizeof(sock_filter));
    if (pread(file, program_.data(), static_cast<size_t>(bytes), 0) != bytes) failure = "seccomp: short read";
  }
  if (file >= 0) close(file);
  seccomp_release(filter);
  return failure;
}

bool SystemCallFilter::Install() const {
  if (!InstallNewCallFilter() || (!others_.signals && !InstallSignalFilter())) return false;
  return InstallProgram(const_cast<sock_filter*>(program_.data()), program_.size());
}

}  // namespace entrain::confine
