#include "verifier/sandbox/confine/process_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>

namespace entrain::confine {
namespace {

// "" when it cannot be read: the process has ended.
std::string ReadAll(int proc, const std::string& path) {
  const int file = openat(proc, path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return "";
  std::string text;
  char buffer[4096];
  ssize_t got = 0;
  while ((got = read(file, buffer, sizeof(buffer))) > 0) text.append(buffer, static_cast<size_t>(got));
  close(file);
  return text;
}

// Calls `visit` with the name of every entry that begins with a digit. False when the folder cannot be
// opened.
template <typename Visit>
bool EachNumber(int proc, const std::string& path, Visit visit) {
  const int folder = openat(proc, path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* entries = folder < 0 ? nullptr : fdopendir(folder);
  if (entries == nullptr) return false;
  while (const dirent* entry = readdir(entries)) {
    if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9') visit(std::string(entry->d_name));
  }
  closedir(entries);
  return true;
}

struct Stat {
  int64_t cpu_ticks = 0, threads = 0, resident_pages = 0;
  bool has_memory = false;  // none is left of one that has begun to end
};

// proc_pid_stat(5): utime, stime, cutime, cstime are fields 14 to 17, num_threads 20, vsize 23, rss 24. The
// name, field 2, may hold anything; it ends at the last ')'.
bool ReadStat(int proc, int process, Stat& stat) {
  const std::string text = ReadAll(proc, std::to_string(process) + "/stat");
  const size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return false;
  long long utime = 0, stime = 0, cutime = 0, cstime = 0, threads = 0, resident = 0;
  unsigned long long addresses = 0;
  if (sscanf(
          text.c_str() + name_end + 1,
          " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lld %lld %lld %lld %*d %*d %lld %*d %*u %llu %lld",
          &utime, &stime, &cutime, &cstime, &threads, &addresses, &resident) != 7) {
    return false;
  }
  stat = {utime + stime + cutime + cstime, threads, resident, addresses > 0};
  return true;
}

}  // namespace

ProcessTree::ProcessTree(int proc) : proc_(proc) {
  char self[32] = {};
  if (readlinkat(proc, "self", self, sizeof(self) - 1) > 0) self_ = atoi(self);
}

void ProcessTree::AppendChildren(int process, int64_t threads) {
  const auto append = [this](const std::string& children) {
    const char* at = children.c_str();
    char* end = nullptr;
    for (long child = strtol(at, &end, 10); end != at; child = strtol(at, &end, 10)) {
      processes_.push_back({.id = static_cast<int>(child)});
      at = end;
    }
  };
  const std::string tasks = std::to_string(process) + "/task";
  if (threads <= 1) {
    append(ReadAll(proc_, tasks + "/" + std::to_string(process) + "/children"));
  } else {
    EachNumber(proc_, tasks, [&](const std::string& thread) {
      append(ReadAll(proc_, tasks + "/" + thread + "/children"));
    });
  }
}

void ProcessTree::Look(int64_t most) {
  static const int64_t tick_ns = 1'000'000'000 / sysconf(_SC_CLK_TCK);
  static const int64_t page = sysconf(_SC_PAGESIZE);
  processes_.clear();
  use_ = {};
  AppendChildren(self_, 1);
  for (size_t i = 0; i < processes_.size() && static_cast<int64_t>(i) < most; ++i) {
    Stat stat;
    const int process = processes_[i].id;
    if (!ReadStat(proc_, process, stat)) continue;
    use_.tasks += stat.threads;
    processes_[i].threads = stat.threads;
    processes_[i].resident_bytes = stat.resident_pages * page;
    use_.resident_bytes += stat.resident_pages * page;
    use_.cpu_ns += stat.cpu_ticks * tick_ns;
    AppendChildren(process, stat.threads);
  }
}

void ProcessTree::Signal(int signal) const {
  for (const Process& process : processes_) kill(process.id, signal);
}

int64_t ProcessTree::StarvedNs(int64_t cpu_ns) const {
  int64_t starved = 0;
  // schedstat of a thread: nanoseconds on a processor, nanoseconds of waiting for one.
  const auto look = [&](const std::string& path) {
    long long ran = 0, waited = 0;
    if (sscanf(ReadAll(proc_, path).c_str(), "%lld %lld", &ran, &waited) != 2) return;
    starved = std::max(starved, int64_t{waited} - std::max<int64_t>(cpu_ns - ran, 0));
  };
  for (const Process& process : processes_) {
    const std::string folder = std::to_string(process.id);
    if (process.threads <= 1) {
      look(folder + "/schedstat");
    } else {
      EachNumber(proc_, folder + "/task", [&](const std::string& thread) {
        std::string path = folder;
        path.append("/task/").append(thread).append("/schedstat");
        look(path);
      });
    }
  }
  return starved;
}

int64_t ProcessTree::ProportionalBytes() const {
  int64_t bytes = 0;
  for (const Process& process : processes_) {
    const std::string text = ReadAll(proc_, std::to_string(process.id) + "/smaps_rollup");
    const size_t at = text.find("\nPss:");
    bytes += at == std::string::npos ? process.resident_bytes
                                     : int64_t{strtoll(text.c_str() + at + 5, nullptr, 10)} * 1024;
  }
  return bytes;
}

int64_t ProcessTree::DeletedFileBytes(bool& hidden) const {
  std::set<std::pair<dev_t, ino_t>> seen;
  int64_t bytes = 0;
  for (const Process& process : processes_) {
    const std::string folder = std::to_string(process.id) + "/fd";
    const bool opened = EachNumber(proc_, folder, [&](const std::string& name) {
      std::string path = folder;
      path.append("/").append(name);
      struct stat found {};
      if (fstatat(proc_, path.c_str(), &found, 0) != 0) return;
      if (!S_ISREG(found.st_mode) || found.st_nlink != 0) return;
      if (seen.emplace(found.st_dev, found.st_ino).second) bytes += int64_t{found.st_blocks} * 512;
    });
    Stat stat;
    if (!opened && errno == EACCES && ReadStat(proc_, process.id, stat) && stat.has_memory) hidden = true;
  }
  return bytes;
}

}  // namespace entrain::confine
