#include "verifier/sandbox/confine/file_access.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif

namespace entrain::confine {
namespace {

// As the kernel has it from ABI 6 on; headers may be older. A kernel of an earlier ABI takes a prefix.
struct Ruleset {
  uint64_t files, network, scoped;
};
constexpr uint64_t kIoctlDevice = 1ULL << 15;
constexpr uint64_t kBindAndConnectTcp = 3;
constexpr uint64_t kAbstractSocketsAndSignals = 3;

constexpr uint64_t kReadFile = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_EXECUTE;
constexpr uint64_t kRead = kReadFile | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr uint64_t kNoDevices =
    LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SOCK;

uint64_t HandledFiles(int abi) {
  uint64_t all = (1ULL << 13) - 1;
  if (abi >= 2) all |= LANDLOCK_ACCESS_FS_REFER;
  if (abi >= 3) all |= LANDLOCK_ACCESS_FS_TRUNCATE;
  if (abi >= 5) all |= kIoctlDevice;
  return all;
}

bool AddRule(int ruleset, int place, uint64_t access) {
  landlock_path_beneath_attr rule{};
  rule.allowed_access = access;
  rule.parent_fd = place;
  return syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
}

}  // namespace

int FileAccess::Abi() {
  const long abi = syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  return abi < 0 ? 0 : static_cast<int>(abi);
}

void FileAccess::Allow(const std::vector<std::string>& readable) {
  const auto open_place = [this](const std::string& path, uint64_t access) {
    const int descriptor = open(path.c_str(), O_PATH | O_CLOEXEC);
    if (descriptor < 0) return;
    struct stat found {};
    fstat(descriptor, &found);
    places_.push_back({descriptor, S_ISDIR(found.st_mode) ? access : access & ~LANDLOCK_ACCESS_FS_READ_DIR});
  };
  for (const char* path : {"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache",
                           "/etc/alternatives", "/etc/localtime"}) {
    open_place(path, kRead);
  }
  for (const std::string& path : readable) open_place(path, kRead);
  for (const char* path : {"/dev/zero", "/dev/random", "/dev/urandom"}) {
    open_place(path, LANDLOCK_ACCESS_FS_READ_FILE);
  }
  for (const char* path : {"/dev/null", "/dev/full"}) {
    open_place(path, LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE);
  }
}

bool FileAccess::Restrict(int folder) const {
  const int abi = Abi();
  const uint64_t files = HandledFiles(abi);
  const Ruleset rules{files, kBindAndConnectTcp, kAbstractSocketsAndSignals};
  const size_t size = abi >= kAbiOfScopedSignals ? sizeof(rules) : abi >= 4 ? 16 : 8;
  const int ruleset = static_cast<int>(syscall(SYS_landlock_create_ruleset, &rules, size, 0));
  if (ruleset < 0) return false;
  bool ok = AddRule(ruleset, folder, files & ~kNoDevices & ~kIoctlDevice);
  for (const Place& place : places_) ok = ok && AddRule(ruleset, place.descriptor, place.access);
  ok = ok && syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
  close(ruleset);
  return ok;
}

}  // namespace entrain::confine
