#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace entrain::confine {

struct FolderUse {
  int64_t bytes = 0, files = 0;  // folders are files too
  bool hidden = false;           // a folder cannot be read: what is in it is not known
};

// All of these follow no symbolic link, and stand that a program changes the folder meanwhile.
// Stops counting soon after `most` files.
FolderUse MeasureFolder(int folder, int64_t most);
// Makes the folder empty, however deep it is and whatever its modes are. No program may use it any longer.
void EmptyFolder(int folder);
// False with errno when one cannot be written.
bool WriteFiles(int folder, const std::vector<std::pair<std::string, std::string>>& files);

}  // namespace entrain::confine
