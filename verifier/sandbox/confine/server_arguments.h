#pragma once

#include <string>
#include <vector>

#include "verifier/sandbox/confine/fork_server.h"

namespace entrain::confine {

// Descriptors that the sandbox gives to entrain-sandbox, by number.
enum HelperDescriptor {
  kListen = 3,
  kProgramFile = 4,     // entrain-sandbox itself
  kPythonLibrary = 5,   // entrain-sandbox-python.so
  kPythonPrograms = 6,  // JSON: {"imports": [name], "programs": {name: source}}
  kBaseFolder = 7,      // where working folders are made without namespaces
  kHelperDescriptorsEnd = 8
};

// "1" or "0" for namespaces, the base path, then readable folders.
std::vector<std::string> WriteServerArguments(const ForkServerOptions& options);
// `arguments` ends with a null pointer.
ForkServerOptions ReadServerArguments(char** arguments);

}  // namespace entrain::confine
