#include "verifier/sandbox/confine/server_arguments.h"

#include <string.h>

namespace entrain::confine {

std::vector<std::string> WriteServerArguments(const ForkServerOptions& options) {
  std::vector<std::string> arguments = {options.namespaces ? "1" : "0", options.base_path};
  arguments.insert(arguments.end(), options.readable.begin(), options.readable.end());
  return arguments;
}

ForkServerOptions ReadServerArguments(char** arguments) {
  ForkServerOptions options;
  options.listen = kListen;
  options.base_folder = kBaseFolder;
  if (arguments[0] == nullptr || arguments[1] == nullptr) return options;
  options.namespaces = strcmp(arguments[0], "1") == 0;
  options.base_path = arguments[1];
  for (char** path = arguments + 2; *path != nullptr; ++path) options.readable.emplace_back(*path);
  return options;
}

}  // namespace entrain::confine
