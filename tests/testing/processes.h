#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace entrain {

// Other processes, zombies too, whose command line, environment or name holds `marker`; all of them only when
// this user may see them.
inline int ProcessesWith(const std::string& marker) {
  int count = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    if (entry.path().filename() == std::to_string(getpid())) continue;
    for (const char* name : {"cmdline", "environ", "comm"}) {
      // A process may end while it is read: the stream then goes bad, where a bare stream buffer would throw.
      std::ifstream file(entry.path() / name);
      std::ostringstream text;
      text << file.rdbuf();
      if (text.str().find(marker) == std::string::npos) continue;
      ++count;
      break;
    }
  }
  return count;
}

}  // namespace entrain
