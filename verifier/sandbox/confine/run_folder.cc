#include "verifier/sandbox/confine/run_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

namespace entrain::confine {
namespace {

constexpr int kFolderFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

std::vector<std::string> Names(int folder) {
  std::vector<std::string> names;
  const int copy = openat(folder, ".", kFolderFlags);
  DIR* entries = copy < 0 ? nullptr : fdopendir(copy);
  if (entries == nullptr) return names;
  while (const dirent* entry = readdir(entries)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  closedir(entries);
  return names;
}

// NOLINTNEXTLINE(misc-no-recursion): no deeper than `most` files
void Measure(int folder, int64_t most, FolderUse& use) {
  DIR* entries = fdopendir(folder);
  if (entries == nullptr) {
    close(folder);
    use.hidden = true;
    return;
  }
  while (const dirent* entry = readdir(entries)) {
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (++use.files > most) break;
    struct stat found {};
    if (fstatat(dirfd(entries), name.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0) continue;
    use.bytes += int64_t{found.st_blocks} * 512;
    if (!S_ISDIR(found.st_mode)) continue;
    const int inner = openat(dirfd(entries), name.c_str(), kFolderFlags);
    if (inner >= 0) {
      Measure(inner, most, use);
    } else if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP) {
      use.hidden = true;
    }
  }
  closedir(entries);
}

}  // namespace

FolderUse MeasureFolder(int folder, int64_t most) {
  FolderUse use;
  const int copy = openat(folder, ".", kFolderFlags);
  if (copy < 0) {
    use.hidden = true;
  } else {
    Measure(copy, most, use);
  }
  return use;
}

// Folders inside a folder are moved up before it is removed, so no path and no stack grows with the depth.
void EmptyFolder(int folder) {
  fchmod(folder, 0700);
  int64_t moved = 0;
  // Ends also where something cannot be removed: then a round removes nothing.
  for (bool progress = true; progress;) {
    progress = false;
    for (const std::string& name : Names(folder)) {
      if (unlinkat(folder, name.c_str(), 0) == 0) {
        progress = true;
        continue;
      }
      fchmodat(folder, name.c_str(), 0700, 0);  // a folder: whatever else it was would be gone
      const int inner = openat(folder, name.c_str(), kFolderFlags);
      if (inner < 0) continue;
      for (const std::string& inner_name : Names(inner)) {
        if (unlinkat(inner, inner_name.c_str(), 0) == 0) continue;
        fchmodat(inner, inner_name.c_str(), 0700, 0);  // moving a folder writes its ".."
        const auto move_up = [&] {
          const std::string up = ".moved-" + std::to_string(moved++);
          return renameat(inner, inner_name.c_str(), folder, up.c_str()) == 0;
        };
        while (!move_up() && (errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR)) continue;  // taken
      }
      close(inner);
      if (unlinkat(folder, name.c_str(), AT_REMOVEDIR) == 0) progress = true;
    }
  }
}

bool WriteFiles(int folder, const std::vector<std::pair<std::string, std::string>>& files) {
  for (const auto& [name, content] : files) {
    const int file = openat(folder, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0) return false;
    size_t done = 0;
    while (done < content.size()) {
      const ssize_t wrote = write(file, content.data() + done, content.size() - done);
      if (wrote <= 0) {
        close(file);
        return false;
      }
      done += static_cast<size_t>(wrote);
    }
    close(file);
  }
  return true;
}

}  // namespace entrain::confine
